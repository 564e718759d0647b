/* SPDX-License-Identifier: MIT
 *
 * The smallest storage that is useful: the whole data file is the value of the key `content`.
 * The key `fault` always fails, to show what a client sees of a broken disk.
 *
 *   cc -std=c11 -O2 -shared -fPIC -fvisibility=hidden -I include \
 *      -o storage-constant.so examples/storage-constant/storage_constant.c
 */
#define _GNU_SOURCE /* for strerror() and the POSIX calls */
#include <errno.h>
#include <fcntl.h>
#include <goromdb/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static goromdb_status fail(goromdb_error* error, goromdb_status code, const char* path,
                           const char* why) {
  error->code = code;
  snprintf(error->msg, sizeof error->msg, "%s: %s", path, why);
  return code;
}

/* ---- the store: one per database that names this plugin; here it has nothing to remember */

struct goromdb_store {
  const goromdb_host* host;
};

static goromdb_status create(const goromdb_host* host, const goromdb_option_value* options,
                             uint32_t n, goromdb_store** out, goromdb_error* error) {
  (void)options, (void)n;
  goromdb_store* store = malloc(sizeof *store);
  if (store == NULL) return fail(error, GOROMDB_E_NO_MEMORY, "storage constant", "out of memory");
  store->host = host;
  *out = store;
  return GOROMDB_OK;
}

static void destroy(goromdb_store* store) { free(store); }

/* ---- the generation: one data file, opened once, never changed */

struct goromdb_generation {
  size_t len;
  char bytes[];
};

static goromdb_status read_whole(int fd, size_t len, const char* path, goromdb_generation** out,
                                 goromdb_error* error) {
  if (len > UINT32_MAX) return fail(error, GOROMDB_E_TOO_BIG, path, "a value ends at 4 GiB");
  goromdb_generation* generation = malloc(sizeof *generation + len);
  if (generation == NULL) return fail(error, GOROMDB_E_NO_MEMORY, path, "out of memory");
  for (generation->len = 0; generation->len < len;) {
    ssize_t n = read(fd, generation->bytes + generation->len, len - generation->len);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      free(generation);
      return fail(error, GOROMDB_E_IO, path, n < 0 ? strerror(errno) : "the file became shorter");
    }
    generation->len += (size_t)n;
  }
  *out = generation;
  return GOROMDB_OK;
}

static goromdb_status open_file(goromdb_store* store, const char* path, uint64_t generation_id,
                                goromdb_generation** out, goromdb_error* error) {
  (void)store, (void)generation_id;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(error, GOROMDB_E_IO, path, strerror(errno));
  struct stat st;
  goromdb_status status = fstat(fd, &st) == 0 ? read_whole(fd, (size_t)st.st_size, path, out, error)
                                              : fail(error, GOROMDB_E_IO, path, strerror(errno));
  close(fd);
  return status;
}

static void close_file(goromdb_generation* generation) { free(generation); }

static goromdb_status info(goromdb_generation* generation, goromdb_generation_info* out) {
  const goromdb_generation_info all = {
      .struct_size = out->struct_size,
      .caps = GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION,
      .entries = 1,
      .bytes = generation->len,
      .resident_bytes = generation->len,
  };
  /* An older server's struct may be shorter: no more is written than it has. */
  memcpy(out, &all, out->struct_size < sizeof all ? out->struct_size : sizeof all);
  return GOROMDB_OK;
}

/* ---- the reader: one per event loop; nothing is private to a loop here */

static goromdb_status reader_open(goromdb_generation* generation, uint32_t loop,
                                  goromdb_reader** out, goromdb_error* error) {
  (void)loop, (void)error;
  *out = (goromdb_reader*)generation;
  return GOROMDB_OK;
}

static void reader_close(goromdb_reader* reader) { (void)reader; }

static int is(const goromdb_key* key, const char* word) {
  return key->ns == 0 && key->len == strlen(word) && memcmp(key->ptr, word, key->len) == 0;
}

static void get(goromdb_reader* reader, uint32_t flags, const goromdb_key* keys, uint32_t n,
                goromdb_value* out, goromdb_arena* arena) {
  (void)flags, (void)arena;
  const goromdb_generation* generation = (const goromdb_generation*)reader;
  for (uint32_t i = 0; i < n; ++i) {
    out[i] = (goromdb_value){.status = GOROMDB_NOT_FOUND};
    if (is(&keys[i], "fault")) out[i].status = GOROMDB_E_IO;
    if (is(&keys[i], "content")) {
      out[i].ptr = generation->bytes;
      out[i].len = (uint32_t)generation->len;
      out[i].status = GOROMDB_OK;
    }
  }
}

/* ---- what the server sees of all this */

static const goromdb_storage_ops ops = {
    .struct_size = sizeof ops,
    .traits = GOROMDB_TRAIT_BOUNDS_CHECKED, /* no file can harm it: none is tried elsewhere first */
    .create = create,
    .destroy = destroy,
    .open = open_file,
    .close = close_file,
    .info = info,
    .reader_open = reader_open,
    .reader_close = reader_close,
    .get = get,
};

static const goromdb_plugin plugin = {
    .magic = GOROMDB_MAGIC,
    .abi_major = GOROMDB_ABI_MAJOR,
    .abi_minor = GOROMDB_ABI_MINOR,
    .struct_size = sizeof plugin,
    .min_host_minor = 1, /* the oldest server that has what is used above */
    .kind = GOROMDB_KIND_STORAGE,
    .name = "constant",
    .version = "1.0.0",
    .license = "MIT",
    .doc = "serves the whole data file under the key `content`",
    .storage = &ops,
};

GOROMDB_EXPORT const goromdb_plugin* goromdb_plugin_v0(void) { return &plugin; }

/* SPDX-License-Identifier: MIT
 *
 * A storage that misbehaves as a test wishes. Macros bend the descriptor, for test_plugins.py to
 * see it refused: MAGIC, MAJOR, MIN_HOST, MUST, KIND, NO_GET, NO_ENTRY, NO_DESCRIPTOR, NO_NAME,
 * NO_OPS, SHORT, TRAITS and CURSOR; NEVER_BEGINS is for test_guard.py. Left alone it is the storage
 * "odd": the data file's first line says which operation fails, or how the process dies, the rest
 * is served under the key `content`, and under `arena` as memory of the batch. To look for the key
 * `slow` takes 10 ms.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <goromdb/plugin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MAGIC
#define MAGIC GOROMDB_MAGIC
#endif
#ifndef MAJOR
#define MAJOR GOROMDB_ABI_MAJOR
#endif
#ifndef MIN_HOST
#define MIN_HOST 1
#endif
#ifndef MUST
#define MUST 0
#endif
#ifndef TRAITS
#define TRAITS 0
#endif
#ifndef KIND
#define KIND GOROMDB_KIND_STORAGE
#endif

struct goromdb_store {
  const goromdb_host* host;
  char network[64]; /* when it was made */
};
struct goromdb_generation {
  const goromdb_host* host;
  char mood[32];
  size_t len;
  char* content;
};
struct goromdb_reader {
  goromdb_generation* generation;
};

static goromdb_status fails(const char* what, goromdb_error* error) {
  error->code = GOROMDB_E_CORRUPT;
  snprintf(error->msg, sizeof error->msg, "%s fails, as the file wishes", what);
  return GOROMDB_E_CORRUPT;
}

/* Of this process: the name of its network. */
static void name_network(char* name, size_t size) {
  ssize_t len = readlink("/proc/self/ns/net", name, size - 1);
  name[len < 0 ? 0 : len] = 0;
}

static goromdb_status create(const goromdb_host* host, const goromdb_option_value* options,
                             uint32_t n, goromdb_store** out, goromdb_error* error) {
  if (n == 1 && options[0].num != 0) return fails("create", error);
#ifdef NEVER_BEGINS
  if ((host->hints & GOROMDB_HINT_ONLY_VERIFIES) != 0) pause();
#endif
  *out = calloc(1, sizeof **out);
  (*out)->host = host;
  name_network((*out)->network, sizeof((*out)->network));
  return GOROMDB_OK;
}

static void destroy(goromdb_store* store) { free(store); }

static void misbehave(const char* mood) {
  if (strcmp(mood, "abort") == 0) abort();
  if (strcmp(mood, "segv") == 0) {
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would make an exit status of it */
    raise(SIGSEGV);
  }
  if (strcmp(mood, "kill") == 0) raise(SIGKILL);
  if (strcmp(mood, "exit") == 0) _exit(3);
  if (strcmp(mood, "chatter") == 0) {
    for (int i = 0; i < 1000; ++i) printf("guard: nonsense %d\nand more", i);
    fflush(stdout);
    fprintf(stderr, "on standard error");
  }
  while (strcmp(mood, "flood") == 0) puts("a line, and another one");
}

/* What reading a file does not take. Where it is let it goes on as if all were well. */
static void break_out(const char* mood, const char* path) {
  if (strcmp(mood, "socket") == 0) socket(AF_INET, SOCK_DGRAM, 0);
  if (strcmp(mood, "exec") == 0 && access("/bin/true", X_OK) == 0) execl("/bin/true", "true", NULL);
  if (strcmp(mood, "fork") == 0 && fork() == 0) _exit(0);
  if (strcmp(mood, "killer") == 0) kill(getppid(), SIGTERM);
  if (strcmp(mood, "ptrace") == 0) ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
  if (strcmp(mood, "chmod") == 0) chmod(path, 0777);
  if (strcmp(mood, "truncate") == 0 && truncate(path, 0) != 0) return;
}

static int can_open(const char* path, int flags) {
  int fd = open(path, flags, 0600);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/* Whether something beside the file was within reach. */
static int reaches_out(const char* mood, const char* path) {
  char beside[4096];
  snprintf(beside, sizeof beside, "%s.beside", path);
  if (strcmp(mood, "write") == 0) {
    return can_open(path, O_WRONLY) || can_open(beside, O_WRONLY | O_CREAT) ||
           can_open("/tmp/goromdb-odd", O_WRONLY | O_CREAT) || unlink(path) == 0 ||
           rename(path, beside) == 0 || mkdir(beside, 0700) == 0;
  }
  if (strcmp(mood, "peek") == 0) {
    snprintf(beside, sizeof beside, "/proc/%d/mem", (int)getppid());
    return can_open("/etc/passwd", O_RDONLY) || can_open(beside, O_RDWR) ||
           can_open(strcat(strcpy(beside, path), ".note"), O_RDONLY);
  }
  return 1;
}

/* Temporary files. */
static int has_scratch(const char* mood) {
  char path[4096];
  const char* folder = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/notes", folder == NULL ? "/nowhere" : folder);
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (fd < 0) return 0;
  int done = pwrite(fd, "note", 4, strcmp(mood, "hole") == 0 ? (off_t)8 << 30 : 0) == 4;
  close(fd);
  return (strcmp(mood, "notes") != 0 || unlink(path) == 0) && done;
}

/* All the memory there is, up to 4 GiB, in pieces. */
static void* take_memory(const goromdb_host* host, int pieces) {
  enum { kPiece = 1 << 20 };
  char** last = NULL;
  for (int i = 0; i < 4096 / pieces; ++i) {
    char** piece = malloc((size_t)kPiece * (size_t)pieces);
    if (piece == NULL) return NULL;
    memset(piece, 1, kPiece);
    *piece = (char*)last;
    last = piece;
    host->progress(host->ctx, (uint64_t)i, 0);
  }
  return last;
}

/* A machine that has no memory left once the file is mapped. */
static goromdb_status is_short(goromdb_error* error) {
  error->code = GOROMDB_E_NO_MEMORY;
  snprintf(error->msg, sizeof error->msg, "memory is short");
  return GOROMDB_E_NO_MEMORY;
}

static goromdb_status maps(const char* path, goromdb_error* error) {
  int fd = open(path, O_RDONLY);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0) return fails("looking at the file", error);
  void* map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (map == MAP_FAILED) return fails("mapping the file", error);
  munmap(map, (size_t)st.st_size);
  return is_short(error);
}

/* Says that it gets on, for ever. */
static void get_on(const goromdb_generation* generation) {
  const goromdb_host* host = generation->host;
  int burns = strcmp(generation->mood, "burn") == 0;
  if (!burns && strcmp(generation->mood, "endless") != 0) return;
  for (uint64_t i = 1; host->progress(host->ctx, i, 0) == 0; ++i) {
    if (!burns) usleep(20000);
  }
}

/* Until nobody waits for it any more. */
static void hang(const goromdb_generation* generation) {
  const goromdb_host* host = generation->host;
  int signs = strcmp(generation->mood, "slow") == 0;
  if (!signs && strcmp(generation->mood, "hang") != 0) return;
  for (uint64_t i = 0; i < (signs ? 40 : 100000); ++i) {
    usleep(100000);
    if (signs && host->progress(host->ctx, i, 40) != 0) return;
  }
}

static void close_file(goromdb_generation* generation) {
  free(generation->content);
  free(generation);
}

static goromdb_status open_file(goromdb_store* store, const char* path, uint64_t id,
                                goromdb_generation** out, goromdb_error* error) {
  (void)id;
  FILE* file = fopen(path, "re");
  if (file == NULL) return fails("fopen", error);
  goromdb_generation* generation = calloc(1, sizeof *generation);
  generation->host = store->host;
  if (fgets(generation->mood, sizeof generation->mood, file) != NULL) {
    generation->mood[strcspn(generation->mood, "\n")] = 0;
  }
  if (strcmp(generation->mood, "mapped") == 0) {
    fclose(file);
    close_file(generation);
    return maps(path, error);
  }
  long start = ftell(file);
  fseek(file, 0, SEEK_END);
  long len = ftell(file) - start;
  generation->content = malloc((size_t)len + 1);
  fseek(file, start, SEEK_SET);
  generation->len = fread(generation->content, 1, (size_t)len, file);
  fclose(file);
  misbehave(generation->mood);
  break_out(generation->mood, path);
  const char* mood = generation->mood;
  if (strcmp(mood, "to verify") == 0 && (store->host->hints & GOROMDB_HINT_ONLY_VERIFIES) != 0) {
    close_file(generation);
    return fails("only to verify", error);
  }
  if ((strcmp(mood, "write") == 0 || strcmp(mood, "peek") == 0) && !reaches_out(mood, path)) {
    close_file(generation);
    return fails("reaching out", error);
  }
  if (strcmp(mood, "network") == 0 && (store->host->hints & GOROMDB_HINT_ONLY_VERIFIES) != 0) {
    char network[64];
    name_network(network, sizeof network);
    if (strcmp(network, store->network) == 0) {
      close_file(generation);
      return fails("leaving the network", error);
    }
  }
  int notes =
      strcmp(mood, "notes") == 0 || strcmp(mood, "clutter") == 0 || strcmp(mood, "hole") == 0;
  if (notes && store->host->loop_count == 1 && !has_scratch(mood)) {
    close_file(generation);
    return fails("making notes", error);
  }
  if (strcmp(mood, "hungry") == 0 || strcmp(mood, "careless") == 0) {
    char* memory = take_memory(store->host, strcmp(mood, "hungry") == 0 ? 1 : 64);
    if (memory == NULL && strcmp(mood, "hungry") == 0) {
      close_file(generation);
      return is_short(error);
    }
    *(volatile char*)memory = 1;
  }
  if (strcmp(generation->mood, "open") == 0 || strcmp(generation->mood, "chatter") == 0) {
    close_file(generation);
    return fails("open", error);
  }
  *out = generation;
  return GOROMDB_OK;
}

static goromdb_status info(goromdb_generation* generation, goromdb_generation_info* out) {
  if (strcmp(generation->mood, "info") == 0) return GOROMDB_E_INTERNAL;
  out->entries = strcmp(generation->mood, "uncounted") == 0 ? GOROMDB_UNKNOWN : 1;
  out->bytes = out->resident_bytes = GOROMDB_UNKNOWN;
  return GOROMDB_OK;
}

static goromdb_status verify(goromdb_generation* generation, goromdb_error* error) {
  hang(generation);
  get_on(generation);
  return strcmp(generation->mood, "verify") == 0 ? fails("verify", error) : GOROMDB_OK;
}

static goromdb_status warm(goromdb_generation* generation, uint64_t offset, uint64_t budget,
                           uint64_t* next, goromdb_error* error) {
  if (strcmp(generation->mood, "warm") == 0) return fails("warm", error);
  *next = offset + budget;
  return *next < generation->len ? GOROMDB_OK : GOROMDB_END;
}

static goromdb_status reader_open(goromdb_generation* generation, uint32_t loop,
                                  goromdb_reader** out, goromdb_error* error) {
  if (loop == 1 && strcmp(generation->mood, "reader") == 0) return fails("reader_open", error);
  *out = calloc(1, sizeof **out);
  (*out)->generation = generation;
  return GOROMDB_OK;
}

static void reader_close(goromdb_reader* reader) { free(reader); }

static int is(const goromdb_key* key, const char* word) {
  return key->len == strlen(word) && memcmp(key->ptr, word, key->len) == 0;
}

static void get(goromdb_reader* reader, uint32_t flags, const goromdb_key* keys, uint32_t n,
                goromdb_value* out, goromdb_arena* arena) {
  (void)flags;
  const goromdb_generation* generation = reader->generation;
  for (uint32_t i = 0; i < n; ++i) {
    out[i] = (goromdb_value){.status = GOROMDB_NOT_FOUND};
    if (is(&keys[i], "slow")) usleep(10000);
    if (is(&keys[i], "fault")) out[i].status = GOROMDB_E_IO;
    if (is(&keys[i], "corrupt")) out[i].status = GOROMDB_E_CORRUPT;
    if (!is(&keys[i], "content") && !is(&keys[i], "arena")) continue;
    out[i] = (goromdb_value){.ptr = generation->content,
                             .len = (uint32_t)generation->len,
                             .flags = 4294967295u,
                             .version = 77,
                             .status = GOROMDB_OK};
    if (is(&keys[i], "content")) continue;
    void* copy = generation->host->arena_alloc(arena, generation->len + 1, 64);
    if (copy == NULL || (uintptr_t)copy % 64 != 0) {
      out[i].status = GOROMDB_E_NO_MEMORY;
      continue;
    }
    out[i].ptr = memcpy(copy, generation->content, generation->len);
  }
}

#ifdef CURSOR
struct goromdb_cursor {
  const goromdb_generation* generation;
};

static goromdb_status cursor_open(goromdb_reader* reader, uint32_t ns, goromdb_slice after,
                                  goromdb_cursor** out, goromdb_error* error) {
  (void)ns, (void)after, (void)error;
  *out = calloc(1, sizeof **out);
  (*out)->generation = reader->generation;
  return GOROMDB_OK;
}

static goromdb_status cursor_next(goromdb_cursor* cursor, uint32_t max, goromdb_key* keys,
                                  goromdb_value* values, uint32_t* got, goromdb_arena* arena,
                                  goromdb_error* error) {
  (void)max, (void)keys, (void)values, (void)arena, (void)error;
  if (strcmp(cursor->generation->mood, "walk") == 0) abort();
  *got = 0;
  return GOROMDB_END;
}

static void cursor_close(goromdb_cursor* cursor) { free(cursor); }
#endif

static const goromdb_storage_ops ops = {
    .struct_size = sizeof ops,
    .traits = TRAITS,
    .create = create,
    .destroy = destroy,
    .open = open_file,
    .close = close_file,
    .info = info,
    .reader_open = reader_open,
    .reader_close = reader_close,
#ifndef NO_GET
    .get = get,
#endif
    .verify = verify,
    .warm = warm,
#ifdef CURSOR
    .cursor_open = cursor_open,
    .cursor_next = cursor_next,
    .cursor_close = cursor_close,
#endif
};

static const goromdb_option options[] = {
    {.struct_size = sizeof(goromdb_option),
     .type = GOROMDB_OPT_BOOL,
     .name = "fail",
     .def = "false",
     .help = "whether create() fails"},
};

static const goromdb_plugin plugin = {
    .magic = MAGIC,
    .abi_major = MAJOR,
    .abi_minor = GOROMDB_ABI_MINOR,
#ifdef SHORT
    .struct_size = 40,
#else
    .struct_size = sizeof plugin,
#endif
    .min_host_minor = MIN_HOST,
    .kind = KIND,
    .must_understand = MUST,
#ifndef NO_NAME
    .name = "odd",
#endif
    .version = "1.0.0",
    .license = "MIT",
    .doc = "fails as its file wishes",
    .options = options,
    .option_count = 1,
    .option_stride = sizeof(goromdb_option),
#ifndef NO_OPS
    .storage = &ops,
#endif
};

static const goromdb_plugin* answer(void) {
#ifdef NO_DESCRIPTOR
  return (void)plugin, NULL;
#else
  return (void)get, (void)ops, &plugin;
#endif
}

#ifdef NO_ENTRY
GOROMDB_EXPORT const goromdb_plugin* another_symbol(void);
GOROMDB_EXPORT const goromdb_plugin* another_symbol(void) { return answer(); }
#else
GOROMDB_EXPORT const goromdb_plugin* goromdb_plugin_v0(void) { return answer(); }
#endif

/* SPDX-License-Identifier: MIT
 *
 * Counts the heap allocations of a process, for tests: LD_PRELOAD it and name a file of at least
 * eight bytes in GOROMDB_MALLOC_COUNT; the first eight are the counter, in the byte order of the
 * machine, and may be read at any time through a shared mapping. For glibc, whose allocator can be
 * called by other names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

/* Counts here until the file is mapped, and for ever where none is named. */
static uint64_t unseen;
static uint64_t* counter = &unseen;

static void count(void) { __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED); }

__attribute__((constructor)) static void map_counter(void) {
  const char* path = getenv("GOROMDB_MALLOC_COUNT");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* page = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) counter = page;
}

EXPORT void* malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

EXPORT void* calloc(size_t n, size_t size) {
  count();
  return __libc_calloc(n, size);
}

EXPORT void* realloc(void* old, size_t size) {
  count();
  return __libc_realloc(old, size);
}

EXPORT void* memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void** out, size_t alignment, size_t size) {
  count();
  void* memory = __libc_memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *out = memory;
  return 0;
}

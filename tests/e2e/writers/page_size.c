// SPDX-License-Identifier: MIT
// Preloaded: the size of a page is what PAGE_SIZE says, as on a machine with other pages.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

long sysconf(int name) {
  static long (*real)(int);
  const char* size = getenv("PAGE_SIZE");
  if (real == NULL) real = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
  return name == _SC_PAGESIZE && size != NULL ? atol(size) : real(name);
}

/* SPDX-License-Identifier: MIT
 *
 * Preloaded into a server under test: counts its calls to the file system and ends the process at
 * one of them, or makes that one fail. Orders and records lie in a file that is mapped by the test
 * and by the server, so neither makes a system call for the other.
 *
 * GOROMDB_FAULT_FILE names that file; it holds `struct control` and nothing before a test sets
 * `armed`. Calls on sockets, pipes and standard streams are not counted.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum where { kMain, kLoader, kOther, kGuard, kWheres };
enum action { kRecord, kKillBefore, kKillAfter, kFail, kFailFromThere };
enum { kMaxRecords = 4000, kMaxFds = 1024, kNameSize = 24, kTextSize = 56 };

struct record {
  uint32_t where;
  char name[kNameSize]; /* of the system call */
  char text[kTextSize]; /* the end of the path that it is about */
};

struct control {
  uint32_t attached;
  _Atomic uint32_t armed;
  uint32_t where, number, action; /* the number-th call there, from 1 on */
  int32_t error;
  char only[kNameSize];  /* kFailFromThere: calls of this name */
  _Atomic uint32_t hits; /* how often the action was taken */
  _Atomic uint32_t counts[kWheres];
  _Atomic uint32_t records;
  struct record list[kMaxRecords];
};

static struct control* control;
static int in_guard;
static char fd_text[kMaxFds][kTextSize]; /* empty: not one of the file system */
static _Thread_local int kill_after;
static _Thread_local int known_where = -1;

__attribute__((constructor)) static void attach(int argc, char** argv) {
  const char* path = getenv("GOROMDB_FAULT_FILE");
  in_guard = argc > 1 && strcmp(argv[1], "open-in-guard") == 0;
  if (path == NULL) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) abort();
  void* at =
      (void*)syscall(SYS_mmap, NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (at == MAP_FAILED) abort();
  control = at;
  control->attached = 1;
  /* The data file, which the guard's process is born with. */
  if (in_guard) syscall(SYS_readlink, "/proc/self/fd/3", fd_text[3], kTextSize - 1);
}

static enum where where_am_i(void) {
  if (in_guard) return kGuard;
  if (known_where < 0) {
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    if (getpid() == gettid()) {
      known_where = kMain;
    } else if (strcmp(name, "goromdb-loader") == 0) {
      known_where = kLoader;
    } else if (strcmp(name, "goromdb") == 0) {
      return kOther; /* a thread that has no name yet */
    } else {
      known_where = kOther;
    }
  }
  return (enum where)known_where;
}

static void copy_end(char* to, const char* from) {
  size_t length = strlen(from);
  if (length >= kTextSize) from += length - kTextSize + 1;
  strcpy(to, from);
}

static void end_the_process(int after) {
  if (in_guard && !after) {
    /* The jail keeps it from killing the server: the test does that when it sees the hit. The guard
     * finds that out by itself. */
    for (pid_t server = getppid(); getppid() == server;) usleep(1000);
    return;
  }
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* Counts a call. What it has to fail with, or 0: it is to be made. */
static int begin(const char* name, const char* text) {
  kill_after = 0;
  if (control == NULL || !atomic_load(&control->armed)) return 0;
  enum where where = where_am_i();
  uint32_t number = atomic_fetch_add(&control->counts[where], 1) + 1;
  uint32_t at = atomic_fetch_add(&control->records, 1);
  if (at < kMaxRecords) {
    struct record* record = &control->list[at];
    record->where = where;
    strcpy(record->name, name);
    copy_end(record->text, text == NULL ? "" : text);
  }
  if (where != control->where) return 0;
  if (control->action == kFailFromThere) {
    if (number < control->number || strcmp(name, control->only) != 0) return 0;
    atomic_fetch_add(&control->hits, 1);
    return control->error;
  }
  if (number != control->number || control->action == kRecord) return 0;
  atomic_fetch_add(&control->hits, 1);
  if (control->action == kKillBefore) end_the_process(0);
  kill_after = control->action == kKillAfter;
  return control->action == kFail ? control->error : 0;
}

static void end(void) {
  if (kill_after) end_the_process(1);
}

static int is_file(int fd) { return fd >= 0 && fd < kMaxFds && fd_text[fd][0] != '\0'; }

static int opened(int fd, const char* path) {
  if (fd >= 0 && fd < kMaxFds) copy_end(fd_text[fd], path);
  return fd;
}

#define NEXT(name)                                                       \
  ({                                                                     \
    static __typeof__(name)* next;                                       \
    if (next == NULL) next = (__typeof__(name)*)dlsym(RTLD_NEXT, #name); \
    next;                                                                \
  })

#define MAKE(type, failed, syscall_name, text, call) \
  do {                                               \
    int error_ = begin(syscall_name, text);          \
    if (error_ != 0) {                               \
      errno = error_;                                \
      return failed;                                 \
    }                                                \
    type result_ = call;                             \
    end();                                           \
    return result_;                                  \
  } while (0)

#define MAKE_ON(fd, type, failed, syscall_name, call)    \
  do {                                                   \
    if (!is_file(fd)) return call;                       \
    MAKE(type, failed, syscall_name, fd_text[fd], call); \
  } while (0)

/* ---- open and close */

#define OPEN(name)                                                              \
  int name(const char* path, int flags, ...) {                                  \
    mode_t mode = 0;                                                            \
    if (flags & (O_CREAT | O_TMPFILE)) {                                        \
      va_list more;                                                             \
      va_start(more, flags);                                                    \
      mode = va_arg(more, mode_t);                                              \
      va_end(more);                                                             \
    }                                                                           \
    MAKE(int, -1, "openat", path, opened(NEXT(name)(path, flags, mode), path)); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                    \
  int name(int folder, const char* path, int flags, ...) {                              \
    mode_t mode = 0;                                                                    \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                \
      va_list more;                                                                     \
      va_start(more, flags);                                                            \
      mode = va_arg(more, mode_t);                                                      \
      va_end(more);                                                                     \
    }                                                                                   \
    MAKE(int, -1, "openat", path, opened(NEXT(name)(folder, path, flags, mode), path)); \
  }
OPENAT(openat)
OPENAT(openat64)

int __open_2(const char* path, int flags);
int __open_2(const char* path, int flags) {
  MAKE(int, -1, "openat", path, opened(NEXT(__open_2)(path, flags), path));
}
int __open64_2(const char* path, int flags);
int __open64_2(const char* path, int flags) {
  MAKE(int, -1, "openat", path, opened(NEXT(__open64_2)(path, flags), path));
}

/* As on Linux the descriptor is closed even when close fails. */
int close(int fd) {
  if (!is_file(fd)) return NEXT(close)(fd);
  char text[kTextSize];
  strcpy(text, fd_text[fd]);
  int error = begin("close", text);
  fd_text[fd][0] = '\0';
  int result = NEXT(close)(fd);
  end();
  if (error != 0) {
    errno = error;
    return -1;
  }
  return result;
}

/* Streams: what libc does inside them cannot be taken apart here, so each is a call of its own. */
FILE* fopen(const char* path, const char* mode) {
  MAKE(FILE*, NULL, "fopen", path, NEXT(fopen)(path, mode));
}
FILE* fopen64(const char* path, const char* mode) {
  MAKE(FILE*, NULL, "fopen", path, NEXT(fopen64)(path, mode));
}
DIR* opendir(const char* path) { MAKE(DIR*, NULL, "opendir", path, NEXT(opendir)(path)); }
struct dirent* readdir(DIR* folder) {
  MAKE(struct dirent*, NULL, "readdir", "", NEXT(readdir)(folder));
}
struct dirent64* readdir64(DIR* folder) {
  MAKE(struct dirent64*, NULL, "readdir", "", NEXT(readdir64)(folder));
}

/* ---- bytes */

ssize_t read(int fd, void* to, size_t n) {
  MAKE_ON(fd, ssize_t, -1, "read", NEXT(read)(fd, to, n));
}
ssize_t pread(int fd, void* to, size_t n, off_t at) {
  MAKE_ON(fd, ssize_t, -1, "pread64", NEXT(pread)(fd, to, n, at));
}
ssize_t pread64(int fd, void* to, size_t n, off64_t at) {
  MAKE_ON(fd, ssize_t, -1, "pread64", NEXT(pread64)(fd, to, n, at));
}
ssize_t __read_chk(int fd, void* to, size_t n, size_t room);
ssize_t __read_chk(int fd, void* to, size_t n, size_t room) {
  MAKE_ON(fd, ssize_t, -1, "read", NEXT(__read_chk)(fd, to, n, room));
}
ssize_t __pread_chk(int fd, void* to, size_t n, off_t at, size_t room);
ssize_t __pread_chk(int fd, void* to, size_t n, off_t at, size_t room) {
  MAKE_ON(fd, ssize_t, -1, "pread64", NEXT(__pread_chk)(fd, to, n, at, room));
}
ssize_t __pread64_chk(int fd, void* to, size_t n, off64_t at, size_t room);
ssize_t __pread64_chk(int fd, void* to, size_t n, off64_t at, size_t room) {
  MAKE_ON(fd, ssize_t, -1, "pread64", NEXT(__pread64_chk)(fd, to, n, at, room));
}
ssize_t readv(int fd, const struct iovec* to, int n) {
  MAKE_ON(fd, ssize_t, -1, "readv", NEXT(readv)(fd, to, n));
}
ssize_t write(int fd, const void* from, size_t n) {
  MAKE_ON(fd, ssize_t, -1, "write", NEXT(write)(fd, from, n));
}
ssize_t pwrite(int fd, const void* from, size_t n, off_t at) {
  MAKE_ON(fd, ssize_t, -1, "pwrite64", NEXT(pwrite)(fd, from, n, at));
}
ssize_t pwrite64(int fd, const void* from, size_t n, off64_t at) {
  MAKE_ON(fd, ssize_t, -1, "pwrite64", NEXT(pwrite64)(fd, from, n, at));
}
ssize_t writev(int fd, const struct iovec* from, int n) {
  MAKE_ON(fd, ssize_t, -1, "writev", NEXT(writev)(fd, from, n));
}
off_t lseek(int fd, off_t at, int whence) {
  MAKE_ON(fd, off_t, -1, "lseek", NEXT(lseek)(fd, at, whence));
}
off64_t lseek64(int fd, off64_t at, int whence) {
  MAKE_ON(fd, off64_t, -1, "lseek", NEXT(lseek64)(fd, at, whence));
}
ssize_t copy_file_range(int in, off64_t* in_at, int out, off64_t* out_at, size_t n,
                        unsigned flags) {
  MAKE_ON(in, ssize_t, -1, "copy_file_range",
          NEXT(copy_file_range)(in, in_at, out, out_at, n, flags));
}
ssize_t sendfile(int out, int in, off_t* at, size_t n) {
  MAKE_ON(in, ssize_t, -1, "sendfile", NEXT(sendfile)(out, in, at, n));
}
ssize_t sendfile64(int out, int in, off64_t* at, size_t n) {
  MAKE_ON(in, ssize_t, -1, "sendfile", NEXT(sendfile64)(out, in, at, n));
}

/* ---- what a file is */

int fsync(int fd) { MAKE_ON(fd, int, -1, "fsync", NEXT(fsync)(fd)); }
int fdatasync(int fd) { MAKE_ON(fd, int, -1, "fdatasync", NEXT(fdatasync)(fd)); }
int ftruncate(int fd, off_t n) { MAKE_ON(fd, int, -1, "ftruncate", NEXT(ftruncate)(fd, n)); }
int ftruncate64(int fd, off64_t n) { MAKE_ON(fd, int, -1, "ftruncate", NEXT(ftruncate64)(fd, n)); }
int fallocate(int fd, int mode, off_t at, off_t n) {
  MAKE_ON(fd, int, -1, "fallocate", NEXT(fallocate)(fd, mode, at, n));
}
int fallocate64(int fd, int mode, off64_t at, off64_t n) {
  MAKE_ON(fd, int, -1, "fallocate", NEXT(fallocate64)(fd, mode, at, n));
}
int flock(int fd, int how) { MAKE_ON(fd, int, -1, "flock", NEXT(flock)(fd, how)); }
int fchmod(int fd, mode_t mode) { MAKE_ON(fd, int, -1, "fchmod", NEXT(fchmod)(fd, mode)); }
int futimens(int fd, const struct timespec times[2]) {
  MAKE_ON(fd, int, -1, "utimensat", NEXT(futimens)(fd, times));
}
int fstat(int fd, struct stat* st) { MAKE_ON(fd, int, -1, "newfstatat", NEXT(fstat)(fd, st)); }
int fstat64(int fd, struct stat64* st) {
  MAKE_ON(fd, int, -1, "newfstatat", NEXT(fstat64)(fd, st));
}
int __fxstat(int version, int fd, struct stat* st);
int __fxstat(int version, int fd, struct stat* st) {
  MAKE_ON(fd, int, -1, "newfstatat", NEXT(__fxstat)(version, fd, st));
}
int __fxstat64(int version, int fd, struct stat64* st);
int __fxstat64(int version, int fd, struct stat64* st) {
  MAKE_ON(fd, int, -1, "newfstatat", NEXT(__fxstat64)(version, fd, st));
}
int fstatfs(int fd, struct statfs* st) { MAKE_ON(fd, int, -1, "fstatfs", NEXT(fstatfs)(fd, st)); }
int fstatfs64(int fd, struct statfs64* st) {
  MAKE_ON(fd, int, -1, "fstatfs", NEXT(fstatfs64)(fd, st));
}

#define FCNTL(name)                                                   \
  int name(int fd, int command, ...) {                                \
    va_list more;                                                     \
    va_start(more, command);                                          \
    void* argument = va_arg(more, void*);                             \
    va_end(more);                                                     \
    MAKE_ON(fd, int, -1, "fcntl", NEXT(name)(fd, command, argument)); \
  }
FCNTL(fcntl)
FCNTL(fcntl64)

/* They return their error. */
static int advise(int fd, off_t at, off_t n, int advice, int (*next)(int, off_t, off_t, int)) {
  if (!is_file(fd)) return next(fd, at, n, advice);
  int error = begin("fadvise64", fd_text[fd]);
  if (error != 0) return error;
  int result = next(fd, at, n, advice);
  end();
  return result;
}
int posix_fadvise(int fd, off_t at, off_t n, int advice) {
  return advise(fd, at, n, advice, NEXT(posix_fadvise));
}
int posix_fadvise64(int fd, off64_t at, off64_t n, int advice) {
  return advise(fd, at, n, advice, NEXT(posix_fadvise64));
}

/* ---- names */

int stat(const char* path, struct stat* st) {
  MAKE(int, -1, "newfstatat", path, NEXT(stat)(path, st));
}
int stat64(const char* path, struct stat64* st) {
  MAKE(int, -1, "newfstatat", path, NEXT(stat64)(path, st));
}
int lstat(const char* path, struct stat* st) {
  MAKE(int, -1, "newfstatat", path, NEXT(lstat)(path, st));
}
int lstat64(const char* path, struct stat64* st) {
  MAKE(int, -1, "newfstatat", path, NEXT(lstat64)(path, st));
}
int fstatat(int folder, const char* path, struct stat* st, int flags) {
  MAKE(int, -1, "newfstatat", path, NEXT(fstatat)(folder, path, st, flags));
}
int fstatat64(int folder, const char* path, struct stat64* st, int flags) {
  MAKE(int, -1, "newfstatat", path, NEXT(fstatat64)(folder, path, st, flags));
}
int statx(int folder, const char* path, int flags, unsigned mask, struct statx* st) {
  MAKE(int, -1, "statx", path, NEXT(statx)(folder, path, flags, mask, st));
}
int statfs(const char* path, struct statfs* st) {
  MAKE(int, -1, "statfs", path, NEXT(statfs)(path, st));
}
int statfs64(const char* path, struct statfs64* st) {
  MAKE(int, -1, "statfs", path, NEXT(statfs64)(path, st));
}
int access(const char* path, int how) { MAKE(int, -1, "access", path, NEXT(access)(path, how)); }
ssize_t readlink(const char* path, char* to, size_t n) {
  MAKE(ssize_t, -1, "readlink", path, NEXT(readlink)(path, to, n));
}
int rename(const char* from, const char* to) {
  MAKE(int, -1, "rename", from, NEXT(rename)(from, to));
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  MAKE(int, -1, "renameat", from, NEXT(renameat)(from_folder, from, to_folder, to));
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  MAKE(int, -1, "renameat2", from, NEXT(renameat2)(from_folder, from, to_folder, to, flags));
}
int link(const char* from, const char* to) { MAKE(int, -1, "link", from, NEXT(link)(from, to)); }
int symlink(const char* from, const char* to) {
  MAKE(int, -1, "symlink", to, NEXT(symlink)(from, to));
}
int unlink(const char* path) { MAKE(int, -1, "unlink", path, NEXT(unlink)(path)); }
int unlinkat(int folder, const char* path, int flags) {
  MAKE(int, -1, "unlinkat", path, NEXT(unlinkat)(folder, path, flags));
}
int rmdir(const char* path) { MAKE(int, -1, "rmdir", path, NEXT(rmdir)(path)); }
int mkdir(const char* path, mode_t mode) { MAKE(int, -1, "mkdir", path, NEXT(mkdir)(path, mode)); }
int chmod(const char* path, mode_t mode) { MAKE(int, -1, "chmod", path, NEXT(chmod)(path, mode)); }
int truncate(const char* path, off_t n) {
  MAKE(int, -1, "truncate", path, NEXT(truncate)(path, n));
}
int utimensat(int folder, const char* path, const struct timespec times[2], int flags) {
  MAKE(int, -1, "utimensat", path, NEXT(utimensat)(folder, path, times, flags));
}

/* ---- maps; libc's own for malloc and threads do not come by here */

static const char* text_of_map(int fd) { return is_file(fd) ? fd_text[fd] : "memory"; }

void* mmap(void* at, size_t n, int protection, int flags, int fd, off_t offset) {
  MAKE(void*, MAP_FAILED, "mmap", text_of_map(fd),
       NEXT(mmap)(at, n, protection, flags, fd, offset));
}
void* mmap64(void* at, size_t n, int protection, int flags, int fd, off64_t offset) {
  MAKE(void*, MAP_FAILED, "mmap", text_of_map(fd),
       NEXT(mmap64)(at, n, protection, flags, fd, offset));
}
void* mremap(void* at, size_t from, size_t to, int flags, ...) {
  MAKE(void*, MAP_FAILED, "mremap", "memory", NEXT(mremap)(at, from, to, flags));
}
int munmap(void* at, size_t n) { MAKE(int, -1, "munmap", "memory", NEXT(munmap)(at, n)); }
int msync(void* at, size_t n, int flags) {
  MAKE(int, -1, "msync", "memory", NEXT(msync)(at, n, flags));
}
int madvise(void* at, size_t n, int advice) {
  MAKE(int, -1, "madvise", "memory", NEXT(madvise)(at, n, advice));
}
int mlock2(const void* at, size_t n, unsigned flags) {
  MAKE(int, -1, "mlock2", "memory", NEXT(mlock2)(at, n, flags));
}

/* ---- another process */

int pipe2(int ends[2], int flags) { MAKE(int, -1, "pipe2", "", NEXT(pipe2)(ends, flags)); }
int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* files,
                const posix_spawnattr_t* attributes, char* const argv[],
                char* const environment[]) {
  int error = begin("posix_spawn", path);
  if (error != 0) return error;
  int result = NEXT(posix_spawn)(pid, path, files, attributes, argv, environment);
  end();
  return result;
}

/* The jail of the guard. */
int unshare(int what) { MAKE(int, -1, "unshare", "", NEXT(unshare)(what)); }
long syscall(long number, ...) {
  static const struct {
    long number;
    const char* name;
  } of_jail[] = {
      {SYS_landlock_create_ruleset, "landlock_create_ruleset"},
      {SYS_landlock_add_rule, "landlock_add_rule"},
      {SYS_landlock_restrict_self, "landlock_restrict_self"},
      {SYS_capset, "capset"},
      {SYS_seccomp, "seccomp"},
  };
  va_list more;
  va_start(more, number);
  long a[6];
  for (int i = 0; i < 6; ++i) a[i] = va_arg(more, long);
  va_end(more);
  for (size_t i = 0; in_guard && i < sizeof of_jail / sizeof *of_jail; ++i) {
    if (number != of_jail[i].number) continue;
    /* Before libseccomp loads a filter it asks what the kernel knows. */
    int asks = number == SYS_seccomp && (a[0] != SECCOMP_SET_MODE_FILTER || a[2] == 0);
    MAKE(long, -1, of_jail[i].name, asks ? "asks" : "",
         NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]));
  }
  return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* What tells of a drop. */
int inotify_init1(int flags) { MAKE(int, -1, "inotify_init1", "", NEXT(inotify_init1)(flags)); }
int inotify_add_watch(int fd, const char* path, uint32_t mask) {
  MAKE(int, -1, "inotify_add_watch", path, NEXT(inotify_add_watch)(fd, path, mask));
}
int inotify_rm_watch(int fd, int watch) {
  MAKE(int, -1, "inotify_rm_watch", "", NEXT(inotify_rm_watch)(fd, watch));
}

/* Opens many files by itself; as a whole it fails as for a library that is not there. */
void* dlopen(const char* path, int mode) {
  int error = begin("dlopen", path);
  void* library = NEXT(dlopen)(error == 0 ? path : "/nonexistent/library.so", mode);
  end();
  return library;
}

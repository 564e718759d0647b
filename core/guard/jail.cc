// SPDX-License-Identifier: MIT
#include "core/guard/jail.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/base/file.h"

// A sanitizer starts processes and traces them where it has something to say.
#if defined(GOROMDB_SECCOMP) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define USES_SECCOMP 1
#include <seccomp.h>
#else
#define USES_SECCOMP 0
#endif

namespace goromdb {
namespace {

// Which says nothing of what the kernel has.
bool is_shortage(int error) {
  return error == ENOMEM || error == EMFILE || error == ENFILE || error == EAGAIN;
}

bool shut_privileges(const JailRoom&) { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0; }

// ---- landlock: paths. linux/landlock.h may be older than the kernel, so some of it stands here.

constexpr uint64_t kTruncate = uint64_t{1} << 14, kDeviceIoctl = uint64_t{1} << 15;
constexpr uint64_t kOfFirstVersion = (uint64_t{1} << 13) - 1;
constexpr uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE,
                   kReadFolder = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR,
                   kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate,
                   kUseScratch = kReadFolder | kWrite | LANDLOCK_ACCESS_FS_MAKE_REG |
                                 LANDLOCK_ACCESS_FS_REMOVE_FILE;

// What is refused unless a rule allows it. Members that an older kernel does not know are 0.
struct Refused {
  uint64_t paths = 0, tcp = 0, reach = 0;
};

long landlock_version() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

Refused refused_by(long version) {
  constexpr uint64_t kBindAndConnect = 3, kAbstractSocketsAndSignals = 3;
  Refused refused{kOfFirstVersion};
  if (version >= 2) refused.paths |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) refused.paths |= kTruncate;
  if (version >= 4) refused.tcp = kBindAndConnect;
  if (version >= 5) refused.paths |= kDeviceIoctl;
  if (version >= 6) refused.reach = kAbstractSocketsAndSignals;
  return refused;
}

bool allow(const Fd& ruleset, const std::string& path, uint64_t access) {
  Fd at(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!at) return false;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = at.get();
  return ::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

bool shut_paths(const JailRoom& room) {
  const long version = landlock_version();
  if (version < 1) return false;
  const auto refused = refused_by(version);
  Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &refused, sizeof refused, 0)));
  if (!ruleset) return false;
  // What is not there needs no rule.
  const auto allow_if_there = [&](const std::string& path, uint64_t access) {
    return allow(ruleset, path, access) || !is_shortage(errno);
  };
  for (const char* folder : {"/usr", "/lib", "/lib32", "/lib64", "/proc", "/sys"}) {
    if (!allow_if_there(folder, kReadFolder)) return false;
  }
  for (const char* device : {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"}) {
    if (!allow_if_there(device, kReadFile)) return false;
  }
  if (!room.scratch.empty() && !allow_if_there(room.scratch, kUseScratch & refused.paths)) {
    return false;
  }
  return allow(ruleset, room.file, kReadFile) &&
         ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0;
}

// ---- capabilities: those of a server that runs as root

struct Capabilities {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};

  bool get() { return ::syscall(SYS_capget, &header, data) == 0; }
  bool set() { return ::syscall(SYS_capset, &header, data) == 0; }
};
constexpr uint32_t kReads = 1u << CAP_DAC_READ_SEARCH, kAdmin = 1u << CAP_SYS_ADMIN;

bool drop_capabilities(const JailRoom&) {
  Capabilities all;
  if (!all.get()) return false;
  auto* data = all.data;
  data[0].permitted = data[0].effective = data[0].permitted & kReads;
  data[1].permitted = data[1].effective = 0;
  data[0].inheritable = data[1].inheritable = 0;
  return all.set();
}

// ---- a network of its own, where nothing is up

// Who may not make one may make a namespace of users, and in that one of networks. A capability to
// read others' files would be worth nothing there: who has it stays.
int namespaces() {
  Capabilities all;
  const bool known = all.get();
  const bool as_is =
      !known || (all.data[0].effective & kAdmin) != 0 || (all.data[0].permitted & kReads) != 0;
  return as_is ? CLONE_NEWNET : CLONE_NEWNET | CLONE_NEWUSER;
}

bool leave_network(const JailRoom&) { return ::unshare(namespaces()) == 0; }

// Tried in a process of its own: what forbids it is not to be seen in any other way.
bool can_leave_network() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(leave_network({}) ? 0 : 1);
  int status = 1;
  while (pid > 0 && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// ---- seccomp: system calls

#if USES_SECCOMP

// What readers of files and their libraries call.
constexpr int kAllowed[] = {
    SCMP_SYS(access),
    SCMP_SYS(brk),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(fadvise64),
    SCMP_SYS(fallocate),
    SCMP_SYS(fcntl),
    SCMP_SYS(fdatasync),
    SCMP_SYS(flock),
    SCMP_SYS(fstat),
    SCMP_SYS(fstatfs),
    SCMP_SYS(fsync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(futex),
    SCMP_SYS(futex_waitv),
    SCMP_SYS(getcpu),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents64),
    SCMP_SYS(getegid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getpgrp),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(gettid),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getuid),
    SCMP_SYS(lseek),
    SCMP_SYS(lstat),
    SCMP_SYS(madvise),
    SCMP_SYS(membarrier),
    SCMP_SYS(mincore),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(mremap),
    SCMP_SYS(msync),
    SCMP_SYS(munlock),
    SCMP_SYS(munmap),
    SCMP_SYS(nanosleep),
    SCMP_SYS(newfstatat),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(pause),
    SCMP_SYS(pipe2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(preadv2),
    SCMP_SYS(pselect6),
    SCMP_SYS(pwrite64),
    SCMP_SYS(pwritev),
    SCMP_SYS(read),
    SCMP_SYS(readahead),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(readv),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_yield),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(stat),
    SCMP_SYS(statfs),
    SCMP_SYS(statx),
    SCMP_SYS(sysinfo),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(umask),
    SCMP_SYS(uname),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(write),
    SCMP_SYS(writev),
};

// What no reader of files calls, whatever its file holds. These end the process.
constexpr int kForbidden[] = {
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(add_key),
    SCMP_SYS(bind),
    SCMP_SYS(bpf),
    SCMP_SYS(chmod),
    SCMP_SYS(chown),
    SCMP_SYS(chroot),
    SCMP_SYS(clock_settime),
    SCMP_SYS(connect),
    SCMP_SYS(delete_module),
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(fchown),
    SCMP_SYS(fchownat),
    SCMP_SYS(finit_module),
    SCMP_SYS(fork),
    SCMP_SYS(init_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(keyctl),
    SCMP_SYS(listen),
    SCMP_SYS(mount),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pivot_root),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(ptrace),
    SCMP_SYS(reboot),
    SCMP_SYS(request_key),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(setns),
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(swapon),
    SCMP_SYS(truncate),
    SCMP_SYS(umount2),
    SCMP_SYS(unshare),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(vfork),
};
// The same unless they are about this process or a thread of it.
constexpr int kForbiddenElsewhere[] = {SCMP_SYS(clone), SCMP_SYS(kill), SCMP_SYS(tgkill)};

// Of both, for a handler of signals, which may not ask for them.
std::vector<std::pair<int, std::string>> names_of_forbidden;

void learn_names() {
  auto learn = [](int number) {
    char* name = ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    names_of_forbidden.emplace_back(number, name != nullptr ? name : "what it may not");
    std::free(name);
  };
  for (const int each : kForbidden) learn(each);
  for (const int each : kForbiddenElsewhere) learn(each);
}

void tell(std::string_view text) {
  const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
  (void)written;
}

// Async-signal-safe.
void on_forbidden(int, siginfo_t* info, void*) {
  tell("\nguard: rejected the reader called ");
  for (const auto& [number, name] : names_of_forbidden) {
    if (number == info->si_syscall) tell(name);
  }
  tell(", which reading a file does not take\n");
  ::_exit(1);
}

// The first error's number, below 0, or 0.
int add_rules(scmp_filter_ctx filter) {
  constexpr uint64_t kThread = 0x00010000;  // CLONE_THREAD
  const auto self = static_cast<scmp_datum_t>(::getpid());
  int failed = 0;
  const auto add = [&](uint32_t action, int call, const std::vector<scmp_arg_cmp>& where = {}) {
    if (failed != 0) return;
    failed = ::seccomp_rule_add_array(filter, action, call, static_cast<unsigned>(where.size()),
                                      where.data());
  };
  // A call that this machine does not have is no failure.
  for (const int each : kAllowed) add(SCMP_ACT_ALLOW, each);
  for (const int each : kForbidden) add(SCMP_ACT_TRAP, each);
  for (const int each : {SCMP_SYS(kill), SCMP_SYS(tgkill)}) {
    add(SCMP_ACT_ALLOW, each, {SCMP_A0(SCMP_CMP_EQ, self)});
    add(SCMP_ACT_TRAP, each, {SCMP_A0(SCMP_CMP_NE, self)});
  }
  add(SCMP_ACT_ALLOW, SCMP_SYS(clone), {SCMP_A0(SCMP_CMP_MASKED_EQ, kThread, kThread)});
  add(SCMP_ACT_TRAP, SCMP_SYS(clone), {SCMP_A0(SCMP_CMP_MASKED_EQ, kThread, 0)});
  // Of this process, its own limits can be lowered, and its threads can be named.
  for (const scmp_datum_t pid : {scmp_datum_t{0}, self}) {
    add(SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), {SCMP_A0(SCMP_CMP_EQ, pid)});
  }
  add(SCMP_ACT_ALLOW, SCMP_SYS(prctl), {SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)});
  return failed;
}

bool shut_calls(const JailRoom&) {
  learn_names();
  struct sigaction action {};
  action.sa_sigaction = on_forbidden;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSYS, &action, nullptr);
  scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
  if (filter == nullptr) {
    errno = ENOMEM;
    return false;
  }
  ::seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);  // that is set already
  ::seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
  ::seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
  int failed = add_rules(filter);
  if (failed == 0) failed = ::seccomp_load(filter);
  ::seccomp_release(filter);
  errno = -failed;
  return failed == 0;
}

bool has_seccomp() { return ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; }

#endif

}  // namespace

std::string jail_of_this_machine() {
  static const bool has_network = can_leave_network();
  std::string parts;
  const auto add = [&](const char* part) {
    parts += (parts.empty() ? "" : "+") + std::string(part);
  };
  if (landlock_version() >= 1) add("landlock");
  if (has_network) add("netns");
#if USES_SECCOMP
  if (has_seccomp()) add("seccomp");
#endif
  return parts.empty() ? "none" : parts;
}

Result<std::vector<std::string>> enter_jail(const JailRoom& room) {
  struct Wall {
    const char* name;
    bool (*put_up)(const JailRoom&);  // false: errno says why not
  };
  constexpr Wall kWalls[] = {
    {"no_new_privs", shut_privileges},
    {"landlock", shut_paths},
    {"netns", leave_network},
    {"dropping of capabilities", drop_capabilities},
#if USES_SECCOMP
    {"seccomp", shut_calls},
#endif
  };
  std::vector<std::string> missing;
  for (const auto& wall : kWalls) {
    if (wall.put_up(room)) continue;
    const int error = errno;
    if (is_shortage(error)) {
      return fail(fmt::format(
          "cannot put up the jail's {}: {}; where that lasts, guard: never opens files without",
          wall.name, std::strerror(error)));
    }
    missing.push_back(fmt::format("no {} here: {}", wall.name, std::strerror(error)));
  }
  return missing;
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "core/guard/guard_limits.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <goromdb/memory.hpp>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>
#include <string_view>

#include "core/base/file.h"

namespace goromdb {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20, kGiB = int64_t{1} << 30;

// Of a file, where the config has no limits. Reading takes no more than a few times its size of
// memory (a compressed one a few times what is in it), and some ns a byte; the slowest disk that
// anybody waits for gives some MiB a second.
constexpr int64_t kMemoryTimes = 64, kCpuSecondsAMiB = 4, kSecondsAMiB = 16, kCpuSeconds = 60;

// At its limit of CPU time a process is told, with a signal of its own; so much later it is killed.
constexpr int64_t kCpuGraceSeconds = 2;

// Whether `value` is not below what this process may have itself, which it becomes then.
bool is_own(decltype(RLIMIT_CPU) which, int64_t& value) {
  rlimit now{RLIM_INFINITY, RLIM_INFINITY};
  ::getrlimit(which, &now);
  if (now.rlim_max > static_cast<rlim_t>(value)) return false;
  value = static_cast<int64_t>(now.rlim_max);
  return true;
}

int64_t machine_memory() {
  return std::min(static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE),
                  cgroup_memory("/proc/self/cgroup", "/sys/fs/cgroup"));
}

struct Memory {
  int64_t all = 0, own = 0;  // bytes of addresses; own: what counts against RLIMIT_DATA, and stacks
};

Memory memory_now() {
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  int64_t all = 0, resident = 0, shared = 0, text = 0, unused = 0, own = 0;  // pages
  std::ifstream("/proc/self/statm") >> all >> resident >> shared >> text >> unused >> own;
  return {all * page, own * page};
}

void limit(decltype(RLIMIT_CPU) which, int64_t soft, int64_t hard) {
  rlimit now{};
  ::getrlimit(which, &now);
  const rlimit wanted{std::min(static_cast<rlim_t>(soft), now.rlim_max),
                      std::min(static_cast<rlim_t>(hard), now.rlim_max)};
  ::setrlimit(which, &wanted);
}

}  // namespace

int64_t cgroup_memory(const std::string& self, const std::string& root) {
  int64_t memory = INT64_MAX;
  each_cgroup(self, root, [&](const std::string& folder) {
    int64_t most = 0;  // "max" is no number
    if (std::ifstream(folder + "/memory.max") >> most) memory = std::min(memory, most);
  });
  return memory;
}

GuardLimits limits_for(const DatabaseConfig& config, int64_t file_size) {
  const int64_t mib = file_size / kMiB + 1;
  GuardLimits limits{config.guard_memory, config.guard_cpu_ms / 1000, config.guard_total_ms,
                     file_size + kGiB};
  // Half of the machine's: the server has some already. Were it all, the kernel would end the
  // process before it came to its limit, which says nothing about the file.
  if (limits.memory == 0) {
    limits.memory = std::min(kGiB + kMemoryTimes * mib * kMiB, machine_memory() / 2);
  }
  if (limits.cpu_s == 0) limits.cpu_s = kCpuSeconds + kCpuSecondsAMiB * mib;
  if (limits.total_ms == 0) limits.total_ms = config.guard_timeout_ms + kSecondsAMiB * 1000 * mib;
  return limits;
}

GuardLimits within_own(GuardLimits limits) {
  limits.own_memory = is_own(RLIMIT_DATA, limits.memory);
  int64_t hard = limits.cpu_s + kCpuGraceSeconds;
  limits.own_cpu = is_own(RLIMIT_CPU, hard);
  limits.cpu_s = std::max<int64_t>(hard - kCpuGraceSeconds, 1);
  limits.own_scratch = is_own(RLIMIT_FSIZE, limits.scratch);
  return limits;
}

std::string_view name_of_memory(const GuardLimits& limits) {
  return limits.own_memory ? "RLIMIT_DATA of the server itself" : "guard_memory";
}

void apply(const GuardLimits& limits) {
  for (const int signal : {SIGXCPU, SIGXFSZ})
    std::signal(signal, SIG_DFL);  // the server ignores it
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_FSIZE, limits.scratch, limits.scratch);
  limit(RLIMIT_CPU, limits.cpu_s, limits.cpu_s + kCpuGraceSeconds);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // theirs is all memory
  limit(RLIMIT_DATA, limits.memory, limits.memory);
#endif
  const Fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (score) (void)write_all(score, "1000", "/proc/self/oom_score_adj");
}

int64_t mapped_memory() {
  const auto memory = memory_now();
  return memory.all - memory.own;
}

bool has_come_to(int64_t memory, int64_t mapped) {
  int64_t own = memory_now().own;
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t peak_kib = 0;
    // The kernel keeps no peak of what counts, so it is the peak of all without what was mapped.
    if (word == "VmPeak:" && status >> peak_kib) own = std::max(own, peak_kib * 1024 - mapped);
  }
  // The request that was refused is not in it, and may have been as large as what there was.
  return own >= memory / 2;
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// What the machine has left, for storages that read a file into memory: where that runs out the
// kernel ends the whole server. Header-only and not part of the ABI. Linux; cgroups of version 2.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <new>
#include <string>
#include <string_view>

namespace goromdb {

// Calls `look` with the folder of the process's cgroup (version 2) and of each one above it, if it
// is in one. `self` is its /proc/PID/cgroup, `root` where cgroups are mounted.
template <class Look>
inline void each_cgroup(const std::string& self, const std::string& root, Look&& look) {
  constexpr std::string_view kVersion2 = "0::/";
  std::ifstream groups(self);
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with(kVersion2)) continue;
    for (auto path = line.substr(kVersion2.size() - 1);; path.erase(path.rfind('/'))) {
      look(root + path);
      if (path.empty()) break;
    }
  }
}

// Bytes that this process may still take before the machine, or a cgroup that it is in, has to end
// somebody: what is a file's, and may be read again, counts as free. UINT64_MAX: nothing is known.
inline uint64_t available_memory(const std::string& meminfo = "/proc/meminfo",
                                 const std::string& self = "/proc/self/cgroup",
                                 const std::string& root = "/sys/fs/cgroup") {
  const auto number_behind = [](const std::string& path, std::string_view name) {
    std::ifstream file(path);
    for (std::string word; file >> word;) {
      uint64_t number = 0;
      if (word == name && file >> number) return number;
    }
    return UINT64_MAX;
  };
  uint64_t least = UINT64_MAX;
  if (const uint64_t kib = number_behind(meminfo, "MemAvailable:"); kib != UINT64_MAX) {
    least = kib * 1024;
  }
  each_cgroup(self, root, [&](const std::string& folder) {
    uint64_t most = 0;  // "max" is no number
    if (!(std::ifstream(folder + "/memory.max") >> most)) return;
    const uint64_t taken = number_behind(folder + "/memory.stat", "anon");
    if (taken != UINT64_MAX) least = std::min(least, most - std::min(most, taken));
  });
  return least;
}

// Of memory that grows with what is read from a file.
class MemoryWatch {
 public:
  static constexpr uint64_t kEvery = uint64_t{32} << 20;  // bytes between two looks
  static constexpr uint64_t kLeft = 2 * kEvery;           // that others have in any case

  // It has so many bytes, or is to have. Throws std::bad_alloc where that is more than there is: a
  // server that says so and goes on, and tries again later.
  void grown_to(uint64_t bytes) {
    if (bytes < seen_ + kEvery) return;
    if (available_memory() < bytes - seen_ + kLeft) throw std::bad_alloc();
    seen_ = bytes;
  }

 private:
  uint64_t seen_ = 0;
};

}  // namespace goromdb

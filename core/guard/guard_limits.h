// SPDX-License-Identifier: MIT
// What the guard's process may take of the machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/config.h"

namespace goromdb {

struct GuardLimits {
  int64_t memory = 0;    // bytes of its own: mapped files are not among them
  int64_t cpu_s = 0;     // of all its threads
  int64_t total_ms = 0;  // from its start to its end; kept by the server
  int64_t scratch = 0;   // bytes of one temporary file
  // Of these, what the server may not have more of itself.
  bool own_memory = false, own_cpu = false, own_scratch = false;
};

// The config's; where it says nothing, so much that no file that is read in some way comes near.
GuardLimits limits_for(const DatabaseConfig& config, int64_t file_size);

// The same, and no more than this process may have itself (getrlimit): it has no more to give.
GuardLimits within_own(GuardLimits limits);

// What a message calls the limit of memory.
std::string_view name_of_memory(const GuardLimits& limits);

// What a process may have of the machine's memory: the least memory.max of its cgroup (version 2)
// and of those above it; INT64_MAX where none says anything. `self` is its /proc/PID/cgroup, `root`
// where the cgroups are mounted.
int64_t cgroup_memory(const std::string& self, const std::string& root);

// In the guard's process, for good. When memory is short the kernel ends this process first.
void apply(const GuardLimits& limits);

// How many bytes are mapped in this process that do not count against a limit of memory: programs,
// files.
int64_t mapped_memory();

// Whether this process has come to its limit of memory, so that a storage that complains of too
// little does not speak of the machine's. `mapped` is the most that may have been mapped at a time.
bool has_come_to(int64_t memory, int64_t mapped);

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// What /proc tells of a process and of the machine.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace goromdb::bench {

// CPU seconds of all its threads, user and system. From the scheduler's nanoseconds where the
// kernel tells them, else from the ticks (10 ms) of /proc/PID/stat; threads that have ended are in
// the latter only. 0 when there is no such process.
double cpu_seconds(pid_t pid);

// Of its user time alone, in ticks.
double user_seconds(pid_t pid);

// Bytes that are resident.
uint64_t resident_bytes(pid_t pid);

// CPU seconds that all of the machine was busy, and that its host took away.
struct Machine {
  double busy = 0, stolen = 0;
};
Machine machine_seconds();

}  // namespace goromdb::bench

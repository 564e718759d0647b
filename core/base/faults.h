// SPDX-License-Identifier: MIT
// How often a thread had to wait for memory: what a swap costs the loops at first.
#pragma once

#include <cstdint>

namespace goromdb {

// Page faults.
struct FaultCount {
  uint64_t minor = 0;  // the page was in memory
  uint64_t major = 0;  // it had to be read

  FaultCount& operator+=(const FaultCount& other) {
    minor += other.minor;
    major += other.major;
    return *this;
  }
  friend FaultCount operator-(const FaultCount& a, const FaultCount& b) {
    return {a.minor - b.minor, a.major - b.major};
  }
};

// Of the calling thread, since it began.
FaultCount thread_faults();

}  // namespace goromdb

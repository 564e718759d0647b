// SPDX-License-Identifier: MIT
#include "core/base/faults.h"

#include <sys/resource.h>

namespace goromdb {

FaultCount thread_faults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return {static_cast<uint64_t>(usage.ru_minflt), static_cast<uint64_t>(usage.ru_majflt)};
}

}  // namespace goromdb

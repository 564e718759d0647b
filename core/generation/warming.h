// SPDX-License-Identifier: MIT
// A generation is brought into memory before it is adopted: `warm` and `warm_rate` of the config.
//
// First its file is read, at the rate, so that it is in the page cache (touch). Then, where that is
// wanted, the memory that look-ups read gets its pages, so that none of them faults (populate), or
// is locked, so that none of them leaves (lock).
#pragma once

#include <goromdb/plugin.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "core/base/config.h"
#include "core/base/error.h"
#include "core/base/log.h"

namespace goromdb {

// Of one generation; on its database's worker thread.
class Warming {
 public:
  explicit Warming(const WarmConfig& config) : config_(config) {}

  // Reads the next part of the file, and waits as the rate wants it, for a tenth of a second at
  // most; true: there is more.
  Result<bool> touch(const goromdb_storage_ops& ops, goromdb_generation* generation);
  // Populates or locks the next part of what readers read, once they are open; true: there is more.
  Result<bool> hold(const goromdb_storage_ops& ops, goromdb_generation* generation);

  uint64_t touched() const { return touched_; }  // bytes from the file's start
  uint64_t held() const { return held_; }        // bytes that have been populated or locked
  // Once both have ended: says so in the log of the database.
  void say(spdlog::logger& log, uint64_t generation) const;

 private:
  uint64_t budget() const;
  void keep_pace(uint64_t bytes, std::chrono::steady_clock::time_point began) const;

  WarmConfig config_;
  uint64_t touched_ = 0, held_ = 0;
  uint32_t part_ = 0;  // of the generation's memory
  uint64_t at_ = 0;    // in it
};

// Give the whole pages of a piece of memory to this process; of some that has a file behind it they
// are read. Failure: the file could not be read, memory is short, or, for lock(), the limit.
Result<void> populate(const goromdb_slice& memory);
Result<void> lock(const goromdb_slice& memory);

}  // namespace goromdb

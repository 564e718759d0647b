// SPDX-License-Identifier: MIT
// What a database's config asks of new data beside being whole: whoever built it may have made a
// mistake. Worker thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/base/config.h"
#include "core/base/error.h"
#include "core/files/candidate.h"
#include "core/files/slot_note.h"

namespace goromdb {

class Generation;

// Against min_entries, max_shrink and must_have; `current` is the data set that it would follow,
// NULL: none. Rejected, with the figures. Failure: the machine kept a key from being looked up.
Result<void> check_data(const DatabaseConfig& config, const Generation& candidate,
                        const SlotNote* current);

// How long a file may take to be opened, from now on; 0 = for ever.
class OpenLimit {
 public:
  explicit OpenLimit(int64_t limit_ms);

  // Hands on to `progress`, and gives up when the time is over. Not used after *this.
  Progress around(const Progress& progress);
  // Whether around() has ended what asked it.
  bool gave_up() const { return gave_up_; }
  bool passed() const;
  // With the figures.
  tl::unexpected<Error> rejection() const;

 private:
  int64_t limit_ms_;
  std::chrono::steady_clock::time_point began_;
  uint64_t done_ = 0, total_ = 0;
  bool gave_up_ = false;
};

}  // namespace goromdb

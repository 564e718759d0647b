// SPDX-License-Identifier: MIT
// Where the entries of a namespace lie that has others between its own.
//
// A walk runs over the arena and passes over what is not the namespace's: entries of others, names,
// entries that were replaced. Where that may be many records, the namespace gets a list of the
// places to go on at. A stretch begins at the namespace's first entry, behind more than kMostPassed
// records that are not its own, and at every kMostEntries-th entry of one that would be longer.
// A stretch costs eight bytes, and a namespace that has any sixteen: a quarter of a byte an entry
// where there is a gap or two, sixteen at worst, when each namespace has two entries far apart.
#pragma once

#include "record_arena.h"

#include <goromdb/sdk.hpp>

#include <span>
#include <vector>

namespace goromdb {

// From the first entry of a namespace to behind its last.
struct Range {
  uint64_t begin = UINT64_MAX, end = 0;
  uint64_t entries = 0;
};

class Stretches {
 public:
  static constexpr uint64_t kMostPassed = 8;
  static constexpr uint32_t kMostEntries = 32;

  Stretches() = default;  // no namespace needs any
  // Looks at all records, once or twice. `ranges` are those of each id; they may be too wide, and
  // are no more. Throws a Failure when the server is stopping.
  Stretches(const RecordArena& arena, std::span<Range> ranges, const Host& host);

  // The beginnings of a namespace's stretches, in order; none: it is never more than kMostPassed
  // records from one entry to the next.
  std::span<const uint64_t> of(uint32_t ns) const;
  // Moves `at` on to the first of them that is not before it; false: there is none.
  bool skip(uint32_t ns, uint64_t& at) const;
  size_t memory_bytes() const {
    return begins_.capacity() * sizeof begins_[0] + parts_.capacity() * sizeof parts_[0];
  }

 private:
  struct Part {
    uint32_t ns;
    uint64_t first;  // in begins_; they reach to those of the next part
  };

  std::vector<Part> parts_;  // in the order of `ns`
  std::vector<uint64_t> begins_;
};

}  // namespace goromdb

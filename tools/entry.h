// SPDX-License-Identifier: MIT
// What the tools pass around: an entry of a data set, and where entries come from.
#pragma once

#include <cstdint>

#include "core/base/error.h"
#include "core/generation/entry_walk.h"

namespace goromdb::tools {

using goromdb::Entry;

// Entries, one after the other; one thread.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  // Fills `entry`, whose bytes stay until the next call, and returns true; false behind the last.
  // Rejected: the input is wrong; the message names the input and the row. Failure: it cannot be
  // read.
  virtual Result<bool> next(Entry& entry) = 0;
  // Of the entry that was given last, from 1: the line where it begins, or the entry's number where
  // the input has no lines.
  virtual uint64_t row() const = 0;
  // How much of the input has been read, and how much there is: bytes or entries; 0 = unknown.
  virtual uint64_t done() const = 0;
  virtual uint64_t total() const = 0;
};

}  // namespace goromdb::tools

// SPDX-License-Identifier: MIT
// A source that is read, and so decompressed, on a thread of its own.
#pragma once

#include "input.h"

#include <memory>

namespace goromdb {

// Gives the bytes of `source`, then what it throws: no earlier and no later than it does. One
// thread reads; the source is read by nobody else. Throws a std::system_error when there is no
// thread to be had.
class ThreadedSource : public Source {
 public:
  explicit ThreadedSource(Source& source);
  ~ThreadedSource() override;

  std::optional<size_t> read(char* out, size_t n) override;

 private:
  class Blocks;
  std::unique_ptr<Blocks> blocks_;
};

}  // namespace goromdb

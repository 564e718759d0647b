// SPDX-License-Identifier: MIT
// Compares what a connection gets with what it must get, byte for byte.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "rows.h"
#include "wire.h"

namespace goromdb::bench {

class Checker {
 public:
  // `other`: the rows of a second data set, or null. A reply is then wholly of the one or of the
  // other.
  Checker(Protocol protocol, const Rows& rows, const Rows* other)
      : protocol_(protocol), rows_(rows), other_(other) {}

  // Takes bytes of the reply to `wanted`, the oldest request without one, up to the reply's end;
  // says how many, and in whole() whether that was the end. Throws std::runtime_error at the first
  // wrong byte, with what was asked for.
  size_t read(std::string_view data, std::span<const Wanted> wanted);
  bool whole() const { return !begun_; }

 private:
  struct Candidate {
    Reply reply;
    bool alive = true;
  };
  [[noreturn]] void differs(std::string_view got, std::span<const Wanted> wanted) const;

  Protocol protocol_;
  const Rows& rows_;
  const Rows* other_;
  bool begun_ = false;
  size_t at_ = 0;
  Candidate first_;
  std::optional<Candidate> second_;
};

}  // namespace goromdb::bench

// SPDX-License-Identifier: MIT
// The text that rows are read from, line by line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/file.h"

namespace goromdb::tools {

struct InputLimits {
  size_t block = size_t{256} << 10;      // that is read at once
  size_t longest_row = size_t{1} << 30;  // bytes
};

// Reads a descriptor on from where it stands, which may be a pipe. One thread. Holds a block, or
// up to twice the longest line. A byte order mark at the beginning is skipped.
class LineInput {
 public:
  // So many bytes behind a line may be read; the first of them is white space or 0.
  static constexpr size_t kPadding = 64;

  // `name` is for messages; a `size` of 0 is unknown.
  LineInput(Fd fd, std::string name, uint64_t size, InputLimits limits);

  // The next line without its line feed, good until the next call; false at the end. A line that is
  // longer than the limit is rejected.
  Result<bool> next_line(std::string_view& line);
  // The same for a part of a line, which has its line feed or ends where a read ended.
  Result<bool> next_part(std::string_view& part);

  const std::string& name() const { return name_; }
  uint64_t line() const { return line_; }  // of what was given last, from 1
  uint64_t done() const { return done_; }
  uint64_t total() const { return size_; }
  size_t longest_row() const { return limits_.longest_row; }

  // Rejected: "NAME:LINE: what", in one line whatever the words quote.
  tl::unexpected<Error> wrong(uint64_t line, std::string_view what) const;
  tl::unexpected<Error> too_long(uint64_t line) const;

 private:
  Result<void> start();
  Result<void> read();

  Fd fd_;
  std::string name_;
  uint64_t size_;
  InputLimits limits_;
  std::string buffer_;
  size_t begin_ = 0, end_ = 0;  // of what has been read and not been given
  bool started_ = false, final_ = false;
  bool line_ended_ = true;
  uint64_t line_ = 0, done_ = 0;
};

}  // namespace goromdb::tools

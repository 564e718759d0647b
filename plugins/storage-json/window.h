// SPDX-License-Identifier: MIT
// The part of a data file's text that is in memory: all of it, or a window that moves over it.
//
// Behind end() come the bytes that simdjson wants to be able to read. The window grows to no more
// than twice the longest piece that its user has wanted in one.
#pragma once

#include "input.h"
#include "syntax_error.h"

#include <goromdb/flat_index.hpp>
#include <goromdb/memory.hpp>
#include <goromdb/sdk.hpp>

#include <simdjson.h>

#include <string_view>

namespace goromdb {

class Window {
 public:
  static constexpr size_t kSmallest = size_t{1} << 20;

  // It is at least `smallest` bytes.
  Window(Source& source, const File& file, Host host, size_t smallest = kSmallest);

  const char* pos() const { return pos_; }
  const char* end() const { return end_; }
  bool final() const { return final_; }  // nothing follows end()
  // Gives up the text before `p`, which lies inside the text.
  void advance(const char* p) { pos_ = p; }
  // Gives back the memory of the text before `p`, a few MiB at a time: it reads as zeros from now
  // on, and places in it stay what they are.
  void forget(const char* p) {
    if (static_cast<size_t>(p - kept_from_) >= kForgottenAtOnce) forget_before(p);
  }
  // A part of the text as simdjson takes it.
  simdjson::padded_string_view piece(const char* begin, const char* end) const {
    return simdjson::padded_string_view(
        begin, static_cast<size_t>(end - begin),
        static_cast<size_t>(memory_.data() + memory_.size() - begin));
  }

  // Reads on; pointers into the window move to where pos() is then. Only while !final(). Throws a
  // SyntaxError with `too_long` when the text from pos() on is longer than `longest` already, a
  // Failure when the file cannot be read or the server is stopping.
  void more(size_t longest, const char* too_long);
  // Reads the rest of the file, which is `longest` bytes at most.
  void read_all(size_t longest, const char* too_long);

  // How far `p` is from the beginning of the (decompressed) text.
  uint64_t offset(const char* p) const { return base_ + static_cast<uint64_t>(p - memory_.data()); }
  // Tells the host that the text has been dealt with up to `p`.
  void progress(const char* p) const { host_.progress(offset(p), offset(end_)); }

 private:
  static constexpr size_t kForgottenAtOnce = size_t{4} << 20;  // whole huge pages

  void fill();
  void forget_before(const char* p);

  Source& source_;
  const File& file_;
  Host host_;
  AnonymousMemory memory_;
  MemoryWatch watch_;
  const char* pos_;
  char* end_;
  char* kept_from_;    // what is before has been forgotten
  uint64_t base_ = 0;  // offset of the memory's first byte
  bool final_ = false;
};

// In the sense of JSON.
inline bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
// The first byte that is no space, or `end`.
const char* skip_space(const char* p, const char* end);

}  // namespace goromdb

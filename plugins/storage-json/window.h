// SPDX-License-Identifier: MIT
// A window that moves over the text of a data file, so that no file has to fit into memory.
//
// The text between pos() and text().end is valid UTF-8 and ends between two characters; behind it
// come kTextPadding readable bytes. The window holds no more than twice the longest piece that
// its user has wanted in one, and at least kSmallest.
#pragma once

#include "input.h"
#include "json_text.h"

#include <goromdb/flat_index.hpp>
#include <goromdb/sdk.hpp>

namespace goromdb {

class Window {
 public:
  static constexpr size_t kSmallest = size_t{1} << 20;

  Window(Source& source, const File& file, Host host);

  const char* pos() const { return pos_; }
  Text text() const { return {end_, final_ && !wrong_}; }
  // Gives up the text before `p`, which lies inside the text.
  void advance(const char* p) { pos_ = p; }

  // Reads on; pointers into the window move to where pos() is then. Only while !text().final.
  // Throws a SyntaxError when bytes follow that are not UTF-8 or the `piece` that is wanted is
  // longer than `longest`, a Failure when the file cannot be read or the server is stopping.
  void more(size_t longest, const char* piece);

  // How far `p` is from the beginning of the (decompressed) text.
  uint64_t offset(const char* p) const { return base_ + static_cast<uint64_t>(p - memory_.data()); }

 private:
  void make_room(size_t longest, const char* piece);
  void check_utf8();

  Source& source_;
  const File& file_;
  Host host_;
  AnonymousMemory memory_;
  const char* pos_;
  const char* end_;     // of the text that has been checked
  char* read_end_;      // of what has been read
  uint64_t base_ = 0;   // offset of the memory's first byte
  bool final_ = false;  // everything has been read
  bool wrong_ = false;  // what lies at end_ is not UTF-8
};

}  // namespace goromdb

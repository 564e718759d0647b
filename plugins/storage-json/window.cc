// SPDX-License-Identifier: MIT
// Reading on, and the one thing that is left to simdjson: UTF-8 at the speed of the CPU that runs
// the program, chosen when it starts.
#include "window.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

namespace goromdb {
namespace {

unsigned byte_at(const char* p) { return static_cast<unsigned char>(*p); }

// How many bytes the character has that begins with `lead`; 1 for what is no beginning.
ptrdiff_t announced_size(unsigned lead) {
  if (lead >= 0xF0) return 4;
  if (lead >= 0xE0) return 3;
  return lead >= 0xC0 ? 2 : 1;
}

// The end of the last character that is there as a whole.
const char* whole_characters(const char* begin, const char* end) {
  for (const char* p = end; p > begin && end - p < 4;) {
    --p;
    if ((byte_at(p) & 0xC0) != 0x80) return announced_size(byte_at(p)) > end - p ? p : end;
  }
  return end;
}

// The first character of text that is known to be wrong: the longest right beginning is found by
// halving, since a beginning of right text is right wherever it ends between two characters.
const char* first_wrong(const char* begin, const char* end) {
  while (end - begin > 4) {
    const char* middle = whole_characters(begin, begin + (end - begin) / 2);
    if (middle == begin) break;
    if (simdjson::validate_utf8(begin, static_cast<size_t>(middle - begin))) {
      begin = middle;
    } else {
      end = middle;
    }
  }
  while (begin < end) {
    const ptrdiff_t size = std::min(announced_size(byte_at(begin)), end - begin);
    if (!simdjson::validate_utf8(begin, static_cast<size_t>(size))) return begin;
    begin += size;
  }
  return begin;
}

}  // namespace

Window::Window(Source& source, const File& file, Host host)
    : source_(source),
      file_(file),
      host_(host),
      memory_(kSmallest + kTextPadding),
      pos_(memory_.data()),
      end_(memory_.data()),
      read_end_(memory_.data()) {}

void Window::make_room(size_t longest, const char* piece) {
  const auto kept = static_cast<size_t>(read_end_ - pos_);
  const auto checked = static_cast<size_t>(end_ - pos_);
  const size_t capacity = memory_.size() - kTextPadding;
  if (kept > longest) {
    throw SyntaxError{pos_,
                      std::string(piece) + " is longer than " + std::to_string(longest) + " bytes",
                      GOROMDB_E_TOO_BIG};
  }
  base_ += static_cast<uint64_t>(pos_ - memory_.data());
  std::memmove(memory_.data(), pos_, kept);
  // At least half of the window is read anew each time, so looking again at what is kept costs no
  // more than reading it.
  if (kept > capacity / 2) memory_.resize(capacity * 2 + kTextPadding);
  pos_ = memory_.data();
  end_ = memory_.data() + checked;
  read_end_ = memory_.data() + kept;
}

// What is right before wrong bytes is still text: whoever reads it may find an earlier mistake.
void Window::check_utf8() {
  const char* stop = final_ ? read_end_ : whole_characters(end_, read_end_);
  wrong_ = !simdjson::validate_utf8(end_, static_cast<size_t>(stop - end_));
  end_ = wrong_ ? first_wrong(end_, stop) : stop;
}

void Window::more(size_t longest, const char* piece) {
  if (wrong_) throw SyntaxError{end_, "bytes that are not UTF-8"};
  make_room(longest, piece);
  host_.progress(file_.position(), file_.size());
  const char* const limit = memory_.data() + memory_.size() - kTextPadding;
  while (read_end_ < limit && !final_) {
    const size_t got = source_.read(read_end_, static_cast<size_t>(limit - read_end_));
    read_end_ += got;
    final_ = got == 0;
  }
  std::memset(read_end_, 0, kTextPadding);
  check_utf8();
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// Cuts a command line into words and numbers without copying. Words are separated by one or more
// spaces; no other byte separates (as in memcached, a key may hold tabs and control bytes).
#pragma once

#include <goromdb/text.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace goromdb::memcached {

static_assert(std::endian::native == std::endian::little,
              "find_separator() counts bytes from the low end of a word");

// Nonzero bits mark the bytes of `word` that equal `byte`; the lowest mark is exact, those above it
// may not be.
inline uint64_t mark_bytes(uint64_t word, uint8_t byte) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  uint64_t difference = word ^ (kOnes * byte);
  return (difference - kOnes) & ~difference & (kOnes << 7);
}

// The first space or newline in [p, end), or `end`. Eight bytes at a time: keys are short, and a
// call of memchr() for the space and another for the newline cost more than this. [floor, end) must
// be readable and p >= floor.
inline const uint8_t* find_separator(const uint8_t* floor, const uint8_t* p, const uint8_t* end) {
  uint64_t word;
  for (; end - p >= 8; p += 8) {
    std::memcpy(&word, p, 8);
    uint64_t marks = mark_bytes(word, ' ') | mark_bytes(word, '\n');
    if (marks != 0) return p + std::countr_zero(marks) / 8;
  }
  if (p == end) return end;
  if (end - floor >= 8) {
    // The last eight bytes, with those before p shifted out; the zeros shifted in are no
    // separators.
    std::memcpy(&word, end - 8, 8);
    word >>= (8 - (end - p)) * 8;
    uint64_t marks = mark_bytes(word, ' ') | mark_bytes(word, '\n');
    return marks != 0 ? p + std::countr_zero(marks) / 8 : end;
  }
  while (p != end && *p != ' ' && *p != '\n') ++p;
  return p;
}

// The words of one line, which holds no newline, from left to right.
class Words {
 public:
  Words(const uint8_t* begin, const uint8_t* end) : floor_(begin), p_(begin), end_(end) {}

  // The next word; empty when there is none left.
  std::string_view next() {
    while (p_ != end_ && *p_ == ' ') ++p_;
    const uint8_t* begin = p_;
    p_ = find_separator(floor_, begin, end_);
    return {reinterpret_cast<const char*>(begin), static_cast<size_t>(p_ - begin)};
  }
  // What is behind the words that have been read.
  std::string_view rest() const {
    return {reinterpret_cast<const char*>(p_), static_cast<size_t>(end_ - p_)};
  }

 private:
  const uint8_t *floor_, *p_, *end_;
};

// The arguments of a command that has few: the first ones, how many there are, and the last.
struct Arguments {
  explicit Arguments(Words words) {
    for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
      if (count < at.size()) at[count] = word;
      ++count;
      last = word;
    }
  }
  bool noreply() const { return last == "noreply"; }

  std::array<std::string_view, 5> at;
  size_t count = 0;
  std::string_view last;
};

}  // namespace goromdb::memcached

// SPDX-License-Identifier: MIT
// For storages that walk all pages of a file themselves and have a few ns for each entry.
// Header-only and not part of the ABI.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace goromdb {

template <class Word>
inline Word load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The first bytes as a number whose order is theirs.
template <class Word>
inline uint64_t big_endian(const char* at) {
  static_assert(std::endian::native == std::endian::little);
  const auto word = load<Word>(at);
  return sizeof word == sizeof(uint32_t) ? __builtin_bswap32(static_cast<uint32_t>(word))
                                         : __builtin_bswap64(word);
}

// < 0, 0 or > 0: the order of as many bytes as both have, without a call for each pair of keys.
// Words may have bytes of the ones before, which are the same in both where those are.
inline int compare_common(std::string_view a, std::string_view b) {
  constexpr size_t kWord = sizeof(uint64_t), kHalf = sizeof(uint32_t);
  const size_t common = std::min(a.size(), b.size());
  const auto order = [](uint64_t x, uint64_t y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (common >= kWord) {
    const size_t last = common - kWord;
    const auto order_at = [&](size_t i) {
      return order(big_endian<uint64_t>(a.data() + i), big_endian<uint64_t>(b.data() + i));
    };
    for (size_t i = 0; i < last; i += kWord) {
      if (load<uint64_t>(a.data() + i) != load<uint64_t>(b.data() + i)) return order_at(i);
    }
    return order_at(last);
  }
  if (common >= kHalf) {
    const auto both = [&](const char* at) {
      return big_endian<uint32_t>(at) << 32 | big_endian<uint32_t>(at + common - kHalf);
    };
    return order(both(a.data()), both(b.data()));
  }
  if (common == 0) return 0;
  const auto three = [&](std::string_view text) {
    const auto byte = [&](size_t i) {
      return static_cast<uint64_t>(static_cast<uint8_t>(text[i]));
    };
    return byte(0) << 16 | byte(common / 2) << 8 | byte(common - 1);
  };
  return order(three(a), three(b));
}

// As a == b, without a call. Words may have bytes of the ones before.
inline bool is_same(std::string_view a, std::string_view b) {
  constexpr size_t kWord = sizeof(uint64_t);
  if (a.size() != b.size()) return false;
  if (a.size() < kWord) return compare_common(a, b) == 0;
  const size_t last = a.size() - kWord;
  const auto differs = [&](size_t at) {
    return load<uint64_t>(a.data() + at) ^ load<uint64_t>(b.data() + at);
  };
  if (differs(0) || differs(last)) return false;
  for (size_t i = kWord; i < last; i += kWord) {
    if (differs(i)) return false;
  }
  return true;
}

// As a < b.
inline bool is_below(std::string_view a, std::string_view b) {
  const int order = compare_common(a, b);
  return order < 0 || (order == 0 && a.size() < b.size());
}

// Lets what lies there come from memory, while other things are done.
inline void expect(const void* at) { __builtin_prefetch(at, 0, 3); }

// The page that is looked at next comes from memory while this one is looked at, a bit with each of
// its entries, in the order in which it will be looked at: all at once would be waited for.
class ComingPage {
 public:
  // It is not known.
  ComingPage() = default;
  // All of it, in ascending order, in so many bits. `begin` nowhere: it is not known.
  ComingPage(const void* begin, size_t size, size_t bits)
      : ComingPage(static_cast<const char*>(begin), begin == nullptr ? 0 : size / size_t{kLine},
                   bits, begin == nullptr ? 0 : kLine) {}
  // Of one that is filled from its end: its head, then what is from its end down to `lowest`.
  static ComingPage filled_from_end(const void* begin, size_t size, size_t head, size_t lowest,
                                    size_t bits) {
    if (begin == nullptr) return {};
    const auto at = static_cast<const char*>(begin);
    for (size_t line = 0; line < std::min(head, size); line += kLine) expect(at + line);
    const size_t lines = (size - std::min(lowest, size) + kLine - 1) / kLine;
    return {at + size - kLine, lines, bits, -ptrdiff_t{kLine}};
  }

  // What is behind the page comes as well where that is done too often. No branch depends on how
  // many lines are due, which pages with other numbers of entries would make impossible to foresee.
  void a_bit() {
    const char* const at = at_ + (done_ >> kPoint);
    expect(at);
    expect(at + step_);
    for (ptrdiff_t line = 2; line < lines_at_once_; ++line) expect(at + line * step_);
    done_ += per_bit_;
  }

 private:
  static constexpr ptrdiff_t kLine = 64;
  static constexpr int kPoint = 16;  // of bytes, so many bits are behind the point
  ComingPage(const char* at, size_t lines, size_t bits, ptrdiff_t step)
      : at_(at),
        step_(step),
        per_bit_(step * static_cast<ptrdiff_t>((lines << kPoint) / std::max<size_t>(bits, 1))),
        lines_at_once_(static_cast<ptrdiff_t>((lines + bits) / std::max<size_t>(bits, 1))) {}

  const char* at_ = nullptr;
  ptrdiff_t step_ = 0, done_ = 0, per_bit_ = 0, lines_at_once_ = 0;
};

}  // namespace goromdb

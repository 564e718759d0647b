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

// As a < b: the order of their bytes, without a call for each pair of keys.
inline bool is_below(std::string_view a, std::string_view b) {
  static_assert(std::endian::native == std::endian::little);
  constexpr size_t kWord = sizeof(uint64_t);
  const size_t common = std::min(a.size(), b.size());
  if (common < kWord) return a < b;
  const auto word_at = [](const char* at) {
    uint64_t word;
    std::memcpy(&word, at, kWord);
    return __builtin_bswap64(word);  // whose order is that of its bytes
  };
  // The last word may have bytes of the one before, which are the same in both.
  for (size_t i = 0;; i = std::min(i + kWord, common - kWord)) {
    const uint64_t x = word_at(a.data() + i), y = word_at(b.data() + i);
    if (x != y) return x < y;
    if (i + kWord == common) return a.size() < b.size();
  }
}

// The page that is looked at next comes from memory while this one is looked at, a bit with each of
// its entries: all at once would be waited for.
class ComingPage {
 public:
  // `begin` nowhere: it is not known.
  ComingPage(const void* begin, size_t size, size_t entries)
      : at_(static_cast<const char*>(begin)),
        lines_(begin == nullptr ? 0 : size / kLine),
        a_bit_(lines_ / std::max<size_t>(entries, 1) + 1) {}
  void a_bit() {
    const size_t bit = std::min(a_bit_, lines_);
    for (const char* const to = at_ + bit * kLine; at_ != to; at_ += kLine) {
      __builtin_prefetch(at_, 0, 2);
    }
    lines_ -= bit;
  }

 private:
  static constexpr size_t kLine = 64;
  const char* at_;
  size_t lines_, a_bit_;
};

}  // namespace goromdb

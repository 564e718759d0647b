// SPDX-License-Identifier: MIT
// An entry's value as MemcacheDB keeps it: its struct _stritem, byte for byte (memcachedb.h of
// MemcacheDB 1.2, the same in 32- and 64-bit builds):
//   i32 length of the value and CRLF, in the writer's byte order; u8 length of the suffix; u8
//   length of the key; two bytes of padding; the key and a zero byte; the suffix " FLAGS
//   LENGTH\r\n"; the value and CRLF.
// Pure functions over bytes, of any thread.
#pragma once

#include <goromdb/page_walk.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace goromdb::bdb {

struct Item {
  std::string_view key, value;
  uint32_t flags = 0;
};

constexpr size_t kMostItemKey = 255;

// Nothing when the bytes are no whole item. The views point into `bytes`. Bytes behind the item are
// left alone.
std::optional<Item> parse_item(std::string_view bytes);

// The key has at most kMostItemKey bytes, the value less than 2 GiB.
std::string item_of(const Item& item);

// How many bytes clients get of what is stored for a key; kNoItem: it is no item of that key.
uint64_t served_size(std::string_view key, std::string_view stored);
// The same, and written for items as they mostly are: the guard asks it of each entry of a file,
// and has a few ns.
uint64_t usual_served_size(std::string_view key, std::string_view stored);
// A number, which stays in a register: an optional goes by way of memory.
constexpr uint64_t kNoItem = std::numeric_limits<uint64_t>::max();

// ---- what of that is here to be a part of loops ----

namespace item {

constexpr size_t kHeadSize = 8, kSuffixSizeAt = 4, kKeySizeAt = 5;
constexpr std::string_view kCrlf = "\r\n";

inline bool is_crlf(const char* at) { return std::memcmp(at, kCrlf.data(), kCrlf.size()) == 0; }

inline uint32_t length_in(std::string_view bytes) {
  uint32_t length;
  std::memcpy(&length, bytes.data(), sizeof length);
  return length;
}

// The digits of small numbers, as four bytes: the first digit is the first of them.
inline constexpr auto kDigits = [] {
  std::array<uint32_t, 1000> all{};
  for (uint32_t number = 0; number < all.size(); ++number) {
    uint32_t rest = number;
    do {
      all[number] = all[number] << 8 | ('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
  }
  return all;
}();

// Whether it is the suffix of a value of so many bytes, which are not too many, with flags of one
// digit. There are others. Before it is the zero byte.
inline bool is_usual(std::string_view suffix, size_t length) {
  constexpr size_t kNumberAt = sizeof " F " - 1, kMostDigits = sizeof(uint32_t);
  const size_t digits = suffix.size() - kNumberAt - kCrlf.size();  // fewer than none: very many
  if (digits - 1 >= kMostDigits || length >= kDigits.size()) return false;
  const char* const end = suffix.data() + suffix.size() - kCrlf.size();
  const uint32_t flags = std::rotr(load<uint32_t>(suffix.data() - 1) ^ load<uint32_t>("\0 0 "), 16);
  return flags <= 9 &&
         load<uint32_t>(end - kMostDigits) >> 8 * (kMostDigits - digits) == kDigits[length] &&
         end[-1] != '\0' && is_crlf(end);  // the table has zeros behind the digits
}

}  // namespace item

inline uint64_t usual_served_size(std::string_view key, std::string_view stored) {
  using namespace item;
  if (stored.size() >= kHeadSize && static_cast<uint8_t>(stored[kKeySizeAt]) == key.size()) {
    const size_t suffix_at = kHeadSize + key.size() + 1;
    const size_t suffix_size = static_cast<uint8_t>(stored[kSuffixSizeAt]);
    const size_t value_size = length_in(stored) - kCrlf.size();
    const char *const begin = stored.data(), *const end = begin + stored.size();
    if (suffix_at + suffix_size + value_size + kCrlf.size() == stored.size() &&
        is_same({begin + kHeadSize, key.size()}, key) &&
        is_usual({begin + suffix_at, suffix_size}, value_size) && is_crlf(end - kCrlf.size())) {
      return value_size;
    }
  }
  return served_size(key, stored);
}

}  // namespace goromdb::bdb

// SPDX-License-Identifier: MIT
// An entry's value as MemcacheDB keeps it: its struct _stritem, byte for byte (memcachedb.h of
// MemcacheDB 1.2, the same in 32- and 64-bit builds):
//   i32 length of the value and CRLF, in the writer's byte order; u8 length of the suffix; u8
//   length of the key; two bytes of padding; the key and a zero byte; the suffix " FLAGS
//   LENGTH\r\n"; the value and CRLF.
// Pure functions over bytes, of any thread.
#pragma once

#include <goromdb/page_walk.hpp>

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

// How many bytes clients get of what is stored for a key; nothing: it is no item of that key.
std::optional<uint64_t> served_size(std::string_view key, std::string_view stored);
// The same, and written for items as they mostly are: the guard asks it of each entry of a file,
// and has a few ns.
std::optional<uint64_t> usual_served_size(std::string_view key, std::string_view stored);

// ---- what of that is here to be a part of loops ----

namespace item {

constexpr size_t kHeadSize = 8, kSuffixSizeAt = 4, kKeySizeAt = 5;
constexpr std::string_view kCrlf = "\r\n";

inline bool is_crlf(const char* at) { return std::memcmp(at, kCrlf.data(), kCrlf.size()) == 0; }

struct Parts {
  std::string_view key, suffix, value;
};

// With its length in this byte order. What the suffix says was not looked at.
inline std::optional<Parts> parts_of(std::string_view bytes, uint32_t length) {
  const auto suffix_size = static_cast<uint8_t>(bytes[kSuffixSizeAt]);
  const auto key_size = static_cast<uint8_t>(bytes[kKeySizeAt]);
  const size_t suffix_at = kHeadSize + key_size + 1, value_at = suffix_at + suffix_size;
  if (length < kCrlf.size() || length > std::numeric_limits<int32_t>::max()) return {};
  if (bytes.size() < value_at + length) return {};
  const size_t value_size = length - kCrlf.size();
  const char *const suffix = bytes.data() + suffix_at, *const value = bytes.data() + value_at;
  if (suffix[-1] != '\0' || !is_crlf(value + value_size)) return {};
  return Parts{{bytes.data() + kHeadSize, key_size}, {suffix, suffix_size}, {value, value_size}};
}

inline uint32_t length_in(std::string_view bytes) {
  uint32_t length;
  std::memcpy(&length, bytes.data(), sizeof length);
  return length;
}

// Whether it is the suffix of a value of so many bytes, with flags of one digit. There are others.
inline bool is_usual(std::string_view suffix, size_t length) {
  constexpr size_t kNumberAt = sizeof " F " - 1, kMostDigits = 10;
  const size_t digits = suffix.size() - kNumberAt - kCrlf.size();  // fewer than none: very many
  if (digits - 1 >= kMostDigits) return false;
  const char *const flags = suffix.data() + 1, *at = suffix.data() + kNumberAt;
  const auto digit_at = [](const char* place) { return static_cast<uint8_t>(*place - '0'); };
  if (flags[-1] != ' ' || digit_at(flags) > 9 || flags[1] != ' ') return false;
  const char* const end = at + digits;
  size_t says = 0;
  do {
    const auto digit = digit_at(at);
    if (digit > 9) return false;
    says = says * 10 + digit;
  } while (++at != end);
  return says == length && is_crlf(end);
}

}  // namespace item

inline std::optional<uint64_t> usual_served_size(std::string_view key, std::string_view stored) {
  using namespace item;
  if (stored.size() >= kHeadSize) {
    const auto parts = parts_of(stored, length_in(stored));
    if (parts && is_same(parts->key, key) && is_usual(parts->suffix, parts->value.size())) {
      return parts->value.size();
    }
  }
  return served_size(key, stored);
}

}  // namespace goromdb::bdb

// SPDX-License-Identifier: MIT
#include "memcachedb_item.h"

#include <cstring>
#include <limits>

namespace goromdb::bdb {
namespace {

using namespace item;

struct Parts {
  std::string_view key, suffix, value;
};

// With its length in this byte order. What the suffix says was not looked at.
std::optional<Parts> parts_of(std::string_view bytes, uint32_t length) {
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

constexpr int64_t kMostNumber = std::numeric_limits<uint32_t>::max();

// Takes " NUMBER" from `at` on, which is no larger than any flags or length can be.
bool take_number(const char*& at, const char* end, int64_t& number) {
  if (at == end || *at++ != ' ') return false;
  const bool is_negative = at != end && *at == '-';
  if (is_negative) ++at;
  const char* const begin = at;
  for (number = 0; at != end; ++at) {
    const auto digit = static_cast<unsigned>(*at - '0');
    if (digit > 9) break;
    number = number * 10 + digit;
    if (number > kMostNumber) return false;
  }
  if (is_negative) number = -number;
  return at != begin;
}

// The flags in the suffix of a value of so many bytes; nothing: it is none.
std::optional<uint32_t> flags_in(std::string_view suffix, size_t length) {
  const char *at = suffix.data(), *const end = at + suffix.size();
  int64_t flags, says;
  if (!take_number(at, end, flags) || !take_number(at, end, says)) return {};
  if (end - at != static_cast<ptrdiff_t>(kCrlf.size()) || !is_crlf(at)) return {};
  if (says != static_cast<int64_t>(length)) return {};
  // Flags were printed as a signed number by some builds.
  if (flags < std::numeric_limits<int32_t>::min()) return {};
  return static_cast<uint32_t>(flags);
}

std::optional<Item> parse(std::string_view bytes, uint32_t length) {
  const auto parts = parts_of(bytes, length);
  if (!parts) return {};
  const auto flags = flags_in(parts->suffix, parts->value.size());
  if (!flags) return {};
  return Item{parts->key, parts->value, *flags};
}

}  // namespace

std::optional<Item> parse_item(std::string_view bytes) {
  if (bytes.size() < kHeadSize) return {};
  const uint32_t length = length_in(bytes);
  const auto item = parse(bytes, length);
  return item ? item : parse(bytes, __builtin_bswap32(length));
}

uint64_t served_size(std::string_view key, std::string_view stored) {
  const auto item = parse_item(stored);
  return item && item->key == key ? item->value.size() : kNoItem;
}

std::string item_of(const Item& item) {
  const auto suffix = " " + std::to_string(static_cast<int32_t>(item.flags)) + " " +
                      std::to_string(item.value.size()) + "\r\n";
  const auto length = static_cast<uint32_t>(item.value.size() + kCrlf.size());
  std::string bytes(kHeadSize, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  bytes[kSuffixSizeAt] = static_cast<char>(suffix.size());
  bytes[kKeySizeAt] = static_cast<char>(item.key.size());
  bytes.append(item.key).append(1, '\0').append(suffix).append(item.value).append(kCrlf);
  return bytes;
}

}  // namespace goromdb::bdb

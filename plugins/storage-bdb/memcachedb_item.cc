// SPDX-License-Identifier: MIT
#include "memcachedb_item.h"

#include <goromdb/page_walk.hpp>

#include <cstring>
#include <limits>

namespace goromdb::bdb {
namespace {

constexpr size_t kHeadSize = 8, kSuffixSizeAt = 4, kKeySizeAt = 5;
constexpr std::string_view kCrlf = "\r\n";

constexpr int64_t kMostNumber = std::numeric_limits<uint32_t>::max();

// Takes " NUMBER" from `at` on, which is no larger than any flags or length can be. The guard reads
// two of them for each entry of a file, in a few ns.
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

bool is_crlf(const char* at) { return std::memcmp(at, kCrlf.data(), kCrlf.size()) == 0; }

// With its length in this byte order.
inline bool parse(std::string_view bytes, uint32_t length, Item& item) {
  const auto suffix_size = static_cast<uint8_t>(bytes[kSuffixSizeAt]);
  const auto key_size = static_cast<uint8_t>(bytes[kKeySizeAt]);
  const size_t suffix_at = kHeadSize + key_size + 1, value_at = suffix_at + suffix_size;
  if (length < kCrlf.size() || length > std::numeric_limits<int32_t>::max()) return false;
  if (bytes.size() < value_at + length) return false;
  const size_t value_size = length - kCrlf.size();
  const char *at = bytes.data() + suffix_at, *const value = bytes.data() + value_at;
  if (at[-1] != '\0' || !is_crlf(value + value_size)) return false;
  int64_t flags, says;
  if (!take_number(at, value, flags) || !take_number(at, value, says)) return false;
  if (value - at != static_cast<ptrdiff_t>(kCrlf.size()) || !is_crlf(at)) return false;
  // Flags were printed as a signed number by some builds.
  if (flags < std::numeric_limits<int32_t>::min()) return false;
  if (says != static_cast<int64_t>(value_size)) return false;
  item = {{bytes.data() + kHeadSize, key_size}, {value, value_size}, static_cast<uint32_t>(flags)};
  return true;
}

inline bool parse(std::string_view bytes, Item& item) {
  if (bytes.size() < kHeadSize) return false;
  uint32_t length;
  std::memcpy(&length, bytes.data(), sizeof length);
  return parse(bytes, length, item) || parse(bytes, __builtin_bswap32(length), item);
}

}  // namespace

std::optional<Item> parse_item(std::string_view bytes) {
  Item item;
  return parse(bytes, item) ? std::optional(item) : std::nullopt;
}

std::optional<uint64_t> served_size(std::string_view key, std::string_view stored) {
  Item item;
  const bool is_its_own =
      parse(stored, item) && item.key.size() == key.size() && compare_common(item.key, key) == 0;
  return is_its_own ? std::optional<uint64_t>(item.value.size()) : std::nullopt;
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

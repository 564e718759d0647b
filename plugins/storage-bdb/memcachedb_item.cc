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

bool is_crlf(const char* at) { return std::memcmp(at, kCrlf.data(), kCrlf.size()) == 0; }

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
std::optional<uint32_t> flags_in(const char* at, const char* end, size_t length) {
  int64_t flags, says;
  if (!take_number(at, end, flags) || !take_number(at, end, says)) return {};
  if (end - at != static_cast<ptrdiff_t>(kCrlf.size()) || !is_crlf(at)) return {};
  if (says != static_cast<int64_t>(length)) return {};
  // Flags were printed as a signed number by some builds.
  if (flags < std::numeric_limits<int32_t>::min()) return {};
  return static_cast<uint32_t>(flags);
}

// The same of a usual suffix, with flags of one digit, and nothing of all others.
inline std::optional<uint32_t> flags_in_usual(const char* begin, const char* end, size_t length) {
  if (end - begin < static_cast<ptrdiff_t>(sizeof " F N\r\n" - 1)) return {};
  const char *const number = begin + 3, *at = end - kCrlf.size();
  if (!is_crlf(at)) return {};
  for (; at != number; length /= 10) {
    if (*--at != static_cast<char>('0' + length % 10)) return {};
  }
  const auto flags = static_cast<uint32_t>(begin[1] - '0');
  if (length != 0 || begin[0] != ' ' || flags > 9 || begin[2] != ' ') return {};
  return flags;
}

// With its length in this byte order.
template <class FlagsIn>
inline std::optional<Item> parse(std::string_view bytes, uint32_t length, FlagsIn flags_in) {
  const auto suffix_size = static_cast<uint8_t>(bytes[kSuffixSizeAt]);
  const auto key_size = static_cast<uint8_t>(bytes[kKeySizeAt]);
  const size_t suffix_at = kHeadSize + key_size + 1, value_at = suffix_at + suffix_size;
  if (length < kCrlf.size() || length > std::numeric_limits<int32_t>::max()) return {};
  if (bytes.size() < value_at + length) return {};
  const size_t value_size = length - kCrlf.size();
  const char *const suffix = bytes.data() + suffix_at, *const value = bytes.data() + value_at;
  if (suffix[-1] != '\0' || !is_crlf(value + value_size)) return {};
  const std::optional<uint32_t> flags = flags_in(suffix, value, value_size);
  if (!flags) return {};
  return Item{{bytes.data() + kHeadSize, key_size}, {value, value_size}, *flags};
}

uint32_t length_in(std::string_view bytes) {
  uint32_t length;
  std::memcpy(&length, bytes.data(), sizeof length);
  return length;
}

bool is_of(std::string_view key, const Item& item) {
  return item.key.size() == key.size() && compare_common(item.key, key) == 0;
}

}  // namespace

std::optional<Item> parse_item(std::string_view bytes) {
  if (bytes.size() < kHeadSize) return {};
  const uint32_t length = length_in(bytes);
  const auto item = parse(bytes, length, flags_in);
  return item ? item : parse(bytes, __builtin_bswap32(length), flags_in);
}

// Not within the other one, which has fewer instructions so.
__attribute__((noinline)) static std::optional<uint64_t> served_size_of_any(
    std::string_view key, std::string_view stored) {
  const auto item = parse_item(stored);
  return item && is_of(key, *item) ? std::optional<uint64_t>(item->value.size()) : std::nullopt;
}

// The guard asks this of each entry of a file, and has a few ns.
std::optional<uint64_t> served_size(std::string_view key, std::string_view stored) {
  if (stored.size() >= kHeadSize) {
    const auto usual = parse(stored, length_in(stored), flags_in_usual);
    if (usual && is_of(key, *usual)) return usual->value.size();
  }
  return served_size_of_any(key, stored);
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

// SPDX-License-Identifier: MIT
#include "memcachedb_item.h"

#include <charconv>
#include <cstring>
#include <limits>

namespace goromdb::bdb {
namespace {

constexpr size_t kHeadSize = 8, kSuffixSizeAt = 4, kKeySizeAt = 5;
constexpr std::string_view kCrlf = "\r\n";

// Takes " NUMBER" from the front of `text`.
bool take_number(std::string_view& text, int64_t& number) {
  if (!text.starts_with(' ')) return false;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 1, end, number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  return true;
}

// With its length in this byte order.
std::optional<Item> parse(std::string_view bytes, uint32_t length) {
  const auto suffix_size = static_cast<uint8_t>(bytes[kSuffixSizeAt]);
  const auto key_size = static_cast<uint8_t>(bytes[kKeySizeAt]);
  const size_t suffix_at = kHeadSize + key_size + 1, value_at = suffix_at + suffix_size;
  if (length < kCrlf.size() || length > std::numeric_limits<int32_t>::max()) return {};
  if (bytes.size() < value_at + length) return {};
  const auto text = bytes.substr(value_at, length);
  if (bytes[suffix_at - 1] != '\0' || !text.ends_with(kCrlf)) return {};
  auto suffix = bytes.substr(suffix_at, suffix_size);
  int64_t flags = 0, says = 0;
  if (!take_number(suffix, flags) || !take_number(suffix, says) || suffix != kCrlf) return {};
  // Flags were printed as a signed number by some builds.
  if (flags < std::numeric_limits<int32_t>::min() || flags > std::numeric_limits<uint32_t>::max()) {
    return {};
  }
  const auto value = text.substr(0, length - kCrlf.size());
  if (says != static_cast<int64_t>(value.size())) return {};
  return Item{bytes.substr(kHeadSize, key_size), value, static_cast<uint32_t>(flags)};
}

}  // namespace

std::optional<Item> parse_item(std::string_view bytes) {
  if (bytes.size() < kHeadSize) return {};
  uint32_t length;
  std::memcpy(&length, bytes.data(), sizeof length);
  const auto item = parse(bytes, length);
  return item ? item : parse(bytes, __builtin_bswap32(length));
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

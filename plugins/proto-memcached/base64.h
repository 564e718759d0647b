// SPDX-License-Identifier: MIT
// Base64 (RFC 4648, section 4) of keys that text cannot carry: the meta commands' flag `b`.
// Padding is needed and nothing else is let pass: memcached skips foreign bytes, so that two texts
// would be one key.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace goromdb::memcached {

inline constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr size_t base64_size(size_t bytes) { return (bytes + 2) / 3 * 4; }

// Writes base64_size(bytes.size()) digits and returns the end.
inline uint8_t* encode_base64(std::string_view bytes, uint8_t* out) {
  size_t at = 0;
  const auto byte = [&](size_t i) -> uint32_t {
    return i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0u;
  };
  for (; at < bytes.size(); at += 3) {
    const uint32_t group = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    for (int shift = 18; shift >= 0; shift -= 6) {
      *out++ = static_cast<uint8_t>(kBase64Digits[group >> shift & 63]);
    }
  }
  const size_t padding = at - bytes.size();
  std::fill_n(out - padding, padding, uint8_t{'='});
  return out;
}

inline constexpr uint8_t kNoDigit = 64;
inline constexpr auto kBase64Values = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (uint8_t i = 0; i < 64; ++i) values[static_cast<uint8_t>(kBase64Digits[i])] = i;
  return values;
}();

// Writes at most text.size() / 4 * 3 bytes to `out`; their number, or nothing where `text` is empty
// or no base64.
inline std::optional<size_t> decode_base64(std::string_view text, uint8_t* out) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const size_t digits = text.size() - padding;
  uint32_t group = 0;
  size_t size = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t value = i < digits ? kBase64Values[static_cast<uint8_t>(text[i])] : uint8_t{0};
    if (value == kNoDigit) return std::nullopt;
    group = group << 6 | value;
    if (i % 4 != 3) continue;
    for (int shift = 16; shift >= 0; shift -= 8) out[size++] = static_cast<uint8_t>(group >> shift);
    group = 0;
  }
  return size - padding;
}

}  // namespace goromdb::memcached

// SPDX-License-Identifier: MIT
// Base64: RFC 4648, section 4: the usual alphabet, padded, nothing else in between. Pure; any
// thread. Header-only, not part of the ABI.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace goromdb {

namespace base64_detail {

inline constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
inline constexpr uint8_t kNoDigit = 64;  // a bit that no digit has
inline constexpr auto kValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (uint8_t i = 0; i < 64; ++i) values[static_cast<uint8_t>(kDigits[i])] = i;
  return values;
}();

// The bits of `n` <= 4 digits, at the upper end of 24; kNoDigit << 18 and above: there is a foreign
// byte among them.
inline uint32_t read_group(const char* digits, size_t n) {
  uint32_t group = 0, all = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint32_t value = kValues[static_cast<uint8_t>(digits[i])];
    all |= value;
    group |= value << (18 - 6 * i);
  }
  return (all & kNoDigit) != 0 ? uint32_t{kNoDigit} << 18 : group;
}

}  // namespace base64_detail

constexpr size_t base64_size(size_t bytes) { return (bytes + 2) / 3 * 4; }

// Writes base64_size(bytes.size()) digits to `out`, any kind of bytes, and returns the end.
template <class Byte>
Byte* encode_base64(std::string_view bytes, Byte* out) {
  static_assert(sizeof(Byte) == 1);
  const auto byte = [&](size_t i) -> uint32_t {
    return i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : 0u;
  };
  size_t at = 0;
  for (; at < bytes.size(); at += 3) {
    const uint32_t group = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    for (int shift = 18; shift >= 0; shift -= 6) {
      *out++ = static_cast<Byte>(base64_detail::kDigits[group >> shift & 63]);
    }
  }
  const size_t padding = at - bytes.size();
  std::fill_n(out - padding, padding, static_cast<Byte>('='));
  return out;
}

inline std::string encode_base64(std::string_view bytes) {
  std::string text(base64_size(bytes.size()), '\0');
  encode_base64(bytes, text.data());
  return text;
}

// What may stand in the bits of the last digit that padding throws away: zeros, so that no two
// texts are the same bytes, or anything, as many decoders have it.
enum class SpareBits : uint8_t { kZero, kAny };

// Writes at most text.size() / 4 * 3 bytes to `out`; their number, or nothing where `text` is not
// base64.
template <class Byte>
std::optional<size_t> decode_base64(std::string_view text, Byte* out, SpareBits spare) {
  static_assert(sizeof(Byte) == 1);
  if (text.size() % 4 != 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  size_t size = 0;
  for (size_t at = 0; at < text.size(); at += 4) {
    const size_t left = at + 4 == text.size() ? padding : 0;  // of the last group
    const uint32_t group = base64_detail::read_group(text.data() + at, 4 - left);
    if (group >= uint32_t{base64_detail::kNoDigit} << 18) return std::nullopt;
    if (spare == SpareBits::kZero && (group & ((1u << 8 * left) - 1)) != 0) return std::nullopt;
    for (size_t i = 0; i < 3 - left; ++i) out[size++] = static_cast<Byte>(group >> (16 - 8 * i));
  }
  return size;
}

// False when `text` is not base64, spare bits that are not 0 included; `bytes` is anything then.
inline bool decode_base64(std::string_view text, std::string& bytes) {
  bytes.resize(text.size() / 4 * 3);
  const auto size = decode_base64(text, bytes.data(), SpareBits::kZero);
  if (size) bytes.resize(*size);
  return size.has_value();
}

}  // namespace goromdb

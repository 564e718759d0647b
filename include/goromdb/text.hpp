// SPDX-License-Identifier: MIT
// What protocols of text share: bytes and numbers into a reply, numbers and words out of a request,
// a payload that nobody wants. Pure, no allocation; any thread. Header-only, not part of the ABI.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>

namespace goromdb {

// ---- into a reply: memory that is known to have room; each returns the advanced cursor ----

// `bytes` is somewhere in memory, also where it has none.
inline uint8_t* put(uint8_t* cursor, std::string_view bytes) {
  std::memcpy(cursor, bytes.data(), bytes.size());
  return cursor + bytes.size();
}

// In decimal.
inline constexpr size_t kMaxDigits = 20;  // bytes of a number of 64 bits, its sign among them
inline uint8_t* put_number(uint8_t* cursor, std::integral auto n) {
  if (n >= 0 && n < 10) {  // counts, flags
    *cursor = static_cast<uint8_t>('0' + n);
    return cursor + 1;
  }
  auto* begin = reinterpret_cast<char*>(cursor);
  return cursor + (std::to_chars(begin, begin + kMaxDigits, n).ptr - begin);
}

// ---- out of a request ----

// The whole text as a decimal number that `Number` holds, or nothing. No blanks and no plus sign,
// which C's strtol() lets pass: what two programs could read differently is not a number.
template <std::integral Number>
std::optional<Number> parse_number(std::string_view text) {
  Number n{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, n);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return n;
}

// Letters of ASCII; all other bytes stay.
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
constexpr char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}

// Whether `text` is `lower`, a word in lower case, in whatever case it is written.
constexpr bool is_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (to_lower(text[i]) != lower[i]) return false;
  }
  return true;
}

// A control byte of ASCII: it can end a line, or do worse to a terminal.
constexpr bool is_control(char c) { return static_cast<uint8_t>(c) < ' ' || c == '\x7f'; }

// Whether the text can stand between the blanks of a line: a key, a name. It may be empty.
constexpr bool is_plain(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == ' ' || is_control(c); });
}

// Passes over what has come of a payload that is thrown away, of which `left` bytes are still to
// come: moves `pos` and returns what was passed over, nothing behind `end`.
inline std::string_view discard(uint64_t left, const uint8_t*& pos, const uint8_t* end) {
  const auto here = static_cast<size_t>(std::min<uint64_t>(left, static_cast<size_t>(end - pos)));
  const std::string_view passed(reinterpret_cast<const char*>(pos), here);
  pos += here;
  return passed;
}

}  // namespace goromdb

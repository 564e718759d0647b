// SPDX-License-Identifier: MIT
// Patterns of KEYS, SCAN, CONFIG GET and PSUBSCRIBE, as redis' stringmatchlen() reads them: `*` any
// bytes, `?` one byte, `[a-z]` and `[^a-z]` one of a class, `\` the next byte as it is. A class
// that is not closed ends with the pattern. Pure; at most pattern * text steps, whatever the
// pattern.
#pragma once

#include <goromdb/text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace goromdb::redis {

// What a client may ask many names to match: a class is read through for each byte of a name.
inline constexpr size_t kLongestPattern = 1024;
inline constexpr std::string_view kPatternTooLong = "ERR the pattern is too long";

enum class Case : uint8_t { kExact, kIgnore };

namespace glob_detail {

inline uint8_t fold(char byte, Case mode) {
  return static_cast<uint8_t>(mode == Case::kIgnore ? to_lower(byte) : byte);
}

// Matches `byte` against the class that begins behind the `[` at `at`; moves `at` behind it.
inline bool in_class(std::string_view pattern, size_t& at, uint8_t byte, Case mode) {
  const auto item = [&](size_t i) { return fold(pattern[i], mode); };
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  for (; at < pattern.size() && pattern[at] != ']'; ++at) {
    const size_t left = pattern.size() - at;
    if (pattern[at] == '\\' && left >= 2) {
      ++at;
      found |= item(at) == byte;
    } else if (left >= 3 && pattern[at + 1] == '-') {
      const uint8_t from = item(at), to = item(at + 2);
      found |= std::min(from, to) <= byte && byte <= std::max(from, to);
      at += 2;
    } else {
      found |= item(at) == byte;
    }
  }
  if (at < pattern.size()) ++at;  // the `]`
  return found != negated;
}

}  // namespace glob_detail

inline bool glob_match(std::string_view pattern, std::string_view text, Case mode = Case::kExact) {
  using glob_detail::fold;
  if (pattern == "*") return true;
  if (text.empty()) return pattern.empty();  // as redis, which looks no further
  size_t p = 0, t = 0;
  size_t star = std::string_view::npos, star_text = 0;  // where the last `*` may take one byte more
  while (t < text.size()) {
    const uint8_t byte = fold(text[t], mode);
    bool matches = false;
    size_t next = p;
    if (p < pattern.size()) {
      switch (pattern[p]) {
        case '*':
          star = p++;
          star_text = t;
          continue;
        case '?':
          matches = true;
          ++next;
          break;
        case '[':
          ++next;
          matches = glob_detail::in_class(pattern, next, byte, mode);
          break;
        case '\\':
          if (pattern.size() - p >= 2) ++next;
          [[fallthrough]];
        default:
          matches = fold(pattern[next], mode) == byte;
          ++next;
      }
    }
    if (matches) {
      p = next;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace goromdb::redis

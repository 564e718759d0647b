// SPDX-License-Identifier: MIT
// The commonest row of NDJSON, taken apart without a parser: an object of strings without escapes.
#pragma once

#include <simdjson.h>

#include <cstring>
#include <string_view>

namespace goromdb::tools {

// UTF-8 without a control character or a backslash: what stands between two quotes is a string.
inline bool is_plain_text(std::string_view text) {
  unsigned char special = 0, all = 0;
  for (const char each : text) {
    const auto c = static_cast<unsigned char>(each);
    special |= static_cast<unsigned char>((c < ' ') | (c == '\\'));
    all |= c;
  }
  return special == 0 && (all < 0x80 || simdjson::validate_utf8(text.data(), text.size()));
}

// Calls member(name, text) for each member of {"name": "text", ...}; both are parts of `line`.
// False: the line is something else, which a parser has to look at; what was called counts for
// nothing then.
template <class Member>
bool take_plain_object(std::string_view line, Member member) {
  if (!is_plain_text(line)) return false;
  const char* at = line.data();
  const char* const end = at + line.size();
  const auto skip = [&](char c) {
    while (at != end && *at == ' ') ++at;
    if (at == end || *at != c) return false;
    ++at;
    return true;
  };
  const auto string = [&](std::string_view& out) {
    if (!skip('"')) return false;
    const void* const close = std::memchr(at, '"', static_cast<size_t>(end - at));
    if (close == nullptr) return false;
    out = {at, static_cast<size_t>(static_cast<const char*>(close) - at)};
    at += out.size() + 1;
    return true;
  };
  if (!skip('{')) return false;
  do {
    std::string_view name, text;
    if (!string(name) || !skip(':') || !string(text)) return false;
    member(name, text);
  } while (skip(','));
  return skip('}') && at == end;
}

}  // namespace goromdb::tools

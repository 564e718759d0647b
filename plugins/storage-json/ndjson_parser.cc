// SPDX-License-Identifier: MIT
// Entries, line by line. A line is whole in the window before it is looked at.
#include "ndjson_parser.h"

#include "base64.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace goromdb {
namespace {

constexpr std::array<std::string_view, 6> kMembers = {"key",       "key_b64",   "value",
                                                      "value_b64", "namespace", "flags"};
enum Member : size_t { kKey, kKeyB64, kValue, kValueB64, kNamespace, kFlags, kUnknown };

// What a line says, as tokens; a member that it lacks has no beginning.
struct Entry {
  std::array<Token, kMembers.size()> members{};
  const char* end = nullptr;  // NULL: the text is cut

  bool has(Member m) const { return members[m].begin != nullptr; }
  const Token& operator[](Member m) const { return members[m]; }
};

Member member_named(const Token& name) {
  const auto found =
      std::find(kMembers.begin(), kMembers.end(), std::string_view(name.begin, name.end));
  return name.escaped ? kUnknown : static_cast<Member>(found - kMembers.begin());
}

// `p` at a byte that is no space.
Entry read_entry(const char* p, Text text) {
  Entry entry;
  const auto cut = [&] {
    text.cut("an entry");
    return Entry{};
  };
  if (*p != '{') throw SyntaxError{p, "'{' was expected"};
  p = skip_space(p + 1, text.end);
  for (bool first = true;; first = false) {
    if (p == text.end) return cut();
    if (*p == '}') break;
    if (!first) {
      if (*p != ',') throw SyntaxError{p, "',' or '}' was expected"};
      p = skip_space(p + 1, text.end);
      if (p == text.end) return cut();
    }
    if (*p != '"') throw SyntaxError{p, "a member's name in quotes was expected"};
    const char* const name_at = p;
    Token name;
    p = string_end(p + 1, text, name);
    if (p == nullptr) return cut();
    const Member member = member_named(name);
    if (member == kUnknown) {
      throw SyntaxError{name_at,
                        "a member that an entry does not have; it has key or key_b64, value or "
                        "value_b64, namespace, flags"};
    }
    if (entry.has(member)) throw SyntaxError{name_at, "a member that the entry has already"};
    p = skip_space(p, text.end);
    if (p == text.end) return cut();
    if (*p != ':') throw SyntaxError{p, "':' was expected after a member's name"};
    p = skip_space(p + 1, text.end);
    if (p == text.end) return cut();
    p = value_end(p, text, 1, entry.members[member]);
    if (p == nullptr) return cut();
    p = skip_space(p, text.end);
  }
  entry.end = p + 1;
  return entry;
}

std::string decoded(const Token& token) {
  std::string bytes(token.size(), '\0');
  bytes.resize(static_cast<size_t>(write_token(token, bytes.data()) - bytes.data()));
  return bytes;
}

const Token& string_only(const Token& token, const char* what) {
  if (token.is_string) return token;
  throw SyntaxError{token.begin, std::string(what) + " is not a string"};
}

// The bytes behind a base64 string, kept in `bytes`. Their length is looked at here because an
// error has to point into the text.
Token from_base64(const Token& token, size_t longest, std::string& bytes) {
  if (!decode_base64(decoded(string_only(token, "the base64")), bytes)) {
    throw SyntaxError{token.begin, "not base64 (RFC 4648, padded)"};
  }
  if (bytes.size() > longest) {
    throw SyntaxError{token.begin, "more than " + std::to_string(longest) + " bytes as base64",
                      GOROMDB_E_TOO_BIG};
  }
  return {bytes.data(), bytes.data() + bytes.size(), true, false};
}

uint32_t flags_from(const Token& token) {
  uint32_t flags = 0;
  const auto [end, error] = std::from_chars(token.begin, token.end, flags);
  if (token.is_string || error != std::errc() || end != token.end) {
    throw SyntaxError{token.begin, "flags are not a number from 0 to 4294967295"};
  }
  return flags;
}

}  // namespace

bool looks_like_ndjson(Window& window) {
  for (;;) {
    const Text text = window.text();
    const char* const begin = skip_space(window.pos(), text.end);
    if (begin < text.end) {
      Entry entry;
      try {
        entry = read_entry(begin, text);
      } catch (const SyntaxError&) {
        return false;  // read as one object it may be right, or gets the better message
      }
      if (entry.end != nullptr) {
        const auto size = static_cast<size_t>(entry.end - begin);
        if (std::memchr(begin, '\n', size) != nullptr) return false;
        if (!entry.has(kKey) && !entry.has(kKeyB64)) return false;
        const char* const after = skip_space(entry.end, text.end);
        const bool line_ends = std::find(entry.end, after, '\n') != after;
        if (after < text.end) return line_ends && *after == '{';
      }
    }
    if (text.final ||
        text.end - window.pos() > static_cast<ptrdiff_t>(NdjsonParser::kLongestLine)) {
      return false;
    }
    window.more(2 * NdjsonParser::kLongestLine, NdjsonParser::kPiece);
  }
}

void NdjsonParser::run() {
  while (next_line()) {
  }
  if (!seen_entry_) throw SyntaxError{window_.text().end, "the file is empty"};
}

// False at the end of the text.
bool NdjsonParser::next_line() {
  const Text text = window_.text();
  const char* const begin = window_.pos();
  try {
    const auto left = static_cast<size_t>(text.end - begin);
    const char* line_end = static_cast<const char*>(std::memchr(begin, '\n', left));
    if (line_end == nullptr && !text.final) {
      window_.more(kLongestLine, kPiece);
      return true;
    }
    const bool last = line_end == nullptr;
    if (last) line_end = text.end;
    const char* const p = skip_space(begin, line_end);
    if (p < line_end) parse(p, line_end);
    if (last) return false;
    window_.advance(line_end + 1);
    ++line_;
    return true;
  } catch (SyntaxError& e) {
    e.what = "line " + std::to_string(line_) + ": " + e.what;
    throw;
  }
}

void NdjsonParser::parse(const char* p, const char* line_end) {
  const Text line{line_end, true};
  const Entry entry = read_entry(p, line);
  const char* const after = skip_space(entry.end, line_end);
  if (after != line_end) throw SyntaxError{after, "something follows the entry"};
  if (entry.has(kKey) == entry.has(kKeyB64)) {
    throw SyntaxError{p, "an entry has a key or a key_b64, one of them"};
  }
  if (entry.has(kValue) == entry.has(kValueB64)) {
    throw SyntaxError{p, "an entry has a value or a value_b64, one of them"};
  }
  const uint32_t ns =
      entry.has(kNamespace) ? namespace_id(string_only(entry[kNamespace], "the namespace")) : 0;
  const uint32_t flags = entry.has(kFlags) ? flags_from(entry[kFlags]) : 0;
  const Token key = entry.has(kKey) ? string_only(entry[kKey], "the key")
                                    : from_base64(entry[kKeyB64], RecordArena::kMaxKey, key_);
  const Token value = entry.has(kValue)
                          ? entry[kValue]
                          : from_base64(entry[kValueB64], RecordArena::kMaxValue, value_);
  builder_.add(ns, flags, key, value);
  seen_entry_ = true;
}

uint32_t NdjsonParser::namespace_id(const Token& token) {
  name_.resize(token.size());
  name_.resize(static_cast<size_t>(write_token(token, name_.data()) - name_.data()));
  if (name_.empty()) return 0;
  const auto [known, is_new] = ids_.try_emplace(name_, 0);
  if (is_new) known->second = builder_.add_namespace(token);
  return known->second;
}

}  // namespace goromdb

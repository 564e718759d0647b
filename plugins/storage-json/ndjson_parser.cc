// SPDX-License-Identifier: MIT
// Entries, line by line. A line is whole in the window before it is looked at.
#include "ndjson_parser.h"

#include <goromdb/json_text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace goromdb {
namespace {

constexpr std::array<std::string_view, 6> kMembers = {"key",       "key_b64",   "value",
                                                      "value_b64", "namespace", "flags"};
enum Member : size_t { kKey, kKeyB64, kValue, kValueB64, kNamespace, kFlags, kUnknown };

// A string's bytes, in the reader's memory until the next line; any other value's text.
struct Value {
  const char* at = nullptr;  // in the line
  bool is_string = false;
  std::string_view bytes;
};

struct Entry {
  std::array<Value, kMembers.size()> members{};

  bool has(Member m) const { return members[m].at != nullptr; }
  const Value& operator[](Member m) const { return members[m]; }
};

// Names are compared as they are written, without escapes.
Member member_named(ondemand::raw_json_string name) {
  const auto found = std::find_if(kMembers.begin(), kMembers.end(),
                                  [&](std::string_view member) { return name == member; });
  return static_cast<Member>(found - kMembers.begin());
}

Value read_value(ObjectReader& reader, ondemand::value value) {
  const std::string_view token = value.raw_json_token();
  Value result{token.data(), token.starts_with('"'), {}};
  result.bytes = result.is_string ? reader.kept(value) : reader.text(value, 2);
  return result;
}

Entry read_entry(ObjectReader& reader, simdjson::padded_string_view line) {
  Entry entry;
  reader.read(line, [&](ondemand::object object) {
    for (ondemand::field field : object) {
      const char* const name_at = field.key().raw() - 1;
      const Member member = member_named(field.key());
      if (member == kUnknown) {
        throw SyntaxError{name_at,
                          "a member that an entry does not have; it has key or key_b64, value or "
                          "value_b64, namespace, flags"};
      }
      if (entry.has(member)) throw SyntaxError{name_at, "a member that the entry has already"};
      entry.members[member] = read_value(reader, field.value());
    }
  });
  return entry;
}

std::string_view string_only(const Value& value, const char* what) {
  if (value.is_string) return value.bytes;
  throw SyntaxError{value.at, std::string(what) + " is not a string"};
}

// The bytes behind a base64 string, kept in `bytes`.
std::string_view from_base64(const Value& value, size_t longest, std::string& bytes) {
  if (!decode_base64(string_only(value, "the base64"), bytes)) {
    throw SyntaxError{value.at, "not base64 (RFC 4648, padded)"};
  }
  if (bytes.size() > longest) {
    throw SyntaxError{value.at, "more than " + std::to_string(longest) + " bytes as base64",
                      GOROMDB_E_TOO_BIG};
  }
  return bytes;
}

uint32_t flags_from(const Value& value) {
  uint32_t flags = 0;
  const char* const last = value.bytes.data() + value.bytes.size();
  const auto [end, error] = std::from_chars(value.bytes.data(), last, flags);
  if (value.is_string || error != std::errc() || end != last) {
    throw SyntaxError{value.at, "flags are not a number from 0 to 4294967295"};
  }
  return flags;
}

const char* find_line_end(const char* begin, const char* end) {
  return static_cast<const char*>(std::memchr(begin, '\n', static_cast<size_t>(end - begin)));
}

}  // namespace

bool looks_like_ndjson(Window& window) {
  for (;;) {
    const char* const begin = skip_space(window.pos(), window.end());
    const char* const line_end = find_line_end(begin, window.end());
    const char* const next =
        line_end != nullptr ? skip_space(line_end, window.end()) : window.end();
    if (next < window.end()) {
      if (*next != '{') return false;
      try {
        ObjectReader reader;
        const Entry entry = read_entry(reader, window.piece(begin, line_end));
        return entry.has(kKey) || entry.has(kKeyB64);
      } catch (const SyntaxError&) {
        return false;  // read as one object it may be right, or gets the better message
      }
    }
    const auto size = static_cast<size_t>(window.end() - window.pos());
    if (window.final() || size > NdjsonParser::kLongestLine) return false;
    window.more(NdjsonParser::kLongestLine, NdjsonParser::kTooLong);
  }
}

void NdjsonParser::run() {
  while (next_line()) {
  }
  if (!seen_entry_) throw SyntaxError{window_.end(), "the file is empty"};
}

// False at the end of the text.
bool NdjsonParser::next_line() {
  const char* const begin = window_.pos();
  const char* line_end = find_line_end(begin, window_.end());
  try {
    if (line_end == nullptr && !window_.final()) {
      window_.more(kLongestLine, kTooLong);
      return true;
    }
    const bool last = line_end == nullptr;
    if (last) line_end = window_.end();
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

void NdjsonParser::parse(const char* begin, const char* end) {
  const Entry entry = read_entry(reader_, window_.piece(begin, end));
  if (entry.has(kKey) == entry.has(kKeyB64)) {
    throw SyntaxError{begin, "an entry has a key or a key_b64, one of them"};
  }
  if (entry.has(kValue) == entry.has(kValueB64)) {
    throw SyntaxError{begin, "an entry has a value or a value_b64, one of them"};
  }
  const uint32_t ns = entry.has(kNamespace)
                          ? namespace_id(string_only(entry[kNamespace], "the namespace"), begin)
                          : 0;
  const uint32_t flags = entry.has(kFlags) ? flags_from(entry[kFlags]) : 0;
  const std::string_view key = entry.has(kKey)
                                   ? string_only(entry[kKey], "the key")
                                   : from_base64(entry[kKeyB64], RecordArena::kMaxKey, key_);
  const std::string_view value =
      entry.has(kValue) ? entry[kValue].bytes
                        : from_base64(entry[kValueB64], RecordArena::kMaxValue, value_);
  builder_.add(ns, flags, key, value, begin);
  seen_entry_ = true;
}

uint32_t NdjsonParser::namespace_id(std::string_view name, const char* at) {
  if (name.empty()) return 0;
  const auto [known, is_new] = ids_.try_emplace(std::string(name), 0);
  if (is_new) known->second = builder_.add_namespace(name, at);
  return known->second;
}

}  // namespace goromdb

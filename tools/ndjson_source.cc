// SPDX-License-Identifier: MIT
// simdjson does the parsing of all but the plainest rows, on demand; what it leaves open (scalars,
// depth, what follows the object) is checked here, for members that nobody asked for as well.
#include "tools/ndjson_source.h"

#include <goromdb/json_text.hpp>

#include <algorithm>

#include "core/base/units.h"
#include "tools/plain_object.h"

namespace goromdb::tools {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr unsigned kMaxDepth = 1024;
constexpr const char* kSpace = " \t\n\r";

static_assert(LineInput::kPadding >= simdjson::SIMDJSON_PADDING);

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

bool skip_one_of(std::string_view& text, std::string_view chars) {
  if (text.empty() || chars.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool skip_digits(std::string_view& text) {
  const size_t n = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(n);
  return n > 0;
}

// RFC 8259, section 6.
bool is_number(std::string_view text) {
  skip_one_of(text, "-");
  if (!skip_one_of(text, "0") && !skip_digits(text)) return false;
  if (skip_one_of(text, ".") && !skip_digits(text)) return false;
  if (skip_one_of(text, "eE")) {
    skip_one_of(text, "+-");
    if (!skip_digits(text)) return false;
  }
  return text.empty();
}

bool is_scalar(std::string_view text) {
  return is_number(text) || text == "true" || text == "false" || text == "null";
}

bool is_text_or_number(char first) {
  return first == '"' || first == '-' || (first >= '0' && first <= '9');
}

std::string words(const simdjson::simdjson_error& error) {
  switch (error.error()) {
    case simdjson::INCORRECT_TYPE:
      return "not an object; every line is one: {\"key\": ..., \"value\": ...}";
    case simdjson::UTF8_ERROR:
      return "bytes that are not UTF-8; write them as base64 in a member NAME_b64";
    case simdjson::STRING_ERROR:
      return "a string with an escape that JSON does not have, or half a surrogate pair; correct "
             "it";
    case simdjson::UNESCAPED_CHARS:
      return "a control character in a string; write it as \\u00..";
    case simdjson::UNCLOSED_STRING:
      return "a string that does not end; is the line whole?";
    case simdjson::NUMBER_ERROR:
      return "a number or a word that JSON does not have; correct it";
    case simdjson::DEPTH_ERROR:
      return fmt::format("more than {} levels of nesting; make it flatter", kMaxDepth);
    default:
      return "not one whole JSON object; every line is one";
  }
}

}  // namespace

NdjsonSource::NdjsonSource(LineInput input, Fields fields)
    : input_(std::move(input)), fields_(std::move(fields)) {
  const auto name = [this](Role role, const std::string& asked, const char* usual) {
    members_[role].name = asked.empty() ? usual : asked;
    members_[role].name_b64 = members_[role].name + "_b64";
  };
  name(kKey, fields_.key, "key");
  name(kValue, fields_.value, "value");
  name(kNs, fields_.ns, "namespace");
  name(kFlags, fields_.flags, "flags");
}

Result<bool> NdjsonSource::next(Entry& entry) {
  std::string_view line;
  do {
    auto more = input_.next_line(line);
    if (!more || !*more) return more;
    line = trimmed(line);
  } while (line.empty());
  try {
    read(line);
  } catch (const simdjson::simdjson_error& error) {
    if (error.error() == simdjson::MEMALLOC) return fail_errno("read " + input_.name(), ENOMEM);
    return wrong(words(error));
  }
  if (auto filled = fill(entry, line); !filled) return tl::unexpected(filled.error());
  return true;
}

void NdjsonSource::forget() {
  for (Member& member : members_) {
    member.plain = {};
    member.base64 = {};
  }
  twice_ = false;
  names_.clear();
}

void NdjsonSource::read(std::string_view line) {
  forget();
  const auto member = [this](std::string_view name, std::string_view text) {
    take(name, Value{'"', text});
  };
  if (take_plain_object(line, member)) return;
  forget();
  parse(line);
}

void NdjsonSource::parse(std::string_view line) {
  if (parser_.capacity() < line.size()) {
    // Its depths begin at 1 and it looks one ahead.
    const auto error =
        parser_.allocate(std::max(line.size(), 2 * parser_.capacity()), kMaxDepth + 2);
    if (error != simdjson::SUCCESS) throw simdjson::simdjson_error(error);
  }
  ondemand::document document =
      parser_.iterate(line.data(), line.size(), line.size() + LineInput::kPadding);
  ondemand::object object = document.get_object();
  for (ondemand::field field : object) {
    const std::string_view name = field.unescaped_key();
    const char first = *field.value().raw_json_token().data();
    take(name, Value{first, text_of(field.value(), 2)});
  }
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS) {
    throw simdjson::simdjson_error(simdjson::TAPE_ERROR);
  }
}

void NdjsonSource::take(std::string_view name, const Value& value) {
  names_.push_back(name);
  const auto set = [&](Value& to) {
    twice_ = twice_ || to.first != '\0';
    to = value;
  };
  for (Member& member : members_) {
    if (name == member.name) set(member.plain);
    if (name == member.name_b64) set(member.base64);
  }
}

// A string's bytes, good until the next line, or another value's text. All of it is checked.
std::string_view NdjsonSource::text_of(ondemand::value value, unsigned depth) {
  const std::string_view token = value.raw_json_token();
  const char first = token.empty() ? '\0' : token.front();
  if (first == '"') {
    if (token.find('\\') != std::string_view::npos) return value.get_string();
    // Without escapes it stands for itself. It must be consumed: a string that simdjson skips may
    // be followed by a colon.
    value.get_raw_json_string().value();
    return token.substr(1, token.find('"', 1) - 1);
  }
  if (first != '[' && first != '{') {
    const std::string_view text = trimmed(token);
    if (!is_scalar(text)) throw simdjson::simdjson_error(simdjson::NUMBER_ERROR);
    return text;
  }
  if (depth > kMaxDepth) throw simdjson::simdjson_error(simdjson::DEPTH_ERROR);
  if (first == '[') {
    ondemand::array array = value.get_array();
    for (ondemand::value element : array) text_of(element, depth + 1);
  } else {
    ondemand::object object = value.get_object();
    for (ondemand::field field : object) {
      field.unescaped_key().value();
      text_of(field.value(), depth + 1);
    }
  }
  const char* const next = value.current_location();
  return trimmed({token.data(), static_cast<size_t>(next - token.data())});
}

Result<void> NdjsonSource::fill(Entry& entry, std::string_view line) {
  if (twice_) return wrong("a member that is asked for comes twice; leave one");
  entry = Entry{};
  if (auto done = fill_name(entry.key, kKey, true, "--key-field"); !done) return done;
  if (auto done = fill_name(entry.ns, kNs, !fields_.ns.empty(), "--namespace-field"); !done) {
    return done;
  }
  if (auto done = fill_flags(entry.flags); !done) return done;
  if (!fields_.whole_row) return fill_bytes(entry.value, kValue, true, "--value-field");
  entry.value = line;
  return {};
}

Result<void> NdjsonSource::fill_bytes(std::string_view& bytes, Role role, bool must,
                                      const char* option) {
  Member& member = members_[role];
  const bool is_plain = member.plain.first != '\0';
  const bool is_base64 = member.base64.first != '\0';
  if (is_plain && is_base64) {
    return wrong(fmt::format("\"{}\" and \"{}\"; leave one", member.name, member.name_b64));
  }
  if (is_plain) {
    bytes = member.plain.text;
  } else if (is_base64) {
    if (member.base64.first != '"' || !decode_base64(member.base64.text, member.bytes)) {
      return wrong(
          fmt::format("\"{}\" is not base64 (RFC 4648, padded); correct it", member.name_b64));
    }
    bytes = member.bytes;
  } else if (must) {
    return missing(member, option);
  }
  return {};
}

Result<void> NdjsonSource::fill_name(std::string_view& name, Role role, bool must,
                                     const char* option) {
  const Value& plain = members_[role].plain;
  if (role == kNs && plain.first == 'n') return {};
  if (plain.first != '\0' && !is_text_or_number(plain.first)) {
    return wrong(fmt::format("\"{}\" is neither a string nor a number; name another with {}",
                             members_[role].name, option));
  }
  return fill_bytes(name, role, must, option);
}

Result<void> NdjsonSource::fill_flags(uint32_t& flags) const {
  const Value& value = members_[kFlags].plain;
  if (value.first == 'n') return {};
  if (value.first == '\0') {
    if (fields_.flags.empty()) return {};
    return missing(members_[kFlags], "--flags-field");
  }
  const auto number = parse_flags(value.text);
  if (value.first == '"' || !number) {
    return wrong("the flags are not a number from 0 to 4294967295; correct them");
  }
  flags = *number;
  return {};
}

tl::unexpected<Error> NdjsonSource::missing(const Member& member, const char* option) const {
  if (names_.empty()) return wrong("an object without members; give it a key and a value");
  return wrong(fmt::format("no member \"{}\"; name one with {}: {}", member.name, option,
                           join({names_.begin(), names_.end()}, ", ")));
}

}  // namespace goromdb::tools

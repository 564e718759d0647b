// SPDX-License-Identifier: MIT
// What simdjson leaves open, and its errors in words.
#include "object_reader.h"

#include "window.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace goromdb {
namespace {

std::string_view without_space_behind(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_number(std::string_view text) {
  const auto skip_one_of = [&](std::string_view chars) {
    const bool there = !text.empty() && chars.find(text.front()) != std::string_view::npos;
    if (there) text.remove_prefix(1);
    return there;
  };
  const auto skip_digits = [&] {
    const size_t before = text.size();
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') text.remove_prefix(1);
    return text.size() < before;
  };
  skip_one_of("-");
  if (!skip_one_of("0") && !skip_digits()) return false;
  if (skip_one_of(".") && !skip_digits()) return false;
  if (skip_one_of("eE")) {
    skip_one_of("+-");
    if (!skip_digits()) return false;
  }
  return text.empty();
}

// `token` reaches to the next one, so it is followed by space at most.
std::string_view scalar(std::string_view token) {
  const std::string_view text = without_space_behind(token);
  if (text == "true" || text == "false" || text == "null" || is_number(text)) return text;
  const bool numeric = !text.empty() && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
  throw SyntaxError{token.data(),
                    numeric ? "a number that JSON does not have" : "a value was expected"};
}

// The first byte of the first wrong character. Text that is right up to a character's beginning is
// right by itself, so the place is found by halving.
const char* first_wrong_utf8(const char* begin, const char* end) {
  const auto is_right = [](const char* from, const char* to) {
    return simdjson::validate_utf8(from, static_cast<size_t>(to - from));
  };
  while (end - begin > 8) {
    const char* middle = begin + (end - begin) / 2;
    for (int back = 0; back < 3 && (*middle & 0xC0) == 0x80; ++back) --middle;
    (is_right(begin, middle) ? begin : end) = middle;
  }
  for (const char* p = begin + 1; p < end; ++p) {
    if (is_right(begin, p)) begin = p;
  }
  return begin;
}

std::string words(simdjson::error_code error) {
  switch (error) {
    case simdjson::TAPE_ERROR:
      return "a comma, a colon, a bracket or a key in quotes was expected";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "the text ends inside an array or an object";
    case simdjson::UTF8_ERROR:
      return "bytes that are not UTF-8";
    case simdjson::UNESCAPED_CHARS:
      return "a control character inside a string";
    case simdjson::UNCLOSED_STRING:
      return "a string that does not end";
    case simdjson::MEMALLOC:
      throw std::bad_alloc();
    default:
      return simdjson::error_message(error);
  }
}

}  // namespace

// Stage 1: strings end, have no control characters, and all is UTF-8.
ondemand::document ObjectReader::start(simdjson::padded_string_view text) {
  const char* const end = text.data() + text.size();
  pass(text.data());
  const char* const begin = skip_space(text.data(), end);
  if (begin == end) throw SyntaxError{end, "the file is empty"};
  if (*begin != '{') throw SyntaxError{begin, "a JSON object was expected, beginning with '{'"};
  simdjson::error_code error = simdjson::SUCCESS;
  if (parser_.capacity() < text.size()) {
    // On-Demand counts the values in the deepest object as a level, too.
    error = parser_.allocate(
        std::max(text.size(), std::min(parser_.capacity() * 2, parser_.max_capacity())),
        kMaxDepth + 2);
  }
  ondemand::document document;
  if (error == simdjson::SUCCESS) error = parser_.iterate(text).get(document);
  if (error != simdjson::SUCCESS) {
    throw SyntaxError{error == simdjson::UTF8_ERROR ? first_wrong_utf8(begin, end) : nullptr,
                      words(error)};
  }
  kept_used_ = 0;
  text_size_ = text.size();
  const std::string_view whole = without_space_behind(text);
  if (whole.back() != '}') {
    throw SyntaxError{whole.data() + whole.size(),
                      "cut off, or followed by something: the end is not the object's '}'"};
  }
  return document;
}

void ObjectReader::finish(ondemand::document& document) {
  const char* next = nullptr;
  if (document.current_location().get(next) == simdjson::SUCCESS) {
    throw SyntaxError{next,
                      "something follows the object: a file is one object (format: json) or has "
                      "one a line (format: ndjson)"};
  }
}

void ObjectReader::fail(simdjson::error_code error, ondemand::document& document,
                        std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* at = nullptr;
  if (document.current_location().get(at) != simdjson::SUCCESS || at >= end) {
    throw SyntaxError{end, words(simdjson::INCOMPLETE_ARRAY_OR_OBJECT)};
  }
  throw SyntaxError{at, words(error)};
}

void ObjectReader::fail_in_string(const char* quote) {
  throw SyntaxError{quote,
                    "a string with an escape that JSON does not have, or half a surrogate pair"};
}

std::string_view ObjectReader::decoded(ondemand::raw_json_string string, size_t size) {
  if (scratch_.size() < size + simdjson::SIMDJSON_PADDING) {
    scratch_.resize(size + simdjson::SIMDJSON_PADDING);
  }
  return {scratch_.data(), static_cast<size_t>(decode(string, scratch_.data()) - scratch_.data())};
}

std::string_view ObjectReader::kept(ondemand::value string) {
  if (kept_.size() < text_size_ + simdjson::SIMDJSON_PADDING) {
    kept_.resize(2 * text_size_ + simdjson::SIMDJSON_PADDING);  // at an object's first string
  }
  char* const begin = kept_.data() + kept_used_;
  const auto size = static_cast<size_t>(decode(string.get_raw_json_string(), begin) - begin);
  kept_used_ += size;
  return {begin, size};
}

std::string_view ObjectReader::text(ondemand::value value, unsigned depth) {
  const std::string_view token = value.raw_json_token();
  if (!token.starts_with('[') && !token.starts_with('{')) return scalar(token);
  check(value, depth);
  const char* const next = value.current_location().value();
  return without_space_behind({token.data(), static_cast<size_t>(next - token.data())});
}

// Stage 1 has seen all of a string but its escapes.
void ObjectReader::check_string(ondemand::raw_json_string string, size_t size) {
  if (std::memchr(string.raw(), '\\', size) != nullptr) decoded(string, size);
}

void ObjectReader::check(ondemand::value value, unsigned depth) {
  const std::string_view token = value.raw_json_token();
  pass(token.data());
  const char first = token.empty() ? '\0' : token.front();
  if (first == '"') {
    check_string(value.get_raw_json_string().value(), token.size() - 1);
    return;
  }
  if (first != '[' && first != '{') {
    scalar(token);
    return;
  }
  if (depth > kMaxDepth) throw SyntaxError{token.data(), "more than 1024 levels of nesting"};
  if (first == '[') {
    ondemand::array array = value.get_array();
    for (ondemand::value element : array) check(element, depth + 1);
    return;
  }
  ondemand::object object = value.get_object();
  for (ondemand::field field : object) {
    const ondemand::raw_json_string key = field.key();
    const char* const behind = field.value().raw_json_token().data();
    check_string(key, static_cast<size_t>(behind - key.raw()));
    check(field.value(), depth + 1);
  }
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// Member by member: what the window cuts is looked at again, from its beginning, when there is
// more; nothing is kept of it before it is whole.
#include "json_parser.h"

namespace goromdb {

void JsonParser::run() {
  for (;;) {
    const Text text = window_.text();
    window_.advance(skip_space(window_.pos(), text.end));
    if (window_.pos() < text.end) {
      const char* p = step(window_.pos());
      if (p != nullptr) {
        window_.advance(p);
        continue;
      }
    } else if (text.final) {
      if (expect_ == Expect::kNothing) return;
      throw SyntaxError{text.end, expect_ == Expect::kRoot
                                      ? "the file is empty"
                                      : "the text ends inside the root object"};
    }
    window_.more(kLongestMember, kPiece);
  }
}

// `p` at a byte that is no space; NULL when the text is cut.
const char* JsonParser::step(const char* p) {
  switch (expect_) {
    case Expect::kRoot:
      if (*p != '{') throw SyntaxError{p, "a data file is one JSON object: '{' was expected"};
      expect_ = Expect::kMemberOrEnd;
      return p + 1;
    case Expect::kMemberOrEnd:
      return *p == '}' ? close(p) : member(p);
    case Expect::kMember:
      return member(p);
    case Expect::kCommaOrEnd:
      if (*p == '}') return close(p);
      if (*p != ',') throw SyntaxError{p, "',' or '}' was expected"};
      expect_ = Expect::kMember;
      return p + 1;
    case Expect::kNothing:
      break;
  }
  throw SyntaxError{p, "something follows the root object (an object a line needs format: ndjson)"};
}

const char* JsonParser::close(const char* p) {
  expect_ = ns_ == 0 ? Expect::kNothing : Expect::kCommaOrEnd;
  ns_ = 0;
  return p + 1;
}

const char* JsonParser::member(const char* p) {
  const Text text = window_.text();
  if (*p != '"') throw SyntaxError{p, "a key in quotes was expected"};
  Token key, value;
  p = string_end(p + 1, text, key);
  if (p == nullptr) return nullptr;
  p = skip_space(p, text.end);
  if (p == text.end) return text.cut("an object");
  if (*p != ':') throw SyntaxError{p, "':' was expected after a key"};
  p = skip_space(p + 1, text.end);
  if (p == text.end) return text.cut("an object");
  if (*p == '{' && ns_ == 0 && namespaces_) {
    ns_ = builder_.add_namespace(key);
    expect_ = Expect::kMemberOrEnd;
    return p + 1;
  }
  p = value_end(p, text, ns_ == 0 ? 1 : 2, value);
  if (p == nullptr) return nullptr;
  builder_.add(ns_, 0, key, value);
  expect_ = Expect::kCommaOrEnd;
  return p;
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// The grammar of RFC 8259 over a piece of text that may be cut: where strings, numbers and nested
// values end, and what a string's bytes are.
//
// Every function takes a position inside the text and returns the one behind what it names, or NULL
// when the text ends first and more of it may come. What is wrong is thrown as a SyntaxError. The
// text is UTF-8 already; kTextPadding bytes behind it can be read, of which the first control
// character stops a search. Nothing recurses.
#pragma once

#include <goromdb/plugin.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace goromdb {

constexpr size_t kTextPadding = 64;
constexpr unsigned kMaxDepth = 1024;

struct SyntaxError {
  const char* at;
  std::string what;
  goromdb_status code = GOROMDB_E_CORRUPT;
};

struct Text {
  const char* end;
  bool final;  // nothing follows

  // What to return where the text ends too early.
  const char* cut(const char* inside) const {
    if (final) throw SyntaxError{end, std::string("the text ends inside ") + inside};
    return nullptr;
  }
};

// A string's inside as it is written, or a value's JSON text.
struct Token {
  const char* begin;
  const char* end;
  bool is_string;
  bool escaped;  // it has backslashes

  size_t size() const { return static_cast<size_t>(end - begin); }
};

const char* skip_space(const char* p, const char* end);

// `p` behind the opening quote; checks the escapes.
const char* string_end(const char* p, Text text, Token& token);

// `p` at the first byte of any value, which is `depth` values deep.
const char* value_end(const char* p, Text text, unsigned depth, Token& token);

// Writes the bytes that a token stands for, at most token.size(); returns the end of them.
char* write_token(const Token& token, char* out);

}  // namespace goromdb

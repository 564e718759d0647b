// SPDX-License-Identifier: MIT
// The scanner: eight bytes at a time through strings, one at a time through the rest.
#include "json_text.h"

#include <bit>
#include <bitset>
#include <cstring>

namespace goromdb {
namespace {

// The first byte at or behind `p` that is a quote, a backslash or a control character; the padding
// guarantees one. Each term is exact up to its first hit, so the lowest bit of them all is.
const char* find_special(const char* p) {
  if constexpr (std::endian::native == std::endian::little) {
    constexpr uint64_t kOnes = 0x0101010101010101u;
    for (;; p += 8) {
      uint64_t w;
      std::memcpy(&w, p, sizeof w);
      const uint64_t quote = w ^ (kOnes * '"');
      const uint64_t slash = w ^ (kOnes * '\\');
      const uint64_t hit =
          (((quote - kOnes) & ~quote) | ((slash - kOnes) & ~slash) | ((w - kOnes * 0x20) & ~w)) &
          (kOnes * 0x80);
      if (hit != 0) return p + std::countr_zero(hit) / 8;
    }
  }
  while (*p != '"' && *p != '\\' && static_cast<unsigned char>(*p) >= 0x20) ++p;
  return p;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Four hexadecimal digits, or -1.
int code_unit(const char* p) {
  int unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(p[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

constexpr bool is_high_surrogate(int unit) { return (unit & 0xFC00) == 0xD800; }
constexpr bool is_low_surrogate(int unit) { return (unit & 0xFC00) == 0xDC00; }

// `p` at a backslash.
const char* escape_end(const char* p, Text text) {
  constexpr ptrdiff_t kUnit = 6;  // of \uXXXX
  if (text.end - p < 2) return text.cut("a string");
  if (p[1] != 'u') {
    if (std::strchr("\"\\/bfnrt", p[1]) == nullptr || p[1] == '\0') {
      throw SyntaxError{p, "an escape that JSON does not have"};
    }
    return p + 2;
  }
  if (text.end - p < kUnit) return text.cut("a string");
  const int unit = code_unit(p + 2);
  if (unit < 0) throw SyntaxError{p, "\\u without four hexadecimal digits"};
  if (is_low_surrogate(unit)) throw SyntaxError{p, "the second half of a surrogate pair alone"};
  if (!is_high_surrogate(unit)) return p + kUnit;
  if (text.end - p < 2 * kUnit && !text.final) return nullptr;
  if (text.end - p < 2 * kUnit || p[kUnit] != '\\' || p[kUnit + 1] != 'u' ||
      !is_low_surrogate(code_unit(p + kUnit + 2))) {
    throw SyntaxError{p, "the first half of a surrogate pair alone"};
  }
  return p + 2 * kUnit;
}

const char* digits_end(const char* p, const char* end) {
  while (p < end && is_digit(*p)) ++p;
  return p;
}

const char* number_end(const char* p, Text text) {
  constexpr const char* kInside = "a number";
  const auto digits = [&](const char* from) -> const char* {
    const char* to = digits_end(from, text.end);
    if (to != from) return to;
    if (from == text.end) return text.cut(kInside);
    throw SyntaxError{from, "a digit was expected in a number"};
  };
  if (*p == '-') ++p;
  if (p == text.end) return text.cut(kInside);
  p = *p == '0' ? p + 1 : digits(p);
  if (p != nullptr && p < text.end && *p == '.') p = digits(p + 1);
  if (p != nullptr && p < text.end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p < text.end && (*p == '+' || *p == '-')) ++p;
    p = digits(p);
  }
  return p == text.end && !text.final ? nullptr : p;
}

const char* literal_end(const char* p, Text text, const char* word) {
  const size_t size = std::strlen(word);
  if (static_cast<size_t>(text.end - p) < size && !text.final) return nullptr;
  if (static_cast<size_t>(text.end - p) < size || std::memcmp(p, word, size) != 0) {
    throw SyntaxError{p, "a value was expected"};
  }
  return p + size;
}

const char* scalar_end(const char* p, Text text) {
  switch (*p) {
    case '"': {
      Token ignored;
      return string_end(p + 1, text, ignored);
    }
    case 't':
      return literal_end(p, text, "true");
    case 'f':
      return literal_end(p, text, "false");
    case 'n':
      return literal_end(p, text, "null");
    default:
      if (*p == '-' || is_digit(*p)) return number_end(p, text);
      throw SyntaxError{p, "a value was expected"};
  }
}

// `p` at a bracket or a brace. The nesting is a bit a level: set inside an object.
const char* container_end(const char* p, Text text, unsigned depth) {
  enum class Expect { kElementOrEnd, kElement, kKeyOrEnd, kKey, kCommaOrEnd };
  std::bitset<kMaxDepth + 1> in_object;
  const unsigned outside = depth;
  Expect expect = Expect::kElement;
  for (;;) {
    p = skip_space(p, text.end);
    if (p == text.end) return text.cut("an array or an object");
    const char closing = in_object[depth] ? '}' : ']';
    if (expect == Expect::kCommaOrEnd || expect == Expect::kElementOrEnd ||
        expect == Expect::kKeyOrEnd) {
      if (*p == closing) {
        ++p;
        if (--depth == outside) return p;
        expect = Expect::kCommaOrEnd;
        continue;
      }
      if (expect == Expect::kCommaOrEnd) {
        if (*p != ',') throw SyntaxError{p, std::string("',' or '") + closing + "' was expected"};
        ++p;
        expect = in_object[depth] ? Expect::kKey : Expect::kElement;
        continue;
      }
    }
    if (expect == Expect::kKey || expect == Expect::kKeyOrEnd) {
      if (*p != '"') throw SyntaxError{p, "a key in quotes was expected"};
      Token ignored;
      p = string_end(p + 1, text, ignored);
      if (p == nullptr) return nullptr;
      p = skip_space(p, text.end);
      if (p == text.end) return text.cut("an object");
      if (*p != ':') throw SyntaxError{p, "':' was expected after a key"};
      ++p;
      expect = Expect::kElement;
      continue;
    }
    if (*p == '{' || *p == '[') {
      if (++depth > kMaxDepth) throw SyntaxError{p, "more than 1024 levels of nesting"};
      in_object[depth] = *p == '{';
      expect = *p == '{' ? Expect::kKeyOrEnd : Expect::kElementOrEnd;
      ++p;
      continue;
    }
    p = scalar_end(p, text);
    if (p == nullptr) return nullptr;
    expect = Expect::kCommaOrEnd;
  }
}

char* put_utf8(char* out, uint32_t c) {
  const auto tail = [](uint32_t bits) { return static_cast<char>(0x80 | (bits & 0x3F)); };
  if (c < 0x80) {
    *out++ = static_cast<char>(c);
  } else if (c < 0x800) {
    *out++ = static_cast<char>(0xC0 | c >> 6);
    *out++ = tail(c);
  } else if (c < 0x10000) {
    *out++ = static_cast<char>(0xE0 | c >> 12);
    *out++ = tail(c >> 6);
    *out++ = tail(c);
  } else {
    *out++ = static_cast<char>(0xF0 | c >> 18);
    *out++ = tail(c >> 12);
    *out++ = tail(c >> 6);
    *out++ = tail(c);
  }
  return out;
}

// `p` at a backslash whose escape has been checked; moves it behind the escape.
char* write_escape(const char*& p, char* out) {
  const char kind = p[1];
  if (kind != 'u') {
    p += 2;
    switch (kind) {
      case 'b':
        *out = '\b';
        break;
      case 'f':
        *out = '\f';
        break;
      case 'n':
        *out = '\n';
        break;
      case 'r':
        *out = '\r';
        break;
      case 't':
        *out = '\t';
        break;
      default:
        *out = kind;
    }
    return out + 1;
  }
  auto c = static_cast<uint32_t>(code_unit(p + 2));
  p += 6;
  if (is_high_surrogate(static_cast<int>(c))) {
    const auto low = static_cast<uint32_t>(code_unit(p + 2));
    c = 0x10000 + ((c & 0x3FF) << 10) + (low & 0x3FF);
    p += 6;
  }
  return put_utf8(out, c);
}

}  // namespace

const char* skip_space(const char* p, const char* end) {
  while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) ++p;
  return p;
}

const char* string_end(const char* p, Text text, Token& token) {
  token = {p, p, true, false};
  for (;;) {
    p = find_special(p);
    if (p >= text.end) return text.cut("a string");
    if (*p == '"') {
      token.end = p;
      return p + 1;
    }
    if (*p != '\\') throw SyntaxError{p, "a control character inside a string"};
    token.escaped = true;
    p = escape_end(p, text);
    if (p == nullptr) return nullptr;
  }
}

const char* value_end(const char* p, Text text, unsigned depth, Token& token) {
  if (*p == '"') return string_end(p + 1, text, token);
  const char* end = *p == '{' || *p == '[' ? container_end(p, text, depth) : scalar_end(p, text);
  token = {p, end, false, false};
  return end;
}

char* write_token(const Token& token, char* out) {
  const char* p = token.begin;
  while (token.escaped && p < token.end) {
    const auto* slash =
        static_cast<const char*>(std::memchr(p, '\\', static_cast<size_t>(token.end - p)));
    const char* stop = slash != nullptr ? slash : token.end;
    std::memcpy(out, p, static_cast<size_t>(stop - p));
    out += stop - p;
    p = stop;
    if (slash != nullptr) out = write_escape(p, out);
  }
  std::memcpy(out, p, static_cast<size_t>(token.end - p));
  return out + (token.end - p);
}

}  // namespace goromdb

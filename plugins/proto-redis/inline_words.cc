// SPDX-License-Identifier: MIT
#include "inline_words.h"

#include <cctype>

namespace goromdb::redis {

namespace {

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool ends_word(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char escaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

class Splitter {
 public:
  explicit Splitter(std::string_view line) : line_(line) {}

  bool at_end() {
    while (at_ < line_.size() && is_space(line_[at_])) ++at_;
    return at_ == line_.size();
  }
  // False: unbalanced quotes.
  bool word(std::string& out) {
    while (at_ < line_.size() && !ends_word(line_[at_])) {
      const char c = line_[at_++];
      if (c == '"' || c == '\'') return c == '"' ? double_quoted(out) : single_quoted(out);
      out.push_back(c);
    }
    return true;
  }

 private:
  // A closing quote is followed by white space or nothing.
  bool closed() const { return at_ == line_.size() || is_space(line_[at_]); }

  bool double_quoted(std::string& out) {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == '"') return closed();
      if (c != '\\' || at_ == line_.size()) {
        out.push_back(c);
        continue;
      }
      if (line_[at_] == 'x' && line_.size() - at_ >= 3 && hex_digit(line_[at_ + 1]) >= 0 &&
          hex_digit(line_[at_ + 2]) >= 0) {
        out.push_back(
            static_cast<char>(hex_digit(line_[at_ + 1]) * 16 + hex_digit(line_[at_ + 2])));
        at_ += 3;
      } else {
        out.push_back(escaped(line_[at_++]));
      }
    }
    return false;
  }

  bool single_quoted(std::string& out) {
    while (at_ < line_.size()) {
      const char c = line_[at_++];
      if (c == '\'') return closed();
      if (c == '\\' && at_ < line_.size() && line_[at_] == '\'') {
        out.push_back('\'');
        ++at_;
      } else {
        out.push_back(c);
      }
    }
    return false;
  }

  std::string_view line_;
  size_t at_ = 0;
};

}  // namespace

int64_t split_inline(std::string_view line, std::string& out) {
  out.clear();
  Splitter splitter(line);
  std::string word;
  int64_t count = 0;
  for (; !splitter.at_end(); ++count) {
    word.clear();
    if (!splitter.word(word)) return -1;
    out.append("$").append(std::to_string(word.size())).append("\r\n");
    out.append(word).append("\r\n");
  }
  return count;
}

}  // namespace goromdb::redis

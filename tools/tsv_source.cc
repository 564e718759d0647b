// SPDX-License-Identifier: MIT
#include "tools/tsv_source.h"

#include "tools/text.h"

namespace goromdb::tools {
namespace {

// The byte that a backslash and `letter` stand for, or 0.
char escaped(char letter) {
  switch (letter) {
    case '\\':
      return '\\';
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    default:
      return 0;
  }
}

}  // namespace

TsvSource::TsvSource(LineInput input, Fields fields)
    : TableSource(std::move(input), std::move(fields)) {}

Result<bool> TsvSource::next_row(std::vector<std::string_view>& cells) {
  std::string_view line;
  do {
    auto more = input().next_line(line);
    if (!more || !*more) return more;
    if (line.ends_with('\r')) line.remove_suffix(1);
  } while (line.empty());
  begin_row();
  if (auto done = split(line, cells); !done) return tl::unexpected(done.error());
  return true;
}

Result<void> TsvSource::split(std::string_view line, std::vector<std::string_view>& cells) {
  cells.clear();
  bytes_.clear();
  bytes_.reserve(line.size());  // decoded is never longer, so that views stay good
  const bool has_escapes = line.find('\\') != std::string_view::npos;
  for (;;) {
    const size_t tab = line.find('\t');
    std::string_view field = line.substr(0, tab);
    if (has_escapes || field.starts_with(kBase64Mark)) {
      auto text = decoded(field);
      if (!text) return tl::unexpected(text.error());
      field = *text;
    }
    cells.push_back(field);
    if (tab == std::string_view::npos) return {};
    line.remove_prefix(tab + 1);
  }
}

Result<std::string_view> TsvSource::decoded(std::string_view field) {
  const size_t begin = bytes_.size();
  if (field.starts_with(kBase64Mark)) {
    std::string bytes;
    if (!decode_base64(field.substr(kBase64Mark.size()), bytes)) {
      return wrong("no base64 behind \"base64:\"; a text that begins so is base64, too");
    }
    bytes_ += bytes;
  } else {
    for (size_t i = 0; i < field.size(); ++i) {
      char c = field[i];
      if (c == '\\') {
        c = ++i < field.size() ? escaped(field[i]) : '\0';
        if (c == '\0') return wrong("a backslash without t, n, r or a backslash; write it twice");
      }
      bytes_ += c;
    }
  }
  return std::string_view(bytes_).substr(begin);
}

}  // namespace goromdb::tools

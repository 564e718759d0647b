// SPDX-License-Identifier: MIT
// libcsv does the parsing. It is fed up to the end of a line at most, so that no more than one row
// ends in what it was fed, and it is known on which line.
#include "tools/csv_source.h"

namespace goromdb::tools {
namespace {

constexpr size_t kFieldGrowth = size_t{64} << 10;

int never(unsigned char) { return 0; }

}  // namespace

CsvSource::CsvSource(LineInput input, Fields fields)
    : TableSource(std::move(input), std::move(fields)) {
  csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
  csv_set_space_func(&parser_, never);
  csv_set_blk_size(&parser_, kFieldGrowth);
}

CsvSource::~CsvSource() { csv_free(&parser_); }

void CsvSource::take_field(void* bytes, size_t size, void* self) {
  auto& source = *static_cast<CsvSource*>(self);
  source.bytes_.append(static_cast<const char*>(bytes), size);
  source.ends_.push_back(source.bytes_.size());
}

void CsvSource::take_row(int, void* self) { static_cast<CsvSource*>(self)->row_ended_ = true; }

Result<bool> CsvSource::next_row(std::vector<std::string_view>& cells) {
  bytes_.clear();
  ends_.clear();
  row_ended_ = false;
  for (size_t size = 0; !row_ended_;) {
    if (part_.empty()) {
      auto more = input().next_part(part_);
      if (!more) return more;
      if (!*more) {
        if (size == 0) return false;
        if (auto done = finish(); !done) return tl::unexpected(done.error());
        break;
      }
    }
    const size_t cr = part_.find('\r');
    const std::string_view text = part_.substr(0, cr == std::string_view::npos ? cr : cr + 1);
    part_.remove_prefix(text.size());
    if (size == 0) {
      if (text == "\n" || text == "\r") continue;  // an empty line, or the LF behind a CR
      begin_row();
    }
    size += text.size();
    if (size > input().longest_row()) return input().too_long(row());
    if (auto done = parse(text); !done) return tl::unexpected(done.error());
  }
  cells.clear();
  size_t begin = 0;
  for (const size_t end : ends_) {
    cells.push_back(std::string_view(bytes_).substr(begin, end - begin));
    begin = end;
  }
  return true;
}

Result<void> CsvSource::parse(std::string_view text) {
  const size_t parsed = csv_parse(&parser_, text.data(), text.size(), take_field, take_row, this);
  if (parsed == text.size()) return {};
  if (csv_error(&parser_) != CSV_EPARSE) return fail_errno("read " + input().name(), ENOMEM);
  return input().wrong(input().line(),
                       text[parsed] == '"'
                           ? "a quote in a field without quotes; put the field in quotes and write "
                             "the quote twice"
                           : "something follows a field's closing quote; write a quote in a field "
                             "twice");
}

Result<void> CsvSource::finish() {
  if (csv_fini(&parser_, take_field, take_row, this) == 0) return {};
  return wrong("the row's last field has no closing quote; close it");
}

}  // namespace goromdb::tools

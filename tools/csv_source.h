// SPDX-License-Identifier: MIT
// Rows of CSV.
#pragma once

#include <csv.h>

#include "tools/table_source.h"

namespace goromdb::tools {

// RFC 4180: fields in quotes may have commas, quotes (doubled) and line breaks. Nothing is trimmed,
// lines end with LF, CR LF or CR, and an empty line is no row.
class CsvSource : public TableSource {
 public:
  CsvSource(LineInput input, Fields fields);
  ~CsvSource() override;

 private:
  Result<bool> next_row(std::vector<std::string_view>& cells) override;
  Result<void> parse(std::string_view text);
  Result<void> finish();

  // libcsv's callbacks.
  static void take_field(void* bytes, size_t size, void* self);
  static void take_row(int ending, void* self);

  csv_parser parser_;
  std::string_view part_;  // of the input, not parsed yet
  bool row_ended_ = false;
  std::string bytes_;         // the row's fields, one behind the other
  std::vector<size_t> ends_;  // of each in bytes_
};

}  // namespace goromdb::tools

// SPDX-License-Identifier: MIT
// Rows of TSV.
#pragma once

#include "tools/table_source.h"

namespace goromdb::tools {

// A row a line, a tab between fields; in a field \t is a tab, \n and \r are line breaks, \\ is a
// backslash. "base64:" and base64 stand for bytes that are no text. Lines end with LF or CR LF, and
// an empty line is no row.
class TsvSource : public TableSource {
 public:
  TsvSource(LineInput input, Fields fields);

 private:
  Result<bool> next_row(std::vector<std::string_view>& cells) override;
  Result<void> split(std::string_view line, std::vector<std::string_view>& cells);
  Result<std::string_view> decoded(std::string_view field);

  std::string bytes_;  // of the row's fields that are not as they stand in the line
};

}  // namespace goromdb::tools

// SPDX-License-Identifier: MIT
// Rows that have columns: what CSV and TSV have in common.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/entry.h"
#include "tools/fields.h"
#include "tools/line_input.h"

namespace goromdb::tools {

// Every row has as many fields as the first. A number names a column where none is called so.
class TableSource : public Source {
 public:
  Result<bool> next(Entry& entry) final;
  uint64_t row() const final { return row_; }
  uint64_t done() const final { return input_.done(); }
  uint64_t total() const final { return input_.total(); }

 protected:
  TableSource(LineInput input, Fields fields);

  // Fills `cells` with the next row's fields, which stay until the next call, and tells
  // begin_row(); false at the end.
  virtual Result<bool> next_row(std::vector<std::string_view>& cells) = 0;

  LineInput& input() { return input_; }
  void begin_row() { row_ = input_.line(); }
  tl::unexpected<Error> wrong(std::string_view what) const { return input_.wrong(row_, what); }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  // From the first row.
  Result<void> name_columns();
  Result<void> choose_columns();
  Result<size_t> find_column(const std::string& name) const;  // kNone: not there
  Result<void> make_whole_row();

  LineInput input_;
  const Fields fields_;
  uint64_t row_ = 0;
  std::vector<std::string_view> cells_;
  std::vector<std::string> names_;  // of the columns; none yet
  size_t key_ = kNone, value_ = kNone, ns_ = kNone, flags_ = kNone;
  std::vector<std::string> labels_;  // the names as they are in whole_row_
  std::string whole_row_;
};

}  // namespace goromdb::tools

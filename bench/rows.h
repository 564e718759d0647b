// SPDX-License-Identifier: MIT
// The rows of a data set, as cdbmake writes them: `+KEYLEN,VALUELEN:KEY->VALUE` and a newline for
// each, an empty line at the end. Mapped; any bytes may stand in keys and values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb::bench {

class Rows {
 public:
  // Throws std::runtime_error with the place when the file cannot be read or is not of that form.
  explicit Rows(const std::string& path);
  ~Rows();
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  size_t size() const { return rows_.size(); }
  // Both point into the mapping.
  std::string_view key(size_t row) const { return {map_ + rows_[row].at, rows_[row].key}; }
  std::string_view value(size_t row) const {
    return {map_ + rows_[row].at + rows_[row].key + 2, rows_[row].value};
  }

 private:
  struct Row {
    uint64_t at;  // of the key in the file
    uint32_t key, value;
  };

  const char* map_ = nullptr;
  size_t bytes_ = 0;
  std::vector<Row> rows_;
};

}  // namespace goromdb::bench

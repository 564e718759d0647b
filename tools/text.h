// SPDX-License-Identifier: MIT
// Entries and facts as text, on standard output.
#pragma once

#include <goromdb/json_text.hpp>

#include <string>
#include <string_view>

#include "core/base/error.h"

namespace goromdb::tools {

// A JSON string of any bytes: those that are no UTF-8 become U+FFFD. For facts, not for data.
std::string json_string(std::string_view text);

// A field of a line of TSV: tab, newline, carriage return and backslash are escaped; bytes that are
// not UTF-8, and texts that begin like it, are "base64:...".
inline constexpr std::string_view kBase64Mark = "base64:";
void append_tsv_field(std::string& out, std::string_view bytes);

// For a message: a key or a name of which no byte can do harm in a terminal, cut when it is long.
std::string printable(std::string_view bytes);

// Standard output, in large blocks.
class Output {
 public:
  Output() { buffer_.reserve(kBlock * 2); }
  // To append to, and then to call written().
  std::string& buffer() { return buffer_; }
  Result<void> written() { return buffer_.size() < kBlock ? Result<void>{} : flush(); }
  Result<void> write(std::string_view bytes);
  Result<void> flush();

 private:
  static constexpr size_t kBlock = size_t{64} << 10;
  static Result<void> write_now(std::string_view bytes);

  std::string buffer_;
};

}  // namespace goromdb::tools

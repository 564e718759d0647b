// SPDX-License-Identifier: MIT
// Which part of a row is what.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace goromdb::tools {

// The names of columns (CSV, TSV) or members (NDJSON). An empty one is the default: "key", "value",
// "namespace", "flags". A key and a value must be there; the others where they are asked for.
struct Fields {
  std::string key, value, ns, flags;
  // The value is the whole row as JSON: an NDJSON line as it stands, of CSV and TSV an object with
  // a string a column.
  bool whole_row = false;
  // CSV and TSV: the first row has the columns' names. Without it the names are "1", "2", ..., and
  // the key is the first by default, the value the second.
  bool header = true;
};

// memcached's flags: 0 to 4294967295.
inline std::optional<uint32_t> parse_flags(std::string_view text) {
  uint32_t flags = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, flags);
  if (error != std::errc() || end != last) return std::nullopt;
  return flags;
}

}  // namespace goromdb::tools

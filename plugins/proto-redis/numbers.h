// SPDX-License-Identifier: MIT
// Integers as redis takes them: decimal, 64 bits, with nothing before or behind, no plus sign and
// no leading zero.
#pragma once

#include <goromdb/text.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace goromdb::redis {

inline std::optional<int64_t> integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || (digits[0] == '0' && text.size() > 1)) return std::nullopt;
  return parse_number<int64_t>(text);
}

}  // namespace goromdb::redis

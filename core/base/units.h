// SPDX-License-Identifier: MIT
// Sizes and durations as people write them, and the nearest name to a misspelt one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb {

std::optional<int64_t> parse_integer(std::string_view text);
std::optional<int64_t> parse_size(std::string_view text);         // bytes: 512, 64KiB, 1GiB
std::optional<int64_t> parse_duration_ms(std::string_view text);  // 500ms, 5s, 2m, 1h
std::optional<bool> parse_bool(std::string_view text);            // true, false

std::string format_size(uint64_t bytes);     // "12.3 MiB"
std::string format_duration_ms(int64_t ms);  // "500ms", "5s"

// "a, b, c" for {"a", "b", "c"} and ", ".
std::string join(const std::vector<std::string>& parts, std::string_view separator);

// The candidate that `name` was probably meant to be, or nothing.
std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& candidates);
// `; did you mean "NEAREST"?` or, with no near one, `; known: a, b, c`.
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// What SCAN and HSCAN share: a walk's position as the cursor, a slice of the walk as the page.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "args.h"
#include "reply.h"

namespace goromdb::redis {

inline constexpr std::string_view kBadCursor = "ERR invalid cursor";

// A cursor as a client writes it: what C's strtoul() takes, without white space in front.
std::optional<uint64_t> scan_cursor(std::string_view text);

struct ScanOptions {
  std::optional<std::string_view> pattern{}, type{};
  uint32_t count = 10;  // of entries to look at
};
// What follows the cursor; the text of an error, empty if there is none. TYPE is SCAN's alone.
std::string_view parse_scan_options(Args args, bool of_hash, ScanOptions& options);

// The answer's position, and those of its entries that the options let pass; of a hash with their
// values.
void write_scan_page(Reply& reply, const ScanOptions& options, bool of_hash);

}  // namespace goromdb::redis

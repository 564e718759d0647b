// SPDX-License-Identifier: MIT
// The core's neutral facts about the server under memcached's names.
#pragma once

#include <goromdb/sdk.hpp>

#include <string_view>

namespace goromdb::memcached {

// What the plugin counts itself, because the core does not tell a touch from a get: names of
// metrics.
inline constexpr const char* kCmdTouch = "memcached_cmd_touch";
inline constexpr const char* kTouchHits = "memcached_touch_hits";
inline constexpr const char* kTouchMisses = "memcached_touch_misses";

// Writes the STAT lines and END of a section ("", "settings", "connections") from answer.pairs.
// `version` is what the command `version` says.
void write_stats(std::string_view section, std::string_view version, const goromdb_answer& answer,
                 Writer& out);

}  // namespace goromdb::memcached

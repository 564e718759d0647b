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
inline constexpr const char* kCmdMeta = "memcached_cmd_meta";

// Writes a section of the request GOROMDB_OP_STATS ("", "settings", "connections") from
// answer.pairs: STAT lines and END, or, where `binary`, a packet for each and an empty one.
// `version` is what the command `version` says.
void write_stats(const goromdb_request& request, bool binary, std::string_view version,
                 const goromdb_answer& answer, Writer& out);

}  // namespace goromdb::memcached

// SPDX-License-Identifier: MIT
// CONFIG GET: redis' parameters with the values that hold here. Nothing can be set; what this
// server has no word for bears redis' own default. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "call.h"
#include "facts.h"
#include "reply.h"

namespace goromdb::redis {

// The sections of facts that CONFIG GET is made of.
inline constexpr std::string_view kConfigFacts = "settings+databases";

// A map of the parameters whose names match any of the patterns, in any case; each once, sorted.
void write_config(std::span<const std::string_view> patterns, const Facts& facts,
                  const Settings& settings, Resp& out);

// The rows CONFIG GET, SET and REWRITE, and the request of RESETSTAT.
goromdb_status write_config_get(Reply& reply);
goromdb_status write_config_set(Reply& reply);
goromdb_status write_config_rewrite(Reply& reply);
void read_config_resetstat(Call& call);

}  // namespace goromdb::redis

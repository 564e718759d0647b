// SPDX-License-Identifier: MIT
// INFO: the core's facts under redis' names, sections and order. What there is none of here, from
// replicas to forks, is told as an idle redis tells it. Pure but for the system's name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "facts.h"
#include "reply.h"

namespace goromdb::redis {

// The sections of facts that INFO is made of.
inline constexpr std::string_view kInfoFacts = "general+settings+databases+memory";

// What the plugin itself knows.
struct ServerFacts {
  std::string_view version;  // of the redis that clients take it for
  std::string_view role;     // "master" or "replica"
  std::string_view run_id;   // 40 hexadecimal digits, for as long as the process
};
ServerFacts server_facts(const Server& server);

// The text for the sections that are asked for, in any case: names, "default", "all" and
// "everything"; none: the default ones. Each section once, in redis' order; unknown names say
// nothing. `database`: which database of the listener the connection has selected.
std::string info_text(std::span<const std::string_view> sections, const Facts& facts,
                      const ServerFacts& server);

// The row INFO.
goromdb_status write_info(Reply& reply);

}  // namespace goromdb::redis

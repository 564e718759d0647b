// SPDX-License-Identifier: MIT
// CLIENT LIST and CLIENT INFO: the core's facts about connections, and what each of them said of
// itself with host.label(), as redis' lines. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "facts.h"
#include "reply.h"

namespace goromdb::redis {

// What a label says: "name=... db=... resp=... lib-name=... lib-ver=... sub=... psub=... ssub=...
// multi=... flags=...", words in any order, none needed. A connection of another protocol has other
// words, or none, and gets a new connection's values.
struct ClientLabel {
  explicit ClientLabel(std::string_view text);

  std::string_view name{}, db = "0", resp = "2", lib_name{}, lib_version{}, sub = "0", psub = "0",
                           ssub = "0", multi = "-1", flags = "N", redirect = "-1";
};

// An address as redis writes it: a socket's path has a port, too.
std::string client_address(std::string_view address);

// A connection's line with its '\n'. `command`: what it runs, "client|list"; empty: not known.
std::string client_line(const Facts& connection, std::string_view command);

// The rows. CLIENT LIST has the facts `connections`, CLIENT INFO those of `connection`.
goromdb_status write_client_list(Reply& reply);
goromdb_status write_client_info(Reply& reply);

}  // namespace goromdb::redis

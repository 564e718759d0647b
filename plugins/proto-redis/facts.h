// SPDX-License-Identifier: MIT
// The core's facts, and what redis counts as keys.
#pragma once

#include <goromdb/facts.hpp>

namespace goromdb::redis {

using Facts = FactView;

// The keys of a database as DBSIZE counts them, a namespace as one; until the core knows them, its
// entries.
inline uint64_t keys_of_database(const Facts& database) {
  return database.number(database.find("keys") ? "keys" : "entries");
}

}  // namespace goromdb::redis

// SPDX-License-Identifier: MIT
// Values to bytes: the answers to get, gets, gat and gats.
#pragma once

#include <goromdb/sdk.hpp>

#include "commands.h"

namespace goromdb::memcached {

// Why the request has no values to show: kTemporary, kInternal; kOk when every key was a hit or a
// miss. One failing key fails its request: a VALUE line left out would pass for a miss.
Status find_status(const goromdb_answer& answer);

// The same as an error line; empty for kOk.
std::string_view find_error(const goromdb_answer& answer);

// VALUE lines of the hits and END.
void write_values(const goromdb_answer& answer, bool cas, Writer& out);

}  // namespace goromdb::memcached

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

// Whether the key can stand in a reply's line.
bool is_text_key(std::string_view key);

// A number that differs when the value differs. Clients take 0 for none; libmemcached sends back no
// more than 19 digits, Java reads a signed number.
inline uint64_t cas_of(const goromdb_value& value) {
  const uint64_t cas = value.version & INT64_MAX;
  return cas != 0 ? cas : 1;
}

// The VALUE line and the data of one entry.
void write_item(std::string_view key, const goromdb_value& value, Writer& out);

// VALUE lines of the hits and END.
void write_values(const goromdb_answer& answer, bool cas, Writer& out);

}  // namespace goromdb::memcached

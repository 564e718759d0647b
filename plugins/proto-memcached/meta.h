// SPDX-License-Identifier: MIT
// The meta commands that read: mg and me. Source: memcached's doc/protocol.txt, "Meta Commands",
// and what memcached 1.6.18 and 1.6.45 do.
#pragma once

#include <goromdb/sdk.hpp>

#include "batch.h"
#include "words.h"

namespace goromdb::memcached {

// The words behind the command's name to a request.
Step read_meta_get(Batch& batch, const Settings& settings, const Command& command, Words words);
Step read_meta_debug(Batch& batch, const Settings& settings, const Command& command, Words words);

// Whether such a request counts as a touch, too, as memcached has it.
bool meta_touches(const goromdb_request& request);

// The answers, of a request whose key was a hit or a miss.
void write_meta_get(const goromdb_request& request, const goromdb_answer& answer, Writer& out);
void write_meta_debug(const goromdb_request& request, const goromdb_answer& answer, Writer& out);

}  // namespace goromdb::memcached

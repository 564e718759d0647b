// SPDX-License-Identifier: MIT
// `rget` of MemcacheDB: the entries between two keys, in the order of the keys.
#pragma once

#include <goromdb/sdk.hpp>

#include "batch.h"
#include "words.h"

namespace goromdb::memcached {

// rget FIRST LAST WITHOUT_FIRST WITHOUT_LAST MOST. The keys are those without a namespace of the
// first database.
Step read_range(Batch& batch, const Settings& settings, const Command& command, Words words);

void write_range(const goromdb_request& request, const goromdb_answer& answer, Writer& out);

}  // namespace goromdb::memcached

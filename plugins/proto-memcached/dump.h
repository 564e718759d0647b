// SPDX-License-Identifier: MIT
// The keys of a data set as memcached's `lru_crawler metadump` and `mgdump` list them.
#pragma once

#include <goromdb/sdk.hpp>

#include "parser.h"

namespace goromdb::memcached {

// The next slice of the walk. GOROMDB_AGAIN: there are more.
goromdb_status write_dump(Conn& conn, const goromdb_request& request, const goromdb_answer& answer,
                          Writer& out);

}  // namespace goromdb::memcached

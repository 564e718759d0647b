// SPDX-License-Identifier: MIT
// One command line to one request.
#pragma once

#include "batch.h"

namespace goromdb::memcached {

// Reads the line [begin, end), without its line end, and adds its request to the batch; the line of
// a write with a data block adds none yet, it sets the connection to swallow the block.
Step read_command(Batch& batch, const Settings& settings, const uint8_t* begin, const uint8_t* end);

// True when a line that begins with these bytes lists keys and may therefore be long.
bool lists_keys(const uint8_t* begin, const uint8_t* end);

}  // namespace goromdb::memcached

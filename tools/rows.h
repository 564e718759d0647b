// SPDX-License-Identifier: MIT
// The formats of rows that a data file is built from.
#pragma once

#include <memory>
#include <string>

#include "tools/entry.h"
#include "tools/fields.h"
#include "tools/line_input.h"

namespace goromdb::tools {

enum class RowFormat { kCsv, kTsv, kNdjson };

// Reads `fd` on from where it stands. `name` is for messages, which begin "NAME:LINE: "; a `size`
// of 0 is unknown. Nothing is read yet: wrong columns are told by the first next().
Result<std::unique_ptr<Source>> open_rows(RowFormat format, Fd fd, std::string name, uint64_t size,
                                          Fields fields, InputLimits limits = {});

}  // namespace goromdb::tools

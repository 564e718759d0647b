// SPDX-License-Identifier: MIT
// What is wrong with a data file's text, thrown by whoever reads it.
#pragma once

#include <goromdb/plugin.h>

#include <string>

namespace goromdb {

struct SyntaxError {
  const char* at;  // inside the window; NULL: simdjson does not say where
  std::string what;
  goromdb_status code = GOROMDB_E_CORRUPT;
};

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// `goromdb rollback`: has a running server go back to a data set that it has kept, and waits until
// that is served.
#pragma once

#include <cstdint>
#include <string>

namespace goromdb::tools {

struct RollbackOptions {
  std::string config, database;
  uint64_t to = 0;             // a kept generation; 0 = the newest that is not refused
  int64_t timeout_ms = 60000;  // of each wait: for a publish to end, and for the server
  bool list = false;           // show what is kept, and that is all
  bool json = false;           // the outcome as one object on standard output
};

// Prints the outcome, or one line on stderr. Returns the exit status: 0 it is served (or listed); 1
// refused, rejected, a timeout or a failure; 2 a wrong command line or config. Main thread; catches
// SIGINT and SIGTERM until the process ends.
int rollback(const RollbackOptions& options);

}  // namespace goromdb::tools

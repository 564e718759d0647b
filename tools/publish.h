// SPDX-License-Identifier: MIT
// `goromdb publish`: hands a data file to a running server the right way round, and waits until it
// is served or rejected.
#pragma once

#include <cstdint>
#include <string>

namespace goromdb::tools {

struct PublishOptions {
  std::string config, database, file;
  int64_t timeout_ms = 60000;  // of each wait: for another publish to end, and for the server
  bool again = false;          // although the server refuses this content, or it is old
  bool wait = true;            // false: the file is dropped, and that is all
  bool json = false;           // the outcome as one object on standard output
};

// Prints the outcome, or one line on stderr. Returns the exit status: 0 adopted (or dropped, where
// it was not to wait); 1 rejected, a timeout or a failure; 2 a wrong command line or config. Main
// thread; catches SIGINT and SIGTERM until the process ends.
//
// The file stays as it is: a copy is dropped. At every instant the drop folder holds either nothing
// new or whole data, and the sum never comes before its data.
int publish(const PublishOptions& options);

}  // namespace goromdb::tools

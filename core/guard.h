// SPDX-License-Identifier: MIT
// A new data file is opened in another process first: a reader that dies or hangs on it takes
// nobody along.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/candidate.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/plugin_host.h"

namespace goromdb {

// Whether the database's files are tried in another process before they are opened here.
bool is_guarded(const DatabaseConfig& config, const Plugin& plugin);

// The server's half. One database's worker thread.
class Guard {
 public:
  Guard(const DatabaseConfig& config, const Plugin& plugin, std::shared_ptr<spdlog::logger> log);

  // Has another process, of this program and with this database's storage and options, open,
  // verify, warm and close the file, and waits for it. Rejected: the file is bad, or its reader
  // died or hung. Failure: the machine's trouble, a kill from outside among it.
  Result<void> try_file(const std::string& path, const Progress& progress) const;

 private:
  std::vector<std::string> command_;  // without the file
  const int64_t patience_ms_;
  std::shared_ptr<spdlog::logger> log_;
};

// The other half: when the words of a command line are those of a guard's process, does its work
// and returns its exit status. Main thread of a process that does nothing else.
std::optional<int> run_as_guard(int argc, char** argv);

}  // namespace goromdb

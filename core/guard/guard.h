// SPDX-License-Identifier: MIT
// A new data file is opened in another process first: a reader that dies or hangs on it, or takes
// all there is, takes nobody along.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/files/candidate.h"
#include "core/files/held_file.h"
#include "core/plugin/plugin_host.h"

namespace goromdb {

// Whether the database's files are tried in another process before they are opened here.
bool is_guarded(const DatabaseConfig& config, const Plugin& plugin);

// The server's half. One database's worker thread. The config and the plugin outlive it.
class Guard {
 public:
  Guard(const DatabaseConfig& config, const Plugin& plugin, std::shared_ptr<spdlog::logger> log);

  // Has another process, of this program and with this database's storage and options, open, walk
  // and close the file, in a jail (core/guard/jail.h) and within limits, and waits for it.
  // Rejected: the file is bad: the reader says so, or it died, hung, or came to a limit. Failure:
  // the machine's trouble, a kill from outside among it, or a plugin that is not the one that this
  // server has.
  Result<void> try_file(const HeldFile& file, const Progress& progress) const;

 private:
  Result<void> try_in_process(const HeldFile& file, const Progress& progress) const;

  const DatabaseConfig& config_;
  const Plugin& plugin_;
  std::shared_ptr<spdlog::logger> log_;
};

// The other half, in core/guard/guard_process.cc: when the words of a command line are those of a
// guard's process, does its work and ends the process. Main thread of a process that does nothing
// else.
void run_as_guard(int argc, char** argv);

}  // namespace goromdb

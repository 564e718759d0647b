// SPDX-License-Identifier: MIT
// An output that appears whole or not at all, with its sums beside it.
//
// Whoever builds it makes the file at temporary(), in the folder of the target, and closes it. A
// commit() renames it there; anything else (an error, SIGINT, SIGTERM, SIGHUP) removes it. What a
// kill -9 leaves is removed by the next start() for the same target. One thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/error.h"

namespace goromdb::tools {

// A name whose file, if there is one, goes with the object and with a signal that ends the process.
class TemporaryName {
 public:
  explicit TemporaryName(std::string path);
  ~TemporaryName();
  TemporaryName(TemporaryName&&) noexcept = default;
  const std::string& path() const { return *path_; }

 private:
  std::unique_ptr<const std::string> path_;  // stays where it is: the signal handler reads it
};

class OutputFile {
 public:
  // Rejected: `path` exists and not `force`, or it or a sum of it is no regular file. Failure: its
  // folder is missing or takes no files.
  static Result<OutputFile> start(const std::string& path, bool force);

  // A name in the folder of the target where nothing lies; to be made with O_EXCL.
  const std::string& temporary() const { return data_.path(); }
  // Once, with the kinds of sums to write. Sums that lie there are removed, the data is renamed,
  // its sums are: each step durable before the next, and readable by all that the umask allows.
  // Rejected: the target has come to exist. Failure: the disk; until the data has been renamed
  // nothing has changed but such removed sums.
  Result<void> commit(const std::vector<SumKind>& sums);

  // What a killed process left for the same target goes. Best effort: it is in nobody's way.
  static void remove_leftovers(const std::string& path);
  // A name beside the target, for a file that is needed while it is made.
  static TemporaryName beside(const std::string& path);

 private:
  OutputFile(std::string path, bool force);
  Result<void> rename_data() const;

  std::string path_, stem_;  // the temporary names without what they end in
  bool force_;
  TemporaryName data_;
};

}  // namespace goromdb::tools

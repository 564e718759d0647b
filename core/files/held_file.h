// SPDX-License-Identifier: MIT
// One descriptor of a data file, from before it is tried until it is served: its inode cannot come
// to be another file's, and what lies at the path is compared with it. So what storages open by
// path, here and in the guard's process, is one file that has not been written to.
#pragma once

#include <string>

#include "core/base/file.h"

namespace goromdb {

// Any thread.
class HeldFile {
 public:
  // Rejected: it is no regular file.
  static Result<HeldFile> open(const std::string& path);
  // Takes over a descriptor that another process had opened, and is of `path`.
  static Result<HeldFile> inherit(int fd, const std::string& path);

  const std::string& path() const { return path_; }
  const Fd& fd() const { return fd_; }
  const FileState& state() const { return state_; }  // as it was when it was opened
  // Rejected: another file lies there, or it has been written to.
  Result<void> check() const;

 private:
  std::string path_;
  Fd fd_;
  FileState state_;
};

}  // namespace goromdb

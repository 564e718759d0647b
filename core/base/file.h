// SPDX-License-Identifier: MIT
// POSIX files with RAII and durable operations. Any thread; every call may block on the disk.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace goromdb {

// An owned file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// What tells one version of a file from another: a replaced or rewritten file differs in one of
// them.
struct FileIdentity {
  uint64_t device = 0, inode = 0;
  int64_t size = 0, mtime_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

struct FileState {
  FileIdentity identity;
  mode_t mode = 0;
  int64_t ctime_ns = 0;
};

timespec time_of(int64_t ns);  // since 1970; before it, too
FileState state_of(const struct stat& st);
// Of the name itself: a link is not followed. Empty when there is nothing of that name.
Result<std::optional<FileState>> look_at(const std::string& path);
Result<FileState> look_at(const Fd& fd, const std::string& path);
// "a folder", "a symbolic link", ...; empty for a regular file.
std::string_view irregularity(mode_t mode);

// Opens a regular file for reading; never blocks on a fifo, never follows a link.
Result<Fd> open_regular(const std::string& path);
// At most `limit` bytes; a longer file is a failure.
Result<std::string> read_small_file(const std::string& path, size_t limit);

// The named operations are on disk when they return.
Result<void> sync_file(const Fd& fd, const std::string& path);
Result<void> sync_folder(const std::string& path);
Result<void> write_file_durably(const std::string& path, std::string_view content);  // atomic
Result<void> remove_durably(const std::string& path);  // success when there was nothing
Result<void> make_folders(const std::string& path);

// Reads `fd` from its start in blocks; `each` may stop it by returning an error.
Result<void> read_blocks(const Fd& fd, const std::string& path,
                         const std::function<Result<void>(std::string_view)>& each);
Result<void> write_all(const Fd& fd, std::string_view bytes, const std::string& path);

std::string parent_folder(const std::string& path);  // "." where the path has none
std::string join_path(const std::string& base, const std::string& path);  // absolute paths stay

}  // namespace goromdb

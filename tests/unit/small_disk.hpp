// SPDX-License-Identifier: MIT
// A small file system of a test's own.
#pragma once

#include <sys/mount.h>

#include <string>
#include <utility>

namespace goromdb::test {

// At `path`, as long as the object lives; false where this machine does not allow it. `size` as in
// "size=1m".
class SmallDisk {
 public:
  SmallDisk(std::string path, const char* size)
      : path_(std::move(path)), mounted_(::mount("tmpfs", path_.c_str(), "tmpfs", 0, size) == 0) {}
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  explicit operator bool() const { return mounted_; }

 private:
  const std::string path_;
  const bool mounted_;
};

}  // namespace goromdb::test

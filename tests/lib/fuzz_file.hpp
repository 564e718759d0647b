// SPDX-License-Identifier: MIT
// What a fuzz target's input is as a file: storages open paths, and no links.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace goromdb::test {

// One file for the life of the process, in the temporary folder. Aborts when it cannot be written:
// a target that reads nothing finds nothing.
class FuzzFile {
 public:
  explicit FuzzFile(std::string_view bytes) {
    const int fd = ::open(path(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      ::abort();
    }
    ::close(fd);
  }
  ~FuzzFile() { ::unlink(path()); }
  FuzzFile(const FuzzFile&) = delete;
  FuzzFile& operator=(const FuzzFile&) = delete;

  const char* path() const {
    static const std::string name = [] {
      const char* const folder = ::getenv("TMPDIR");  // script/fuzz: in memory, and removed by it
      return std::string(folder == nullptr ? "/tmp" : folder) + "/goromdb-fuzz-" +
             std::to_string(::getpid());
    }();
    return name.c_str();
  }
};

}  // namespace goromdb::test

// SPDX-License-Identifier: MIT
// A folder of a test's own that goes with it, and short ways to make and read files in it.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/base/file.h"

namespace goromdb::test {

class TempFolder {
 public:
  explicit TempFolder(const std::string& parent = std::filesystem::temp_directory_path().string()) {
    std::string name = parent + "/goromdb-unit-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  // Returns the path. Folders on the way are made.
  std::string write(const std::string& name, const std::string& content) const {
    const auto path = *this / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << content;
    file.close();
    REQUIRE(file.good());
    return path;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(*this / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool has(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(*this / name));
  }

 private:
  std::string path_;
};

inline void set_mtime_ns(const std::string& path, int64_t seconds, int64_t nanoseconds = 0) {
  const timespec times[2] = {{0, UTIME_OMIT}, {seconds, nanoseconds}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

inline FileIdentity identity_of(const std::string& path) {
  auto state = look_at(path);
  REQUIRE(state.has_value());
  REQUIRE(state->has_value());
  return (*state)->identity;
}

// A sanitizer ends the program where the C++ library would throw std::bad_alloc.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryMayRunOut = false;
#else
inline constexpr bool kMemoryMayRunOut = true;
#endif

// The message of a failed Result; "" of one that succeeded.
template <class Result>
std::string message_of(const Result& result) {
  return result ? std::string() : result.error().message;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace goromdb::test

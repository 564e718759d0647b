// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <goromdb/data_file.hpp>

#include "database.hpp"

using namespace goromdb;

namespace {

constexpr size_t kSize = size_t{1} << 20, kSamples = 16;

bool seems_cached(const std::string& path) {
  const DataFile file(path.c_str());
  return Mapping(file).seems_cached(0, kSize, kSamples);
}

// False: all that is in this file system is in memory.
bool push_out(const std::string& path) {
  struct statfs fs;
  REQUIRE(::statfs(path.c_str(), &fs) == 0);
  if (fs.f_type == TMPFS_MAGIC) return false;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  CHECK(::fsync(fd) == 0);
  CHECK(::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
  CHECK(::close(fd) == 0);
  return true;
}

}  // namespace

TEST_CASE("a file seems to be cached while the page cache has all of it") {
  const test::TempDir dir;
  const auto path = test::written(dir.file("data"), std::string(kSize, 'd'));
  CHECK(seems_cached(path));
  if (push_out(path)) CHECK_FALSE(seems_cached(path));
}

TEST_CASE("of somebody else's file nothing is believed") {
  if (::geteuid() != 0) return;
  const test::TempDir dir;
  const auto path = test::written(dir.file("data"), std::string(kSize, 'd'));
  REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
  CHECK_FALSE(seems_cached(path));
}

TEST_CASE("a walk reads what it reads, whatever was in the page cache") {
  const test::TempDir dir;
  std::string content(kSize + 1000, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 / 5);
  const auto path = test::written(dir.file("data"), content);
  for (const bool pushed : {false, true}) {
    if (pushed) push_out(path);
    const DataFile file(path.c_str());
    const Mapping map(file);
    const ReadAhead ahead(map);
    CHECK(std::memcmp(map.data(), content.data(), content.size()) == 0);
  }
  const auto empty = test::written(dir.file("empty"), "");
  const DataFile file(empty.c_str());
  const Mapping map(file);
  const ReadAhead ahead(map);
  CHECK(map.size() == 0);
}

// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <goromdb/data_file.hpp>

#include <algorithm>

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

TEST_CASE("a walk reads what it reads, whatever was in the page cache, by one thread or two") {
  const test::TempDir dir;
  constexpr size_t kWorthTwo = size_t{16} << 20;
  for (const size_t size : {size_t{0}, size_t{1}, kSize + 1000, kWorthTwo, kWorthTwo + 5000}) {
    std::string content(size, '\0');
    for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 7 / 5);
    const auto path = test::written(dir.file("data" + std::to_string(size)), content);
    for (const bool pushed : {false, true}) {
      for (const uint32_t threads : {0u, 1u, 2u, 8u}) {
        if (pushed && size > 0) push_out(path);
        const DataFile file(path.c_str());
        const Mapping map(file);
        const ReadAhead ahead(map, threads);
        CHECK(std::string_view(reinterpret_cast<const char*>(map.data()), map.size()) == content);
      }
    }
  }
}

TEST_CASE("two threads map what is left of a file that was cut, and nobody is ended") {
  const test::TempDir dir;
  constexpr size_t kWhole = size_t{32} << 20, kLeft = size_t{20} << 20;
  const auto path = test::written(dir.file("data"), std::string(kWhole, 'd'));
  const DataFile file(path.c_str());
  const Mapping map(file);
  REQUIRE(::truncate(path.c_str(), kLeft) == 0);
  const ReadAhead ahead(map, 2);
  CHECK(std::count(map.data(), map.data() + kLeft, 'd') == kLeft);
}

TEST_CASE(
    "what is cached is mapped while a walk lasts, nearly all of it before, and not behind it") {
  const test::TempDir dir;
  constexpr size_t kWhole = (size_t{18} << 20) + 3 * 4096;
  const auto path = test::written(dir.file("data"), std::string(kWhole, 'd'));
  for (const uint32_t threads : {1u, 2u}) {
    const DataFile file(path.c_str());
    const Mapping map(file);
    {
      const ReadAhead ahead(map, threads);
      const size_t resident = test::mapped(path).resident;
      // None on a kernel that cannot; of a page that is just being written to disk some less.
      CHECK((resident > kWhole / 10 * 9 || resident == 0));
      CHECK(std::count(map.data(), map.data() + kWhole, 'd') == kWhole);
      CHECK(test::mapped(path).resident == kWhole);
    }
    CHECK(test::mapped(path).resident == 0);
  }
}

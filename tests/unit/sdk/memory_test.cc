// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <goromdb/memory.hpp>

#include <filesystem>

#include "database.hpp"

using namespace goromdb;
using goromdb::test::TempDir;
using goromdb::test::written;

TEST_CASE("what is left is the least of what the machine and the cgroups have") {
  const TempDir dir;
  const auto meminfo = written(
      dir.file("meminfo"), "MemTotal:       2000 kB\nMemFree: 5 kB\nMemAvailable:    1000 kB\n");
  const auto self = written(dir.file("self"), "1:name=x:/old\n0::/a/b\n");
  const auto root = dir.file("cgroup");
  std::filesystem::create_directories(root + "/a/b");
  const auto left = [&] { return available_memory(meminfo, self, root); };
  CHECK(left() == 1000 * 1024);
  written(root + "/a/b/memory.max", "max\n");
  written(root + "/a/b/memory.stat", "anon 600\nfile 4000\n");
  CHECK(left() == 1000 * 1024);
  written(root + "/a/memory.max", "900000\n");
  CHECK(left() == 1000 * 1024);  // what is taken of it is not known
  written(root + "/a/memory.stat", "file 7\nanon 100000\n");
  CHECK(left() == 800000);
  written(root + "/a/b/memory.max", "700\n");
  CHECK(left() == 100);
  written(root + "/a/b/memory.max", "500\n");
  CHECK(left() == 0);
  CHECK(available_memory(dir.file("none"), dir.file("none"), root) == UINT64_MAX);
}

TEST_CASE("memory that grows beyond what is left is refused before it is touched") {
  MemoryWatch watch;
  watch.grown_to(0);
  watch.grown_to(1000);
  watch.grown_to(MemoryWatch::kEvery);
  CHECK_THROWS_AS(watch.grown_to(uint64_t{1} << 50), std::bad_alloc);
  watch.grown_to(MemoryWatch::kEvery + 1);
}

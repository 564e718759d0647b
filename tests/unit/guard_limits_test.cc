// SPDX-License-Identifier: MIT
#include "core/guard/guard_limits.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "tests/unit/temp_folder.hpp"

namespace goromdb {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20, kGiB = int64_t{1} << 30;

TEST_CASE("limits grow with the file, and memory not above half of the machine's") {
  DatabaseConfig config;
  const auto small = limits_for(config, 100);
  CHECK(small.memory == kGiB + 64 * kMiB);
  CHECK(small.cpu_s == 64);
  CHECK(small.total_ms == 316'000);
  CHECK(small.scratch == kGiB + 100);
  const auto large = limits_for(config, 1000 * kGiB);
  const auto installed = static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  CHECK(large.memory ==
        std::min(installed, cgroup_memory("/proc/self/cgroup", "/sys/fs/cgroup")) / 2);
  CHECK(large.cpu_s == 60 + 4 * (1000 * 1024 + 1));
  CHECK(large.total_ms == 300'000 + 16'000 * (int64_t{1000} * 1024 + 1));
}

TEST_CASE("of a cgroup and those above it the least limit counts") {
  test::TempFolder folder;
  const auto of = [&](const std::string& self) {
    return cgroup_memory(folder.write("self", self), folder / "root");
  };
  CHECK(cgroup_memory(folder / "none", folder / "root") == INT64_MAX);
  CHECK(of("0::/a/b\n") == INT64_MAX);
  folder.write("root/a/b/memory.max", "max\n");
  CHECK(of("0::/a/b\n") == INT64_MAX);
  folder.write("root/a/memory.max", "5000000\n");
  CHECK(of("0::/a/b\n") == 5'000'000);
  CHECK(of("0::/a/b/c\n") == 5'000'000);
  CHECK(of("4:memory:/x\n0::/a/b\n") == 5'000'000);
  CHECK(of("4:memory:/a/b\n") == INT64_MAX);  // version 1
  CHECK(of("0::/other\n") == INT64_MAX);
  folder.write("root/a/b/memory.max", "4000000\n");
  CHECK(of("0::/a/b\n") == 4'000'000);
  folder.write("root/memory.max", "3000000\n");  // as in a container
  CHECK(of("0::/a/b\n") == 3'000'000);
  CHECK(of("0::/\n") == 3'000'000);
}

TEST_CASE("the config's limits are taken as they are") {
  DatabaseConfig config;
  config.guard_memory = 64 * kMiB;
  config.guard_cpu_ms = 5000;
  config.guard_total_ms = 10;
  const auto limits = limits_for(config, 1000 * kGiB);
  CHECK(limits.memory == 64 * kMiB);
  CHECK(limits.cpu_s == 5);
  CHECK(limits.total_ms == 10);
}

TEST_CASE("a process has come to a limit when half of it was in use, mapped files aside") {
  constexpr int64_t kTiB = int64_t{1} << 40;
  const int64_t mapped = mapped_memory();
  CHECK(has_come_to(1 * kMiB, mapped));
  CHECK_FALSE(has_come_to(int64_t{1} << 50, mapped));
  if (!test::kMemoryMayRunOut) {
    MESSAGE("skipped: a sanitizer's memory is as large");
    return;
  }
  test::TempFolder folder;
  const Fd file(::open(folder.write("data", "").c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::ftruncate(file.get(), 2 * kTiB) == 0);
  void* map = ::mmap(nullptr, 2 * kTiB, PROT_READ, MAP_SHARED, file.get(), 0);
  REQUIRE(map != MAP_FAILED);
  CHECK(mapped_memory() >= mapped + 2 * kTiB);
  CHECK_FALSE(has_come_to(kTiB, mapped + 2 * kTiB));
  ::munmap(map, 2 * kTiB);
  CHECK_FALSE(has_come_to(kTiB, mapped + 2 * kTiB));  // nor by what was mapped
  CHECK(has_come_to(kTiB, mapped));
}

TEST_CASE("a limit is no more than the process may have itself, and is told to be that") {
  rlimit now{};
  REQUIRE(::getrlimit(RLIMIT_DATA, &now) == 0);
  constexpr int64_t kMost = INT64_MAX / 2;
  const auto wide = within_own({kMost, kMost, 0, kMost});
  CHECK(wide.own_memory == (now.rlim_max <= static_cast<rlim_t>(kMost)));
  const auto low = within_own({1, 1, 7, 1});
  CHECK_FALSE(low.own_memory);
  CHECK_FALSE(low.own_cpu);
  CHECK_FALSE(low.own_scratch);
  CHECK(low.total_ms == 7);
  CHECK(name_of_memory(low) == "guard_memory");
}

}  // namespace
}  // namespace goromdb

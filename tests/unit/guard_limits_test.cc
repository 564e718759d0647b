// SPDX-License-Identifier: MIT
#include "core/guard_limits.h"

#include <doctest/doctest.h>
#include <unistd.h>

namespace goromdb {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20, kGiB = int64_t{1} << 30;

TEST_CASE("limits grow with the file, and memory not above the machine's") {
  DatabaseConfig config;
  const auto small = limits_for(config, 100);
  CHECK(small.memory == kGiB + 64 * kMiB);
  CHECK(small.cpu_s == 64);
  CHECK(small.total_ms == 316'000);
  CHECK(small.scratch == kGiB + 100);
  const auto large = limits_for(config, 1000 * kGiB);
  CHECK(large.memory == static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE));
  CHECK(large.cpu_s == 60 + 4 * (1000 * 1024 + 1));
  CHECK(large.total_ms == 300'000 + 16'000 * (int64_t{1000} * 1024 + 1));
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

TEST_CASE("a process has come to a limit when half of it was in use") {
  CHECK(has_come_to(1 * kMiB));
  CHECK_FALSE(has_come_to(int64_t{1} << 50));
}

}  // namespace
}  // namespace goromdb

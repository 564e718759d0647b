// SPDX-License-Identifier: MIT
#include "core/base/metrics.h"

#include <doctest/doctest.h>

#include <thread>

using namespace goromdb;

TEST_CASE("a counter is the sum of what each loop added") {
  constexpr uint32_t kLoops = 4;
  constexpr int kAdditions = 10'000;
  Metrics metrics(kLoops);
  std::vector<std::thread> loops;
  for (uint32_t loop = 0; loop < kLoops; ++loop) {
    loops.emplace_back([&metrics, loop] {
      for (int i = 0; i < kAdditions; ++i) metrics.add(kKeysHit, loop, loop + 1);
    });
  }
  for (auto& loop : loops) loop.join();
  CHECK(metrics.sum(kKeysHit) == uint64_t{kAdditions} * (1 + 2 + 3 + 4));
  CHECK(metrics.sum(kKeysMissed) == 0);
}

TEST_CASE("a gauge goes down again") {
  Metrics metrics(2);
  const auto gauge = metrics.add_metric("open_things");
  metrics.add(gauge, 0, 3);
  metrics.add(gauge, 1, -2);
  CHECK(metrics.sum(gauge) == 1);
}

TEST_CASE("a reset starts every sum at nothing and later additions count") {
  Metrics metrics(2);
  metrics.add(kRequestsGet, 0, 5);
  metrics.add(kRequestsGet, 1, 6);
  metrics.reset();
  CHECK(metrics.sum(kRequestsGet) == 0);
  metrics.add(kRequestsGet, 1, 7);
  CHECK(metrics.sum(kRequestsGet) == 7);
}

TEST_CASE("a plugin's metric is found by its name and is none of the core's") {
  Metrics metrics(1);
  const auto first = metrics.add_metric("first"), second = metrics.add_metric("second");
  CHECK(first >= kCoreCounters);
  CHECK(second != first);
  CHECK(metrics.add_metric("first") == first);
  CHECK(metrics.plugin_metrics() == std::vector<std::string>{"first", "second"});
}

TEST_CASE("without room a metric is refused, what it adds is ignored, and the known stay") {
  Metrics metrics(1);
  const auto known = metrics.add_metric("known");
  uint32_t id = 0;
  for (uint32_t i = 0; i < Metrics::kCapacity; ++i) id = metrics.add_metric(std::to_string(i));
  CHECK(id == UINT32_MAX);
  metrics.add(id, 0, 1);
  metrics.add(known, 1, 1);  // a loop that does not exist
  CHECK(metrics.add_metric("known") == known);
  CHECK(metrics.sum(known) == 0);
}

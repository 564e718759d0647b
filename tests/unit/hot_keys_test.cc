// SPDX-License-Identifier: MIT
#include "core/generation/hot_keys.h"

#include <doctest/doctest.h>

#include <set>
#include <thread>

using namespace goromdb;

namespace {

std::string name(const char* prefix, int i) { return prefix + std::to_string(i); }

}  // namespace

TEST_CASE("keys come most often read first, with their namespaces, by loop") {
  HotKeys hot(2);
  for (int i = 0; i < 5; ++i) hot.note(0, "", "often");
  hot.note(0, "space", "often");
  for (int i = 0; i < 3; ++i) hot.note(0, "space", "now and then");
  hot.note(1, "", "elsewhere");
  const auto keys = hot.take(0);
  REQUIRE(keys.size() == 3);
  CHECK((keys[0].ns.empty() && keys[0].key == "often" && keys[0].count == 5));
  CHECK((keys[1].ns == "space" && keys[1].key == "now and then" && keys[1].count == 3));
  CHECK((keys[2].ns == "space" && keys[2].key == "often" && keys[2].count == 1));
  REQUIRE(hot.take(1).size() == 1);
}

TEST_CASE("what is read often stays, however many others go by") {
  constexpr int kHot = 100, kRounds = 200, kOthers = 500;
  HotKeys hot(1);
  int other = 0;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kHot; ++i) hot.note(0, "", name("hot", i));
    for (int i = 0; i < kOthers; ++i) hot.note(0, "", name("other", other++));
  }
  std::set<std::string> first;
  const auto keys = hot.take(0);
  CHECK(keys.size() <= HotKeys::kPlaces);
  for (size_t i = 0; i < kHot; ++i) first.insert(keys[i].key);
  int kept = 0;
  for (int i = 0; i < kHot; ++i) kept += first.contains(name("hot", i));
  CHECK(kept >= kHot - 5);  // a set has eight places; more hot keys than that may meet in one
}

TEST_CASE("keys that are read once take no place of one that is read often") {
  HotKeys hot(1);
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 1000; ++i) hot.note(0, "", name("hot", i));
  }
  const auto before = hot.take(0);
  CHECK(before.size() > HotKeys::kPlaces / 2);  // full, in most sets
  for (int i = 0; i < 1000; ++i) hot.note(0, "", name("other", i));
  std::set<std::string> after;
  for (const auto& each : hot.take(0)) after.insert(each.key);
  int lost = 0;
  for (const auto& each : before) lost += each.count >= 100 && !after.contains(each.key);
  CHECK(lost == 0);
}

TEST_CASE("the past fades") {
  HotKeys hot(1);
  for (int i = 0; i < 5; ++i) hot.note(0, "", "key");
  CHECK(hot.take(0)[0].count == 5);
  CHECK(hot.take(0)[0].count == 2);
  CHECK(hot.take(0)[0].count == 1);
  CHECK(hot.take(0).empty());
}

TEST_CASE("what is too long to be kept, or nothing, is left out") {
  HotKeys hot(1);
  const std::string longest(HotKeys::kMostBytes - 2, 'k');
  hot.note(0, "ns", longest);
  hot.note(0, "ns", longest + "k");
  hot.note(0, "", "");
  const auto keys = hot.take(0);
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].key == longest);
}

TEST_CASE("keys are taken while a loop notes others") {
  HotKeys hot(1);
  std::thread loop([&] {
    for (int i = 0; i < 200'000; ++i) hot.note(0, "ns", name("key", i % 50));
  });
  for (int i = 0; i < 200; ++i) {
    for (const auto& each : hot.take(0)) CHECK((each.ns == "ns" && each.key.starts_with("key")));
  }
  loop.join();
}

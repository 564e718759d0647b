// SPDX-License-Identifier: MIT
// How many entries there are, and walks that begin anywhere.
#include <doctest/doctest.h>

#include "walk_rules.hpp"

using namespace goromdb::test;

namespace {

Items some_items(int n) {
  Items items;
  for (int i = 0; i < n; ++i) items[""]["key" + std::to_string(i)] = {std::string(i % 90, 'v')};
  return items;
}

}  // namespace

TEST_CASE("entries are counted by the verification, and walks begin anywhere") {
  for (const int n : {0, 1, 2, 100, 3000}) {
    CAPTURE(n);
    Database db(kNoIndex);
    REQUIRE(db.build(n == 0 ? Items{} : some_items(n)));
    CHECK(db.count() == std::nullopt);
    CHECK(db.info().entries == GOROMDB_UNKNOWN);
    CHECK(broken_walk_rule(db) == "");
    REQUIRE(db.verify() == GOROMDB_OK);
    CHECK(db.count() == static_cast<uint64_t>(n));
    CHECK(broken_walk_rule(db) == "");
    CHECK(db.keys("none").empty());
    CHECK(db.keys("none", 7).empty());
    CHECK(db.count("none") == 0);
  }
  Database db;
  REQUIRE(db.build(some_items(100)));
  CHECK((db.info().caps & GOROMDB_CAP_WALKS_SORTED) == 0);
}

TEST_CASE("every entry is the first of some walk, none much more often than others") {
  Database db;
  REQUIRE(db.build(some_items(100)));
  const auto times = firsts(db, "", 10000);
  CHECK(times.size() == 100);
  for (const auto& [key, n] : times) CHECK((n > 40 && n < 200));
}

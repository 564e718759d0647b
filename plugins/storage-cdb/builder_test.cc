// SPDX-License-Identifier: MIT
#include "builder.h"

#include <doctest/doctest.h>
#include <goromdb/sdk.hpp>

#include "database.hpp"

using namespace goromdb;
using namespace goromdb::test;

TEST_CASE("keys and values of any size are kept, between small ones too") {
  Items items;
  for (const size_t size : {0, 1, 4096, 262'000, 262'144, 262'145, 3'000'000}) {
    const auto n = std::to_string(size);
    items[""]["value of " + n] = {std::string(size, 'v'), 0};
    items[""][std::string(size, 'k')] = {"key of " + n, 0};
  }
  Database db;
  REQUIRE_MESSAGE(db.build(items), db.message);
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.items() == items);
}

TEST_CASE("keys that do not come sorted are refused, and so is a key that comes twice") {
  TempDir folder;
  for (const char* second : {"b", "a"}) {
    CdbBuilder builder(folder.file(std::string("built") + second).c_str());
    builder.put("", "b", "1", 0);
    CHECK_THROWS_AS(builder.put("", second, "2", 0), Failure);
  }
}

TEST_CASE("a file that is there is not written over") {
  TempDir folder;
  const auto path = folder.file("built");
  { CdbBuilder builder(path.c_str()); }
  CHECK_THROWS_AS(CdbBuilder(path.c_str()), Failure);
}

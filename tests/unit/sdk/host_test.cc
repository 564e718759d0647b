// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <goromdb/sdk.hpp>

#include <cstddef>

using namespace goromdb;

TEST_CASE("what an older host does not have is not read") {
  goromdb_host table{};
  table.struct_size = sizeof table;
  CHECK_FALSE(Host(&table).only_verifies());
  table.hints = ~uint64_t{0};
  CHECK(Host(&table).only_verifies());
  table.hints = ~uint64_t{GOROMDB_HINT_ONLY_VERIFIES};
  CHECK_FALSE(Host(&table).only_verifies());
  table.hints = ~uint64_t{0};
  table.struct_size = offsetof(goromdb_host, hints);
  CHECK_FALSE(Host(&table).only_verifies());
  table.guarded = [](void*, void (*)(void*), void*) -> int32_t { return 1; };
  table.struct_size = offsetof(goromdb_host, guarded);
  bool was_run = false;
  CHECK(Host(&table).guarded([&] { was_run = true; }));
  CHECK(was_run);
}

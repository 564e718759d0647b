// SPDX-License-Identifier: MIT
// What index: hash changes; that all else stays, the room's other tests show when they are run with
// it.
#include <doctest/doctest.h>

#include "database.hpp"

using namespace goromdb::test;

TEST_CASE("keys and values of all lengths are found through an index") {
  Items items;
  for (const size_t size : {0, 1, 2, 63, 64, 65, 250, 511, 4096, 65536, 1 << 20}) {
    items[""][std::string(size, 'k')] = {std::string(size, 'v')};
    items[""][std::string(size, 'l')] = {""};
  }
  Database db(kWithIndex);
  REQUIRE_MESSAGE(db.build(items), db.message);
  for (const auto& [key, item] : items[""]) {
    CHECK((db.get(key) == item.value));
    CHECK(db.get(key + "?") == std::nullopt);
    CHECK(db.get(key, 1u) == std::nullopt);
  }
  CHECK(db.items() == items);
}

TEST_CASE("with an index a file is walked when it is opened: it is counted, or refused") {
  Items items;
  for (int i = 0; i < 5000; ++i) items[""]["k" + std::to_string(i)] = {std::string(1000, 'v')};
  Database db(kWithIndex), plain(kNoIndex);
  REQUIRE_MESSAGE(db.build(items), db.message);
  const auto path = db.dir().file("built.db");
  CHECK(mapped(path).count == 1);
  CHECK(mapped(path).resident < 200000);
  CHECK(db.info().entries == 5000);
  CHECK(db.count() == 5000);
  CHECK(db.info().resident_bytes > 5000 * 8);
  CHECK(db.info().resident_bytes < 5000 * 11 + 8192);
  db.host.on_progress = [](uint64_t, uint64_t) { return 1; };
  CHECK(db.verify() == GOROMDB_OK);  // there is nothing left to do
  CHECK(db.open(path) == GOROMDB_E_CANCELLED);

  std::string bytes(std::filesystem::file_size(path), '\0');
  std::ifstream(path, std::ios::binary)
      .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes[bytes.find("k77")] = 'K';
  CHECK(plain.open_text(bytes) == GOROMDB_OK);
  CHECK(plain.info().resident_bytes == GOROMDB_UNKNOWN);
  db.host.on_progress = [](uint64_t, uint64_t) { return 0; };
  CHECK(db.open_text(bytes) == GOROMDB_E_CORRUPT);
  CHECK(db.says("data.db: the record at byte "));
  CHECK(db.says("is not found by its key"));
  CHECK(db.in_one_line());
}

TEST_CASE("a host that only verifies has no index made") {
  Database db;
  REQUIRE(db.build({{"", {{"key", {"value"}}}}}));
  CHECK(is_verified_without_index(db.dir().file("built.db")));
}

TEST_CASE("with an index it is part of what look-ups read") {
  Items items;
  for (int i = 0; i < 5000; ++i) items[""]["k" + std::to_string(i)] = {"value"};
  Database plain(kNoIndex), indexed(kWithIndex);
  REQUIRE(plain.build(items));
  REQUIRE(indexed.build(items));
  CHECK(indexed.memory_bytes() >= indexed.info().resident_bytes);
  CHECK(indexed.memory_bytes() > plain.memory_bytes() + 8 * 5000);
  CHECK(indexed.is_in_memory("k77"));
}

// SPDX-License-Identifier: MIT
// How many entries a database has, in which order they come, and walks that begin anywhere.
#include "test_files.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "file_header.h"
#include "key_chance.h"
#include "walk_rules.hpp"

using namespace goromdb::bdb;
using namespace goromdb::test;

namespace {

bool is_sorted(Database& db) { return (db.info().caps & GOROMDB_CAP_WALKS_SORTED) != 0; }

Entries numbered(int n, size_t key_size = 0) {
  Entries entries;
  for (int i = 0; i < n; ++i) {
    const auto number = std::to_string(100000 + i);
    entries.emplace_back(number + std::string(i % 3 == 0 ? key_size : 0, 'k'),
                         std::string(i * 7 % 90, 'v'));
  }
  return entries;
}

void check_kind(const Written& how, size_t key_size) {
  CAPTURE(how.type);
  CAPTURE(how.flags);
  CAPTURE(how.byte_order);
  CAPTURE(how.page_size);
  CAPTURE(key_size);
  Database db;
  auto entries = numbered(100, key_size);
  if (how.flags == DB_DUP) entries.emplace_back("100050", "second");
  write(db.dir().file("f"), entries, how);
  REQUIRE_MESSAGE(db.open(db.dir().file("f")) == GOROMDB_OK, db.message);
  CHECK(is_sorted(db) == (how.type == DB_BTREE));
  CHECK(db.count() == std::nullopt);
  CHECK(broken_walk_rule(db) == "");
  REQUIRE(db.verify() == GOROMDB_OK);
  CHECK(db.count() == 100);
  CHECK(broken_walk_rule(db) == "");
  CHECK(firsts(db, "", 400).size() > 85);
}

}  // namespace

TEST_CASE("a btree or a hash of any kind is counted once verified, and is walked from anywhere") {
  // The thread sanitizer takes a second for each and learns nothing from another page size.
#if defined(__SANITIZE_THREAD__)
  const std::vector<uint32_t> page_sizes = {4096};
#else
  const std::vector<uint32_t> page_sizes = {512, 4096, 65536};
#endif
  int n = 0;
  for (const auto type : {DB_BTREE, DB_HASH}) {
    for (const uint32_t flags : {0u, uint32_t{DB_CHKSUM}, uint32_t{DB_DUP}}) {
      for (const uint32_t page_size : page_sizes) {
        // Keys of a hundred bytes more lie in their pages or in others, by the page's size.
        const size_t some_are_long = page_size == 65536 ? 20000 : 1200;
        for (const size_t key_size : {size_t{0}, size_t{100}, some_are_long}) {
          const int order = ++n % 2 == 0 ? 1234 : 4321;
          check_kind({type, nullptr, flags, order, page_size}, key_size);
        }
      }
    }
  }
}

TEST_CASE("every entry is the first of some walk, none much more often than others") {
  for (const auto type : {DB_BTREE, DB_HASH}) {
    Database db;
    write(db.dir().file("f"), numbered(100), {type, nullptr, 0, 1234, 512});
    REQUIRE(db.open(db.dir().file("f")) == GOROMDB_OK);
    const auto times = firsts(db, "", 10000);
    CHECK(times.size() == 100);
    for (const auto& [key, n] : times) CHECK((n > 30 && n < 300));
  }
}

TEST_CASE("a walk of a hash begins at any of its keys where some buckets were never written") {
  for (const char* key : {"anna", "bert", "carl", "dora"}) {
    CAPTURE(key);
    Database db;
    write(db.dir().file("f"), {{key, "1"}}, {DB_HASH});
    REQUIRE(db.open(db.dir().file("f")) == GOROMDB_OK);
    REQUIRE(db.verify() == GOROMDB_OK);
    CHECK(broken_walk_rule(db) == "");
    CHECK(firsts(db, "", 20).size() == 1);
  }
}

TEST_CASE("sub-databases are counted and walked each, and are in order when all are btrees") {
  Database btrees, all;
  for (const int order : {1234, 4321}) {
    const auto path = btrees.dir().file("b" + std::to_string(order));
    write(path, numbered(300), {DB_BTREE, "one", 0, order});
    write(path, numbered(7), {DB_BTREE, "two", 0, order});
    write(path, {}, {DB_BTREE, "empty", 0, order});
    REQUIRE_MESSAGE(btrees.open(path) == GOROMDB_OK, btrees.message);
    CHECK(is_sorted(btrees));
    CHECK(broken_walk_rules(btrees) == "");
    REQUIRE(btrees.verify() == GOROMDB_OK);
    CHECK(btrees.count() == 0);
    CHECK(btrees.count("one") == 300);
    CHECK(btrees.count("two") == 7);
    CHECK(btrees.count("empty") == 0);
    CHECK(btrees.count("none") == std::nullopt);
    CHECK(broken_walk_rules(btrees) == "");
    CHECK(firsts(btrees, "two", 500).size() == 7);
  }
  const auto path = all.dir().file("f");
  write(path, numbered(300), {DB_BTREE, "btree"});
  write(path, numbered(300), {DB_HASH, "hash"});
  REQUIRE(all.open(path) == GOROMDB_OK);
  CHECK_FALSE(is_sorted(all));
  REQUIRE(all.verify() == GOROMDB_OK);
  CHECK(broken_walk_rules(all) == "");
  CHECK(all.count("hash") == 300);
  CHECK(firsts(all, "hash", 5000).size() == 300);
}

TEST_CASE("the records of a recno are walked from any of them") {
  Database db;
  write(db.dir().file("f"), {{"1", "a"}, {"2", "b"}, {"5", "c"}, {"9", "d"}, {"12", "e"}},
        {DB_RECNO}, {"1"});
  REQUIRE(db.open(db.dir().file("f")) == GOROMDB_OK);
  CHECK_FALSE(is_sorted(db));
  REQUIRE(db.verify() == GOROMDB_OK);
  CHECK(db.count() == 4);
  CHECK(broken_walk_rule(db) == "");
  const auto times = firsts(db, "", 1000);
  CHECK(times.size() == 4);
  for (const auto& [key, n] : times) CHECK(n > 150);
  Database empty;
  write(empty.dir().file("f"), {}, {DB_RECNO});
  REQUIRE(empty.open(empty.dir().file("f")) == GOROMDB_OK);
  CHECK(broken_walk_rule(empty) == "");
}

TEST_CASE("a walk of a prefix begins at any of its keys, however few they are") {
  Database db(Settings{{"namespaces", "prefix"}});
  Entries entries;
  for (int i = 0; i < 5000; ++i) entries.emplace_back(std::to_string(10000 + i), "v");
  for (const char* key : {"usersanna", "usersbert", "userscarl", "users", "usert"}) {
    entries.emplace_back(key, "v");
  }
  write(db.dir().file("f"), entries);
  REQUIRE(db.open(db.dir().file("f")) == GOROMDB_OK);
  REQUIRE(db.verify() == GOROMDB_OK);
  CHECK(db.count() == 5005);
  CHECK(db.count("users") == std::nullopt);
  for (const char* ns : {"users", "1", "100", "none", ""}) {
    CAPTURE(ns);
    CHECK(broken_walk_rule(db, ns) == "");
  }
  const auto times = firsts(db, "users", 400);
  CHECK(times.size() == 4);
  for (const auto& [key, n] : times) CHECK(n > 60);
  CHECK(firsts(db, "100", 2000).size() == 100);
}

TEST_CASE("a walk of a btree goes on behind a key that is not there") {
  Database db;
  write(db.dir().file("f"), {{"a", "1"}, {"c", "2"}});
  REQUIRE(db.open(db.dir().file("f")) == GOROMDB_OK);
  CHECK(db.keys_behind("b") == std::vector<std::string>{"c"});
  CHECK(db.keys_behind("a") == std::vector<std::string>{"c"});
  CHECK(db.keys_behind("c").empty());
  CHECK(db.keys_behind("d").empty());
}

TEST_CASE("pages that are damaged lead a walk from anywhere nowhere else") {
  for (const auto type : {DB_BTREE, DB_HASH}) {
    std::mt19937 random(5);
    const TempDir dir;
    write(dir.file("whole"), numbered(2000, 2000), {type});
    const auto whole = bytes_of(dir.file("whole"));
    int refused = 0;
    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      // What is read for the choice, without libdb, which has its own troubles.
      std::string bytes = whole;
      for (int i = 0; i < 400; ++i) {
        const size_t page = 1 + random() % (bytes.size() / 4096 - 1);
        bytes[page * 4096 + 8 + random() % 60] = static_cast<char>(random());
      }
      const goromdb::DataFile file(written(dir.file("f"), bytes).c_str());
      const FileHeader header = read_header(file);
      const KeyChance chance(file, header);
      try {
        const Tree tree = chance.tree_at(0);
        for (int i = 0; i < 10; ++i) chance.any_key(tree, i % 2 == 0 ? "" : "1001", random());
      } catch (const goromdb::Failure& e) {
        CHECK(e.code() == GOROMDB_E_CORRUPT);
        ++refused;
      }
    }
    CHECK(refused > 100);
  }
}

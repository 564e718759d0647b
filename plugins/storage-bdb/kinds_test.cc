// SPDX-License-Identifier: MIT
// The kinds of databases that a file can hold, one or several, and how they are read.
#include "test_files.h"

#include <doctest/doctest.h>

#include "memcachedb_item.h"

using namespace goromdb::bdb;
using namespace goromdb::test;

namespace {

// Those that a process has read so far, by system calls: not through a mapping.
uint64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  std::string name;
  uint64_t bytes = 0;
  io >> name >> bytes;
  return bytes;
}

Entries large_entries(int n) {
  Entries entries;
  for (int i = 0; i < n; ++i) {
    entries.emplace_back("key" + std::to_string(i),
                         std::string(1000, static_cast<char>('a' + i % 26)));
  }
  return entries;
}

}  // namespace

TEST_CASE(
    "a recno has holes, a first record that was deleted, records of one length, either byte "
    "order") {
  const auto index = index_of_this_run();
  const Entries entries = {{"1", "one"}, {"2", "two"}, {"5", "five"}, {"9", "nine"}, {"300", "z"}};
  for (const int order : {1234, 4321}) {
    for (const uint32_t size : {0u, 10u}) {
      CAPTURE(order);
      CAPTURE(size);
      const auto text = [&](std::string value) {
        return size == 0 ? value : value.append(size - value.size(), ' ');
      };
      Database db(Settings{{"index", index}});
      const auto path = db.dir().file("f");
      write(path, entries, {DB_RECNO, nullptr, 0, order, 4096, size}, {"1", "9"});
      REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
      CHECK_MESSAGE(db.verify() == GOROMDB_OK, db.message);
      CHECK(db.info().entries == 3);
      CHECK(db.get("2") == text("two"));
      CHECK(db.get("5") == text("five"));
      CHECK(db.get("300") == text("z"));
      for (const char* none : {"1", "3", "9", "301", "256", "16777216"}) CHECK_FALSE(db.get(none));
      CHECK(db.walk("", 1, true).size() == 3);
    }
  }
}

TEST_CASE("one file has databases of all kinds") {
  const auto index = index_of_this_run();
  for (const int order : {1234, 4321}) {
    CAPTURE(order);
    Database db(Settings{{"index", index}});
    const auto path = db.dir().file("f");
    const auto entries = some_entries(300);
    write(path, entries, {DB_BTREE, "btree", 0, order});
    write(path, entries, {DB_HASH, "hash", 0, order});
    write(path, {{"1", "one"}, {"7", "seven"}}, {DB_RECNO, "recno", 0, order});
    write(path, {}, {DB_BTREE, "empty", 0, order});
    write(path, {}, {DB_HASH, "empty hash", 0, order});
    REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
    CHECK_MESSAGE(db.verify() == GOROMDB_OK, db.message);
    CHECK(db.info().entries == 602);
    // A hash that is asked first makes libdb read the whole file through its cache.
    for (const char* ns : {"hash", "btree"}) {
      for (const auto& [key, value] : entries) CHECK((db.get(key, ns) == value));
      CHECK(db.walk(ns).size() == entries.size());
    }
    CHECK(db.get("7", "recno") == "seven");
    CHECK_FALSE(db.get("2", "recno"));
    CHECK_FALSE(db.get("key1", "empty"));
    CHECK(db.walk("empty hash").empty());
  }
}

TEST_CASE("empty databases hold nothing") {
  const auto index = index_of_this_run();
  for (const auto type : {DB_BTREE, DB_HASH, DB_RECNO}) {
    Database db(Settings{{"index", index}});
    write(db.dir().file("f"), {}, {type});
    REQUIRE_MESSAGE(db.open(db.dir().file("f")) == GOROMDB_OK, db.message);
    CHECK_MESSAGE(db.verify() == GOROMDB_OK, db.message);
    CHECK(db.info().entries == 0);
    CHECK_FALSE(db.get("1"));
    CHECK(db.walk().empty());
  }
}

TEST_CASE(
    "of duplicates that are sorted, in a hash, or in pages of their own, the first is given") {
  const auto index = index_of_this_run();
  struct Case {
    DBTYPE type;
    uint32_t flags;
    const char* first;
  };
  const Case cases[] = {{DB_BTREE, DB_DUP, "20000"},
                        {DB_BTREE, DB_DUP | DB_DUPSORT, "10001"},
                        {DB_HASH, DB_DUP, "20000"},
                        {DB_HASH, DB_DUP | DB_DUPSORT, "10001"}};
  for (const auto& [type, flags, first] : cases) {
    for (const int count : {3, 10000}) {  // the latter do not fit into a page
      CAPTURE(type);
      CAPTURE(flags);
      CAPTURE(count);
      Entries entries = {{"a", "1"}, {"z", "2"}};
      for (int i = 0; i < count; ++i) entries.emplace_back("k", std::to_string(20000 - i));
      if (count == 3) entries.emplace_back("k", "10001");
      Database db(Settings{{"index", index}});
      write(db.dir().file("f"), entries, {type, nullptr, flags});
      REQUIRE_MESSAGE(db.open(db.dir().file("f")) == GOROMDB_OK, db.message);
      CHECK_MESSAGE(db.verify() == GOROMDB_OK, db.message);
      CHECK(db.info().entries == 3);
      CHECK(db.get("k") == first);
      CHECK(db.walk("", 1, true).size() == 3);
    }
  }
}

TEST_CASE("values of megabytes") {
  const auto index = index_of_this_run();
  for (const auto type : {DB_BTREE, DB_HASH}) {
    Database db(Settings{{"index", index}});
    Entries entries = {{"small", "s"}, {"empty", ""}};
    for (char c = 'a'; c < 'e'; ++c)
      entries.emplace_back(std::string(300, c), std::string(5 << 20, c));
    write(db.dir().file("f"), entries, {type});
    REQUIRE_MESSAGE(db.open(db.dir().file("f")) == GOROMDB_OK, db.message);
    CHECK_MESSAGE(db.verify() == GOROMDB_OK, db.message);
    for (const auto& [key, value] : entries) CHECK((db.get(key) == value));
    CHECK(db.walk().size() == entries.size());
  }
}

TEST_CASE("prefixes go with MemcacheDB's items and with a sub-database") {
  const auto index = index_of_this_run();
  Database items(Settings{{"index", index}, {"namespaces", "prefix"}, {"encoding", "memcachedb"}});
  write(items.dir().file("f"),
        {{"usersanna", item_of({"usersanna", "1", 7})}, {"x", item_of({"x", "", 0})}});
  REQUIRE(items.open(items.dir().file("f")) == GOROMDB_OK);
  CHECK_MESSAGE(items.verify() == GOROMDB_OK, items.message);
  CHECK(items.get("anna", "users") == "1");
  CHECK(items.get("x") == "");
  CHECK(items.walk("users").at("anna") == goromdb::test::Item{"1", 7});

  Database named(Settings{{"index", index}, {"namespaces", "prefix"}, {"subdb", "own"}});
  write(named.dir().file("f"), {{"usersanna", "1"}}, {DB_BTREE, "own"});
  write(named.dir().file("f"), {{"usersbert", "2"}}, {DB_BTREE, "other"});
  REQUIRE(named.open(named.dir().file("f")) == GOROMDB_OK);
  CHECK_MESSAGE(named.verify() == GOROMDB_OK, named.message);
  CHECK(named.info().entries == 1);
  CHECK(named.get("anna", "users") == "1");
  CHECK_FALSE(named.get("bert", "users"));
  CHECK(named.walk("users").size() == 1);

  Database unnamed(Settings{{"namespaces", "prefix"}});
  CHECK(unnamed.open(named.dir().file("f")) == GOROMDB_E_CONFIG);
  CHECK(unnamed.says("option subdb says which one is served"));
}

TEST_CASE("a walk over a prefix reads no more of a btree than that") {
  Database db(Settings{{"namespaces", "prefix"}});
  const auto path = db.dir().file("f");
  Entries entries;
  for (int i = 0; i < 9000; ++i) {
    entries.emplace_back(std::string(1, static_cast<char>('a' + i / 3000)) + std::to_string(i),
                         "v");
  }
  write(path, entries, {DB_BTREE, nullptr, 0, 4321});  // not mapped: what is read is counted
  REQUIRE(db.open(path) == GOROMDB_OK);
  db.get("none");
  const auto before = bytes_read();
  CHECK(db.walk("b", 16, true).size() == 3000);
  CHECK(db.walk("bb").empty());
  CHECK(db.walk("b59").size() == 100);
  CHECK(bytes_read() - before < std::filesystem::file_size(path) / 2);
  CHECK(db.walk("c").size() == 3000);
  CHECK(db.walk("d").empty());
}

TEST_CASE("a btree is mapped by libdb, once a reader, and by nobody else; get reads no page") {
  Database db;
  const auto path = db.dir().file("f");
  const auto entries = large_entries(4000);
  write(path, entries);
  REQUIRE(db.open(path) == GOROMDB_OK);
  REQUIRE(db.verify() == GOROMDB_OK);
  CHECK(mapped(path).count == 1);
  CHECK(mapped(path).resident < 200000);
  CHECK(db.memory_bytes() == std::filesystem::file_size(path));
  CHECK(db.warms_whole(path));
  const auto before = bytes_read();
  for (const auto& [key, value] : entries) CHECK((db.get(key) == value));
  CHECK(bytes_read() - before < 65536);
}

TEST_CASE("what cannot be mapped stays in a cache of its size, also in a file with sub-databases") {
  const auto entries = large_entries(8000);
  for (const char* subdb : {"", "hash"}) {
    CAPTURE(subdb);
    Database db, small(Settings{{"cache", "1048576"}});
    const auto path = db.dir().file("f");
    write(path, entries, {DB_HASH, *subdb != '\0' ? subdb : nullptr});
    const auto read_twice = [&](Database& by) {
      REQUIRE_MESSAGE(by.open(path) == GOROMDB_OK, by.message);
      uint64_t before = 0;
      for (int pass = 0; pass < 2; ++pass) {
        before = bytes_read();
        for (const auto& [key, value] : entries) {
          CHECK(((*subdb != '\0' ? by.get(key, subdb) : by.get(key)) == value));
        }
      }
      return bytes_read() - before;
    };
    CHECK(mapped(path).count == 0);
    CHECK(read_twice(db) < 65536);
    CHECK(read_twice(small) > std::filesystem::file_size(path));
  }
}

// SPDX-License-Identifier: MIT
// How many keys a database has, in which order they come, and walks that begin anywhere.
#include "key_chance.h"
#include "test_files.h"

#include <doctest/doctest.h>

#include <random>

#include "walk_rules.hpp"

namespace {

using goromdb::lmdb::bytes_of;
using goromdb::lmdb::File;
using goromdb::lmdb::name_of;
using goromdb::lmdb::store;
using goromdb::test::broken_walk_rule;
using goromdb::test::broken_walk_rules;
using goromdb::test::Database;
using goromdb::test::firsts;
using goromdb::test::Settings;
namespace lmdb = goromdb::lmdb;

bool is_sorted(Database& db) { return (db.info().caps & GOROMDB_CAP_WALKS_SORTED) != 0; }

}  // namespace

TEST_CASE("a file with all that the format has is counted, and walked from anywhere") {
  Database db;
  const std::string path = db.dir().file("data.db");
  lmdb::write_everything(path);
  for (const bool verified : {false, true}) {
    REQUIRE(db.open(path) == GOROMDB_OK);
    if (verified) REQUIRE(db.verify() == GOROMDB_OK);
    CHECK(broken_walk_rules(db) == "");
    CHECK(db.count() == 501);
    CHECK(db.count("plain") == 301);
    CHECK(db.count("integers") == 500);
    CHECK(db.count("many") == std::nullopt);  // its record counts duplicates
    CHECK(db.count("none") == std::nullopt);
    CHECK_THROWS(db.keys("none", 1));
    CHECK_FALSE(is_sorted(db));
  }
  Database plain(Settings{{"database", "plain"}});
  REQUIRE(plain.open(path) == GOROMDB_OK);
  CHECK(plain.count() == 301);
  CHECK(broken_walk_rules(plain) == "");
}

TEST_CASE("walks are in order where no database has integers or reversed keys") {
  for (const unsigned flags :
       {0u, unsigned{MDB_DUPSORT}, unsigned{MDB_INTEGERKEY}, unsigned{MDB_REVERSEKEY}}) {
    for (const std::string name : {"", "named"}) {
      CAPTURE(flags);
      CAPTURE(name);
      Database db;
      const std::string path = db.dir().file("data.db");
      {
        File file(path);
        if (!name.empty()) file.put("", "other", "1");
        file.make(name, flags);
        for (uint64_t i = 0; i < 1000; ++i) {
          const uint64_t n = i * 2654435761u;
          file.put(name, {reinterpret_cast<const char*>(&n), sizeof n}, std::to_string(i));
        }
      }
      REQUIRE(db.open(path) == GOROMDB_OK);
      CHECK(is_sorted(db) == (flags == 0 || flags == MDB_DUPSORT));
      CHECK(broken_walk_rule(db, name) == "");
      if (flags != MDB_DUPSORT) CHECK(db.count(name) == 1000);
    }
  }
}

TEST_CASE("a main database that may hide named ones is counted when it has been walked") {
  Database db(goromdb::test::kNoIndex);
  const std::string path = db.dir().file("data.db");
  {
    File file(path);
    for (uint64_t i = 0; i < 40000; ++i) file.put("", name_of(i), std::string(200, 'v'));
    file.make("empty", 0);  // a record without pages, which no count of pages shows
  }
  REQUIRE(db.open(path) == GOROMDB_OK);
  CHECK(db.count() == std::nullopt);
  CHECK(broken_walk_rule(db) == "");
  REQUIRE(db.verify() == GOROMDB_OK);
  CHECK(db.count() == 40000);
  CHECK(broken_walk_rule(db) == "");
}

TEST_CASE("every entry is the first of some walk, named databases beside them are not") {
  Database db;
  const std::string path = db.dir().file("data.db");
  {
    File file(path);
    for (uint64_t i = 0; i < 100; ++i) {
      file.put("", name_of(i), std::string(i * 7, 'v'));
      file.put(name_of(i) + "n", "k", "v");
      file.put("n", name_of(i), std::string(200, 'v'));
    }
  }
  REQUIRE(db.open(path) == GOROMDB_OK);
  for (const char* ns : {"", "n"}) {
    CAPTURE(ns);
    const auto times = firsts(db, ns, 10000);
    CHECK(times.size() == 100);
    for (const auto& [key, n] : times) CHECK((n > 30 && n < 300));
  }
  CHECK(broken_walk_rules(db) == "");
}

TEST_CASE("the entries of a page that is hardly filled are no likelier than others") {
  // Appended in order, until there is a second branch below the root.
  Database db;
  const std::string path = db.dir().file("data.db");
  uint64_t n = 0;
  {
    File file(path);
    MDB_stat stat{};
    while (stat.ms_branch_pages < 3) {
      for (int i = 0; i < 10; ++i) file.put("", name_of(n++), std::string(300, 'v'));
      file.commit();
      lmdb::check(mdb_env_stat(file.env(), &stat), "stat");
      file.begin();
    }
    // What a split leaves on the right has more than one leaf: it is emptied but for its end.
    for (uint64_t i = n / 2 + 60; i < n - 20; ++i) file.remove("", name_of(i));
  }
  REQUIRE(db.open(path) == GOROMDB_OK);
  const auto keys = db.keys();
  int last_ten = 0;
  const auto times = firsts(db, "", 10000);
  for (auto key = keys.end() - 10; key != keys.end(); ++key) {
    const auto its = times.find(*key);
    last_ten += its == times.end() ? 0 : its->second;
  }
  CHECK(last_ten < 10000 * 10 / static_cast<int>(keys.size()) * 3);
}

TEST_CASE("pages that are damaged lead a walk from anywhere nowhere else") {
  Database db;
  std::mt19937 random(23);
  const std::string path = db.dir().file("data.db");
  lmdb::write_everything(path);
  const std::string whole = bytes_of(path);
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    // What is read for the choice, without the rest of the storage: it has not been verified.
    std::string bytes = whole;
    for (int i = 0; i < 200; ++i) {
      const size_t page = 2 + random() % (bytes.size() / 4096 - 2);
      store(bytes, page * 4096 + random() % 60, static_cast<uint16_t>(random()));
    }
    const goromdb::test::TempDir dir;
    const goromdb::DataFile file(goromdb::test::written(dir.file("f"), bytes).c_str());
    const goromdb::Mapping map(file);
    const lmdb::Header header = lmdb::read_header(map);
    const lmdb::KeyChance chance(file, header);
    try {
      for (int i = 0; i < 10; ++i) chance.any_key(header.main, true, random());
    } catch (const goromdb::Failure& e) {
      CHECK(e.code() == GOROMDB_E_CORRUPT);
      ++refused;
    }
  }
  CHECK(refused > 100);
}

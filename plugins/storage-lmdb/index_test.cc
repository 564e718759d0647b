// SPDX-License-Identifier: MIT
// What index: hash changes; that all else stays, the room's other tests show when they are run with
// it.
#include "test_files.h"

#include <doctest/doctest.h>

#include "database.hpp"

namespace {

using goromdb::lmdb::File;
using goromdb::lmdb::name_of;
using goromdb::test::Database;
using goromdb::test::Items;
using goromdb::test::kNoIndex;
using goromdb::test::kWithIndex;
using goromdb::test::mapped;
using goromdb::test::Settings;

// Which key of a file has another answer with an index than without one: each key of each database
// and each name is asked for in each database. "": none has.
std::string different(const std::string& path, const std::string& database = {}) {
  Settings with_index = kWithIndex, no_index = kNoIndex;
  if (!database.empty()) with_index["database"] = no_index["database"] = database;
  Database with(with_index), without(no_index);
  REQUIRE_MESSAGE(with.open(path) == GOROMDB_OK, with.message);
  REQUIRE(without.open(path) == GOROMDB_OK);
  const Items items = without.items();
  std::vector<std::pair<uint32_t, std::string>> keys;
  std::vector<std::string> names = without.ns_names();
  names.emplace_back();
  for (const auto& ns : names) {
    const uint32_t id = ns.empty() ? 0 : with.ns_id(ns);
    REQUIRE(id == (ns.empty() ? 0 : without.ns_id(ns)));
    for (const auto& name : names) keys.emplace_back(id, name);
    for (const auto& from : items) {
      for (const auto& [key, item] : from.second) {
        keys.emplace_back(id, key);
        keys.emplace_back(id, key.substr(1));
      }
    }
  }
  const auto some = with.get_all(keys), others = without.get_all(keys);
  size_t found = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    found += some[i].status == GOROMDB_OK;
    if (some[i].status != others[i].status ||
        Database::text_of(some[i]) != Database::text_of(others[i])) {
      return "key " + keys[i].second.substr(0, 40) + " in " + std::to_string(keys[i].first);
    }
  }
  size_t there = 0;
  for (const auto& ns : items) there += ns.second.size();
  if (found < there) return "some are not found";
  return with.items() == items ? "" : "a walk";
}

}  // namespace

TEST_CASE("with an index each key of each database has the answer that it has without one") {
  const goromdb::test::TempDir dir;
  goromdb::lmdb::write_everything(dir.file("data.db"));
  for (const char* database : {"", "plain", "many", "integers", "reversed"}) {
    CAPTURE(database);
    CHECK(different(dir.file("data.db"), database) == "");
  }
  { File file(dir.file("empty.db")); }
  CHECK(different(dir.file("empty.db")) == "");
}

TEST_CASE("keys and values of all lengths are found through an index, and equal keys told apart") {
  const goromdb::test::TempDir dir;
  {
    File file(dir.file("data.db"));
    for (const std::string name : {"", "a", "b", "c"}) {
      for (const size_t size : {1, 2, 63, 64, 65, 250, 510, 511}) {
        for (const size_t length : {0, 1, 48, 2000, 2030, 2040, 4080, 4096, 100000}) {
          const auto key = std::to_string(length) + std::string(size, 'k');
          if (key.size() <= 511) file.put(name, key, name + std::string(length, 'v'));
        }
      }
    }
  }
  CHECK(different(dir.file("data.db")) == "");
  CHECK(different(dir.file("data.db"), "b") == "");
}

TEST_CASE("a main database of duplicates or of integers is answered with an index as without") {
  const goromdb::test::TempDir dir;
  for (const unsigned flags : {unsigned{MDB_DUPSORT}, unsigned{MDB_INTEGERKEY}}) {
    CAPTURE(flags);
    const auto path = dir.file("data" + std::to_string(flags));
    {
      File file(path);
      file.make("", flags);
      for (uint64_t i = 0; i < 500; ++i) {
        file.put("", {reinterpret_cast<const char*>(&i), sizeof i}, name_of(i));
        file.put("", {reinterpret_cast<const char*>(&i), sizeof i}, name_of(i + 1));
      }
    }
    CHECK(different(path) == "");
  }
}

TEST_CASE("a host that only verifies has no index made") {
  const goromdb::test::TempDir dir;
  goromdb::lmdb::write_everything(dir.file("data.db"));
  CHECK(goromdb::test::is_verified_without_index(dir.file("data.db")));
}

TEST_CASE("with an index a file is walked when it is opened: it is counted, or refused") {
  Database db(kWithIndex);
  const std::string path = db.dir().file("large.db");
  {
    File file(path);
    for (uint64_t i = 0; i < 40000; ++i) file.put("", name_of(i), std::string(200, 'v'));
    file.put("named", "k", "v");
  }
  REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
  CHECK(mapped(path).count == 2);  // liblmdb's, and the one that the index leads into
  CHECK(mapped(path).resident < 500000);
  CHECK(db.info().entries == 40001);
  CHECK(db.count() == 40000);
  CHECK(db.info().bytes == 40000 * (9 + 200) + 2);
  CHECK(db.info().resident_bytes > 40000 * 8);
  const auto pages = std::filesystem::file_size(path) / 4096;
  CHECK(db.info().resident_bytes < 40001 * 11 + pages * 8 + 8192);
  int calls = 0;
  db.host.on_progress = [&](uint64_t, uint64_t) { return ++calls == 3 ? 1 : 0; };
  CHECK(db.verify() == GOROMDB_OK);  // there is nothing left to do
  CHECK(calls == 0);
  CHECK(db.open(path) == GOROMDB_E_CANCELLED);
  CHECK(calls == 3);

  auto bytes = goromdb::lmdb::bytes_of(path);
  bytes[bytes.find(name_of(777))] = 'K';
  CHECK(db.open_text(bytes) == GOROMDB_E_CORRUPT);
  CHECK(db.says("data.db: page "));
  CHECK(db.says("has keys out of order"));
  CHECK(db.in_one_line());
}

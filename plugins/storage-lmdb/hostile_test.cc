// SPDX-License-Identifier: MIT
// Files that are cut, damaged, made up or of another kind.
#include "test_files.h"

#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <set>

#include "rounds.hpp"
#include "walk_rules.hpp"

namespace {

using goromdb::lmdb::bytes_of;
using goromdb::lmdb::File;
using goromdb::lmdb::name_of;
using goromdb::lmdb::store;
using goromdb::test::Database;
using goromdb::test::Item;
using goromdb::test::Items;
using goromdb::test::TempDir;
using goromdb::test::written;
namespace lmdb = goromdb::lmdb;

const std::string& everything() {
  static const std::string bytes = [] {
    const TempDir dir;
    lmdb::write_everything(dir.file("data.db"));
    return bytes_of(dir.file("data.db"));
  }();
  return bytes;
}

const Items& everything_in_it() {
  static const Items items = [] {
    Database db(everything());
    REQUIRE(db.status == GOROMDB_OK);
    REQUIRE(db.verify() == GOROMDB_OK);
    return db.items();
  }();
  return items;
}

// Opens and verifies as the server does before it lets readers at a file; then reads all of it.
// Returns whether it was accepted.
bool survives(Database& db, const std::string& bytes) {
  db.close();
  const std::string path = db.dir().file("data.db");
  std::filesystem::remove(path);  // what is mapped must not be cut
  // A reader of the helper is opened right after open(): not before verify() here.
  const auto& ops = *goromdb_plugin_v0()->storage;
  goromdb::test::OptionValues options(goromdb_plugin_v0());
  for (const auto& [name, value] : goromdb::test::run_settings()) options.set(name, value);
  goromdb_error error{};
  error.struct_size = sizeof error;
  goromdb_store* owner = nullptr;
  goromdb_generation* generation = nullptr;
  written(path, bytes);
  REQUIRE(ops.create(db.host.table(), options.data(), options.size(), &owner, &error) ==
          GOROMDB_OK);
  db.status = ops.open(owner, path.c_str(), 1, &generation, &error);
  if (db.status == GOROMDB_OK) {
    db.status = ops.verify(generation, &error);
    ops.close(generation);
  }
  ops.destroy(owner);
  db.message = error.msg;
  if (db.status != GOROMDB_OK) {
    CHECK((db.status == GOROMDB_E_CORRUPT || db.status == GOROMDB_E_UNSUPPORTED));
    CHECK(db.message.starts_with(path + ": "));
    CHECK(db.in_one_line());
    return false;
  }
  REQUIRE(db.open(path) == GOROMDB_OK);
  REQUIRE(db.verify() == GOROMDB_OK);
  const Items all = db.items();
  REQUIRE(goromdb::test::broken_walk_rules(db) == "");
  for (const auto& [ns, entries] : all) {
    for (const auto& [key, item] : entries) {
      REQUIRE(db.get(key, ns.empty() ? 0 : db.ns_id(ns)) == item.value);
    }
  }
  for (const auto& [ns, entries] : everything_in_it()) {
    const uint32_t id = ns.empty() ? 0 : db.ns_id(ns);
    for (const auto& each : entries) db.get(each.first, id);
  }
  return true;
}

// The place of the newest meta page in it.
size_t newest_meta(const std::string& bytes) {
  const auto txn = [&](size_t at) {
    return lmdb::load<uint64_t>(bytes.data() + at + lmdb::kTxnAt);
  };
  return txn(4096) > txn(0) ? 4096 : 0;
}

}  // namespace

TEST_CASE("a file that is cut anywhere is refused, but for free pages at its end") {
  Database db;
  const std::string& whole = everything();
  int accepted = 0;
  std::set<size_t> sizes = {0, 1, 15, 16, 23, 24, 151, 152, 4095, 4096, 4247, 4248, 8191, 8192};
  for (size_t i = 0; i < 64; ++i) sizes.insert(whole.size() * i / 64);
  for (size_t page = 4096; page < whole.size(); page += 4096) {
    sizes.insert(page);
    sizes.insert(page + 1);
  }
  for (const size_t size : sizes) {
    CAPTURE(size);
    if (!survives(db, whole.substr(0, size))) continue;
    ++accepted;
    CHECK(db.items() == everything_in_it());
  }
  CHECK(accepted < 40);
}

TEST_CASE("a file that ends before free pages is served whole") {
  Database db;
  const std::string path = db.dir().file("made.db");
  {
    File file(path);
    file.put("", "a", "1");
    file.commit();
    file.begin();
    file.put("", "long", std::string(50000, 'l'));
    file.commit();
    file.begin();
    file.remove("", "long");
  }
  std::string bytes = bytes_of(path);
  const auto last = lmdb::load<uint64_t>(bytes.data() + newest_meta(bytes) + lmdb::kLastPageAt);
  CHECK((last + 1) * 4096 == bytes.size());
  // The trees were written last only where they found room.
  bool accepted = false;
  for (size_t size = bytes.size() - 4096; size > 8192 && !accepted; size -= 4096) {
    accepted = survives(db, bytes.substr(0, size));
  }
  store(bytes, newest_meta(bytes) + lmdb::kLastPageAt, last + 9);
  CHECK(survives(db, bytes));
  CHECK(db.get("a") == "1");
  store(bytes, newest_meta(bytes) + lmdb::kLastPageAt, uint64_t{1} << 40);
  CHECK_FALSE(survives(db, bytes));
  CHECK(db.says("its header counts 1099511627776 pages, and it has"));
}

TEST_CASE("a file that goes on behind its last page is served") {
  Database db;
  for (const size_t more : {1, 100, 4096, 100000}) {
    CHECK(survives(db, everything() + std::string(more, 'x')));
    CHECK(db.items() == everything_in_it());
  }
}

TEST_CASE("headers that cannot be are refused in words") {
  struct Case {
    const char* what;
    std::function<void(std::string&, size_t meta)> change;
    goromdb_status status;
    const char* says;
  };
  using Bytes = std::string;
  const Case cases[] = {
      {"page size 0", [](Bytes& b, size_t) { store<uint32_t>(b, 40, 0); }, GOROMDB_E_CORRUPT,
       "the first meta page says that a page has 0 bytes"},
      {"page size 3000", [](Bytes& b, size_t) { store<uint32_t>(b, 40, 3000); }, GOROMDB_E_CORRUPT,
       "says that a page has 3000 bytes"},
      {"page size 64 KiB", [](Bytes& b, size_t) { store<uint32_t>(b, 40, 65536); },
       GOROMDB_E_CORRUPT, "says that a page has 65536 bytes"},
      {"page size 8 KiB", [](Bytes& b, size_t) { store<uint32_t>(b, 40, 8192); }, GOROMDB_E_CORRUPT,
       "the second meta page has no magic number"},
      {"second page size", [](Bytes& b, size_t) { store<uint32_t>(b, 4096 + 40, 512); },
       GOROMDB_E_CORRUPT, "its two meta pages do not agree on the size of a page"},
      {"version 2", [](Bytes& b, size_t) { store<uint32_t>(b, 20, 2); }, GOROMDB_E_UNSUPPORTED,
       "it has data version 2, and liblmdb 0.9 reads version 1; mdb_dump of the LMDB that wrote"},
      {"version 999", [](Bytes& b, size_t) { store<uint32_t>(b, 20, 999); }, GOROMDB_E_UNSUPPORTED,
       "it has data version 999"},
      {"1.0", [](Bytes& b, size_t) { b.insert(8, std::string(8, '\0')); }, GOROMDB_E_UNSUPPORTED,
       "it is an LMDB file of LMDB 1.0 or 0.9.90; mdb_dump"},
      {"32 bits", [](Bytes& b, size_t) { b.erase(0, 4); }, GOROMDB_E_UNSUPPORTED,
       "it is an LMDB file of a 32-bit machine; mdb_dump"},
      {"swapped", [](Bytes& b, size_t) { store<uint32_t>(b, 16, 0xDEC0EFBE); },
       GOROMDB_E_UNSUPPORTED, "it is an LMDB file of a machine of the other byte order"},
      {"no meta page", [](Bytes& b, size_t) { store<uint16_t>(b, 10, 2); }, GOROMDB_E_CORRUPT,
       "the first meta page is not marked as one"},
      {"root 0", [](Bytes& b, size_t m) { store<uint64_t>(b, m + 128, 0); }, GOROMDB_E_CORRUPT,
       "the main database begins at page 0"},
      {"root 10^9", [](Bytes& b, size_t m) { store<uint64_t>(b, m + 128, 1000000000); },
       GOROMDB_E_CORRUPT, "the main database begins at page 1000000000"},
      {"depth", [](Bytes& b, size_t m) { store<uint16_t>(b, m + 94, 33); }, GOROMDB_E_CORRUPT,
       "the main database is 33 pages deep"},
      {"depth of another", [](Bytes& b, size_t m) { store<uint16_t>(b, m + 94, 1); },
       GOROMDB_E_CORRUPT, "is of another kind than its place in the tree"},
      {"flags", [](Bytes& b, size_t m) { store<uint16_t>(b, m + 92, 0x100); }, GOROMDB_E_CORRUPT,
       "the main database has unknown flags: 256"},
      {"entries", [](Bytes& b, size_t m) { store<uint64_t>(b, m + 120, 1); }, GOROMDB_E_CORRUPT,
       "and its record counts 1 in"},
      {"last page", [](Bytes& b, size_t m) { store<uint64_t>(b, m + 136, UINT64_MAX); },
       GOROMDB_E_CORRUPT, "its header counts 18446744073709551615 pages"},
      {"integers", [](Bytes& b, size_t m) { store<uint16_t>(b, m + 92, MDB_INTEGERKEY); },
       GOROMDB_E_CORRUPT, "has an integer of "},
      {"order", [](Bytes& b, size_t m) { store<uint16_t>(b, m + 92, MDB_REVERSEKEY); },
       GOROMDB_E_CORRUPT, "has keys out of order, or in the order of a program that brings its"},
  };
  Database db;
  for (const auto& [what, change, status, says] : cases) {
    CAPTURE(what);
    std::string bytes = everything();
    change(bytes, newest_meta(bytes));
    CHECK_FALSE(survives(db, bytes));
    CAPTURE(db.message);
    CHECK(db.status == status);
    CHECK(db.says(says));
  }
}

TEST_CASE("files of other kinds are refused with their names") {
  struct Case {
    std::string bytes;
    const char* says;
  };
  const Case cases[] = {
      {"", "data.db: it is empty"},
      {"{\"a\": 1}", "data.db: it is no LMDB file; this is a JSON file"},
      {std::string(16, 'x') + "\xED\xDA\x0C\xED" + std::string(9000, '\0'),
       "data.db: it is no LMDB file; this is a Bolt file"},
      {std::string(9000, 'x'), "data.db: it is no LMDB file"},
      {std::string(9000, '\0'), "data.db: it is no LMDB file"},
  };
  Database db;
  for (const auto& [bytes, says] : cases) {
    CHECK_FALSE(survives(db, bytes));
    CHECK(db.status == GOROMDB_E_CORRUPT);
    CHECK(db.says(says));
  }
}

TEST_CASE("damaged bytes are found, or change nothing that leads liblmdb astray") {
  std::mt19937 random(21);
  Database db;
  int accepted = 0;
  constexpr int kRounds = goromdb::test::rounds(600);
  for (int round = 0; round < kRounds; ++round) {
    CAPTURE(round);
    std::string bytes = everything();
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    accepted += survives(db, bytes) ? 1 : 0;
  }
  CHECK(accepted > 0);
  CHECK(accepted < kRounds);
}

TEST_CASE("damage to the structure of pages is found, or changes nothing that leads astray") {
  // Headers, offsets and nodes: where a random byte of a large file seldom falls.
  std::mt19937 random(22);
  Database db;
  constexpr uint64_t kValues[] = {0, 1, 2, 3, 0xff, 0xffff, 0x7fff, 4096, UINT64_MAX, 48, 16};
  int accepted = 0;
  constexpr int kRounds = goromdb::test::rounds(1500);
  for (int round = 0; round < kRounds; ++round) {
    CAPTURE(round);
    std::string bytes = everything();
    const size_t page = 2 + random() % (bytes.size() / 4096 - 2);
    const size_t nodes = lmdb::load<uint16_t>(bytes.data() + page * 4096 + lmdb::kLowerAt);
    size_t at = random() % 40;
    if (random() % 2 == 0 && nodes > 16 && nodes < 4096) {
      const size_t i = 16 + random() % (nodes - 16) / 2 * 2;
      at = lmdb::load<uint16_t>(bytes.data() + page * 4096 + i) + random() % 60;
    }
    at = std::min(page * 4096 + at, bytes.size() - 8);
    const uint64_t value = kValues[random() % std::size(kValues)] + random() % 2;
    switch (random() % 3) {
      case 0:
        store(bytes, at, static_cast<uint8_t>(value));
        break;
      case 1:
        store(bytes, at, static_cast<uint16_t>(value));
        break;
      default:
        store(bytes, at, value);
    }
    accepted += survives(db, bytes) ? 1 : 0;
  }
  CHECK(accepted > 0);
  CHECK(accepted < kRounds);
}

TEST_CASE("a tree that leads into itself is refused") {
  Database db;
  std::string bytes = everything();
  const auto root = lmdb::load<uint64_t>(bytes.data() + newest_meta(bytes) + 128);
  const size_t page = root * 4096;
  const auto node = lmdb::load<uint16_t>(bytes.data() + page + 16);
  store(bytes, page + node, static_cast<uint32_t>(root));
  CHECK_FALSE(survives(db, bytes));
  CHECK(db.says(std::to_string(root).append(" is used twice")));
}

TEST_CASE("a server that stops is obeyed while a file is walked") {
  Database db(goromdb::test::kNoIndex);
  const std::string path = db.dir().file("large.db");
  {
    File file(path);
    for (uint64_t i = 0; i < 40000; ++i) file.put("", name_of(i), std::string(200, 'v'));
  }
  REQUIRE(db.open(path) == GOROMDB_OK);
  int calls = 0;
  uint64_t last = 0;
  db.host.on_progress = [&](uint64_t done, uint64_t total) {
    CHECK(done > last);
    CHECK(done <= total);
    last = done;
    return ++calls == 3 ? 1 : 0;
  };
  CHECK(db.verify() == GOROMDB_E_CANCELLED);
  CHECK(calls == 3);
  last = 0;
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(calls > 9);
  calls = 3;
  last = 0;
  CHECK(db.verify() == GOROMDB_OK);  // walked already
  CHECK(calls == 3);
}

TEST_CASE("opening is quick however large the file is") {
  Database db(goromdb::test::kNoIndex);
  const std::string path = db.dir().file("large.db");
  {
    File file(path);
    for (uint64_t i = 0; i < 40000; ++i) file.put("", name_of(i), std::string(200, 'v'));
  }
  int calls = 0;
  db.host.on_progress = [&](uint64_t, uint64_t) {
    ++calls;
    return 0;
  };
  REQUIRE(db.open(path) == GOROMDB_OK);
  CHECK(calls == 0);  // less than a MiB of pages has been looked at
  CHECK(db.info().entries == 40000);
  CHECK(db.info().bytes == GOROMDB_UNKNOWN);
}

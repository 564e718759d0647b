// SPDX-License-Identifier: MIT
// What `index: hash` adds to what the other tests check with it and without: a copy of all entries.
#include "test_files.h"

#include <doctest/doctest.h>

#include <cstring>

#include "memcachedb_item.h"

using namespace goromdb::bdb;
using namespace goromdb::test;

namespace {

const Settings kCopied = {{"index", "hash"}};

constexpr size_t kPageSize = 4096, kNextOffset = 16, kTypeOffset = 25;
constexpr char kLeafType = 5, kHashType = 13;

// The numbers of the pages of a type.
std::vector<uint32_t> pages(const std::string& bytes, char type) {
  std::vector<uint32_t> numbers;
  for (size_t at = 0; at < bytes.size(); at += kPageSize) {
    if (bytes[at + kTypeOffset] == type) numbers.push_back(static_cast<uint32_t>(at / kPageSize));
  }
  return numbers;
}

void set_next(std::string& bytes, uint32_t page, uint32_t next) {
  std::memcpy(bytes.data() + page * kPageSize + kNextOffset, &next, sizeof next);
}

Entries indexed_entries(int n) {
  Entries entries;
  for (int i = 0; i < n; ++i) {
    entries.emplace_back("key" + std::to_string(100000 + i), std::string(50, 'v'));
  }
  return entries;
}

}  // namespace

TEST_CASE("entries are counted and memory is told as soon as a copied file is open") {
  const auto entries = indexed_entries(20000);
  Database db(kCopied), plain;
  const auto path = db.dir().file("f");
  write(path, entries);
  REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
  CHECK(db.info().entries == entries.size());
  CHECK(db.count() == entries.size());
  CHECK(db.info().bytes == entries.size() * 59);
  CHECK(db.info().resident_bytes > entries.size() * (59 + 24));
  CHECK(db.info().resident_bytes < entries.size() * (59 + 28));
  CHECK(db.memory_bytes() == db.info().resident_bytes);
  CHECK(db.is_in_memory(entries[777].first));
  REQUIRE(plain.open(path) == GOROMDB_OK);
  CHECK(plain.info().entries == GOROMDB_UNKNOWN);
  CHECK(plain.info().resident_bytes == GOROMDB_UNKNOWN);
}

TEST_CASE("a host that only verifies has nothing copied") {
  const TempDir dir;
  write(dir.file("f"), indexed_entries(1000));
  CHECK(is_verified_without_index(dir.file("f")));
}

TEST_CASE("a copied file is read on when its pages go bad, and its values stay where they are") {
  for (const auto type : {DB_BTREE, DB_HASH}) {
    CAPTURE(type);
    Database db(kCopied);
    const auto path = db.dir().file("f");
    const auto entries = some_entries(300);
    write(path, entries, {type, nullptr, DB_CHKSUM});
    REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
    const auto before = db.get_all({{0, "key7"}}).front();
    std::filesystem::resize_file(path, kPageSize);
    for (const auto& [key, value] : entries) CHECK((db.get(key) == value));
    CHECK_FALSE(db.get("none"));
    CHECK(db.get_all({{0, "key7"}}).front().ptr == before.ptr);
  }
}

TEST_CASE("a batch of any size mixes hits, misses, repeats and databases that have the same keys") {
  Database db(kCopied);
  const auto path = db.dir().file("f");
  Entries ones = indexed_entries(100), twos = ones;
  for (auto& entry : twos) entry.second = "2" + entry.second;
  write(path, ones, {DB_BTREE, "one"});
  write(path, twos, {DB_HASH, "two"});
  REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
  const auto one = db.ns_id("one"), two = db.ns_id("two");
  for (const size_t n : {1, 31, 32, 33, 64, 100}) {
    std::vector<std::pair<uint32_t, std::string>> keys;
    std::vector<std::optional<std::string>> expected;
    for (size_t i = 0; i < n; ++i) {
      const auto& name = ones[i / 2].first;
      const uint32_t nobodys = 77;
      const std::pair<uint32_t, std::optional<std::string>> cases[] = {
          {one, ones[i / 2].second}, {two, twos[i / 2].second}, {0, {}}, {nobodys, {}}};
      keys.emplace_back(cases[i % 4].first, name);
      expected.push_back(cases[i % 4].second);
    }
    const auto values = db.get_all(keys);
    for (size_t i = 0; i < n; ++i) {
      CHECK(Database::text_of(values[i]) == expected[i]);
      CHECK((values[i].status == GOROMDB_OK || values[i].status == GOROMDB_NOT_FOUND));
    }
  }
}

TEST_CASE("a batch mixes prefixes and keys with none") {
  Database db(Settings{{"index", "hash"}, {"namespaces", "prefix"}});
  const auto path = db.dir().file("f");
  Entries entries;
  for (int i = 0; i < 50; ++i) {
    for (const char* ns : {"", "a", "aa"}) {
      const auto key = ns + std::to_string(i);
      entries.emplace_back(key, "value of " + key);
    }
  }
  write(path, entries);
  REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
  const std::string name_a = "a", name_aa = "aa";  // stay in place until the get [STO-12]
  const auto a = db.ns_id(name_a), aa = db.ns_id(name_aa);
  std::vector<std::pair<uint32_t, std::string>> keys;
  for (int i = 0; i < 50; ++i) {
    for (const uint32_t ns : {uint32_t{0}, a, aa}) keys.emplace_back(ns, std::to_string(i));
  }
  keys.emplace_back(a, "a7");
  keys.emplace_back(aa, "a7");
  keys.emplace_back(aa + 1, "7");
  const auto values = db.get_all(keys);
  for (size_t i = 0; i < entries.size(); ++i) {
    CHECK(Database::text_of(values[i]) == entries[i].second);
  }
  CHECK(Database::text_of(values[150]) == "value of aa7");
  CHECK(values[151].status == GOROMDB_NOT_FOUND);
  CHECK(values[152].status == GOROMDB_NOT_FOUND);
}

TEST_CASE("keys and values of any length are copied") {
  for (const auto type : {DB_BTREE, DB_HASH}) {
    Entries entries;
    for (const size_t key : {1, 511, 65536, 1 << 20}) {
      for (const size_t value : {0, 1, 4096, 3 << 20}) {
        const auto name = std::to_string(value) + std::string(key, 'k');
        entries.emplace_back(name, std::string(value, 'v'));
      }
    }
    entries.emplace_back("", "of the empty key");
    Database db(kCopied);
    write(db.dir().file("f"), entries, {type});
    REQUIRE_MESSAGE(db.open(db.dir().file("f")) == GOROMDB_OK, db.message);
    REQUIRE_MESSAGE(db.verify() == GOROMDB_OK, db.message);
    for (const auto& [key, value] : entries) {
      const auto found = db.get_all({{0, key}}).front();
      CHECK(found.ptr != nullptr);
      CHECK((Database::text_of(found) == value));
    }
  }
}

TEST_CASE("compressed keys are longer than their file, and are copied") {
  Entries entries;
  for (int i = 0; i < 2000; ++i) {
    entries.emplace_back(std::string(700, 'k') + std::to_string(10000 + i), std::to_string(i));
  }
  Database db(kCopied);
  Written how;
  how.compressed = true;
  const auto path = db.dir().file("f");
  write(path, entries, how);
  REQUIRE(std::filesystem::file_size(path) * 4 < entries.size() * 700);
  REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
  CHECK_MESSAGE(db.verify() == GOROMDB_OK, db.message);
  CHECK(db.info().entries == entries.size());
  for (const auto& [key, value] : entries) CHECK((db.get(key) == value));
}

TEST_CASE("of MemcacheDB's items the values are copied, and their flags") {
  Database db(Settings{{"index", "hash"}, {"encoding", "memcachedb"}});
  Entries entries;
  for (uint32_t i = 0; i < 100; ++i) {
    const auto key = std::to_string(i);
    entries.emplace_back(key, item_of({key, "value " + key, i * 40000000}));
  }
  write(db.dir().file("f"), entries);
  REQUIRE_MESSAGE(db.open(db.dir().file("f")) == GOROMDB_OK, db.message);
  CHECK(db.verify() == GOROMDB_OK);
  for (uint32_t i = 0; i < 100; ++i) {
    const auto found = db.get_all({{0, std::to_string(i)}}).front();
    CHECK(Database::text_of(found) == "value " + std::to_string(i));
    CHECK(found.flags == i * 40000000);
  }
  write(db.dir().file("none"), {{"k", "plain"}});
  CHECK(db.open(db.dir().file("none")) == GOROMDB_E_CORRUPT);
  CHECK(db.says("the value of k is no MemcacheDB item"));
}

TEST_CASE("copying pages that lead round and round ends, and the file is refused") {
  const auto entries = indexed_entries(2000);
  for (const auto type : {DB_BTREE, DB_HASH}) {
    CAPTURE(type);
    const TempDir dir;
    write(dir.file("f"), entries, {type});
    auto bytes = bytes_of(dir.file("f"));
    const auto parts = pages(bytes, type == DB_BTREE ? kLeafType : kHashType);
    REQUIRE(parts.size() > 10);
    set_next(bytes, parts[5], parts[type == DB_BTREE ? 0 : 5]);
    Database db(kCopied);
    CHECK(db.open_text(bytes) == GOROMDB_E_CORRUPT);
    CHECK(db.says(type == DB_BTREE ? "its keys are not in the order of their bytes"
                                   : "its entries run in a circle"));
  }
}

TEST_CASE("a list of sub-databases that leads round and round is refused") {
  Database db;
  const auto path = db.dir().file("f");
  for (char each = 'a'; each <= 'z'; ++each)
    write(path, {{"key", "value"}}, {DB_BTREE, std::string(900, each).c_str()});
  auto bytes = bytes_of(path);
  for (const uint32_t page : pages(bytes, kLeafType)) {
    // The one in the middle of the list.
    const bool is_it =
        bytes.substr(page * kPageSize, kPageSize).find(std::string(900, 'm')) != bytes.npos;
    if (is_it) set_next(bytes, page, page);
  }
  CHECK(db.open_text(bytes) == GOROMDB_E_CORRUPT);
  CHECK(db.says("its list runs in a circle"));
}

TEST_CASE("pages behind the end of the file are not made, and the file is not written") {
  const auto entries = indexed_entries(2000);
  for (const auto type : {DB_BTREE, DB_HASH}) {
    Database db(kCopied);
    const auto path = db.dir().file("f");
    write(path, entries, {type});
    const auto whole = bytes_of(path);
    const auto parts = pages(whole, type == DB_BTREE ? kLeafType : kHashType);
    const auto count = static_cast<uint32_t>(whole.size() / kPageSize);
    for (const uint32_t next : {count, count + 1, 500000U}) {
      CAPTURE(type);
      CAPTURE(next);
      auto bytes = whole;
      set_next(bytes, parts[5], next);
      std::ofstream(path, std::ios::binary) << bytes;
      CHECK(db.open(path) == GOROMDB_E_CORRUPT);
      CHECK(bytes_of(path).size() == whole.size());
    }
  }
}

TEST_CASE("a key that comes twice in a hash is refused: a copy cannot tell which one libdb gives") {
  std::string one = "key1", two = "key2";
  Database db(kCopied);
  write(db.dir().file("f"), {{one, "1"}, {two, "2"}, {"other", "3"}}, {DB_HASH});
  auto bytes = bytes_of(db.dir().file("f"));
  const auto at = bytes.find(two);
  REQUIRE(at != std::string::npos);
  bytes.replace(at, two.size(), one);
  CHECK(db.open_text(bytes) == GOROMDB_E_CORRUPT);
  CHECK(db.says("a key comes twice, not as duplicates: key1"));
}

TEST_CASE("a stop ends copying, and indexing") {
  Database db(kCopied);
  const auto path = db.dir().file("f");
  write(path, indexed_entries(10000));
  int calls = 0, last = 1;
  db.host.on_progress = [&](uint64_t, uint64_t) { return ++calls == last; };
  for (; db.open(path) != GOROMDB_OK; ++last) {
    CHECK(db.status == GOROMDB_E_CANCELLED);
    calls = 0;
    REQUIRE(last < 100);
  }
  CHECK(last - 1 == 3);  // calls: two while entries are read, one while keys are indexed
}

// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <sstream>
#include <thread>

#include "two_threads.hpp"

using namespace goromdb::test;

namespace {

std::string number(uint32_t n) {
  return {static_cast<char>(n), static_cast<char>(n >> 8), static_cast<char>(n >> 16),
          static_cast<char>(n >> 24)};
}

uint32_t hash_of(std::string_view key) {
  uint32_t hash = 5381;
  for (char c : key) hash = ((hash << 5) + hash) ^ static_cast<uint8_t>(c);
  return hash;
}

// A cdb as its description says, written independently of tinycdb; keys may repeat. `inner`: one
// more slot, for a record of that key and no value which the last value ends with.
std::string cdb_of(const std::vector<std::pair<std::string, std::string>>& entries,
                   const std::string& inner = "") {
  std::string records, tables, head;
  std::vector<std::vector<std::pair<uint32_t, uint32_t>>> hashed(256);
  for (const auto& [key, value] : entries) {
    const uint32_t hash = hash_of(key);
    hashed[hash % 256].emplace_back(hash, static_cast<uint32_t>(2048 + records.size()));
    records += number(static_cast<uint32_t>(key.size())) +
               number(static_cast<uint32_t>(value.size())) + key + value;
  }
  if (!inner.empty()) {
    const uint32_t hash = hash_of(inner);
    hashed[hash % 256].emplace_back(
        hash, static_cast<uint32_t>(2048 + records.size() - 8 - inner.size()));
  }
  for (const auto& table : hashed) {
    const auto slots = static_cast<uint32_t>(table.size() * 2);
    head += number(static_cast<uint32_t>(2048 + records.size() + tables.size())) + number(slots);
    std::vector<std::pair<uint32_t, uint32_t>> filled(slots);
    for (const auto& each : table) {
      uint32_t at = (each.first >> 8) % slots;
      while (filled[at].second != 0) at = (at + 1) % slots;
      filled[at] = each;
    }
    for (const auto& [hash, position] : filled) tables += number(hash) + number(position);
  }
  return head + records + tables;
}

std::vector<std::pair<std::string, std::string>> some_entries(int n) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; i < n; ++i) {
    entries.emplace_back("key" + std::to_string(i), std::string(i % 70, static_cast<char>(i)));
  }
  return entries;
}

const std::string kWhole = cdb_of(some_entries(500));

// Does all that can be done with a file; nothing may crash, hang or read outside it.
void use(Database& db) {
  db.verify();
  db.info();
  for (int i = 0; i < 500; i += 7) db.get("key" + std::to_string(i));
  db.count();
  for (uint64_t random = 0; random < 5; ++random) {
    try {
      random == 0 ? db.keys() : db.keys("", random);
    } catch (const std::runtime_error&) {
    }
  }
}

}  // namespace

TEST_CASE("a file that follows the description is served") {
  Database db(
      cdb_of({{"a", "1"}, {"", "empty key"}, {"empty", ""}, {"b\n", std::string("\0x", 2)}}));
  REQUIRE(db.message == "");
  CHECK(db.get("a") == "1");
  CHECK(db.get("") == "empty key");
  CHECK(db.get("empty") == "");
  CHECK(db.get("b\n") == std::string("\0x", 2));
  CHECK(db.get("c") == std::nullopt);
  CHECK(db.get("a", 1u) == std::nullopt);
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.info().entries == 4);
  CHECK(db.info().bytes == 1 + 1 + 9 + 5 + 2 + 2);
}

TEST_CASE("of equal keys the first is served, counted and walked over") {
  Database db(cdb_of({{"k", "first"}, {"other", "x"}, {"k", "second"}}));
  CHECK(db.get("k") == "first");
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.info().entries == 2);
  CHECK(db.walk() == std::map<std::string, Item>{{"k", {"first", 0}}, {"other", {"x", 0}}});
}

TEST_CASE("many keys are found together and a walk goes on behind any of them") {
  const auto entries = some_entries(500);
  Database db(kWhole);
  std::vector<std::pair<uint32_t, std::string>> keys;
  for (const auto& [key, value] : entries) {
    keys.emplace_back(0, key);
    keys.emplace_back(0, key + "?");
  }
  const auto values = db.get_all(keys);
  for (size_t i = 0; i < entries.size(); ++i) {
    CHECK(Database::text_of(values[2 * i]) == entries[i].second);
    CHECK(values[2 * i + 1].status == GOROMDB_NOT_FOUND);
  }
  const auto whole = db.walk("", 1000);
  CHECK(whole.size() == 500);
  CHECK(db.walk("", 1) == whole);
  CHECK(db.walk("", 7, true) == whole);
}

TEST_CASE("what is built is given back, in a file that any cdb reader takes") {
  Items items;
  for (int i = 0; i < 3000; ++i) {
    items[""]["k" + std::to_string(i)] = {std::string(i % 300, static_cast<char>(i)), 0};
  }
  items[""][""] = {"empty key", 0};
  Database db;
  REQUIRE_MESSAGE(db.build(items), db.message);
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.info().entries == 3001);
  CHECK(db.items() == items);
}

TEST_CASE("what a cdb file cannot keep is refused when it is built") {
  Database db;
  CHECK_FALSE(db.build({{"ns", {{"k", {"v", 0}}}}}));
  CHECK(db.says("no namespaces"));
  CHECK_FALSE(db.build({{"", {{"k", {"v", 7}}}}}));
  CHECK(db.says("flags"));
}

TEST_CASE("a file that is no cdb is refused with the reason") {
  const std::pair<std::string, const char*> cases[] = {
      {"", "fewer than 2048 bytes"},
      {std::string(2047, '\0'), "fewer than 2048 bytes"},
      {kWhole.substr(0, kWhole.size() - 1), "is it cut?"},
      {kWhole + "x", "something behind"},
      {std::string(4096, 'x'), "is not where the one before ends"},
      {std::string(16, '\0') + "\xED\xDA\x0C\xED" + std::string(9000, 'b'), "this is a Bolt file"},
      {"{\"a\": \"" + std::string(5000, 'b') + "\"}", "this is a JSON file"},
  };
  for (const auto& [bytes, reason] : cases) {
    CAPTURE(reason);
    Database db(bytes);
    CHECK(db.status == GOROMDB_E_CORRUPT);
    CHECK(db.says(reason));
    CHECK(db.says("data.db: "));
    CHECK(db.in_one_line());
  }
  CHECK(Database(std::string(2048, '\0')).status == GOROMDB_OK);  // no entries
}

TEST_CASE("a file that is cut anywhere is refused") {
  for (size_t i = 0; i < 64; ++i) {
    CHECK(Database(kWhole.substr(0, kWhole.size() * i / 64)).status == GOROMDB_E_CORRUPT);
  }
}

TEST_CASE("a damaged record fails its key and the verification, and misses nothing") {
  std::string bytes = cdb_of({{"a", "1"}, {"b", "2"}});
  bytes.replace(2048 + 4, 4, number(UINT32_MAX));  // the length of a's value
  Database db(bytes, kNoIndex);
  REQUIRE(db.status == GOROMDB_OK);
  CHECK(db.get_all({{0, "a"}, {0, "b"}})[0].status == GOROMDB_E_CORRUPT);
  CHECK(db.get("b") == "2");
  CHECK(db.verify() == GOROMDB_E_CORRUPT);
  CHECK(db.says("at byte 2048 "));
  CHECK_THROWS(db.walk());
}

TEST_CASE("a key that was changed in place is noticed by the verification") {
  std::string bytes = kWhole;
  bytes[bytes.find("key77")] = 'K';
  Database db(bytes, kNoIndex);
  CHECK(db.verify() == GOROMDB_E_CORRUPT);
  CHECK(db.says("is not found by its key"));
}

TEST_CASE("one thread or two and the look at each record for itself say the same") {
  const TempDir dir;
  const auto verdict_on_bytes = [&](const std::string& bytes) {
    std::filesystem::remove(dir.file("data.db"));
    return checked_verdict_on(written(dir.file("data.db"), bytes));
  };
  const auto entries = some_entries(20000);
  const std::string whole = cdb_of(entries);
  CHECK(verdict_on_bytes(whole).entries == 20000);
  check_damaged(kWhole, 2048, 600);

  // All slots, and what becomes of the file when two filled ones of a table change places in part.
  const auto changed = [&](size_t from, size_t size) {
    std::string bytes = whole;
    std::vector<size_t> filled;
    for (size_t at = bytes.size() - size_t{8} * 40; at < bytes.size(); at += 8) {
      if (bytes.compare(at + 4, 4, number(0)) != 0) filled.push_back(at);
    }
    const auto first = filled.front() + from, last = filled.back() + from;
    const std::string kept = bytes.substr(first, size);
    bytes.replace(first, size, bytes.substr(last, size));
    bytes.replace(last, size, kept);
    return verdict_on_bytes(bytes).status;
  };
  CHECK(changed(0, 4) == GOROMDB_E_CORRUPT);  // the hashes
  CHECK(changed(4, 4) == GOROMDB_E_CORRUPT);  // the positions

  // Where no search comes to.
  std::string moved = whole;
  size_t filled = moved.size() - size_t{8} * 60, empty = moved.size() - 8;
  while (moved.compare(filled + 4, 4, number(0)) == 0) filled += 8;
  while (moved.compare(empty + 4, 4, number(0)) != 0) empty -= 8;
  REQUIRE(filled < empty);
  std::swap_ranges(moved.begin() + static_cast<ptrdiff_t>(filled),
                   moved.begin() + static_cast<ptrdiff_t>(filled) + 8,
                   moved.begin() + static_cast<ptrdiff_t>(empty));
  CHECK(verdict_on_bytes(moved).status == GOROMDB_E_CORRUPT);

  // A slot leads into a value: the second thread is not to begin there.
  const auto value = std::string(20000, 'v') + number(5) + number(0) + "inner";
  CHECK(verdict_on_bytes(cdb_of({{"a", "1"}, {"b", value}}, "inner")).status == GOROMDB_E_CORRUPT);

  auto twice = entries;
  twice.insert(twice.begin() + 7, {"key19000", std::string(5000, 'x')});
  const auto verdict = verdict_on_bytes(cdb_of(twice));
  CHECK(verdict.status == GOROMDB_OK);
  CHECK(verdict.entries == 20000);
  CHECK(verdict.largest_value == 5000);
  twice.erase(twice.begin() + 7);
  twice.push_back({"key7", std::string(5000, 'x')});  // not found, and not counted
  CHECK(verdict_on_bytes(cdb_of(twice)).largest_value == 69);
}

TEST_CASE("in a table whose slots have changed places it is the same, and when a key comes twice") {
  const TempDir dir;
  const auto verdict_on_bytes = [&](const std::string& bytes) {
    std::filesystem::remove(dir.file("data.db"));
    return checked_verdict_on(written(dir.file("data.db"), bytes));
  };
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; entries.size() < 60; ++i) {  // all in one table
    const auto key = "key" + std::to_string(i);
    if (hash_of(key) % 256 == 7) entries.emplace_back(key, "v");
  }
  const std::string whole = cdb_of(entries);
  const size_t slots = 2 * entries.size(), table = whole.size() - 8 * slots;
  constexpr size_t kNear = 8;
  int sound = 0, refused = 0;
  for (size_t i = 0; i < slots; ++i) {
    for (size_t j = i + 1; j < std::min(i + kNear, slots); ++j) {
      CAPTURE(i);
      CAPTURE(j);
      std::string bytes = whole;
      std::swap_ranges(&bytes[table + 8 * i], &bytes[table + 8 * i] + 8, &bytes[table + 8 * j]);
      ++(verdict_on_bytes(bytes).status == GOROMDB_OK ? sound : refused);
    }
  }
  CHECK(sound > 0);
  CHECK(refused > 0);
  std::string other = whole;  // the table of other keys
  std::swap_ranges(&other[8 * 7], &other[8 * 8], &other[8 * 8]);
  CHECK(verdict_on_bytes(other).status == GOROMDB_E_CORRUPT);
  for (size_t i = 0; i < entries.size(); ++i) {
    CAPTURE(i);
    auto twice = entries;
    twice.emplace_back(entries[i].first, "not found");
    const auto verdict = verdict_on_bytes(cdb_of(twice));
    CHECK(verdict.entries == entries.size());
    CHECK(verdict.largest_value == 1);
  }
}

TEST_CASE("of slots with long ways it is the same") {
  const TempDir dir;
  const auto verdict_on_bytes = [&](const std::string& bytes) {
    std::filesystem::remove(dir.file("data.db"));
    return checked_verdict_on(written(dir.file("data.db"), bytes));
  };
  constexpr uint32_t kKeys = 2500, kSlots = 2 * kKeys, kFirst = 2520;
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; entries.size() < kKeys; ++i) {  // one table, in which all begin in its first half
    const auto key = std::to_string(i);
    const uint32_t hash = hash_of(key);
    if (hash % 256 == 7 && (hash >> 8) % kSlots < kFirst) entries.emplace_back(key, "v");
  }
  const std::string whole = cdb_of(entries);
  const size_t table = whole.size() - size_t{8} * kSlots;
  REQUIRE(whole.compare(table + 8 * 2300 + 4, 4, number(0)) != 0);
  CHECK(verdict_on_bytes(whole).entries == kKeys);
  std::mt19937 random(3);
  int sound = 0, refused = 0;
  for (int i = 0; i < rounds(150); ++i) {
    CAPTURE(i);
    const size_t one = random() % (kKeys + 100);
    const size_t other = i % 3 == 0 ? one + random() % 8 : random() % (kKeys + 100);
    std::string bytes = whole;
    std::swap_ranges(&bytes[table + 8 * one], &bytes[table + 8 * one] + 8,
                     &bytes[table + 8 * other]);
    ++(verdict_on_bytes(bytes).status == GOROMDB_OK ? sound : refused);
  }
  CHECK(sound > 0);
  CHECK(refused > 0);
  for (int i = 0; i < rounds(30); ++i) {
    CAPTURE(i);
    auto twice = entries;
    twice.emplace_back(entries[random() % kKeys].first, "not found");
    CHECK(verdict_on_bytes(cdb_of(twice)).entries == kKeys);
  }
}

TEST_CASE("no flipped bit and no random bytes make it crash or hang") {
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 600; ++i) {
    std::string bytes = kWhole;
    for (int flips = 1 + i % 3; flips > 0; --flips) {
      // The header and the tables as often as the records.
      const size_t part = random() % 3;
      const size_t at = part == 0 ? random() % 2048 : random() % bytes.size();
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    }
    Database db(bytes);
    if (db.status == GOROMDB_OK) use(db);
    refused += db.status != GOROMDB_OK;
  }
  CHECK(refused > 100);
  for (int i = 0; i < 100; ++i) {
    std::string bytes(2048 + random() % 5000, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    CHECK(Database(bytes).status == GOROMDB_E_CORRUPT);
  }
}

TEST_CASE("a table without an empty slot is no work without end") {
  // Records in the slots of one table that have nothing to do with their keys.
  const auto full = [](uint32_t records) {
    std::vector<std::pair<uint32_t, uint32_t>> slots;
    std::string bytes(2048, '\0');
    for (uint32_t i = 0; slots.size() < records; ++i) {
      const auto key = std::to_string(i);
      if (hash_of(key) % 256 != 7) continue;
      slots.emplace_back(hash_of(key), static_cast<uint32_t>(bytes.size()));
      bytes += number(static_cast<uint32_t>(key.size())) + number(1) + key + "v";
    }
    bytes.replace(0, 2048, "");
    std::string head;
    for (uint32_t i = 0; i < 256; ++i) {
      head += number(static_cast<uint32_t>(2048 + bytes.size()) + (i > 7 ? 8 * records : 0)) +
              number(i == 7 ? records : 0);
    }
    std::shuffle(slots.begin(), slots.end(), std::mt19937(1));
    for (const auto& [hash, at] : slots) bytes += number(hash) + number(at);
    return head + bytes;
  };
  Database few(full(60));  // a full table is a table all the same
  CHECK_MESSAGE(few.verify() == GOROMDB_OK, few.message);
  CHECK(few.info().entries == 60);
  Database many(full(20000), kNoIndex);
  REQUIRE_MESSAGE(many.status == GOROMDB_OK, many.message);
  CHECK(many.verify() == GOROMDB_E_CORRUPT);
  CHECK(many.says("its hash tables are too full"));
  CHECK(many.in_one_line());
}

TEST_CASE("long keys of one hash are no work without end") {
  // Two of them, that differ at their end, and many slots that lead to the other one: whoever looks
  // for the one meets these.
  constexpr uint32_t kLong = 1 << 20, kSlots = 60000;
  const std::string other(kLong, '\0');
  std::string one = other;
  one.back() = '\1';
  const std::string records = number(kLong) + number(0) + one + number(kLong) + number(0) + other;
  const uint32_t hash = hash_of(one), tables = static_cast<uint32_t>(2048 + records.size());
  const uint32_t last = ((hash >> 8) + kSlots - 1) % kSlots;  // that the search comes to
  std::string bytes;
  for (uint32_t i = 0; i < 256; ++i) {
    bytes +=
        number(tables + (i > hash % 256 ? 8 * kSlots : 0)) + number(i == hash % 256 ? kSlots : 0);
  }
  bytes += records;
  for (uint32_t i = 0; i < kSlots; ++i) {
    bytes += number(hash) + number(i == last ? 2048 : 2048 + 8 + kLong);
  }
  const auto begin = std::chrono::steady_clock::now();
  Database db(bytes, kNoIndex);
  REQUIRE_MESSAGE(db.status == GOROMDB_OK, db.message);
  CHECK(db.verify() == GOROMDB_E_CORRUPT);
  CHECK(db.get_all({{0, one}})[0].status == GOROMDB_E_CORRUPT);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
}

TEST_CASE("the file is mapped once; neither warming nor verifying leaves it in this process") {
  Items items;
  for (int i = 0; i < 5000; ++i) items[""]["k" + std::to_string(i)] = {std::string(1000, 'v')};
  Database db;
  REQUIRE(db.build(items));
  const auto path = db.dir().file("built.db");
  CHECK(db.warms_whole(path));
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(mapped(path).count == 1);
  CHECK(mapped(path).resident < 200000);
  CHECK(db.memory_bytes() >= std::filesystem::file_size(path));
  CHECK(db.is_in_memory("k77"));
  CHECK(db.get("k77") == std::string(1000, 'v'));
}

TEST_CASE("a long verification can be given up") {
  Database db(kWhole, kNoIndex);
  db.host.on_progress = [](uint64_t, uint64_t) { return 1; };
  CHECK(db.verify() == GOROMDB_E_CANCELLED);
  // Also when only the tables are left, or when one key takes long.
  Database late(kWhole, kNoIndex);
  uint64_t last = 0;
  late.host.on_progress = [&](uint64_t done, uint64_t total) {
    CHECK(done >= last);
    last = done;
    return done > total / 2 ? 1 : 0;
  };
  CHECK(late.verify() == GOROMDB_E_CANCELLED);
}

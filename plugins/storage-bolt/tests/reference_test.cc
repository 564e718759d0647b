// SPDX-License-Identifier: MIT
// Files that Bolt has written are read whole; files that are built here are right to Bolt.
#include <doctest/doctest.h>

#include "../builder.h"
#include "reference.hpp"
#include "sample.hpp"

using namespace goromdb::test;

namespace {

constexpr unsigned kPageSizes[] = {1024, 4096, 16384, 65536};

std::string bucket_of(const std::string& ns) { return ns.empty() ? "default" : ns; }

// The lines that make `items`, in an order of their own, with what is deleted again in between.
std::string lines_of(const Items& items, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::string> puts, more, removes;
  for (const auto& [ns, entries] : items) {
    for (const auto& [key, item] : entries) {
      puts.push_back(Reference::put(bucket_of(ns), key, item.value));
      if (random() % 2 == 0) {
        const std::string gone = std::string("gone") + std::to_string(random());
        more.push_back(Reference::put(bucket_of(ns), gone, std::string(random() % 3000, 'g')));
        removes.push_back(Reference::remove(bucket_of(ns), gone));
      }
    }
  }
  for (int i = 0; i < 50; ++i) more.push_back(Reference::put("gone", std::to_string(i), "x"));
  std::string lines;
  const auto say = [&](std::vector<std::string>& some, size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      lines += some[i];
      if (random() % 500 == 0) lines += "commit\n";
    }
    lines += "commit\n";
  };
  std::shuffle(puts.begin(), puts.end(), random);
  std::shuffle(removes.begin(), removes.end(), random);
  say(more, 0, more.size());
  say(puts, 0, puts.size() / 2);
  say(removes, 0, removes.size());
  lines += std::string("drop ") + Reference::path("gone") + "\n";
  lines += std::string("bucket ") + Reference::path("void") + "\n";
  say(puts, puts.size() / 2, puts.size());
  return lines;
}

void check_same(Database& db, const Items& items) {
  REQUIRE_MESSAGE(db.verify() == GOROMDB_OK, db.message);
  REQUIRE(without_empty(db.items()) == items);
  uint64_t entries = 0, bytes = 0;
  for (const auto& [ns, in] : items) {
    entries += in.size();
    for (const auto& [key, item] : in) bytes += key.size() + item.value.size();
  }
  CHECK(db.info().entries == entries);
  CHECK(db.info().bytes == bytes);
  CHECK(db.info().namespaces == db.ns_names().size());
  for (const size_t batch : {1, 7, 100, 1000}) CHECK(ask_for_all(db, items, batch) == "");
}

}  // namespace

TEST_CASE("what Bolt has written is read whole, with pages of any size") {
  const Reference* bolt = Reference::find();
  if (bolt == nullptr) return;
  for (const unsigned page_size : kPageSizes) {
    CAPTURE(page_size);
    const Items items = sample(page_size);
    Database db;
    const std::string path = db.dir().file("bolt.db");
    bolt->write(path, page_size, lines_of(items, page_size));
    REQUIRE(bolt->read(path) == items);
    REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
    check_same(db, items);
    CHECK(db.ns_id("void") != UINT32_MAX);
    CHECK(db.ns_id("gone") == UINT32_MAX);
  }
}

TEST_CASE("what is built passes Bolt's own check and holds what was put, with pages of any size") {
  const Reference* bolt = Reference::find();
  if (bolt == nullptr) return;
  for (const unsigned page_size : kPageSizes) {
    CAPTURE(page_size);
    const Items items = sample(page_size + 1, 4000);
    Database db;
    const std::string path = db.dir().file("built.db");
    {
      goromdb::bolt::Builder builder(path.c_str(), "default", page_size);
      for (const auto& [ns, entries] : items) {
        for (const auto& [key, item] : entries) builder.put(ns, key, item.value, 0);
      }
      builder.finish();
    }
    CHECK(bolt->read(path) == items);
    REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
    check_same(db, items);
    // Bolt goes on with it as with its own.
    db.close();
    bolt->write(path, 0,
                Reference::put("default", "new", "entry") + Reference::remove("odd", "large") +
                    Reference::put("small", "big", std::string(5000, 'b')));
    Items changed = items;
    changed[""]["new"] = {"entry"};
    changed["odd"].erase("large");
    changed["small"]["big"] = {std::string(5000, 'b')};
    CHECK(bolt->read(path) == changed);
    REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
    check_same(db, changed);
  }
}

TEST_CASE("nested buckets among keys that have been written already are right to Bolt") {
  const Reference* bolt = Reference::find();
  if (bolt == nullptr) return;
  std::mt19937 random(5);
  Items items;
  for (int i = 0; i < 3000; ++i)
    items["n"][std::string("k") + std::to_string(i)] = {std::string(50, 'v')};
  items["n"]["k1000x"] = {std::string(9000, 'l')};  // pages of its own
  for (int i = 0; i < 300; ++i) {
    auto& nested = items[std::string("n/k") + std::to_string(random() % 3000) + "y"];
    nested["k"] = {std::string(random() % 2000, 'w')};
  }
  items["n/a"]["before"] = {"all"};
  items["n/k1000w"]["before"] = {"the large one"};
  items["n/k1000xx"]["behind"] = {"the large one"};
  items["n/z"]["behind"] = {"all"};
  Database db;
  REQUIRE_MESSAGE(db.build(items), db.message);
  CHECK(bolt->read(db.dir().file("built.db")) == items);
  check_same(db, items);
}

TEST_CASE("a file without an entry is right to Bolt") {
  const Reference* bolt = Reference::find();
  if (bolt == nullptr) return;
  Database db(Settings{{"bucket", "data/v1"}});
  REQUIRE_MESSAGE(db.build({}), db.message);
  CHECK(bolt->read(db.dir().file("built.db")).empty());
  check_same(db, {});
}

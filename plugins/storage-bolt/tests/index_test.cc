// SPDX-License-Identifier: MIT
// What index: hash changes; that all else stays, the room's other tests show when they are run with
// it.
#include <doctest/doctest.h>

#include "image_file.hpp"
#include "sample.hpp"

using namespace goromdb::test;

namespace {

// Every key of every namespace, asked for in every namespace, in one batch.
std::vector<std::pair<uint32_t, std::string>> crossed(Database& db, const Items& items) {
  std::vector<std::pair<uint32_t, std::string>> keys;
  for (const auto& where : items) {
    const uint32_t id = where.first.empty() ? 0 : db.ns_id(where.first);
    for (const auto& from : items) {
      for (const auto& entry : from.second) keys.emplace_back(id, entry.first);
    }
  }
  return keys;
}

// Which key has another answer with an index than without one; "" when none has.
std::string different(const Items& items, const std::string& bytes) {
  Database with(bytes, kWithIndex), without(bytes, kNoIndex);
  REQUIRE_MESSAGE(with.status == GOROMDB_OK, with.message);
  const auto keys = crossed(with, items);
  REQUIRE(keys == crossed(without, items));
  const auto some = with.get_all(keys), others = without.get_all(keys);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (some[i].status != others[i].status ||
        Database::text_of(some[i]) != Database::text_of(others[i])) {
      return "key " + keys[i].second.substr(0, 40) + " in " + std::to_string(keys[i].first);
    }
  }
  return with.items() == without.items() ? "" : "a walk";
}

}  // namespace

TEST_CASE("with an index each key of each bucket has the answer that it has without one") {
  for (const uint32_t page_size : {1024u, 4096u, 65536u}) {
    CAPTURE(page_size);
    const Items items = sample(page_size, 600);
    CHECK(different(items, ImageFile(items, page_size).bytes) == "");
  }
  CHECK(different({}, ImageFile({}).bytes) == "");
}

TEST_CASE("a host that only verifies has no index made") {
  const TempDir dir;
  CHECK(is_verified_without_index(
      written(dir.file("data.db"), ImageFile(sample(4096, 600), 4096).bytes)));
}

TEST_CASE("equal keys are told apart in a hundred buckets, with pages of their own and without") {
  Items items;
  for (int i = 0; i < 100; ++i) {
    const std::string name = i == 0 ? "" : "bucket" + std::to_string(i);
    for (int k = 0; k < (i % 3 == 1 ? 3 : 60); ++k) {
      items[name]["key" + std::to_string(k)] = {name + std::string(k, 'v')};
    }
  }
  CHECK(different(items, ImageFile(items, 1024).bytes) == "");
}

TEST_CASE("with an index a file is verified when it is opened: it is counted, or refused") {
  Items items;
  for (int i = 0; i < 5000; ++i) items[""]["k" + std::to_string(i)] = {std::string(1000, 'v')};
  Database db(kWithIndex);
  REQUIRE_MESSAGE(db.build(items), db.message);
  const auto path = db.dir().file("built.db");
  CHECK(mapped(path).count == 1);
  CHECK(mapped(path).resident < 200000);
  CHECK(db.info().entries == 5000);
  CHECK(db.info().namespaces == 0);
  CHECK(db.count() == 5000);
  CHECK(db.info().resident_bytes > 5000 * 8);
  CHECK(db.info().resident_bytes < 5000 * 11 + 8192);
  db.host.on_progress = [](uint64_t, uint64_t) { return 1; };
  CHECK(db.verify() == GOROMDB_OK);  // there is nothing left to do
  CHECK(db.open(path) == GOROMDB_E_CANCELLED);

  ImageFile bad({{"", {{"a", {std::string(300, 'v')}}, {"b", {"w"}}, {"c", {"x"}}}}}, 1024);
  bad.element(2, 1)[goromdb::bolt::load<uint32_t>(bad.element(2, 1) + 4)] = 'd';
  db.host.on_progress = [](uint64_t, uint64_t) { return 0; };
  CHECK(db.open_text(bad.bytes) == GOROMDB_E_CORRUPT);
  CHECK(db.says("data.db: page 2 has keys that are out of order"));
  CHECK(db.in_one_line());
}

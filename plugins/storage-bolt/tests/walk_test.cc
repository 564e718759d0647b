// SPDX-License-Identifier: MIT
// How many keys a bucket has, and walks that begin anywhere.
#include <doctest/doctest.h>

#include "image_file.hpp"
#include "sample.hpp"
#include "walk_rules.hpp"

using namespace goromdb::test;

TEST_CASE("keys of small buckets are counted at once, of all when the file is verified") {
  for (const uint32_t page_size : {1024u, 4096u}) {
    CAPTURE(page_size);
    const Items items = sample(page_size);
    Database db(ImageFile(items, page_size).bytes, kNoIndex);
    REQUIRE_MESSAGE(db.status == GOROMDB_OK, db.message);
    CHECK((db.info().caps & GOROMDB_CAP_WALKS_SORTED) != 0);
    CHECK(db.count("small") == 1);
    CHECK(db.info().entries == GOROMDB_UNKNOWN);
    CHECK(db.count() == std::nullopt);
    CHECK(broken_walk_rules(db) == "");
    REQUIRE(db.verify() == GOROMDB_OK);
    CHECK(broken_walk_rules(db) == "");
    for (const auto& [ns, entries] : items) {
      CAPTURE(ns);
      CHECK(db.count(ns) == entries.size());
    }
    CHECK(db.count("nobody") == std::nullopt);
    CHECK_THROWS(db.keys("nobody", 1));
  }
  Database none(ImageFile({{"n", {{"k", {"v"}}}}}).bytes);  // without the bucket `default`
  CHECK(none.count() == 0);
  CHECK(broken_walk_rules(none) == "");
  Database empty(ImageFile({}).bytes);
  CHECK(broken_walk_rules(empty) == "");
}

TEST_CASE("a bucket among the keys is none of them") {
  Database db(ImageFile({{"", {{"a", {"1"}}, {"c", {"2"}}}},
                         {"default/b", {{"k", {"v"}}}},
                         {"default/d", {{"k", {"v"}}}},
                         {"top/only", {{"k", {"v"}}}}})
                  .bytes);
  CHECK(db.count() == 2);
  CHECK(db.count("top") == 0);
  CHECK(broken_walk_rule(db) == "");
  CHECK(broken_walk_rule(db, "top") == "");
  const auto times = firsts(db, "", 1000);
  CHECK(times.at("a") > 400);
  CHECK(times.at("c") > 400);
}

TEST_CASE("every entry is the first of some walk, none much more often than others") {
  Items items;
  for (int i = 0; i < 100; ++i) items[""]["key" + std::to_string(1000 + i)] = {"v"};
  for (int i = 0; i < 100; ++i)
    items["n"]["key" + std::to_string(1000 + i)] = {std::string(80, 'v')};
  Database db(ImageFile(items, 1024).bytes);
  for (const char* ns : {"", "n"}) {
    const auto times = firsts(db, ns, 10000);
    CHECK(times.size() == 100);
    for (const auto& [key, n] : times) CHECK((n > 30 && n < 300));
  }
}

TEST_CASE("the entries of a page that is hardly filled are no likelier than others") {
  // A root with two branches, of which the second has one leaf: half of the ways lead there.
  Items items;
  int n = 0;
  const auto made = [&] {
    ImageFile file(items, 1024);
    const uint8_t* bucket = file.element(file.root(), 0);
    const auto root = goromdb::bolt::load<uint64_t>(
        bucket + goromdb::bolt::load<uint32_t>(bucket + 4) + std::string("default").size());
    const auto first = goromdb::bolt::load<uint64_t>(file.element(root, 0) + 8);
    return std::pair(file.is_branch(root) && file.is_branch(first), file.bytes);
  };
  std::pair<bool, std::string> file;
  do {
    items[""]["key" + std::to_string(100000 + n++)] = {std::string(80, 'v')};
    if (n > 100) file = made();
  } while (!file.first);
  Database db(file.second);
  std::vector<std::string> keys = db.keys();
  int last_ten = 0;
  const auto times = firsts(db, "", 10000);
  for (auto key = keys.end() - 10; key != keys.end(); ++key) {
    const auto its = times.find(*key);
    last_ten += its == times.end() ? 0 : its->second;
  }
  CHECK(last_ten < 10000 * 10 / n * 3);
  CHECK(times.size() > static_cast<size_t>(n) * 9 / 10);
}

// SPDX-License-Identifier: MIT
// What is built is what is read back, here and by liblmdb.
#include "rounds.hpp"
#include "test_files.h"

#include <doctest/doctest.h>

#include <random>

namespace {

using goromdb::lmdb::name_of;
using goromdb::test::Database;
using goromdb::test::Item;
using goromdb::test::Items;
using goromdb::test::Settings;

Items random_items(uint32_t seed, size_t entries) {
  std::mt19937 random(seed);
  Items items;
  for (size_t i = 0; i < entries; ++i) {
    std::string key(1 + random() % 511, '\0'), value(random() % 5 == 0 ? random() % 9000 : 20, 'v');
    for (char& c : key) c = static_cast<char>(random());
    const auto ns = random() % 4;
    items[ns == 0 ? "" : "ns" + std::to_string(ns)][key] = {value};
  }
  return items;
}

}  // namespace

TEST_CASE("what is built is read back, with and without namespaces") {
  Database db;
  const Items cases[] = {
      {},
      {{"", {{"a", {""}}}}},
      {{"only", {{"a", {"1"}}}}},
      {{"", {{"a", {"1"}}}}, {"b", {{"a", {"2"}}, {"b", {"3"}}}}, {"c", {{"", {}}}}},
      random_items(1, 50),
      random_items(2, 3000),
  };
  for (Items items : cases) {
    for (auto& [ns, entries] : items) entries.erase("");
    std::erase_if(items, [](const auto& ns) { return ns.second.empty(); });
    const bool built = db.build(items);
    CAPTURE(db.message);
    REQUIRE(built);
    CHECK(db.verify() == GOROMDB_OK);
    CHECK(db.items() == items);
  }
}

TEST_CASE("keys without a namespace are built into the database of the option") {
  Database db(Settings{{"database", "words"}});
  const Items items = {{"", {{"a", {"1"}}}}, {"other", {{"b", {"2"}}}}};
  REQUIRE(db.build(items));
  CHECK(db.items() == items);
  CHECK(db.verify() == GOROMDB_OK);
  Database plain;
  REQUIRE(plain.open(db.dir().file("built.db")) == GOROMDB_OK);
  CHECK(plain.items() == Items{{"other", {{"b", {"2"}}}}, {"words", {{"a", {"1"}}}}});
  CHECK_FALSE(db.build({{"words", {{"a", {"1"}}}}}));
  CHECK(db.says("the namespace words is the database of the keys without one"));
}

TEST_CASE("the file is mapped once; neither warming nor verifying leaves it in this process") {
  Items items;
  for (uint64_t i = 0; i < 5000; ++i) items[""][name_of(i)] = {std::string(1000, 'v')};
  items["named"]["a"] = {"1"};
  Database db(goromdb::test::kNoIndex);
  REQUIRE(db.build(items));
  const auto path = db.dir().file("built.db");
  CHECK(db.warms_whole(path));
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(goromdb::test::mapped(path).count == 1);  // liblmdb's
  CHECK(goromdb::test::mapped(path).resident < 500000);
  CHECK(db.memory_bytes() == std::filesystem::file_size(path));
  CHECK(db.is_in_memory(name_of(77)));
  for (const auto& [key, item] : items[""]) CHECK((db.get(key) == item.value));
  CHECK(goromdb::test::mapped(path).count == 1);
}

TEST_CASE("many namespaces are built through few handles") {
  Database db;
  Items items;
  for (uint64_t i = 0; i < 1500; ++i) items[name_of(i)]["key"] = {name_of(i)};
  REQUIRE(db.build(items));
  CHECK(db.items() == items);
  CHECK(db.verify() == GOROMDB_OK);
}

TEST_CASE("a file grows beyond a slice and has the length of its content") {
  Database db;
  Items items;
  for (uint64_t i = 0; i < 40; ++i) {
    items[""][name_of(i)] = {std::string((2 << 20) + i, static_cast<char>('a' + i % 26))};
  }
  items["huge"]["value"] = {std::string(150 << 20, 'h')};
  items["tiny"]["value"] = {"t"};
  REQUIRE(db.build(items));
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.get("value", "huge")->size() == 150 << 20);
  CHECK(db.get("value", "tiny") == "t");
  CHECK(db.walk().size() == 40);
  const auto size = std::filesystem::file_size(db.dir().file("built.db"));
  CHECK(size > db.info().bytes);
  CHECK(size < db.info().bytes + (1 << 20));
}

TEST_CASE("many entries fit, however small or awkward for a page they are") {
  Database db;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{1990}, size_t{2030}, size_t{4081}}) {
    CAPTURE(size);
    Items items;
    const size_t entries = size < 2 ? goromdb::test::rounds(300000) : 20000;
    auto& plain = items[""];
    for (uint64_t i = 0; i < entries; ++i) plain[std::to_string(i)] = {std::string(size, 'v')};
    const bool built = db.build(items);
    CAPTURE(db.message);
    REQUIRE(built);
    CHECK(db.info().entries == entries);
    CHECK(db.verify() == GOROMDB_OK);
  }
}

TEST_CASE("what LMDB cannot keep is refused in words") {
  Database db;
  struct Case {
    Items items;
    const char* says;
  };
  const Case cases[] = {
      {{{"", {{"", {"v"}}}}}, "a key has 0 bytes; LMDB keeps keys of 1 to 511"},
      {{{"", {{std::string(512, 'k'), {"v"}}}}},
       "a key has 512 bytes; LMDB keeps keys of 1 to 511"},
      {{{"", {{"k", {"v", 7}}}}}, "LMDB has no place for flags"},
      {{{std::string(512, 'n'), {{"k", {"v"}}}}}, "a namespace's name is longer than 511 bytes"},
      {{{std::string("a\0b", 3), {{"k", {"v"}}}}}, "or holds a zero byte"},
      {{{"", {{"n", {"v"}}}}, {"n", {{"k", {"v"}}}}}, "a namespace and a key without one have the"},
  };
  for (const auto& [items, says] : cases) {
    CAPTURE(says);
    CHECK_FALSE(db.build(items));
    CHECK(db.status == GOROMDB_E_CONFIG);
    CHECK(db.says(says));
    CHECK(db.in_one_line());
  }
}

TEST_CASE("entries out of order, keys that come twice and files that are there are refused") {
  const auto& ops = *goromdb_plugin_v0()->storage;
  CHECK((ops.traits & GOROMDB_TRAIT_BUILDS_SORTED) != 0);
  Database db;
  goromdb::test::OptionValues options(goromdb_plugin_v0());
  goromdb_error error{};
  error.struct_size = sizeof error;
  goromdb_store* store = nullptr;
  REQUIRE(ops.create(db.host.table(), options.data(), options.size(), &store, &error) ==
          GOROMDB_OK);
  const auto put = [&](goromdb_builder* builder, std::string_view ns, std::string_view key) {
    return ops.build_put(builder, goromdb::slice(ns), goromdb::slice(key), goromdb::slice("v"), 0,
                         &error);
  };
  const std::string path = db.dir().file("new.db");
  for (const auto& [ns, key] : {std::pair("n", "b"), {"n", "a"}, {"m", "z"}, {"", "z"}}) {
    CAPTURE(ns);
    CAPTURE(key);
    std::filesystem::remove(path);
    goromdb_builder* builder = nullptr;
    REQUIRE(ops.build_open(store, path.c_str(), 0, &builder, &error) == GOROMDB_OK);
    CHECK(put(builder, "n", "b") == GOROMDB_OK);
    CHECK(put(builder, ns, key) == GOROMDB_E_CONFIG);
    ops.build_close(builder);
    CHECK(ops.build_open(store, path.c_str(), 0, &builder, &error) == GOROMDB_E_IO);
    CHECK(std::string(error.msg).find("new.db: cannot be made: File exists") != std::string::npos);
  }
  ops.destroy(store);
}

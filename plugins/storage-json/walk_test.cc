// SPDX-License-Identifier: MIT
// Walks over the entries of a file, and files that are built.
#include <doctest/doctest.h>

#include <random>

#include "walk_rules.hpp"

using namespace goromdb::test;

namespace {

void check_walks(Database& db, const Items& expected) {
  for (const auto& [ns, entries] : expected) {
    CAPTURE(ns);
    for (uint32_t page : {1u, 2u, 16u, 1000u}) {
      CHECK(db.walk(ns, page) == entries);
      CHECK(db.walk(ns, page, true) == entries);
    }
  }
  CHECK(db.items() == expected);
}

}  // namespace

TEST_CASE("a walk gives each entry of an object once, without what was replaced") {
  Database db(R"({"a": "1", "one": {"x": "old"}, "b": 2, "two": {"x": "y", "z": [1]}, "a": "3",
                  "one": {"k": "new", "": ""}, "c": "", "gone": {"p": "q"}, "gone": "plain"})");
  REQUIRE(db.message == "");
  check_walks(db, {{"", {{"a", {"3"}}, {"b", {"2"}}, {"c", {""}}, {"gone", {"plain"}}}},
                   {"one", {{"k", {"new"}}, {"", {""}}}},
                   {"two", {{"x", {"y"}}, {"z", {"[1]"}}}}});
}

TEST_CASE("a walk gives the lines of its namespace, wherever they are") {
  std::string text;
  Items expected;
  for (int i = 0; i < 300; ++i) {
    const std::string ns = i % 3 == 0 ? "" : "n" + std::to_string(i % 3);
    const std::string key = "k" + std::to_string(i % 100);
    text += R"({"key": ")" + key + R"(", "value": ")" + std::to_string(i) + R"(", "namespace": ")" +
            ns + R"(", "flags": )" + std::to_string(i) + "}\n";
    expected[ns][key] = {std::to_string(i), static_cast<uint32_t>(i)};
  }
  Database db(text);
  REQUIRE(db.message == "");
  check_walks(db, expected);
}

TEST_CASE("a walk goes on behind a key only when it is there") {
  Database db(R"({"a": "1"})");
  CHECK(db.walk("none").empty());
  goromdb_cursor* cursor = nullptr;
  CHECK_THROWS(db.cursor_behind("b", &cursor));
}

TEST_CASE("what is built is given back byte for byte") {
  std::mt19937 random(3);
  Items items;
  for (int i = 0; i < 2000; ++i) {
    std::string key(random() % 20, '\0'), value(random() % 60, '\0');
    for (char& c : key) c = static_cast<char>(i % 2 == 0 ? 'a' + random() % 26 : random());
    for (char& c : value) c = static_cast<char>(i % 3 == 0 ? random() : ' ' + random() % 95);
    items[i % 5 == 0 ? "ns" + std::to_string(i % 7) : ""][key] = {
        value, static_cast<uint32_t>(i % 4 == 0 ? random() : 0)};
  }
  items["quote \" backslash \\ newline \n"]["\x01\x1f\x7f\xC3\xA9"] = {"\t", 1};
  Database db;
  REQUIRE_MESSAGE(db.build(items), db.message);
  CHECK(db.host.log.empty());
  check_walks(db, items);
}

TEST_CASE("files of no entry and of one are read as they were built") {
  for (const Items& items :
       {Items{}, Items{{"", {{"key", {"value"}}}}}, Items{{"n", {{"k\n", {"\"v\""}}}}}}) {
    Database db;
    REQUIRE_MESSAGE(db.build(items), db.message);
    CHECK(db.items() == items);
  }
}

TEST_CASE("what a JSON file cannot keep is refused when it is built") {
  Database db;
  CHECK_FALSE(db.build({{"\xFF", {{"k", {"v"}}}}}));
  CHECK(db.says("not UTF-8"));
  CHECK_FALSE(db.build({{"", {{"k", {"v", 7}}}}}));
  CHECK(db.says("add another entry"));
}

TEST_CASE("every namespace knows how many entries it has, and walks begin anywhere") {
  Database object(R"({"a": "1", "one": {"x": "old"}, "b": 2, "two": {"x": "y", "z": [1]}, "a": "3",
                      "one": {"k": "new", "": "", "k": "newer"}, "c": "", "gone": {"p": "q"},
                      "gone": "plain", "none": {}})");
  REQUIRE(object.message == "");
  CHECK(object.count() == 4);
  CHECK(object.count("one") == 2);
  CHECK(object.count("two") == 2);
  CHECK(object.count("none") == 0);
  CHECK(object.count("gone") == 0);  // there is no such namespace
  CHECK(broken_walk_rules(object) == "");
  CHECK(object.keys("gone", 1).empty());
  CHECK((object.info().caps & GOROMDB_CAP_WALKS_SORTED) == 0);
  Database empty("{}");
  CHECK(empty.count() == 0);
  CHECK(broken_walk_rules(empty) == "");

  std::string text;
  for (int i = 0; i < 5000; ++i) {
    const std::string ns = i % 1000 == 7 ? "few" : i % 3 == 0 ? "" : "n" + std::to_string(i % 3);
    text += R"({"key": "k)" + std::to_string(i % 2500) + R"(", "value": "v", "namespace": ")" + ns +
            "\"}\n";
  }
  Database lines(text);
  REQUIRE(lines.message == "");
  CHECK(lines.count("few") == 5);
  CHECK(broken_walk_rules(lines) == "");
  CHECK(*lines.count() + *lines.count("n1") + *lines.count("n2") + 5 == lines.info().entries);
}

TEST_CASE("every entry is the first of some walk, none much more often than others") {
  std::string object, lines;
  for (int i = 0; i < 100; ++i) {
    const auto key = "k" + std::to_string(i);
    object += (i > 0 ? ", \"" : "\"") + key + "\": \"" + std::string(i * 3, 'v') + '"';
    for (const char* ns : {"", "n", "m"}) {
      lines += "{\"key\": \"" + key + "\", \"value\": \"v\", \"namespace\": \"" + ns + "\"}\n";
    }
  }
  Database plain("{" + object + "}"), nested("{\"a\": 1, \"n\": {" + object + "}, \"b\": 2}"),
      mixed(lines);
  for (const auto& [db, ns] :
       {std::pair(&plain, ""), std::pair(&nested, "n"), std::pair(&mixed, "n")}) {
    REQUIRE(db->message == "");
    const auto times = firsts(*db, ns, 10000);
    CHECK(times.size() == 100);
    for (const auto& [key, n] : times) CHECK((n > 40 && n < 200));
  }
}

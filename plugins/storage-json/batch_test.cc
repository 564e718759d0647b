// SPDX-License-Identifier: MIT
// Look-ups in batches of every size, by what single look-ups say.
#include <doctest/doctest.h>

#include <random>

#include "database.hpp"

using goromdb::test::Database;

namespace {

// 5000 keys right below the root, as many in two namespaces.
std::string sample() {
  std::string text = "{\"first\":{";
  const auto members = [&](const std::string& mark) {
    for (int i = 0; i < 5000; ++i) {
      if (i > 0) text += ',';
      text += "\"key" + std::to_string(i) + "\":\"" + mark + std::to_string(i) +
              std::string(static_cast<size_t>(i % 97), 'v') + "\"";
    }
  };
  members("f");
  text += "},\"second\":{";
  members("s");
  text += "},";
  members("-");
  return text + "}";
}

}  // namespace

TEST_CASE("a batch answers as its keys do one by one, with repeats and misses among them") {
  Database db(sample());
  REQUIRE(db.info().entries == 15000);
  std::mt19937 random(3);
  for (size_t n = 1; n <= 200; ++n) {
    std::vector<std::pair<uint32_t, std::string>> keys;
    while (keys.size() < n) {
      const auto pick = random() % 10;
      if (pick == 0 && !keys.empty()) {
        keys.push_back(keys[random() % keys.size()]);
      } else {
        keys.emplace_back(static_cast<uint32_t>(random() % 4),
                          "key" + std::to_string(random() % 6000));
      }
    }
    const auto batch = db.get_all(keys);
    for (size_t i = 0; i < n; ++i) {
      const uint32_t ns = keys[i].first;
      const std::string& key = keys[i].second;
      CAPTURE(ns);
      CAPTURE(key);
      const uint32_t number = static_cast<uint32_t>(std::stoul(key.substr(3)));
      const bool there = ns <= 2 && number < 5000;
      const goromdb_value single = db.get_all({keys[i]}).front();
      REQUIRE(batch[i].status == (there ? GOROMDB_OK : GOROMDB_NOT_FOUND));
      REQUIRE(batch[i].ptr == single.ptr);
      REQUIRE(batch[i].len == single.len);
      REQUIRE(batch[i].flags == 0);
      REQUIRE(batch[i].version == 0);
      REQUIRE(batch[i].reserved == 0);
      if (there) {
        REQUIRE(Database::text_of(batch[i]) ==
                "-fs"[ns] + std::to_string(number) + std::string(number % 97, 'v'));
      }
    }
  }
}

TEST_CASE("keys are compared byte for byte") {
  Database db(R"({"abc":"1","abd":"2","ab":"3","abc\u0000":"4"})");
  const std::pair<std::string, std::optional<std::string>> cases[] = {
      {"abc", "1"},         {"abd", "2"},
      {"ab", "3"},          {std::string("abc\0", 4), "4"},
      {"a", std::nullopt},  {"ABC", std::nullopt},
      {"", std::nullopt},   {"abcd", std::nullopt},
      {"abe", std::nullopt}};
  for (const auto& [key, value] : cases) CHECK(db.get(key) == value);
}

TEST_CASE("values of a generation stay in place while others are opened and closed") {
  Database db(R"({"a":"value"})");
  const goromdb_value before = db.get_all({{0, "a"}}).front();
  {
    Database other(sample());
    CHECK(other.get("a") == std::nullopt);
  }
  CHECK(db.get_all({{0, "a"}}).front().ptr == before.ptr);
  CHECK(Database::text_of(before) == "value");
}

// SPDX-License-Identifier: MIT
// Keys that name a database, a namespace or both.
#include <doctest/doctest.h>

#include "driver.h"

namespace goromdb::memcached::test {

namespace {

std::vector<std::pair<std::string, std::string>> separators(const std::string& database,
                                                            const std::string& ns) {
  std::vector<std::pair<std::string, std::string>> options;
  if (!database.empty()) options.emplace_back("database_separator", database);
  if (!ns.empty()) options.emplace_back("namespace_separator", ns);
  return options;
}

// A world of two databases; what is asked for without a scope stands under its plain name.
World world_with(const std::string& database, const std::string& ns) {
  World world;
  world.databases = {"words", "prices"};
  world.options = separators(database, ns);
  world.items = {{"k", {"plain", 1, 1}},
                 {"words/k", {"slash", 0, 2}},
                 {"users:k", {"colon", 0, 3}},
                 {"other/k", {"unknown", 0, 4}},
                 {"words||k", {"of words", 0, 5}},
                 {"prices||k", {"of prices", 7, 6}},
                 {"prices||", {"empty key", 0, 7}},
                 {"words|users|k", {"of users", 0, 8}},
                 {"words|users|a:b", {"with a colon", 0, 9}},
                 {"prices|users|k", {"of users of prices", 0, 10}},
                 {"prices|late|k", {"", 0, 0, GOROMDB_E_NOT_READY}},
                 {"prices|bad|k", {"", 0, 0, GOROMDB_E_CORRUPT}}};
  return world;
}

std::string hit(const std::string& key, const std::string& value, const std::string& flags = "0") {
  return "VALUE " + key + " " + flags + " " + std::to_string(value.size()) + "\r\n" + value +
         "\r\n";
}

}  // namespace

TEST_CASE("without_separators_a_key_is_a_key") {
  check_all(world_with("", ""),
            {{"get k words/k users:k\r\n", hit("k", "plain", "1") + hit("words/k", "slash") +
                                               hit("users:k", "colon") + "END\r\n"}});
}

TEST_CASE("a_database_is_named_before_its_separator") {
  check_all(world_with("/", ""),
            {
                {"get words/k\r\n", hit("words/k", "of words") + "END\r\n"},
                {"get prices/k k words/k prices/k\r\n",
                 hit("prices/k", "of prices", "7") + hit("k", "plain", "1") +
                     hit("words/k", "of words") + hit("prices/k", "of prices", "7") + "END\r\n"},
                {"gets prices/k\r\n", "VALUE prices/k 7 9 6\r\nof prices\r\nEND\r\n"},
                {"gat 0 prices/k\r\n", hit("prices/k", "of prices", "7") + "END\r\n"},
                {"touch prices/k 0\r\n", "TOUCHED\r\n"},
                {"touch prices/none 0\r\n", "NOT_FOUND\r\n"},
                {"get prices/\r\n", hit("prices/", "empty key") + "END\r\n"},
                {"get prices/none /k\r\n", "END\r\n"},
                // A prefix that is no database's name belongs to the key.
                {"get other/k\r\n", hit("other/k", "unknown") + "END\r\n"},
                {"get users:k\r\n", hit("users:k", "colon") + "END\r\n"},
            });
}

TEST_CASE("a_namespace_is_named_before_its_separator") {
  check_all(world_with("", ":"),
            {
                {"get users:k\r\n", hit("users:k", "of users") + "END\r\n"},
                {"get users:a:b k\r\n",
                 hit("users:a:b", "with a colon") + hit("k", "plain", "1") + "END\r\n"},
                {"get none:k users:none\r\n", "END\r\n"},
                {"get :k\r\n", hit(":k", "of words") + "END\r\n"},
                {"get words/k\r\n", hit("words/k", "slash") + "END\r\n"},
            });
}

TEST_CASE("both_prefixes_together_and_requests_that_mix_them") {
  check_all(world_with("/", ":"),
            {
                {"get prices/users:k users:k words/users:k prices/k\r\nget k\r\n",
                 hit("prices/users:k", "of users of prices") + hit("users:k", "of users") +
                     hit("words/users:k", "of users") + hit("prices/k", "of prices", "7") +
                     "END\r\n" + hit("k", "plain", "1") + "END\r\n"},
                {"get k prices/late:k\r\n", "SERVER_ERROR not ready\r\n"},
                {"get k prices/bad:k\r\n", "SERVER_ERROR storage error\r\n"},
            });
}

TEST_CASE("a_separator_may_have_several_bytes") {
  check_all(world_with("//", "::"),
            {{"get prices//users::k words/k users:k\r\n",
              hit("prices//users::k", "of users of prices") + hit("words/k", "slash") +
                  hit("users:k", "colon") + "END\r\n"}});
}

TEST_CASE("a_request_that_fails_leaves_no_scopes_behind") {
  const std::string too_long(251, 'x');
  std::string request, reply;
  // More scopes than the largest grant has slots; each is another one.
  for (int i = 0; i < 10; ++i) {
    request += "get users:k prices/users:k a:k b:k c:k d:k e:k f:k " + too_long;
    request += "\r\nget users:k\r\n";
    reply += "CLIENT_ERROR bad command line format\r\n" + hit("users:k", "of users") + "END\r\n";
  }
  check_all(world_with("/", ":"), {{request, reply}});
}

TEST_CASE("separators_that_no_key_could_have_are_refused") {
  for (const auto& options : {separators(" ", ""), separators("", "a b"), separators("\n", ""),
                              separators(":", ":"), separators("123456789", "")}) {
    World world;
    world.options = options;
    CHECK_THROWS(Connection(world));
  }
}

}  // namespace goromdb::memcached::test

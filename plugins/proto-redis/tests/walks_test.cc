// SPDX-License-Identifier: MIT
// Walks: SCAN, KEYS, DBSIZE and the whole of a hash, in slices.
#include <doctest/doctest.h>
#include <transcripts.hpp>

#include "driver.h"

namespace goromdb::redis::engine_test {

namespace {

// A world with `n` keys and a hash `big` of `n` fields.
World big_world(int n) {
  World world;
  world.databases[0].keys.clear();
  world.databases[0].namespaces.clear();
  for (int i = 0; i < n; ++i) {
    world.databases[0].keys["k" + std::to_string(i)] = "v";
    world.databases[0].namespaces["big"]["f" + std::to_string(i)] = std::to_string(i);
  }
  return world;
}

}  // namespace

TEST_CASE("SCAN gives every key once, namespaces among them") {
  World world = big_world(250);
  Connection connection(world);
  std::set<std::string> seen;
  std::string cursor = "0";
  do {
    const std::string reply = connection.ask(command({"SCAN", cursor, "COUNT", "37"}));
    REQUIRE(reply.starts_with("*2\r\n$"));
    const size_t begin = reply.find("\r\n", 4) + 2, end = reply.find("\r\n", begin);
    cursor = reply.substr(begin, end - begin);
    for (size_t at = reply.find("\r\n$", end); at != reply.npos; at = reply.find("\r\n$", at)) {
      const size_t name = reply.find("\r\n", at + 2) + 2;
      at = reply.find("\r\n", name);
      CHECK(seen.insert(reply.substr(name, at - name)).second);
    }
  } while (cursor != "0");
  CHECK(seen.size() == 251);
  CHECK(seen.contains("big"));
}

TEST_CASE("SCAN passes on what MATCH and TYPE let through") {
  World world;
  Connection connection(world);
  CHECK(connection.ask(line("SCAN 0 MATCH ?")) ==
        "*2\r\n$1\r\n0\r\n*3\r\n$1\r\nh\r\n$1\r\na\r\n$1\r\nb\r\n");
  CHECK(connection.ask(line("SCAN 0 TYPE hash")) ==
        "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nh\r\n$3\r\none\r\n");
  CHECK(connection.ask(line("SCAN 0 COUNT 1 MATCH x")) == "*2\r\n$1\r\n1\r\n*0\r\n");
  CHECK(connection.ask(line("SCAN x")) == "-ERR invalid cursor\r\n");
  CHECK(connection.ask(line("SCAN 999")) == "-ERR invalid cursor\r\n");
  CHECK(connection.ask(line("SCAN 0 COUNT 0")) == "-ERR syntax error\r\n");
  CHECK(connection.ask(line("SCAN 0 COUNT x")) ==
        "-ERR value is not an integer or out of range\r\n");
  CHECK(connection.ask(line("HSCAN h 0")) ==
        "*2\r\n$1\r\n0\r\n*4\r\n$2\r\nf1\r\n$2\r\nv1\r\n$2\r\nf2\r\n$0\r\n\r\n");
  CHECK(connection.ask(line("HSCAN h 0 COUNT 1 MATCH *")) ==
        "*2\r\n$1\r\n1\r\n*2\r\n$2\r\nf1\r\n$2\r\nv1\r\n");
  CHECK(connection.ask(line("HSCAN missing 0 FOO")) == "*2\r\n$1\r\n0\r\n*0\r\n");
  CHECK(connection.ask(line("HSCAN h 0 FOO")) == "-ERR syntax error\r\n");
  CHECK(connection.ask(line("HSCAN a 0")) ==
        "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
}

TEST_CASE("a whole hash comes in as many slices as it takes") {
  World world = big_world(3000);
  std::string all = "*6000\r\n", keys = "*3000\r\n", values = "*3000\r\n";
  const auto bulk = [](const std::string& text) {
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  };
  for (const auto& [name, value] : world.databases[0].namespaces["big"]) {
    all += bulk(name) + bulk(value);
    keys += bulk(name);
    values += bulk(value);
  }
  for (Grant grant : grants()) {
    Connection connection(world, grant);
    CHECK(connection.ask(line("HGETALL big") + line("PING")) == all + "+PONG\r\n");
    CHECK(connection.ask(line("HKEYS big")) == keys);
    CHECK(connection.ask(line("HVALS big")) == values);
    CHECK(connection.ask(line("HLEN big")) == ":3000\r\n");
    CHECK(connection.ask(line("DBSIZE")) == ":3001\r\n");
    CHECK(connection.ask("HGETALL big\r\n") == all);
    CHECK(connection.ask("MULTI\r\nHVALS big\r\nPING\r\nEXEC\r\n") ==
          "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n" + values + "+PONG\r\n");
  }
}

TEST_CASE("KEYS collects what matches, up to a limit") {
  World world = big_world(3000);
  for (Grant grant : grants()) {
    Connection connection(world, grant);
    CHECK(connection.ask(line("KEYS k299?") + line("PING")) ==
          "*10\r\n$5\r\nk2990\r\n$5\r\nk2991\r\n$5\r\nk2992\r\n$5\r\nk2993\r\n$5\r\nk2994\r\n"
          "$5\r\nk2995\r\n$5\r\nk2996\r\n$5\r\nk2997\r\n$5\r\nk2998\r\n$5\r\nk2999\r\n+PONG\r\n");
    CHECK(connection.ask("KEYS 'k17[0]'\r\n") == "*1\r\n$4\r\nk170\r\n");
    CHECK(connection.ask(line("KEYS nothing")) == "*0\r\n");
    CHECK(connection.ask(line("KEYS b*")) == "*1\r\n$3\r\nbig\r\n");
  }
  world.options = {{"max_keys_reply", "1KiB"}};
  Connection connection(world);
  CHECK(connection.ask(line("KEYS *")) == "-ERR the reply to KEYS is too large, use SCAN\r\n");
  CHECK(connection.ask(line("KEYS k1")) == "*1\r\n$2\r\nk1\r\n");
}

TEST_CASE("chance fields and keys are ones that there are") {
  World world = big_world(2000);
  Connection connection(world);
  CHECK(connection.ask(line("RANDOMKEY")) == "$3\r\nbig\r\n");
  CHECK(connection.ask(line("HRANDFIELD big")) == "$2\r\nf0\r\n");
  CHECK(connection.ask(line("HRANDFIELD big 2 WITHVALUES")) ==
        "*4\r\n$2\r\nf0\r\n$1\r\n0\r\n$2\r\nf1\r\n$1\r\n1\r\n");
  CHECK(connection.ask(line("HRANDFIELD big 0")) == "*0\r\n");
  CHECK(connection.ask(line("HRANDFIELD big 5000") + line("PING")).ends_with("+PONG\r\n"));
  CHECK(connection.ask(line("HRANDFIELD big 5000")).starts_with("*2000\r\n"));
  CHECK(connection.ask(line("HRANDFIELD big 1999 WITHVALUES")).starts_with("*3998\r\n"));
  const std::string repeats = connection.ask(line("HRANDFIELD big -3000"));
  CHECK(repeats.starts_with("*3000\r\n"));
  CHECK(std::ranges::count(repeats, '$') == 3000);
  CHECK(connection.ask(line("HRANDFIELD big -65537")) == "-ERR value is out of range\r\n");
  world.databases[0].keys.clear();
  world.databases[0].namespaces.clear();
  CHECK(connection.ask(line("RANDOMKEY")) == "$-1\r\n");
}

}  // namespace goromdb::redis::engine_test

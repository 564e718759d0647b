// SPDX-License-Identifier: MIT
// Long lines and many keys: where the limits lie, to the byte, and that dribbled input is not
// scanned again and again.
#include <doctest/doctest.h>

#include <ctime>

#include "driver.h"

namespace goromdb::memcached::test {

namespace {

// The ways of every_way() are too many for long requests: whole, around the ends, and in steps.
void check_long(const World& world, const std::string& request, const Outcome& expected) {
  std::vector<std::vector<size_t>> ways = {{}};
  for (size_t cut : {size_t{1}, size_t{2047}, size_t{2048}, size_t{2049}, request.size() - 2,
                     request.size() - 1}) {
    if (cut < request.size()) ways.push_back({cut});
  }
  std::vector<size_t> steps;
  for (size_t cut = 97; cut < request.size(); cut += 97) steps.push_back(cut);
  ways.push_back(steps);
  for (Grant grant : grants()) {
    for (const auto& cuts : ways) {
      CAPTURE(cuts.size());
      CHECK(talk(world, request, cuts, grant) == expected);
    }
  }
}

std::string repeat(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("a_line_that_lists_no_keys_may_have_2048_bytes") {
  const std::string version = "VERSION 1.6.45-goromdb-0.0.0-test\r\n";
  check_long({}, "version " + std::string(2039, 'x') + "\r\n", {version, false});
  check_long({}, "version " + std::string(2040, 'x') + "\n", {version, false});
  check_long({}, "version " + std::string(2040, 'x') + "\r\n", {"", true});
  check_long({}, std::string(4000, 'x'), {"", true});
  check_long({}, "set a 0 0 1 " + std::string(3000, ' ') + "\r\nx\r\n", {"", true});
  check_long({}, "get" + std::string(3000, 'x'), {"", true});
}

TEST_CASE("a_line_that_lists_keys_may_have_max_line_bytes") {
  World world{.options = {{"max_line", "4000"}}};
  const std::string value = "VALUE a 0 1\r\n1\r\n";
  const std::string keys = repeat(" a", 1500);  // 3000 bytes
  for (auto [verb, reply] :
       {std::pair{"get", repeat(value, 1500)}, {"gat 0", repeat(value, 1500)}}) {
    check_long(world, std::string(verb) + keys + "\r\n", {reply + "END\r\n", false});
  }
  // 100 leading spaces are let pass, 101 are not.
  check_long(world, std::string(100, ' ') + "get" + keys + "\r\n",
             {repeat(value, 1500) + "END\r\n", false});
  check_long(world, std::string(101, ' ') + "get" + keys + "\r\n", {"", true});

  check_long(world, "get a" + std::string(3995, ' ') + "\n", {value + "END\r\n", false});
  check_long(world, "get a" + std::string(3996, ' ') + "\n",
             {"CLIENT_ERROR line too long\r\n", true});
  check_long(world, "gets " + std::string(9000, 'x'), {"CLIENT_ERROR line too long\r\n", true});
}

TEST_CASE("more_keys_than_max_keys_close") {
  World world{.options = {{"max_keys", "3"}}};
  const std::string value = "VALUE a 0 1\r\n1\r\n";
  CHECK(every_way(world, "get a a a\r\n", {repeat(value, 3) + "END\r\n", false}) == "");
  CHECK(every_way(world, "get a a a a\r\nget a\r\n", {"CLIENT_ERROR too many keys\r\n", true}) ==
        "");
}

TEST_CASE("a_request_with_more_keys_than_slots_asks_for_as_many_as_it_has") {
  World world;
  Connection connection(world, {.keys = 4});
  connection.feed("get a\r\nget" + repeat(" a", 1000) + "\r\n");
  CHECK(connection.most_keys_wanted() == 1000);
  CHECK(connection.outcome().replies ==
        "VALUE a 0 1\r\n1\r\nEND\r\n" + repeat("VALUE a 0 1\r\n1\r\n", 1000) + "END\r\n");
}

TEST_CASE("a_dribbled_line_is_scanned_once") {
  // A rescan of a line of 1 MiB at each of its bytes would read 2^39 bytes: many seconds against
  // milliseconds. The processor's time does not depend on what else runs.
  BareParser parser(16384);
  std::string line = "get" + repeat(std::string(" ").append(79, 'k'), 13000);
  const std::clock_t start = std::clock();
  for (size_t size = 1; size <= line.size(); ++size) {
    goromdb_status status = parser.parse(std::string_view(line).substr(0, size));
    if (status != GOROMDB_NEED_MORE || parser.io.consumed != 0) FAIL("nothing is complete yet");
  }
  CHECK(std::clock() - start < 2 * CLOCKS_PER_SEC);
  CHECK(parser.parse(line + "\r\n") == GOROMDB_NEED_MORE);
  CHECK(parser.io.key_len == 13000);
}

}  // namespace goromdb::memcached::test

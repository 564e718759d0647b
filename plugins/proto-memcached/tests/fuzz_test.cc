// SPDX-License-Identifier: MIT
// Random input, the same at every run: the driver checks the contract, and every split of the bytes
// gives the same replies.
#include <doctest/doctest.h>

#include "driver.h"
#include "packets.h"

namespace goromdb::memcached::test {

namespace {

// Pieces of requests, glued in any order: most of the garbage is nearly right.
std::string garbage(Random& random) {
  static const std::vector<std::string> kPieces = {"get ",
                                                   "gets ",
                                                   "gat 0 ",
                                                   "gats ",
                                                   "touch ",
                                                   "set ",
                                                   "cas ",
                                                   "delete ",
                                                   "incr ",
                                                   "stats ",
                                                   "quit",
                                                   "a",
                                                   "b",
                                                   "broken",
                                                   "missing",
                                                   " ",
                                                   "  ",
                                                   "\r\n",
                                                   "\r\n",
                                                   "\r\n",
                                                   "\n",
                                                   "\r",
                                                   "0",
                                                   " 0 0 3\r\n",
                                                   "abc\r\n",
                                                   "abc",
                                                   "1",
                                                   "-1",
                                                   " noreply",
                                                   "version",
                                                   " 0 0 11\r\n",
                                                   "HTTP/1.1",
                                                   "verbosity 1",
                                                   "lru_crawler metadump",
                                                   "flush_all",
                                                   "mg a",
                                                   "mg YQ== b",
                                                   "me ",
                                                   "mn\r\n",
                                                   "ms a 3\r\n",
                                                   "add a 0 0 11\r\n",
                                                   "add missing",
                                                   "ms YQ== 3 ME O1 b k\r\n",
                                                   " v",
                                                   " k",
                                                   " q",
                                                   " c",
                                                   " C11",
                                                   " O12",
                                                   " all\r\n",
                                                   "2147483645",
                                                   "99999999999999999999"};
  std::string text;
  size_t pieces = below(random, 30);
  for (size_t i = 0; i < pieces; ++i) {
    size_t kind = below(random, 40);
    if (kind == 0) {
      text += static_cast<char>(below(random, 256));
    } else if (kind == 1) {
      text += std::string(below(random, 300), 'k');
    } else if (kind == 2) {
      text += std::string(below(random, 3000), ' ');
    } else if (kind < 8) {
      text += "get a\r\n";
    } else {
      text += kPieces[below(random, kPieces.size())];
    }
  }
  return text;
}

// Packets, of which one in a while has a head that lies or a piece that is missing.
std::string packets_with_faults(Random& random) {
  static const std::vector<std::string> kKeys = {"",        "a",      "b",    "empty",
                                                 "missing", "broken", "items"};
  static const std::vector<size_t> kExtras = {0, 0, 0, 4, 4, 8, 20};
  std::string text;
  for (size_t i = 1 + below(random, 12); i > 0; --i) {
    const auto opcode = static_cast<uint8_t>(below(random, 10) == 0  ? below(random, 256)
                                             : below(random, 2) == 0 ? below(random, 0x26)
                                             : below(random, 4) == 0 ? 0x02
                                                                     : 0x0d);
    const std::string extras(opcode == 0x0d   ? 0
                             : opcode == 0x02 ? 8
                                              : kExtras[below(random, kExtras.size())],
                             '\0');
    const std::string value(below(random, 3) == 0 ? below(random, 100) : 0, 'v');
    Lie lie;
    if (below(random, 30) == 0) lie.body = static_cast<int64_t>(below(random, 2000));
    if (below(random, 60) == 0) lie.key = static_cast<int>(below(random, 70000));
    if (below(random, 60) == 0) lie.magic = static_cast<int>(below(random, 256));
    const std::string& key = kKeys[below(random, kKeys.size())];
    text += packet(opcode, key, extras, opcode == 0x0d ? "" : value, "ABCD", lie);
    if (below(random, 40) == 0) text.resize(text.size() - below(random, text.size()));
  }
  return text;
}

}  // namespace

TEST_CASE("any_split_of_any_bytes_gives_the_same_replies") {
  Random random(20240711);
  World refusing{
      .options = {{"max_line", "2500"}, {"max_keys", "40"}, {"max_refused_value", "1000"}}};
  World adding = refusing;
  adding.options.emplace_back("write_reply", "not_stored");
  size_t closed = 0, answered = 0;
  for (int round = 0; round < 6000; ++round) {
    const World& world = round % 2 == 0 ? refusing : adding;
    std::string request = garbage(random);
    Outcome whole = talk(world, request);
    closed += whole.closed;
    answered += !whole.replies.empty();
    Grant grant = grants()[below(random, grants().size())];
    Outcome pieces = talk(world, request, random_cuts(random, request.size()), grant);
    if (pieces == whole) continue;
    CAPTURE(request);
    REQUIRE(pieces.replies == whole.replies);
    REQUIRE(pieces.closed == whole.closed);
  }
  // The garbage is neither all noise nor all fatal.
  CHECK(closed > 500);
  CHECK(closed < 5000);
  CHECK(answered > 3000);
}

TEST_CASE("any_split_of_any_packets_gives_the_same_replies") {
  Random random(20261125);
  World refusing{.options = {{"max_refused_value", "1000"}}};
  World adding = refusing;
  adding.options.emplace_back("write_reply", "not_stored");
  size_t closed = 0, answered = 0;
  for (int round = 0; round < 6000; ++round) {
    const World& world = round % 2 == 0 ? refusing : adding;
    const std::string request = packets_with_faults(random);
    const Outcome whole = talk(world, request);
    closed += whole.closed;
    answered += whole.replies.size() > 24;
    const Grant grant = grants()[below(random, grants().size())];
    REQUIRE(talk(world, request, random_cuts(random, request.size()), grant) == whole);
  }
  CHECK(closed > 500);
  CHECK(closed < 5700);
  CHECK(answered > 3000);
}

TEST_CASE("raw_bytes_break_nothing") {
  Random random(1);
  World world;
  for (int round = 0; round < 3000; ++round) {
    std::string request;
    for (size_t i = below(random, 200); i > 0; --i) {
      request += static_cast<char>(below(random, 256));
    }
    if (round % 3 == 0) request.insert(0, "\x80");
    Outcome whole = talk(world, request);
    REQUIRE(talk(world, request, random_cuts(random, request.size()), {1, 1, 1}) == whole);
  }
}

}  // namespace goromdb::memcached::test

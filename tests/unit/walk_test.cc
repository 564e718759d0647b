// SPDX-License-Identifier: MIT
// Walks as a protocol gets them: slices, totals, positions, swaps in between.
#include "core/request/walk.h"

#include <doctest/doctest.h>

#include <set>
#include <sstream>

#include "tests/unit/batch_room.hpp"

using namespace goromdb;
using test::BatchRoom;
using test::fake_count;

namespace {

struct Slice {
  std::vector<std::string> names;
  uint64_t total = 0, position = 0;
  bool end = false;
};

Slice slice_of(const std::string& line) {
  Slice slice;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (word.starts_with("total=")) {
      slice.total = std::stoull(word.substr(6));
    } else if (word.starts_with("position=")) {
      slice.position = std::stoull(word.substr(9));
    } else if (word == "end") {
      slice.end = true;
    } else {
      slice.names.push_back(word);
    }
  }
  return slice;
}

// All slices of a walk that is gone on with by positions; `between` runs after each.
std::vector<std::string> scan(
    BatchRoom& room, const std::string& flags, int count, const std::string& ns = "",
    const std::function<void(size_t)>& between = [](size_t) {}) {
  std::vector<std::string> all;
  uint64_t position = 0;
  do {
    const auto slice = slice_of(room.ask("walk 0 " + flags + " " + std::to_string(count) + " " +
                                         std::to_string(position) + " " + ns + "\n"));
    REQUIRE(slice.end == (slice.position == 0));
    all.insert(all.end(), slice.names.begin(), slice.names.end());
    position = slice.position;
    between(all.size());
  } while (position != 0 && all.size() < 100'000);
  return all;
}

std::set<std::string> distinct(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

}  // namespace

TEST_CASE("a walk gives names of namespaces that are no keys, then every entry, each once") {
  BatchRoom room;
  room.adopt(0, "many 5");
  CHECK(room.ask("walk 0 n 100 0\n") ==
        "alpha/ space/ k00005 k00004 k00003 k00002 k00001 total=0 position=0 end\n");
  CHECK(room.ask("walk 0 - 2 0\n") == "k00005 k00004 total=0 position=0\n");
  CHECK(room.ask("walk 0 n 100 0 space\n") == "inner total=0 position=0 end\n");
  CHECK(fake_count("open_cursors") == 0);
}

TEST_CASE("positions lead through the whole walk whatever the size of its slices") {
  for (const char* mode : {"many 7", "sorted 7"}) {
    BatchRoom room;
    room.adopt(0, mode);
    const auto whole = scan(room, "np", 100);
    REQUIRE(whole.size() == 9);
    for (int count = 1; count <= 10; ++count) {
      CAPTURE(count);
      CHECK(scan(room, "np", count) == whole);
    }
    CHECK(scan(room, "p", 1, "space") == std::vector<std::string>{"inner"});
  }
}

TEST_CASE("a position serves again until its successor has served") {
  BatchRoom room;
  room.adopt(0, "many 5");
  const auto at = [&](uint64_t position) {
    return room.ask("walk 0 p 1 " + std::to_string(position) + "\n");
  };
  const uint64_t first = slice_of(at(0)).position;
  const auto second = slice_of(at(first));
  CHECK(second.names == std::vector<std::string>{"k00004"});
  CHECK(slice_of(at(first)).names == second.names);
  CHECK(slice_of(at(second.position)).names == std::vector<std::string>{"k00003"});
  CHECK(at(first) == "status -5\n");
}

TEST_CASE("a position of nothing, or of another walk, is refused") {
  BatchRoom room;
  room.adopt(0, "many 5");
  room.adopt(1, "many 5");
  CHECK(room.ask("walk 0 p 1 12345\n") == "status -5\n");
  const auto position = std::to_string(slice_of(room.ask("walk 0 p 1 0\n")).position);
  CHECK(room.ask("walk 1 p 1 " + position + "\n") == "status -5\n");
  CHECK(room.ask("walk 0 p 1 " + position + " space\n") == "status -5\n");
}

TEST_CASE("over a swap a walk in order goes on behind its key, and another begins anew") {
  BatchRoom room;
  room.adopt(0, "sorted 9");
  size_t swapped_at = 0;
  const auto swap_to = [&](const char* content) {
    return [&room, &swapped_at, content](size_t given) {
      if (given < 5 || swapped_at > 0) return;
      swapped_at = given;
      room.adopt(0, content);
    };
  };
  CHECK(scan(room, "np", 5, "", swap_to("sorted 11")).size() == 13);
  room.adopt(0, "many 9");
  swapped_at = 0;
  const auto all = scan(room, "np", 5, "", swap_to("many 8"));
  CHECK(all.size() == 5 + 10);
  CHECK(distinct(all).size() == 11);
}

TEST_CASE("totals are counted in slices, once, and without the namespaces if they are not asked") {
  BatchRoom room;
  room.adopt(0, "many 5000");
  CHECK(room.ask("walk 0 nc 0 0\n") == "total=5002 position=0 end\n");
  CHECK(room.turns >= 5000 / 1024);
  CHECK(room.ask("walk 0 nc 0 0\n") == "total=5002 position=0 end\n");
  CHECK(room.turns == 0);
  CHECK(room.ask("walk 0 c 0 0\n") == "total=5000 position=0 end\n");
  CHECK(room.ask("walk 0 c 1 0 space\n") == "inner total=1 position=0 end\n");
  room.adopt(0, "many 6");
  CHECK(room.ask("walk 0 nc 0 0\n") == "total=8 position=0 end\n");
}

TEST_CASE("a total is known when it has been counted, and where nothing needs counting") {
  BatchRoom room;
  goromdb_arena arena;
  room.adopt(0, "many 5");
  auto& view = *room.loop->view_of(*room.listening[0], 0);
  CHECK_FALSE(known_total(view, "", true, arena).has_value());
  (void)room.ask("walk 0 nc 0 0\n");
  CHECK(known_total(view, "", true, arena) == 7);
  CHECK_FALSE(known_total(view, "", false, arena).has_value());
  CHECK_FALSE(known_total(view, "space", true, arena).has_value());
}

TEST_CASE("a walk that goes on is of one generation whatever is swapped between its slices") {
  BatchRoom room;
  room.adopt(0, "many 4000");
  const int generations = fake_count("open_generations");
  room.between_turns = [&] {
    if (room.generations == 1) room.adopt(0, "many 3");
  };
  const auto names = slice_of(room.ask("walk 0 ca 100 0\n")).names;
  CHECK(names.size() == 4000);
  CHECK(distinct(names).size() == 4000);
  CHECK(room.turns >= 39);
  CHECK(fake_count("open_generations") == generations);
}

TEST_CASE("in the midst of a batch a walk is whole if it is short, and given up if it is long") {
  BatchRoom room;
  room.adopt(0, "many 3000");
  const auto text = room.ask("walk 0 ca 1000 0\nkind 0 k00001\n");
  CHECK(text.ends_with("end\nk00001\n"));
  CHECK(room.turns == 0);
  room.adopt(0, "sorted 66600");
  CHECK(room.ask("walk 0 c 0 0\nkind 0 k00001\n") == "status -9\nk00001\n");
}

TEST_CASE("a random walk gives every entry once, wherever it begins") {
  BatchRoom room;
  room.adopt(0, "many 20");
  std::set<std::string> first;
  for (int i = 0; i < 2000; ++i) {
    const auto all = slice_of(room.ask("walk 0 nr 100 0\n"));
    REQUIRE(all.end);
    REQUIRE(all.names.size() == 22);
    REQUIRE(distinct(all.names).size() == 22);
    first.insert(all.names.front());
  }
  CHECK(first.size() >= 20);
}

TEST_CASE("a walk in order begins at any key, whether it is there or not") {
  BatchRoom room;
  room.adopt(0, "sorted 5");
  CHECK(room.ask("from k00003 walk 0 - 2 0\n") == "k00003 k00004 total=0 position=0\n");
  CHECK(room.ask("from k00003 walk 0 - 1 0\n") == "k00003 total=0 position=0\n");
  CHECK(room.ask("from k00003x walk 0 - 9 0\n") == "k00004 k00005 total=0 position=0 end\n");
  CHECK(room.ask("from a walk 0 a 1 0\n").starts_with("k00001 total=0 position=0\nk00002 "));
  CHECK(room.ask("from z walk 0 - 9 0\n") == "total=0 position=0 end\n");
  const auto slice = slice_of(room.ask("from k00002 walk 0 p 2 0\n"));
  CHECK(room.ask("from k00002 walk 0 p 9 " + std::to_string(slice.position) + "\n") ==
        "k00004 k00005 total=0 position=0 end\n");
  CHECK(room.ask("walk 0 v 1 0\n") == "k00001+version total=0 position=0\n");
  room.adopt(0, "many 5");
  CHECK(room.ask("from k00003 walk 0 - 2 0\n") == "status -6\n");
}

TEST_CASE("what cannot be walked says why") {
  BatchRoom room;
  CHECK(room.ask("walk 0 n 5 0\n") == "status -7\n");
  room.adopt(0, "plain");
  CHECK(room.ask("walk 0 n 5 0\n") == "status -6\n");
  room.adopt(0, "many 3");
  CHECK(room.ask("walk 0 - 5 0 nothing\n") == "status 1\n");
  CHECK(room.ask("walk 0 k 5 0 nothing\n") == "status 1\n");
  CHECK(room.ask("walk 0 - 5 0 k00001\n") == "status 1\n");
  CHECK(room.ask("walk 0 k 5 0 k00001\n") == "status 6\n");
  CHECK(room.ask("walk 0 - 5 0 broken\n") == "status -3\n");
  room.adopt(0, "sorted 70000");
  CHECK(room.ask("walk 0 c 0 0\n") == "status -4\n");
  CHECK(fake_count("open_cursors") == 0);
}

TEST_CASE("keys are told from namespaces only where that is asked") {
  BatchRoom room;
  room.adopt(0, "many 3");
  CHECK(room.ask("get 0 space k00002\nkind 0 space k00002 nothing\n") ==
        "-,k00002\nnamespace,k00002,-\n");
  CHECK(room.ask("get 0 0/k00001:x\nkind 0 0/k00001:x 0/space:inner 0/space:x 0/nothing:x\n")
            .starts_with("-\nkey,"));
  CHECK(room.ask("kind 0 0/:space 0/:k00001\n") == "namespace,k00001\n");
}

TEST_CASE("a batch of very many requests gets the room that it asks for") {
  BatchRoom room;
  CHECK(room.ask("room 3000\n") == "local\n");
  CHECK(room.ask("room 1048577\n") == "!");
}

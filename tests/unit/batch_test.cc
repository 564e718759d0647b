// SPDX-License-Identifier: MIT
#include "core/request/batch.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "core/generation/hot_keys.h"
#include "tests/unit/batch_room.hpp"

using namespace goromdb;
using test::BatchRoom;
using test::fake_count;

TEST_CASE("requests of one read are looked up together and answered in order") {
  BatchRoom room;
  room.adopt(0, "V");
  const int before = fake_count("get_calls");
  CHECK(room.ask("get 0 key\nget 0 none key\nget 0 none\nget 0 key key\n") == "V\n-,V\n-\nV,V\n");
  CHECK(fake_count("get_calls") == before + 1);
  CHECK(room.metrics.sum(kRequestsGet) == 4);
  CHECK(room.metrics.sum(kKeysRequested) == 6);
  CHECK(room.metrics.sum(kKeysHit) == 4);
  CHECK(room.metrics.sum(kKeysMissed) == 2);
}

TEST_CASE("requests of several databases are each answered by their own") {
  BatchRoom room;
  room.adopt(0, "zero");
  room.adopt(1, "one");
  const int before = fake_count("get_calls");
  CHECK(room.ask("get 0 key\nget 0 key\nget 1 key\nget 0 key\nget 1 key none\n") ==
        "zero\nzero\none\nzero\none,-\n");
  CHECK(fake_count("get_calls") == before + 4);
}

TEST_CASE("a database without a data set says so and does not miss") {
  BatchRoom room;
  room.adopt(0, "V");
  CHECK(room.ask("get 0 key\nget 1 key\nget 0 key\n") == "V\nnot ready\nV\n");
  CHECK(room.ask("get 7 key\n") == "not ready\n");
  CHECK(room.metrics.sum(kKeysMissed) == 0);
}

TEST_CASE("keys of several databases and namespaces in one batch are one call a database") {
  BatchRoom room;
  room.adopt(0, "zero");
  room.adopt(1, "one");
  const int before = fake_count("get_calls");
  CHECK(room.ask("get 0 0/space:inner key 1/:key 1/space:inner 0/:inner\nget 1 key 0/space:key\n"
                 "get 0 key\n") == "zero,zero,one,one,-\none,-\nzero\n");
  CHECK(fake_count("get_calls") == before + 2);
  CHECK(room.metrics.sum(kKeysRequested) == 8);
  CHECK(room.metrics.sum(kKeysHit) == 6);
  CHECK(room.metrics.sum(kKeysMissed) == 2);
}

TEST_CASE("a namespace that is not there misses, and one that cannot be looked up is a fault") {
  BatchRoom room;
  room.adopt(0, "zero");
  CHECK(room.ask("get 0 0/none:key key 0/broken:key\n") == "-,zero,fault\n");
  CHECK(room.metrics.sum(kKeysMissed) == 1);
  CHECK(room.metrics.sum(kKeysHit) == 1);
  CHECK(room.metrics.sum(kKeysFailed) == 1);
}

TEST_CASE(
    "a key for a database without a data set says so and the others of its batch are answered") {
  BatchRoom room;
  room.adopt(0, "zero");
  CHECK(
      room.ask("get 0 key 1/space:inner 7/:key\nget 1 0/:key key\nget 7 key 0/:key\nget 0 key\n") ==
      "zero,later,later\nzero,later\nlater,zero\nzero\n");
  CHECK(room.ask("gets 1 0/:key key\n") == "zero+version,later\n");
}

TEST_CASE("a version that the storage does not have is made from the value") {
  BatchRoom room;
  room.adopt(0, "V");
  CHECK(room.ask("gets 0 key none key\nget 0 key\n") == "V+version,-,V+version\nV\n");
}

TEST_CASE("a loop reads from the generation that it adopted last") {
  BatchRoom room;
  room.adopt(0, "old");
  CHECK(room.ask("get 0 key\n") == "old\n");
  room.adopt(0, "new");
  CHECK(room.ask("get 0 key\n") == "new\n");
}

TEST_CASE("reads that wait are looked up together and each is answered by itself") {
  BatchRoom room;
  room.adopt(0, "V");
  const std::string first = "get 0 key none\n", second = "gets 0 key\nget 0 none\n";
  const int before = fake_count("get_calls");
  REQUIRE(room.wait(first));
  REQUIRE(room.wait(second));
  CHECK(room.ask("get 0 none\nbye\n") == "-\nbye\n!");  // does not wait
  CHECK(fake_count("get_calls") == before + 1);
  CHECK(room.answers(2) == "V,-\nV+version\n-\n");
  CHECK(fake_count("get_calls") == before + 2);
  CHECK(room.metrics.sum(kRequestsGet) == 4);
  CHECK(room.metrics.sum(kKeysHit) == 2);
  CHECK(room.metrics.sum(kKeysMissed) == 3);
  CHECK(room.ask("get 0 key\n") == "V\n");
}

TEST_CASE("reads that wait for several databases are a call for each stretch") {
  BatchRoom room;
  room.adopt(0, "zero");
  room.adopt(1, "one");
  const std::string zero = "get 0 key\n", one = "get 1 key key\n";
  const int before = fake_count("get_calls");
  for (const auto* each : {&zero, &zero, &one, &zero}) REQUIRE(room.wait(*each));
  CHECK(room.answers(4) == "zero\nzero\none,one\nzero\n");
  CHECK(fake_count("get_calls") == before + 3);
}

TEST_CASE("a read that waits is answered from the generation that is adopted meanwhile") {
  BatchRoom room;
  room.adopt(0, "old");
  const std::string get = "get 0 key\n";
  REQUIRE(room.wait(get));
  room.adopt(0, "new");
  REQUIRE(room.wait(get));
  CHECK(room.answers(2) == "new\nnew\n");
}

// The arena of a look-up for several connections would go with the first one's reply.
TEST_CASE("where values lie in the arena each read is looked up by itself and none waits again") {
  BatchRoom room;
  room.adopt(0, "copied");
  const std::string get = "get 0 key none\n";
  const int before = fake_count("get_calls");
  REQUIRE(room.wait(get));
  REQUIRE(room.wait(get));
  CHECK(room.answers(2) == "copied,-\ncopied,-\n");
  CHECK(fake_count("get_calls") == before + 3);
  CHECK(room.metrics.sum(kKeysRequested) == 4);
  CHECK_FALSE(room.wait(get));
  CHECK(room.ask(get) == "copied,-\n");
  room.adopt(0, "V");
  CHECK(room.wait(get));
  CHECK(room.answers(1) == "V,-\n");
}

TEST_CASE("only whole reads of a few keys of one data set wait") {
  BatchRoom room;
  room.adopt(0, "V");
  std::string many = "get 0";
  for (int i = 0; i < 33; ++i) many += " key";
  for (const std::string input :
       {"get 0 ke", "get 0 key\nget 0 ke", "get 1 key\n", "get 7 key\n", "get 0 0/space:inner\n",
        "get 0 key\nget 1 key\n", "get 0 key\nbye\n", "walk 0 n 1 0\n", "want 3\n"}) {
    CAPTURE(input);
    CHECK_FALSE(room.wait(input));
  }
  CHECK_FALSE(room.wait(many + "\n"));
  CHECK(room.ask("get 0 key\n") == "V\n");
}

TEST_CASE("half a request waits and what came before it is answered") {
  BatchRoom room;
  room.adopt(0, "V");
  CHECK(room.ask("get 0 key\nget 0 ke") == "V\n");
  CHECK(room.ask("get 0 ke").empty());
}

TEST_CASE("nothing behind a close is answered") {
  BatchRoom room;
  room.adopt(0, "V");
  CHECK(room.ask("get 0 key\nbye\nget 0 key\n") == "V\nbye\n!");
}

TEST_CASE("a request of very many keys gets the room that it asks for") {
  BatchRoom room;
  CHECK(room.ask("want 1025\n") == "local\n");
  CHECK(room.ask("want 200000\n") == "local\n");
}

TEST_CASE("a request of too many keys closes and answers nothing, least of all another's request") {
  BatchRoom room;
  room.adopt(0, "secret");
  CHECK(room.ask("get 0 key\n") == "secret\n");
  CHECK(room.ask("want 1048577\n") == "!");
}

// The values of the request before lie in memory of a generation that is gone by now.
TEST_CASE("versions of a database without a data set are not made from values of another one") {
  auto crash = [] {
    for (int number : {SIGSEGV, SIGBUS, SIGABRT}) std::signal(number, SIG_DFL);  // not doctest's
    BatchRoom room;
    room.adopt(0, "V");
    (void)room.ask("get 0 key\n");
    room.adopt(0, "W");  // its values' memory goes with it
    std::filesystem::remove_all(room.folder.path());
    (void)room.ask("gets 1 key\n");
    ::_exit(0);
  };
  const pid_t child = ::fork();
  if (child == 0) crash();
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("about every 64th key that is looked up is noted for its database, with its namespace") {
  constexpr int kReads = 64'000;
  BatchRoom room;
  HotKeys hot(1), other(1);
  room.house->hot_keys = {&hot, &other};
  room.adopt(0, "zero");
  room.adopt(1, "one");
  for (int i = 0; i < kReads / 4; ++i) {
    room.ask("get 0 key 0/space:inner 1/space:inner\nwalk 0 - 1 0\nget 1 key\n");
  }
  const auto keys = hot.take(0), others = other.take(0);
  REQUIRE(keys.size() == 2);
  REQUIRE(others.size() == 2);
  for (const auto& each : {keys[0], keys[1], others[0], others[1]}) {
    CAPTURE(each.key);
    CHECK(each.ns == (each.key == "key" ? "" : "space"));
    CHECK(each.count > kReads / 64 / 4 / 2);  // whatever the order of a client's requests
    CHECK(each.count < kReads / 64 / 4 * 2);
  }
}

TEST_CASE("of a batch of many keys several are noted, and no database need want them") {
  BatchRoom room;
  room.adopt(0, "zero");
  std::string line = "get 0";
  for (int i = 0; i < 1000; ++i) line += " key" + std::to_string(i);
  for (int i = 0; i < 10; ++i) room.ask(line + "\n");
  HotKeys hot(1);
  room.house->hot_keys = {&hot};
  for (int i = 0; i < 10; ++i) room.ask(line + "\n");
  const auto found = hot.take(0).size();
  CHECK(found > 100);
  CHECK(found < 220);
  room.house->hot_keys = {nullptr};
  for (int i = 0; i < 10; ++i) room.ask(line + "\n");
}

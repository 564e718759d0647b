// SPDX-License-Identifier: MIT
#include "core/generation/data_checks.h"

#include <doctest/doctest.h>

#include <thread>

#include "core/generation/generation.h"
#include "tests/unit/fake_plugin.hpp"
#include "tests/unit/temp_folder.hpp"

using namespace goromdb;
using test::contains;
using test::message_of;

namespace {

const Progress kToTheEnd = [](uint64_t, uint64_t) { return false; };

struct CheckedRoom {
  test::TempFolder folder;
  Metrics metrics{1};
  std::unique_ptr<Storage> storage = test::fake_storage(metrics, 1);
  std::unique_ptr<Generation> generation;
  DatabaseConfig config;

  explicit CheckedRoom(const std::string& content) {
    Generation::Facts facts;
    facts.id = 5;
    facts.path = folder.write("data.db", content);
    auto opened = Generation::open(*storage, facts, 1, kToTheEnd);
    REQUIRE_MESSAGE(opened.has_value(), message_of(opened));
    generation = std::move(*opened);
  }
  Result<void> check(std::optional<uint64_t> entries_before = {}) {
    SlotNote current;
    current.generation = 4;
    current.entries = entries_before;
    return check_data(config, *generation, entries_before ? &current : nullptr);
  }
};

}  // namespace

TEST_CASE("a data set may shrink by max_shrink and no more, and the message has the figures") {
  const struct {
    int64_t max_shrink;
    uint64_t before;
    bool good;
  } cases[] = {
      {20, 1, true}, {0, 1, true},   {0, 0, true},  {0, 2, false},          {49, 2, false},
      {50, 2, true}, {66, 3, false}, {67, 3, true}, {100, 1'000'000, true}, {99, 1'000'000, false},
  };
  CheckedRoom room("content");  // of one entry
  for (const auto& each : cases) {
    CAPTURE(each.max_shrink);
    CAPTURE(each.before);
    room.config.max_shrink_percent = each.max_shrink;
    auto checked = room.check(each.before);
    CHECK(checked.has_value() == each.good);
    if (!checked) CHECK(checked.error().kind == Error::Kind::kRejected);
  }
  room.config.max_shrink_percent = 20;
  CHECK(message_of(room.check(3)) ==
        "it has 1 entries, 66.7 % fewer than the 3 of generation 4; max_shrink is 20%");
  CHECK(room.check().has_value());  // it is the first one
}

TEST_CASE("how much a data set has shrunk is said in the digits that tell it from the limit") {
  CheckedRoom room("content");  // of one entry
  room.config.max_shrink_percent = 99;
  CHECK(message_of(room.check(101)) ==
        "it has 1 entries, 99.01 % fewer than the 101 of generation 4; max_shrink is 99%");
  room.config.max_shrink_percent = 98;
  CHECK(contains(message_of(room.check(51)), " 98.04 % fewer than the 51 "));
}

TEST_CASE("nothing is said about the number of entries where it is not known") {
  CheckedRoom room("many 10");
  room.config.max_shrink_percent = 0;
  room.config.min_entries = 1000;
  CHECK(room.check(1000).has_value());
}

TEST_CASE("keys that must be there are looked up, in their namespaces too") {
  CheckedRoom room("many 10");
  room.config.must_have = {{"", "k00001"}, {"", "k00010"}, {"space", "inner"}};
  CHECK(message_of(room.check()) == "");
  room.config.must_have = {{"", "k00001"}, {"", "k00011"}};
  auto checked = room.check();
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().kind == Error::Kind::kRejected);
  CHECK(checked.error().message == "it lacks 1 of the 2 keys of must_have: \"k00011\"");
  room.config.must_have = {{"nowhere", "inner"}, {"space", "k00001"}, {"", "inner"}, {"", "d"}};
  CHECK(message_of(room.check()) ==
        "it lacks 4 of the 4 keys of must_have: \"inner\" in \"nowhere\", \"k00001\" in \"space\", "
        "\"inner\", ...");
  CHECK(test::fake_count("open_readers") == 1);  // the loop's
}

TEST_CASE("a key that the machine keeps from being looked up says nothing about the file") {
  CheckedRoom room("many 10");
  room.config.must_have = {{"broken", "inner"}};
  auto checked = room.check();
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().kind == Error::Kind::kFailure);
  CHECK(contains(checked.error().message, "\"inner\" in \"broken\""));
}

TEST_CASE("opening comes to its end when its time is over") {
  OpenLimit limit(1);
  const auto progress = limit.around(kToTheEnd);
  while (!limit.passed()) std::this_thread::yield();
  CHECK_FALSE(limit.gave_up());  // nobody has asked
  CHECK(progress(30, 100));
  CHECK(limit.gave_up());
  const auto message = limit.rejection().value().message;
  CHECK(contains(message, "must_open_within, which is 1ms: "));
  CHECK(contains(message, " so far, 30 % were done"));
}

TEST_CASE("without a limit it may take its time, and a server that stops is not late") {
  OpenLimit none(0);
  CHECK_FALSE(none.around(kToTheEnd)(1, 2));
  CHECK_FALSE(none.passed());
  OpenLimit limit(1);
  CHECK(limit.around([](uint64_t, uint64_t) { return true; })(1, 2));
  CHECK_FALSE(limit.gave_up());
}

TEST_CASE("a file that opens too slowly is rejected, also where it reports no progress") {
  CheckedRoom room("content");
  Generation::Facts facts;
  facts.path = room.folder.write("slow.db", "slow");
  facts.open_within_ms = 1;
  auto opened = Generation::open(*room.storage, facts, 1, kToTheEnd);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().kind == Error::Kind::kRejected);
  CHECK(contains(opened.error().message, "must_open_within, which is 1ms"));
}

// SPDX-License-Identifier: MIT
#include "core/generation.h"

#include <doctest/doctest.h>

#include "tests/unit/fake_plugin.hpp"
#include "tests/unit/temp_folder.hpp"

using namespace goromdb;
using test::fake_count;

namespace {

constexpr uint32_t kLoops = 2;

struct Room {
  test::TempFolder folder;
  Metrics metrics{kLoops};
  std::unique_ptr<Storage> storage = test::fake_storage(metrics, kLoops);

  Result<std::unique_ptr<Generation>> open(
      const std::string& content,
      const Progress& progress = [](uint64_t, uint64_t) { return false; }, bool verified = false) {
    Generation::Facts facts{5, 1, folder.write("data.db", content), SlotNote{}, verified};
    facts.note.size = static_cast<int64_t>(content.size());
    return Generation::open(*storage, facts, kLoops, progress);
  }
};

void check_all_closed() {
  CHECK(fake_count("open_readers") == 0);
  CHECK(fake_count("open_generations") == 0);
}

}  // namespace

TEST_CASE("an opened file has its facts, its size and a reader for each loop") {
  Room room;
  {
    auto generation = room.open("content");
    REQUIRE_MESSAGE(generation.has_value(), test::message_of(generation));
    CHECK((*generation)->id() == 5);
    CHECK((*generation)->slot() == 1);
    CHECK((*generation)->info().entries == 1);
    CHECK((*generation)->info().bytes == 7);
    CHECK((*generation)->info().resident_bytes == GOROMDB_UNKNOWN);
    CHECK((*generation)->loaded_at_s() > 0);
    for (uint32_t loop = 0; loop < kLoops; ++loop) CHECK((*generation)->reader(loop) != nullptr);
    CHECK(fake_count("open_readers") == kLoops);
  }
  check_all_closed();  // never adopted: it closes them itself
}

TEST_CASE("a file that has been verified before is not walked again") {
  Room room;
  CHECK_FALSE(room.open("unverifiable").has_value());
  CHECK(room.open(
                "unverifiable", [](uint64_t, uint64_t) { return false; }, true)
            .has_value());
  check_all_closed();
}

TEST_CASE("a file that has been verified before is warmed when it is asked for") {
  const Progress go_on = [](uint64_t, uint64_t) { return false; };
  Room room;
  auto generation = room.open("content", go_on, true);
  REQUIRE(generation.has_value());
  auto more = (*generation)->warm();
  REQUIRE(more.has_value());
  CHECK_FALSE(*more);
  auto cold = room.open("cold", go_on, true);
  REQUIRE(cold.has_value());
  CHECK(test::message_of((*cold)->warm()) == "the disk is slow");
}

TEST_CASE("a reader that its loop has closed is not closed again") {
  Room room;
  {
    auto generation = room.open("content");
    REQUIRE(generation.has_value());
    (*generation)->close_reader(0);
    CHECK(fake_count("open_readers") == 1);
  }
  check_all_closed();
}

TEST_CASE("what is wrong with a file is told from what is wrong with the machine") {
  struct Case {
    const char *content, *message;
    Error::Kind kind;
  };
  const Case cases[] = {
      {"corrupt", "bad magic number", Error::Kind::kRejected},
      {"silent", "failed with status -1", Error::Kind::kRejected},
      {"unverifiable", "page 7 is damaged", Error::Kind::kRejected},
      {"readerless", "no reader", Error::Kind::kRejected},
      {"unreadable", "cannot be read", Error::Kind::kFailure},
      {"cold", "the disk is slow", Error::Kind::kFailure},
  };
  for (const auto& each : cases) {
    CAPTURE(each.content);
    Room room;
    auto generation = room.open(each.content);
    REQUIRE_FALSE(generation.has_value());
    CHECK(generation.error().message == each.message);
    CHECK(generation.error().kind == each.kind);
    check_all_closed();
  }
}

TEST_CASE("short memory is worth another try") {
  Room room;
  room.folder.write("data.db.trouble", "");
  auto generation = room.open("content");
  REQUIRE_FALSE(generation.has_value());
  CHECK(generation.error().kind == Error::Kind::kFailure);
  std::filesystem::remove(room.folder / "data.db.trouble");
  CHECK(room.open("content").has_value());
}

TEST_CASE("a server that stops gives up warming") {
  Room room;
  auto generation = room.open("content", [](uint64_t, uint64_t) { return true; });
  REQUIRE_FALSE(generation.has_value());
  CHECK(generation.error().kind == Error::Kind::kCancelled);
  check_all_closed();
}

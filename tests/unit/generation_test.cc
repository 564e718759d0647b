// SPDX-License-Identifier: MIT
#include "core/generation/generation.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/unit/fake_plugin.hpp"
#include "tests/unit/temp_folder.hpp"

using namespace goromdb;
using test::fake_count;

namespace {

constexpr uint32_t kLoops = 2;

const Progress kGoOn = [](uint64_t, uint64_t) { return false; };

struct OpenRoom {
  WarmConfig warm;
  std::optional<uint64_t> noted;  // entries, by the manifest
  test::TempFolder folder;
  Metrics metrics{kLoops};
  std::unique_ptr<Storage> storage = test::fake_storage(metrics, kLoops);

  Result<std::unique_ptr<Generation>> open(
      const std::string& content,
      const Progress& progress = [](uint64_t, uint64_t) { return false; }, bool verified = false) {
    Generation::Facts facts{5, 1, folder.write("data.db", content), SlotNote{}, verified};
    facts.note.size = static_cast<int64_t>(content.size());
    facts.warm = warm;
    facts.note.entries = noted;
    return Generation::open(*storage, facts, kLoops, progress);
  }
  // As it is when the loops get it.
  Result<std::unique_ptr<Generation>> ready(
      const std::string& content,
      const Progress& progress = [](uint64_t, uint64_t) { return false; }, bool verified = false) {
    auto generation = open(content, progress, verified);
    if (!generation) return generation;
    if (auto warmed = (*generation)->warm_all(progress); !warmed) {
      return tl::unexpected(warmed.error());
    }
    return generation;
  }
};

void check_all_closed() {
  CHECK(fake_count("open_readers") == 0);
  CHECK(fake_count("open_generations") == 0);
}

}  // namespace

TEST_CASE("an opened file has its facts, its size and a reader for each loop") {
  OpenRoom room;
  {
    auto generation = room.ready("content");
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
  OpenRoom room;
  CHECK_FALSE(room.open("unverifiable").has_value());
  CHECK(room.open(
                "unverifiable", [](uint64_t, uint64_t) { return false; }, true)
            .has_value());
  check_all_closed();
}

TEST_CASE("a file that has been verified before is warmed when it is asked for") {
  const Progress go_on = [](uint64_t, uint64_t) { return false; };
  OpenRoom room;
  auto generation = room.open("content", go_on, true);
  REQUIRE(generation.has_value());
  auto more = (*generation)->warm();
  REQUIRE(more.has_value());
  CHECK_FALSE(*more);
  auto cold = room.open("cold", go_on, true);
  REQUIRE(cold.has_value());
  CHECK(test::message_of((*cold)->warm()) == "the disk is slow");
}

TEST_CASE("what holds the data is populated, or locked and let go with the generation") {
  const auto locked_kib = [] {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmLck:")) return std::stoi(line.substr(6));
    }
    return -1;
  };
  const int before = locked_kib();
  OpenRoom room;
  struct Case {
    WarmMode mode;
    uint64_t held;
    int locked;
  };
  for (const auto& each : {Case{WarmMode::kOff, 0, 0}, Case{WarmMode::kTouch, 0, 0},
                           Case{WarmMode::kPopulate, 4096, 0}, Case{WarmMode::kLock, 4096, 4}}) {
    CAPTURE(static_cast<int>(each.mode));
    room.warm.mode = each.mode;
    auto generation = room.ready("content");
    REQUIRE_MESSAGE(generation.has_value(), test::message_of(generation));
    CHECK((*generation)->warming().held() == each.held);
    CHECK(locked_kib() - before == each.locked);
    // A start has it adopted first.
    auto known = room.ready("content", kGoOn, true);
    REQUIRE(known.has_value());
    CHECK((*known)->warming().held() == 0);
    while (*(*known)->warm()) {
    }
    CHECK((*known)->warming().held() == each.held);
  }
  CHECK(locked_kib() == before);
}

TEST_CASE("cold memory is no matter where nothing is to be warm") {
  OpenRoom room;
  CHECK_FALSE(room.ready("cold").has_value());
  room.warm.mode = WarmMode::kOff;
  CHECK(room.ready("cold").has_value());
}

TEST_CASE("what is in a file is known before it is warm") {
  OpenRoom room;
  room.warm.mode = WarmMode::kPopulate;
  auto generation = room.open("content");
  REQUIRE_MESSAGE(generation.has_value(), test::message_of(generation));
  CHECK((*generation)->info().entries == 1);
  CHECK((*generation)->reader(0) != nullptr);
  CHECK((*generation)->warming().touched() == 0);
  CHECK((*generation)->warming().held() == 0);
  CHECK(room.open("cold").has_value());
}

TEST_CASE("where its storage does not know how many entries a file has the manifest tells") {
  OpenRoom room;
  room.noted = 7;
  CHECK((*room.open("content"))->info().entries == 1);
  CHECK((*room.open("many 10"))->info().entries == 7);
  room.noted.reset();
  CHECK((*room.open("many 10"))->info().entries == GOROMDB_UNKNOWN);
}

TEST_CASE("a key is looked up with a loop's reader, in its namespace") {
  OpenRoom room;
  auto generation = room.open("content");
  REQUIRE(generation.has_value());
  const int before = fake_count("get_calls");
  (*generation)->look_up(0, {"", "key", 1});
  (*generation)->look_up(1, {"space", "inner", 1});
  CHECK(fake_count("get_calls") - before == 2);
  (*generation)->look_up(1, {"nowhere", "inner", 1});  // there is nothing to look it up in
  CHECK(fake_count("get_calls") - before == 2);
}

TEST_CASE("a reader that its loop has closed is not closed again") {
  OpenRoom room;
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
    OpenRoom room;
    auto generation = room.ready(each.content);
    REQUIRE_FALSE(generation.has_value());
    CHECK(generation.error().message == each.message);
    CHECK(generation.error().kind == each.kind);
    check_all_closed();
  }
}

TEST_CASE("short memory is worth another try") {
  OpenRoom room;
  room.folder.write("data.db.trouble", "");
  auto generation = room.open("content");
  REQUIRE_FALSE(generation.has_value());
  CHECK(generation.error().kind == Error::Kind::kMemory);
  std::filesystem::remove(room.folder / "data.db.trouble");
  CHECK(room.open("content").has_value());
}

TEST_CASE("a server that stops gives up warming") {
  OpenRoom room;
  auto generation = room.ready("content", [](uint64_t, uint64_t) { return true; });
  REQUIRE_FALSE(generation.has_value());
  CHECK(generation.error().kind == Error::Kind::kCancelled);
  check_all_closed();
}

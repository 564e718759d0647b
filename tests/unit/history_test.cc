// SPDX-License-Identifier: MIT
// Kept data sets, refused contents, and what tools ask for by hand.
#include "core/files/history.h"

#include <doctest/doctest.h>

#include "tests/unit/temp_folder.hpp"

using namespace goromdb;
using test::contains;
using test::message_of;

namespace {

SlotNote note_of(uint64_t generation, const std::string& checksum = "") {
  SlotNote note;
  note.generation = generation;
  note.checksum = checksum.empty() ? fmt::format("md5:{}", generation) : checksum;
  if (checksum == "-") note.checksum.clear();
  note.size = 4;
  note.mtime_ns = 1'700'000'000'000'000'000;
  return note;
}

struct Store {
  test::TempFolder folder;
  KeptFiles kept{folder.path()};
  DatabaseConfig config;

  Store() {
    spdlog::set_level(spdlog::level::off);
    config.basedir = folder.path();
    config.file = folder / "in/data.json";
    config.keep = 3;
    std::filesystem::create_directory(folder / "in");
  }
  History history() { return {config, logger_for("words")}; }
  void keep(uint64_t generation, const std::string& checksum = "") {
    const auto data = folder.write("data00/data.db", std::to_string(generation));
    REQUIRE(message_of(kept.keep(data, note_of(generation, checksum))) == "");
    REQUIRE_FALSE(folder.has("data00/data.db"));
  }
  std::vector<uint64_t> generations() const {
    std::vector<uint64_t> all;
    for (const auto& each : kept.list()) all.push_back(each.generation);
    return all;
  }
};

using Generations = std::vector<uint64_t>;

}  // namespace

// ---- notes ----

TEST_CASE("a note is read as it was written, and an older one is a note too") {
  test::TempFolder folder;
  auto note = note_of(7);
  note.data_mtime_ns = -5;
  note.attempts = 2;
  note.entries = 0;
  note.source = "/a folder/with\na line end";
  note.rolled_back_to = 3;
  note.by_hand = true;
  note.adopted_at = "2026-01-01T00:00:00.000Z";
  REQUIRE(write_note(folder / "note", note).has_value());
  const auto read = *find_note(folder / "note");
  REQUIRE(read.has_value());
  CHECK(read->generation == 7);
  CHECK(read->checksum == "md5:7");
  CHECK(read->size == 4);
  CHECK(read->mtime_ns == note.mtime_ns);
  CHECK(read->data_mtime_ns == std::optional<int64_t>(-5));
  CHECK(read->data_time_ns() == -5);
  CHECK(read->attempts == 2);
  CHECK(read->entries == std::optional<uint64_t>(0));
  CHECK(read->source == "/a folder/with\\x0aa line end");
  CHECK(read->rolled_back_to == 3);
  CHECK(read->by_hand);
  CHECK(read->adopted_at == note.adopted_at);

  folder.write("old", "generation 5\nchecksum md5:00\nsize 1\nmtime_ns 2\n");
  const auto old = *find_note(folder / "old");
  REQUIRE(old.has_value());
  CHECK(old->generation == 5);
  CHECK(old->data_time_ns() == 2);
  CHECK_FALSE(old->entries.has_value());
  CHECK(old->rolled_back_to == 0);
  CHECK_FALSE(old->by_hand);
  CHECK_FALSE(find_note(folder / "none")->has_value());
}

// ---- kept data sets ----

TEST_CASE("kept data sets are listed newest first, and the oldest go") {
  Store store;
  CHECK(store.generations().empty());
  for (uint64_t generation : {9, 10, 11, 100}) store.keep(generation);
  CHECK(store.generations() == Generations{100, 11, 10, 9});
  CHECK(store.folder.read("kept/10.db") == "10");
  REQUIRE(store.kept.trim(2, "").has_value());
  CHECK(store.generations() == Generations{100, 11});
  CHECK_FALSE(store.folder.has("kept/10.db"));
  CHECK_FALSE(store.folder.has("kept/10.db.note"));
  REQUIRE(store.kept.trim(0, "").has_value());
  CHECK(store.generations().empty());
}

TEST_CASE("a content counts once among the kept ones, and the served one's copy yields") {
  struct Case {
    std::vector<std::string> sums;  // of generations 1, 2, ...; "-": without one
    size_t count;
    std::string served;
    Generations stay;
  };
  const std::vector<Case> cases = {
      {{"md5:a", "md5:b", "md5:b", "md5:b"}, 3, "md5:b", {4, 1}},
      {{"md5:a", "md5:b", "md5:b", "md5:b"}, 3, "md5:c", {4, 1}},
      {{"md5:a", "md5:b", "md5:a", "md5:b"}, 2, "md5:c", {4, 3}},
      {{"md5:a", "md5:b", "md5:c"}, 2, "md5:c", {2, 1}},
      {{"md5:a", "md5:b", "md5:c"}, 3, "md5:c", {3, 2, 1}},
      {{"md5:a", "md5:b"}, 1, "md5:b", {1}},
      {{"md5:b"}, 1, "md5:b", {1}},
      {{"md5:a", "md5:b", "md5:a", "md5:c"}, 2, "", {4, 3}},
      {{"-", "-", "-"}, 2, "", {3, 2}},  // as the Go program leaves them
      {{"md5:a", "sha256:a", "-"}, 3, "md5:a", {3, 2, 1}},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    const auto& [sums, count, served, stay] = cases[i];
    Store store;
    for (size_t generation = 1; generation <= sums.size(); ++generation) {
      store.keep(generation, sums[generation - 1]);
    }
    REQUIRE(store.kept.trim(count, served).has_value());
    CHECK(store.generations() == stay);
  }
}

TEST_CASE("what a crash left half done is no kept data set, and what is strange stays") {
  Store store;
  store.keep(4);
  store.folder.write("kept/5.db.note", store.folder.read("kept/4.db.note"));  // its file never came
  store.folder.write("kept/6.db.note.tmp", "half");
  store.folder.write("kept/7.db", "without a manifest");
  store.folder.write("kept/08.db", "mine");
  store.folder.write("kept/README", "mine, too");
  std::filesystem::create_directory(store.folder / "kept/8.db");
  store.folder.write("kept/8.db.note", store.folder.read("kept/4.db.note"));
  CHECK(store.generations() == Generations{4});
  REQUIRE(store.kept.trim(5, "").has_value());
  CHECK_FALSE(store.folder.has("kept/5.db.note"));
  CHECK_FALSE(store.folder.has("kept/6.db.note.tmp"));
  for (const char* name : {"4.db", "4.db.note", "7.db", "08.db", "8.db", "README"}) {
    CAPTURE(name);
    CHECK(store.folder.has(fmt::format("kept/{}", name)));
  }
}

TEST_CASE("a data set that cannot be kept stays where it was") {
  Store store;
  const auto data = store.folder.write("data00/data.db", "data");
  SUBCASE("because the folder is a file") {
    store.folder.write("kept", "");
    CHECK(contains(message_of(store.kept.keep(data, note_of(1))),
                   "must be a folder of its own, not a file"));
  }
  SUBCASE("because the folder is a link") {
    std::filesystem::create_directory_symlink(store.folder / "in", store.folder / "kept");
    CHECK(contains(message_of(store.kept.keep(data, note_of(1))), "not a symbolic link"));
  }
  SUBCASE("because it cannot be moved") {
    std::filesystem::create_directories(store.folder / "kept/1.db");
    CHECK(contains(message_of(store.kept.keep(data, note_of(1))), "cannot move "));
    CHECK_FALSE(store.folder.has("kept/1.db.note"));
  }
  CHECK(store.folder.read("data00/data.db") == "data");
}

// ---- refused contents ----

TEST_CASE("a refusal outlives the process and ends with the next data set") {
  Store store;
  const auto served = note_of(5);
  {
    auto history = store.history();
    history.recover(&served);
    CHECK(history.why_not(note_of(6, "md5:bad")).empty());
    history.refuse(note_of(6, "md5:bad"), 5, "page 7\nis damaged");
    CHECK(history.why_not(note_of(6, "md5:bad")) == "page 7\\x0ais damaged");
  }
  auto history = store.history();
  history.recover(&served);
  CHECK(history.why_not(note_of(6, "md5:bad")) == "page 7\\x0ais damaged");
  CHECK(history.why_not(note_of(6, "md5:good")).empty());
  SUBCASE("that has been adopted") {
    history.another_has_come();
    CHECK(history.why_not(note_of(6, "md5:bad")).empty());
    CHECK_FALSE(store.folder.has("refused"));
  }
  SUBCASE("that had been adopted when the crash came") {
    const auto next = note_of(6);
    history.recover(&next);
    CHECK(history.why_not(note_of(7, "md5:bad")).empty());
  }
  SUBCASE("but not with a rollback") {
    auto next = note_of(6);
    next.rolled_back_to = 4;
    history.recover(&next);
    CHECK_FALSE(history.why_not(note_of(7, "md5:bad")).empty());
  }
}

TEST_CASE("what is asked for by hand is opened by a start although it is refused") {
  Store store;
  auto history = store.history();
  history.refuse(note_of(6, "md5:bad"), 5, "bad");
  auto note = note_of(6, "md5:bad");
  CHECK_FALSE(history.why_not(note).empty());
  note.by_hand = true;
  CHECK(history.why_not(note).empty());
  note.by_hand = false;
  note.rolled_back_to = 4;
  CHECK(history.why_not(note).empty());
}

TEST_CASE("a rollback refuses what it ends and takes back what was said of what it goes to") {
  Store store;
  auto history = store.history();
  auto to = note_of(7, "md5:to");
  const auto from = note_of(6, "md5:from");
  history.refuse(note_of(5, "md5:to"), 4, "it was rolled back");
  history.roll_back(to, &from);
  CHECK(history.why_not(note_of(8, "md5:to")).empty());
  CHECK(history.why_not(note_of(8, "md5:from")) == "it was rolled back, generation 6");
  SUBCASE("but not the same content") {
    auto again = store.history();
    again.roll_back(to, &to);
    CHECK(again.why_not(note_of(8, "md5:to")).empty());
  }
  SUBCASE("nor one whose file went bad") {
    auto again = store.history();
    again.roll_back(to, nullptr);
    CHECK(again.why_not(note_of(8, "md5:other")).empty());
  }
}

TEST_CASE("rejections do not make a server forget what was rolled back") {
  Store store;
  {
    auto history = store.history();
    const auto from = note_of(6, "md5:from");
    history.roll_back(note_of(7, "md5:to"), &from);
    for (uint64_t i = 0; i < 70; ++i)
      history.refuse(note_of(8, fmt::format("md5:bad{}", i)), 7, "");
  }
  auto history = store.history();
  history.recover(nullptr);
  CHECK(history.why_not(note_of(8, "md5:from")) == "it was rolled back, generation 6");
  CHECK(Refusals::read(store.folder.path()).size() == Refusals::kMost + 1);
  for (uint64_t i = 0; i < 70; ++i) {
    const auto each = note_of(9 + i);
    history.roll_back(note_of(7, "md5:to"), &each);
  }
  CHECK(history.why_not(note_of(8, "md5:from")).empty());
  CHECK(Refusals::read(store.folder.path()).size() == 2 * Refusals::kMost);
}

TEST_CASE("a candidate is refused also where `verify` was something else when its content was") {
  Store store;
  auto history = store.history();
  Candidate candidate;
  candidate.file = store.folder.write("data", "content");
  candidate.data = test::identity_of(candidate.file);
  candidate.kind = SumKind::kSha256;
  auto admit = [&] {
    return history.admit(candidate, "sha256:x", nullptr, [](uint64_t, uint64_t) { return false; });
  };
  history.refuse(note_of(5, "md5:another"), 4, "bad");
  REQUIRE(admit().has_value());
  history.refuse(note_of(6, "md5:9a0364b9e99bb480dd25e1f0284c8555"), 5, "it is bad");
  const auto refused = admit();
  REQUIRE_FALSE(refused.has_value());
  CHECK(contains(refused.error().message, "it is bad"));
  store.folder.write("data", "content of another");
  CHECK(admit().error().kind == Error::Kind::kChanged);
}

TEST_CASE("a candidate is refused by its content or its age, and taken when it is asked for") {
  Store store;
  auto history = store.history();
  const auto current = note_of(5);
  Candidate candidate;
  candidate.file = store.config.file;
  candidate.data.mtime_ns = current.mtime_ns - 1'000'000;
  auto admitted = history.admit(candidate, "md5:a", &current, {});
  REQUIRE(admitted.has_value());
  CHECK_FALSE(*admitted);

  history.refuse(note_of(6, "md5:a"), 5, "bad");
  admitted = history.admit(candidate, "md5:a", &current, {});
  REQUIRE_FALSE(admitted.has_value());
  CHECK(admitted.error().kind == Error::Kind::kRejected);
  CHECK(contains(admitted.error().message, ": bad; publish another, or this one with --again"));
  REQUIRE(ask_again(store.config.file, "md5:b").has_value());
  CHECK_FALSE(history.admit(candidate, "md5:a", &current, {}).has_value());
  REQUIRE(ask_again(store.config.file, "md5:a").has_value());
  admitted = history.admit(candidate, "md5:a", &current, {});
  REQUIRE(admitted.has_value());
  CHECK(*admitted);
  history.taken("md5:b");
  CHECK(history.admit(candidate, "md5:a", &current, {}).has_value());
  history.taken("md5:a");
  CHECK_FALSE(history.admit(candidate, "md5:a", &current, {}).has_value());

  store.config.only_newer = true;
  CHECK(message_of(history.admit(candidate, "md5:c", &current, {})) ==
        store.config.file +
            ": it is of 2023-11-14T22:13:19.999Z, older than generation 5, which is of "
            "2023-11-14T22:13:20.000Z; only_newer is set; publish a newer one, or this one with "
            "--again");
  CHECK(history.admit(candidate, "md5:c", nullptr, {}).has_value());
  candidate.data.mtime_ns = current.mtime_ns;
  CHECK(history.admit(candidate, "md5:c", &current, {}).has_value());
}

TEST_CASE("a candidate is as old as its data, whatever the time of the served file is by now") {
  Store store;
  store.config.only_newer = true;
  auto history = store.history();
  auto current = note_of(5);
  const auto made = current.mtime_ns;
  current.data_mtime_ns = made;
  Candidate candidate;
  candidate.file = store.config.file;
  for (const int64_t touched : {made - 1'000'000'000'000, made + 1'000'000'000'000}) {
    current.mtime_ns = touched;
    candidate.data.mtime_ns = made;
    CHECK(history.admit(candidate, "md5:a", &current, {}).has_value());
    candidate.data.mtime_ns = made - 1'000'000;
    CHECK(test::contains(message_of(history.admit(candidate, "md5:a", &current, {})),
                         "which is of 2023-11-14T22:13:20.000Z; only_newer is set"));
  }
}

TEST_CASE("an old candidate is taken where it is asked for by hand") {
  Store store;
  store.config.only_newer = true;
  auto history = store.history();
  const auto current = note_of(5);
  Candidate candidate;
  candidate.file = store.config.file;
  candidate.data.mtime_ns = current.mtime_ns - 1'000'000;
  REQUIRE(ask_again(store.config.file, "md5:a").has_value());
  CHECK_FALSE(history.admit(candidate, "md5:b", &current, {}).has_value());
  const auto admitted = history.admit(candidate, "md5:a", &current, {});
  REQUIRE_MESSAGE(admitted.has_value(), message_of(admitted));
  CHECK_FALSE(*admitted);  // its content is not refused
  history.taken("md5:a");
  CHECK_FALSE(history.admit(candidate, "md5:a", &current, {}).has_value());
}

// ---- by hand ----

TEST_CASE("a rollback that does not say where to goes to the newest that is no mistake") {
  const std::vector<SlotNote> kept = {note_of(5, "md5:e"), note_of(4, "md5:d"),
                                      note_of(3, "md5:c")};
  auto to = [&](const std::vector<Refusal>& refused, const std::string& served) {
    const auto* found = default_rollback(kept, refused, served);
    return found == nullptr ? 0 : found->generation;
  };
  CHECK(to({}, "md5:f") == 5);
  CHECK(to({}, "md5:e") == 4);
  CHECK(to({{"md5:d", 6, "", ""}}, "md5:e") == 3);
  CHECK(to({{"md5:d", 6, "", ""}, {"md5:c", 6, "", ""}}, "md5:e") == 0);
}

TEST_CASE("a request is answered by what it asks for, or why not") {
  Store store;
  store.keep(4);
  auto history = store.history();
  const auto served = note_of(5);
  CHECK(contains(message_of(history.asked_for(&served)), "cannot open "));
  REQUIRE(ask_for_rollback(store.config.file, {5, 4}).has_value());
  auto asked = history.asked_for(&served);
  REQUIRE_MESSAGE(asked.has_value(), message_of(asked));
  CHECK(asked->generation == 4);
  CHECK(message_of(history.asked_for(nullptr)) ==
        "generation 0 is served by now, not 5; look what it is and ask again");
  REQUIRE(ask_for_rollback(store.config.file, {5, 3}).has_value());
  CHECK(contains(message_of(history.asked_for(&served)), "generation 3 is not kept"));
  history.answered();
  CHECK_FALSE(store.folder.has("in/.data.json.rollback"));
}

TEST_CASE(
    "a start tidies up what is kept, and takes nothing away that is not to be kept any more") {
  Store store;
  CHECK(store.history().recover(nullptr) == 0);
  for (uint64_t generation : {4, 5, 6}) store.keep(generation);
  store.config.keep = 0;
  CHECK(store.history().recover(nullptr) == 6);
  CHECK(store.generations() == Generations{6, 5, 4});
  store.config.keep = 2;
  CHECK(store.history().recover(nullptr) == 6);
  CHECK(store.generations() == Generations{6, 5});
}

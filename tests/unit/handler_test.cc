// SPDX-License-Identifier: MIT
// A database without a server: a drop folder, a store, the plugin of fake_plugin.cc, and one loop
// that adopts at once.
#include "core/reload/handler.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "core/files/by_hand.h"
#include "core/files/status_file.h"
#include "tests/unit/fake_plugin.hpp"
#include "tests/unit/temp_folder.hpp"
#include "tests/unit/uv_room.hpp"

using namespace goromdb;
using test::message_of;

namespace {

std::string md5_of(const std::string& content) {
  Digest digest(SumKind::kMd5);
  digest.update(content);
  return digest.hex();
}

struct House {
  test::TempFolder folder;
  DatabaseConfig config;

  House() {
    config.name = "words";
    config.file = folder / "in/data.json";
    config.basedir = folder / "store";
    config.poll_interval_ms = 20;
    std::filesystem::create_directory(folder / "in");
  }
  void drop(const std::string& content) {
    folder.write("aside", content);
    std::filesystem::rename(folder / "aside", config.file);
    folder.write("in/data.json.md5", md5_of(content) + "\n");
  }
  // Another content of the same size and time.
  void overwrite(const std::string& name, const std::string& content) {
    const auto path = folder / name;
    const auto time = std::filesystem::last_write_time(path);
    std::filesystem::permissions(path, std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    folder.write(name, content);
    std::filesystem::last_write_time(path, time);
  }
  std::string data(int slot) {
    return folder.read("store/" + Loader::slot_name(slot) + "/data.db");
  }
  void fill(int slot, uint64_t generation, const std::string& content) {
    const auto name = "store/" + Loader::slot_name(slot) + "/data.db";
    const auto mtime = test::identity_of(folder.write(name, content)).mtime_ns;
    folder.write(name + ".note",
                 fmt::format("generation {}\nchecksum md5:{}\nsize {}\nmtime_ns {}\nattempts 0\n",
                             generation, md5_of(content), content.size(), mtime));
  }
  StoreStatus shown() { return read_status(config.basedir).value_or(StoreStatus{}); }
  void point(int slot, uint64_t generation) {
    folder.write("store/current",
                 fmt::format("slot {}\ngeneration {}\n", Loader::slot_name(slot), generation));
  }
};

// From a start of the server to its end.
struct Run {
  House& house;
  test::UvRoom uv;
  Metrics metrics{1};
  Mailbox mailbox{uv.loop()};
  std::unique_ptr<Handler> handler;
  std::shared_ptr<Generation> served;
  bool stuck_loop = false;     // it does not adopt
  std::function<void()> late;  // says that the stuck loop has adopted, after all
  bool stopped = false;

  explicit Run(House& of) : house(of) {
    spdlog::set_level(spdlog::level::off);
    handler = std::make_unique<Handler>(
        0, house.config, test::fake_storage(metrics, 1), 1, uv.loop(), mailbox,
        [this](std::vector<Adoption> adoptions) {
          auto& adoption = adoptions.at(0);
          if (served) served->close_reader(0);
          served = adoption.generation;
          if (stuck_loop) {
            late = adoption.adopted;
            return;
          }
          adoption.adopted();
          mailbox.post(std::move(adoption.released));
        },
        [] {});
    const auto locked = handler->lock();
    REQUIRE_MESSAGE(locked.has_value(), message_of(locked));
    handler->start();
  }
  void stop() {
    if (!std::exchange(stopped, true)) handler->stop();
  }
  ~Run() {
    stop();
    late = nullptr;  // it holds the generation
    mailbox.close();
    if (served) served->close_reader(0);
    served.reset();
    handler->close_generation();
    uv.run_until([&] { return test::fake_count("open_generations") == 0; });
    CHECK(test::fake_count("open_readers") == 0);
    CHECK(test::fake_count("open_generations") == 0);
    handler.reset();
  }

  bool until(const std::function<bool(const DatabaseStatus&)>& happened) {
    return uv.run_until([&] { return happened(handler->status()); });
  }
  bool until_shown(const std::function<bool(const StoreStatus&)>& happened) {
    return uv.run_until([&] { return happened(house.shown()); });
  }
  bool until_generation(uint64_t id) {
    return until([id](const DatabaseStatus& s) { return s.generation >= id; });
  }
  bool until_rejections(uint64_t n) {
    return until([n](const DatabaseStatus& s) { return s.rejections >= n; });
  }
  bool until_failures(uint64_t n) {
    return until([n](const DatabaseStatus& s) { return s.failures >= n; });
  }
};

}  // namespace

TEST_CASE("drop after drop becomes a generation, in turns of the slots") {
  House house;
  Run run(house);
  for (uint64_t id = 1; id <= 4; ++id) {
    const auto content = "content " + std::to_string(id);
    house.drop(content);
    REQUIRE(run.until_generation(id));
    CHECK(run.handler->status().ready);
    CHECK(run.handler->status().checksum == "md5:" + md5_of(content));
    const int slot = static_cast<int>(id + 1) % 2;
    CHECK(house.data(slot) == content);
    REQUIRE(run.uv.run_until([&] { return house.data(1 - slot).empty(); }));
  }
  CHECK(run.handler->status().loads == 4);
  CHECK(run.handler->status().rejections == 0);
}

TEST_CASE("what the loops read most is looked up in the next generation before they have it") {
  House house;
  Run run(house);
  house.drop("one");
  REQUIRE(run.until_generation(1));
  const int before = test::fake_count("get_calls");
  run.handler->hot_keys()->note(0, "", "key");
  run.handler->hot_keys()->note(0, "space", "inner");
  house.drop("two");
  REQUIRE(run.until_generation(2));
  CHECK(test::fake_count("get_calls") == before + 2);
}

TEST_CASE("where nothing is to be warm nobody counts what is read") {
  House house;
  house.config.warm.mode = WarmMode::kOff;
  Run run(house);
  CHECK(run.handler->hot_keys() == nullptr);
  house.drop("one");
  REQUIRE(run.until_generation(1));
}

TEST_CASE("page faults of the loops are counted for the first second of a generation") {
  House house;
  Run run(house);
  FaultCount now{100, 5};  // of a loop that has had some before
  int counted = 0;
  run.handler->count_faults_by([&](const auto& tell) {
    ++counted;
    tell(now);
  });
  house.drop("one");
  REQUIRE(run.until_generation(1));
  now = {130, 7};
  REQUIRE(run.until([](const DatabaseStatus& s) { return s.cold_faults.minor > 0; }));
  CHECK(run.handler->status().cold_faults.minor == 30);
  CHECK(run.handler->status().cold_faults.major == 2);
  CHECK(counted == 2);
  // A generation that comes at once ends the one before it.
  house.drop("two");
  REQUIRE(run.until_generation(2));
  now = {140, 8};
  house.drop("three");
  REQUIRE(run.until_generation(3));
  CHECK(run.handler->status().cold_faults.minor == 40);
  CHECK(run.handler->status().cold_faults.major == 3);
}

TEST_CASE("a restart serves what was adopted, in the same generation") {
  House house;
  house.fill(1, 41, "content");
  house.point(1, 41);
  Run run(house);
  REQUIRE(run.until([](const DatabaseStatus& s) { return s.ready; }));
  CHECK(run.handler->status().generation == 41);
  house.drop("next");
  REQUIRE(run.until_generation(42));
}

TEST_CASE("a loop that adopts behind the stop disturbs nothing") {
  House house;
  house.fill(0, 3, "one");
  house.point(0, 3);
  Run run(house);
  run.stuck_loop = true;
  REQUIRE(run.uv.run_until([&] { return run.late != nullptr; }));
  run.stop();
  run.late();
  CHECK(run.handler->status().generation == 3);
}

TEST_CASE("a newer data set that a crash kept from being adopted is adopted after the served one") {
  House house;
  house.fill(0, 7, "served");
  house.point(0, 7);
  house.fill(1, 8, "newer");
  Run run(house);
  REQUIRE(run.until_generation(8));
  CHECK(run.handler->status().loads == 2);
  REQUIRE(run.uv.run_until([&] { return house.data(0).empty(); }));
}

TEST_CASE("a bad file is kept aside with the reason and the served one stays") {
  House house;
  Run run(house);
  house.drop("good");
  REQUIRE(run.until_generation(1));
  house.drop("corrupt");
  REQUIRE(run.until_rejections(1));
  CHECK(house.folder.read("store/data01/data.db.rejected") == "corrupt");
  CHECK(house.folder.read("store/data01/data.db.rejected.reason") == "bad magic number\n");
  CHECK(house.data(0) == "good");
  CHECK(run.handler->status().generation == 1);
  house.drop("better");
  REQUIRE(run.until_generation(2));
}

TEST_CASE("a file without entries is rejected unless they may be missing") {
  House house;
  SUBCASE("by default") {
    Run run(house);
    house.drop("empty");
    REQUIRE(run.until_rejections(1));
    CHECK_FALSE(run.handler->status().ready);
  }
  SUBCASE("when it is allowed") {
    house.config.min_entries = 0;
    Run run(house);
    house.drop("empty");
    REQUIRE(run.until_generation(1));
  }
}

TEST_CASE("trouble of the machine is tried again until it has passed") {
  House house;
  Run run(house);
  house.folder.write("store/data00/data.db.trouble", "");
  house.drop("content");
  REQUIRE(run.until_failures(8));  // more often than a file may end the server
  CHECK(run.handler->status().rejections == 0);
  std::filesystem::remove(house.folder / "store/data00/data.db.trouble");
  REQUIRE(run.until_generation(1));
}

TEST_CASE("a file that ended the server three times is set aside and the start goes on") {
  House house;
  house.fill(0, 1, "content");
  const auto note = house.folder.read("store/data00/data.db.note");
  house.folder.write("store/data00/data.db.note",
                     note.substr(0, note.find("attempts")) + "attempts 3\n");
  Run run(house);
  REQUIRE(run.until_rejections(1));
  CHECK(house.folder.has("store/data00/data.db.rejected"));
  house.drop("better");
  REQUIRE(run.until_generation(2));
}

// ---- what the status file tells ----

TEST_CASE("the status tells of a server without a data set, then of the one that is served") {
  House house;
  house.folder.write("store/status", "pid: 1\ngeneration: 7\nchecksum: md5:old\n");
  Run run(house);
  REQUIRE(run.until_shown([](const StoreStatus& s) { return s.pid == getpid(); }));
  StoreStatus nothing;
  nothing.pid = getpid();
  CHECK(house.shown() == nothing);
  house.drop("content");
  REQUIRE(run.until_shown([](const StoreStatus& s) { return s.generation == 1; }));
  CHECK(house.shown().checksum == "md5:" + md5_of("content"));
  CHECK(house.shown().entries == run.handler->status().info.entries);
  CHECK(house.shown().adopted_at.ends_with("Z"));
  CHECK_FALSE(house.shown().rejected);
  CHECK(house.shown().trouble.empty());
}

TEST_CASE("the status tells of no data set before every loop has adopted it") {
  House house;
  {
    Run run(house);
    run.stuck_loop = true;
    house.drop("content");
    REQUIRE(run.uv.run_until([&] { return run.served != nullptr; }));
  }  // all that was to be written has been
  CHECK(house.shown().pid == getpid());
  CHECK(house.shown().generation == 0);
  CHECK(house.shown().checksum.empty());
}

TEST_CASE("the status tells the checksum of a rejected file where its content is known") {
  House house;
  std::string checksum = "md5:" + md5_of("corrupt"), reason = "bad magic number";
  SUBCASE("dropped") { house.drop("corrupt"); }
  SUBCASE("found in the store") { house.fill(0, 1, "corrupt"); }
  SUBCASE("not the file that its sum says") {
    house.drop("corrupt");
    house.folder.write("in/data.json.md5", md5_of("another") + "\n");
    checksum.clear();
    reason = "its MD5 is " + md5_of("corrupt");
  }
  Run run(house);
  REQUIRE(run.until_shown([](const StoreStatus& s) { return s.rejected.has_value(); }));
  CHECK(house.shown().rejected->checksum == checksum);
  CHECK(house.shown().rejected->reason.find(reason) != std::string::npos);
  CHECK(house.shown().generation == 0);
}

TEST_CASE("a restart still tells what was rejected last") {
  House house;
  {
    Run run(house);
    house.drop("corrupt");
    REQUIRE(run.until_shown([](const StoreStatus& s) { return s.rejected.has_value(); }));
  }
  const auto before = house.shown().rejected;
  Run run(house);
  CHECK(run.handler->status().last_rejection == before->reason);
  CHECK(run.handler->status().rejections == 0);
  house.drop("content");
  REQUIRE(run.until_shown([](const StoreStatus& s) { return s.generation > 0; }));
  CHECK(house.shown().rejected == before);
}

TEST_CASE("the same file rejected again is another rejection") {
  House house;
  Run run(house);
  house.drop("corrupt");
  REQUIRE(run.until_shown([](const StoreStatus& s) { return s.rejected.has_value(); }));
  const auto first = house.shown().rejected;
  house.drop("corrupt");
  REQUIRE(run.until_rejections(2));
  REQUIRE(run.until_shown([&](const StoreStatus& s) { return s.rejected != first; }));
  CHECK(house.shown().rejected->checksum == first->checksum);
}

TEST_CASE("the status tells what keeps a drop from being taken for as long as it does") {
  House house;
  Run run(house);
  const auto in_the_way = house.folder / "store/data00/data.db.note.tmp";
  std::filesystem::create_directory(in_the_way);  // as a full disk
  house.drop("content");
  REQUIRE(run.until_shown([](const StoreStatus& s) { return !s.trouble.empty(); }));
  CHECK(house.shown().trouble.find("data.db.note.tmp") != std::string::npos);
  SUBCASE("until it is taken") {
    std::filesystem::remove(in_the_way);
    REQUIRE(run.until_shown([](const StoreStatus& s) { return s.generation == 1; }));
    CHECK(house.shown().trouble.empty());
  }
  SUBCASE("until it has been taken away") {
    std::filesystem::remove(house.config.file);
    REQUIRE(run.until_shown([](const StoreStatus& s) { return s.trouble.empty(); }));
  }
}

TEST_CASE("a status that cannot be written keeps nobody from serving and is written later") {
  House house;
  std::filesystem::create_directories(house.folder / "store/status.tmp");
  Run run(house);
  house.drop("content");
  REQUIRE(run.until_generation(1));
  CHECK_FALSE(house.folder.has("store/status"));
  CHECK(run.handler->status().failures == 0);
  std::filesystem::remove(house.folder / "store/status.tmp");
  REQUIRE(run.until_shown([](const StoreStatus& s) { return s.generation == 1; }));
}

TEST_CASE("a status is read as it was written, whatever its texts are") {
  test::TempFolder folder;
  StoreStatus status{.pid = 12,
                     .generation = 3,
                     .checksum = "md5:00",
                     .entries = 0,
                     .adopted_at = utc_now(),
                     .rejected = StoreStatus::Rejected{"", utc_now(), ""},
                     .trouble = ""};
  for (const char* text : {"a: b # c", "\"quoted\" 'twice'", "two\nlines\r\n\ttab", "{[*&!|>%@`",
                           "- ~", "null", "\x01\x7f", "gr\xc3\xbc\xc3\x9f dich", "\\u0041\\"}) {
    CAPTURE(text);
    status.rejected->reason = status.trouble = text;
    REQUIRE(write_status(folder / "", status));
    const auto read = read_status(folder / "");
    REQUIRE_MESSAGE(read.has_value(), message_of(read));
    CHECK(*read == status);
  }
  status.trouble = "no \xff UTF-8";
  REQUIRE(write_status(folder / "", status));
  CHECK(read_status(folder / "").value_or(StoreStatus{}).trouble == "no \xef\xbf\xbd UTF-8");
}

TEST_CASE("what is no status is refused") {
  test::TempFolder folder;
  CHECK(read_status(folder / "").error().kind == Error::Kind::kFailure);
  for (const char* text :
       {"", "x", "[1]", "pid: x\ngeneration: 1\n", "pid: 1\n", "{", "pid: 1\n\tx"}) {
    CAPTURE(text);
    folder.write("status", text);
    const auto read = read_status(folder / "");
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().kind == Error::Kind::kRejected);
  }
}

// ---- what must not happen ----

TEST_CASE("the only good data set is not overwritten while the machine keeps it from opening") {
  House house;
  house.fill(0, 7, "the only good one");
  house.point(0, 7);
  house.folder.write("store/data00/data.db.trouble", "");
  Run run(house);
  REQUIRE(run.until_failures(1));
  house.drop("corrupt");
  CHECK(run.uv.run_until([&] { return run.handler->status().rejections >= 1; }));
  CHECK(house.data(0) == "the only good one");
  std::filesystem::remove(house.folder / "store/data00/data.db.trouble");
  CHECK(run.uv.run_until([&] { return run.handler->status().generation == 7; }));
}

TEST_CASE("a start serves the adopted data set though the pointer cannot be written") {
  House house;
  house.fill(0, 7, "content");
  house.point(0, 7);
  std::filesystem::create_directory(house.folder / "store/current.tmp");  // as a full disk
  Run run(house);
  CHECK(run.uv.run_until([&] { return run.handler->status().generation == 7; }));
}

TEST_CASE("a good file is not set aside because the pointer cannot be written") {
  House house;
  Run run(house);
  house.drop("first");
  REQUIRE(run.until_generation(1));
  std::filesystem::create_directory(house.folder / "store/current.tmp");  // as a full disk
  house.drop("second");
  REQUIRE(run.until([](const DatabaseStatus& s) { return s.failures >= 8 || s.rejections > 0; }));
  CHECK(run.handler->status().rejections == 0);
  std::filesystem::remove(house.folder / "store/current.tmp");
  CHECK(run.uv.run_until([&] { return run.handler->status().generation == 2; }));
}

TEST_CASE("a recovery that failed is tried again") {
  House house;
  house.fill(0, 7, "content");
  house.point(0, 7);
  house.folder.write("store/data01/data.db.note/inside", "x");  // no recovery can remove it
  Run run(house);
  REQUIRE(run.uv.run_until([&] {
    const auto status = run.handler->status();
    return status.failures >= 1 || status.ready;
  }));
  std::filesystem::remove_all(house.folder / "store/data01/data.db.note");
  CHECK(run.uv.run_until([&] { return run.handler->status().generation == 7; }));
}

TEST_CASE("the sum of a file that was taken in the instant of a crash goes with the next start") {
  House house;
  house.fill(0, 7, "served");
  house.point(0, 7);
  house.fill(1, 8, "taken");
  house.folder.write("in/data.json.md5", md5_of("taken") + "\n");
  Run run(house);
  REQUIRE(run.until_generation(8));
  CHECK_FALSE(house.folder.has("in/data.json.md5"));
}

TEST_CASE("a generation's number grows though the store was emptied") {
  House house;
  house.point(0, 7);
  Run run(house);
  house.drop("content");
  REQUIRE(run.until([](const DatabaseStatus& s) { return s.ready; }));
  CHECK(run.handler->status().generation > 7);
}

TEST_CASE("a drop that cannot be taken is tried again though an earlier one waits in its slot") {
  House house;
  Run run(house);
  house.folder.write("store/data00/data.db.trouble", "");
  house.drop("first");
  REQUIRE(run.until_failures(1));
  for (const char* slot : {"data00", "data01"}) {  // as a full disk
    std::filesystem::create_directory(house.folder /
                                      (std::string("store/") + slot + "/data.db.note.tmp"));
  }
  house.drop("second");
  const auto failures = run.handler->status().failures;
  REQUIRE(run.until_failures(failures + 4));
  for (const char* slot : {"data00", "data01"}) {
    std::filesystem::remove(house.folder / (std::string("store/") + slot + "/data.db.note.tmp"));
  }
  std::filesystem::remove(house.folder / "store/data00/data.db.trouble");
  CHECK(run.uv.run_until(
      [&] { return run.handler->status().checksum == "md5:" + md5_of("second"); }));
}

// ---- kept data sets ----

namespace {

std::vector<uint64_t> kept_in(const House& house) {
  std::vector<uint64_t> all;
  for (const auto& each : KeptFiles(house.config.basedir).list()) all.push_back(each.generation);
  return all;
}
using Generations = std::vector<uint64_t>;

// Generation 2 is served, 1 is kept.
void load_two(Run& run) {
  for (uint64_t id = 1; id <= 2; ++id) {
    run.house.drop("content " + std::to_string(id));
    REQUIRE(run.until_generation(id));
  }
  REQUIRE(run.uv.run_until([&] { return kept_in(run.house) == Generations{1}; }));
}

// As a full disk: no note can be written for the slot that is free after load_two().
class FullSlot {
 public:
  explicit FullSlot(const House& house) : path_(house.folder / "store/data00/data.db.note.tmp") {
    std::filesystem::create_directory(path_);
  }
  ~FullSlot() { std::filesystem::remove(path_); }

 private:
  const std::string path_;
};

}  // namespace

TEST_CASE("a generation that went bad is followed by the kept one, and set aside") {
  House house;
  house.config.keep = 2;
  Run run(house);
  for (uint64_t id = 1; id <= 3; ++id) {
    house.drop("content " + std::to_string(id));
    REQUIRE(run.until_generation(id));
  }
  REQUIRE(run.uv.run_until([&] { return kept_in(house) == Generations{2, 1}; }));
  run.handler->fall_back(2, "an old story");
  run.handler->fall_back(3, "somebody cut it");
  run.handler->fall_back(3, "somebody cut it");
  REQUIRE(run.until_generation(4));
  CHECK(run.handler->status().rolled_back_to == 2);
  CHECK(run.handler->status().checksum == "md5:" + md5_of("content 2"));
  REQUIRE(
      run.uv.run_until([&] { return house.folder.has("store/data00/data.db.rejected.reason"); }));
  CHECK(house.folder.read("store/data00/data.db.rejected") == "content 3");
  CHECK(house.folder.read("store/data00/data.db.rejected.reason") == "somebody cut it\n");
  CHECK(kept_in(house) == Generations{1});
  // Its content had been good.
  house.drop("content 3");
  REQUIRE(run.until_generation(5));
  CHECK(run.handler->status().rolled_back_to == 0);
}

TEST_CASE("a generation that goes bad while another is loaded matters no more") {
  House house;
  house.config.keep = 2;
  Run run(house);
  for (uint64_t id = 1; id <= 2; ++id) {
    house.drop("content " + std::to_string(id));
    REQUIRE(run.until_generation(id));
  }
  REQUIRE(run.uv.run_until([&] { return kept_in(house) == Generations{1}; }));
  run.stuck_loop = true;
  house.drop("content 3");
  REQUIRE(run.uv.run_until([&] { return run.late != nullptr; }));
  run.handler->fall_back(2, "somebody cut it");
  run.stuck_loop = false;
  run.late();
  REQUIRE(run.until_generation(3));
  house.drop("content 4");
  REQUIRE(run.until_generation(4));
  CHECK(run.handler->status().rolled_back_to == 0);
}

TEST_CASE("a generation that goes bad while nothing is kept goes on being served") {
  House house;
  Run run(house);
  house.drop("content");
  REQUIRE(run.until_generation(1));
  run.handler->fall_back(1, "somebody cut it");
  house.drop("next");
  REQUIRE(run.until_generation(2));
  CHECK(run.handler->status().loads == 2);
}

TEST_CASE("kept data sets that do not open are set aside until one does") {
  House house;
  house.config.keep = 3;
  Run run(house);
  for (const char* content : {"content 1", "content 2", "content 3", "content 4"}) {
    house.drop(content);
    const auto before = run.handler->status().generation;
    REQUIRE(run.until_generation(before + 1));
  }
  REQUIRE(run.uv.run_until([&] { return kept_in(house) == Generations{3, 2, 1}; }));
  for (int generation : {3, 2}) {
    house.folder.write(fmt::format("store/kept/{}.db", generation), "corrupt");
  }
  run.handler->fall_back(4, "somebody cut it");
  REQUIRE(run.until_generation(5));
  CHECK(run.handler->status().rolled_back_to == 1);
  CHECK(run.handler->status().rejections == 2);
  CHECK(kept_in(house).empty());
}

TEST_CASE("going back from a bad generation is tried again while the machine is in the way") {
  House house;
  house.config.keep = 1;
  Run run(house);
  load_two(run);
  {
    const FullSlot full(house);
    run.handler->fall_back(2, "somebody cut it");
    REQUIRE(run.until_failures(3));
    CHECK(run.handler->status().generation == 2);
    CHECK(house.shown().trouble.find("data.db.note.tmp") != std::string::npos);
    CHECK(kept_in(house) == Generations{1});
  }
  REQUIRE(run.until_generation(3));
  CHECK(run.handler->status().rolled_back_to == 1);
  CHECK(run.until_shown([](const StoreStatus& s) { return s.trouble.empty(); }));
}

TEST_CASE("going back is tried no more when a new data set is served") {
  House house;
  house.config.keep = 1;
  Run run(house);
  load_two(run);
  const auto kept = house.folder / "store/kept", aside = house.folder / "store/kept.aside";
  std::filesystem::rename(kept, aside);
  std::filesystem::create_symlink(kept, kept);  // it cannot be read, not even by root
  run.handler->fall_back(2, "somebody cut it");
  REQUIRE(run.until_failures(2));
  CHECK(house.shown().trouble.find("cannot read the folder") != std::string::npos);
  house.drop("content 3");
  REQUIRE(run.until_generation(3));
  std::filesystem::remove(kept);
  std::filesystem::rename(aside, kept);
  house.drop("content 4");
  REQUIRE(run.until_generation(4));
  CHECK(run.handler->status().loads == 4);
  CHECK(run.handler->status().rolled_back_to == 0);
}

TEST_CASE("a start that cannot go back to a kept data set tries it again") {
  House house;
  house.config.keep = 1;
  {
    Run run(house);
    load_two(run);
  }
  house.folder.write("store/data01/data.db", "corrupt");
  std::optional<FullSlot> full(house);
  Run run(house);
  REQUIRE(run.until_failures(2));
  CHECK_FALSE(run.handler->status().ready);
  full.reset();
  REQUIRE(run.until_generation(3));
  CHECK(run.handler->status().rolled_back_to == 1);
}

TEST_CASE("a rollback that is asked for is tried again while the machine is in the way") {
  House house;
  house.config.keep = 1;
  Run run(house);
  load_two(run);
  {
    const FullSlot full(house);
    REQUIRE(message_of(ask_for_rollback(house.config.file, {2, 1})) == "");
    REQUIRE(run.until_failures(3));
    CHECK(house.folder.has("in/.data.json.rollback"));
    CHECK(house.shown().trouble.find("data.db.note.tmp") != std::string::npos);
    CHECK_FALSE(house.shown().refused_rollback);
  }
  REQUIRE(run.until_generation(3));
  CHECK(run.handler->status().rolled_back_to == 1);
  CHECK_FALSE(house.folder.has("in/.data.json.rollback"));
}

TEST_CASE("a rollback that is asked for no more leaves no trouble") {
  House house;
  house.config.keep = 1;
  Run run(house);
  load_two(run);
  const FullSlot full(house);
  REQUIRE(message_of(ask_for_rollback(house.config.file, {2, 1})) == "");
  REQUIRE(run.until_shown([](const StoreStatus& s) { return !s.trouble.empty(); }));
  std::filesystem::remove(house.folder / "in/.data.json.rollback");
  CHECK(run.until_shown([](const StoreStatus& s) { return s.trouble.empty(); }));
  CHECK(run.handler->status().generation == 2);
}

TEST_CASE("a kept file with another content is not served, and its sum is not to blame") {
  House house;
  house.config.keep = 2;
  Run run(house);
  load_two(run);
  house.drop("content 3");
  REQUIRE(run.until_generation(3));
  REQUIRE(run.uv.run_until([&] { return kept_in(house) == Generations{2, 1}; }));
  house.overwrite("store/kept/2.db", "rotten! 2");
  SUBCASE("a rollback is refused") {
    REQUIRE(message_of(ask_for_rollback(house.config.file, {3, 2})) == "");
    REQUIRE(run.until_rejections(1));
    CHECK(run.handler->status().generation == 3);
    CHECK(run.handler->status().last_rejection.find("its content is not what had been verified") !=
          std::string::npos);
  }
  SUBCASE("a server whose file has gone bad takes the next one") {
    run.handler->fall_back(3, "somebody cut it");
    REQUIRE(run.until_generation(4));
    CHECK(run.handler->status().rolled_back_to == 1);
    CHECK(run.handler->status().rejections == 1);
  }
  CHECK(house.folder.read("store/data01/data.db.rejected") == "rotten! 2");
  const auto before = run.handler->status().generation;
  house.drop("content 2");
  CHECK(run.until_generation(before + 1));
}

TEST_CASE("what a crash left on its way back is hashed by the next start") {
  House house;
  house.config.keep = 1;
  {
    Run run(house);
    load_two(run);
  }
  const auto note = house.folder.read("store/kept/1.db.note");
  house.folder.write("store/data00/data.db.note",
                     "rolled_back_to 1\ngeneration 3" + note.substr(note.find('\n')));
  std::filesystem::rename(house.folder / "store/kept/1.db", house.folder / "store/data00/data.db");
  house.overwrite("store/data00/data.db", "rotten! 1");
  Run run(house);
  REQUIRE(run.until_rejections(1));
  CHECK(run.handler->status().generation == 2);
}

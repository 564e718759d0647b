// SPDX-License-Identifier: MIT
#include "core/files/watcher.h"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <vector>

#include "tests/unit/temp_folder.hpp"
#include "tests/unit/uv_room.hpp"

using namespace goromdb;
using test::contains;
using test::identity_of;

namespace {

constexpr int64_t kNever = 3'600'000;  // a poll interval that no test waits for

// A watcher that keeps what it emits. As the handler does, it is busy from a candidate on.
struct Post {
  test::TempFolder folder;
  test::UvRoom uv;
  DatabaseConfig config;
  std::unique_ptr<Watcher> watcher;
  std::vector<Candidate> candidates;
  std::vector<std::string> no_files;
  int polls = 0;
  bool retries = true;  // at each poll

  explicit Post(SumKind verify = SumKind::kMd5, int64_t poll_ms = kNever) {
    config.name = "words";
    config.file = folder / "in/data.json";
    config.verify = verify;
    config.poll_interval_ms = poll_ms;
    std::filesystem::create_directory(folder / "in");
  }
  ~Post() { watcher->close(); }

  void start() {
    auto log = logger_for("words");
    log->set_level(spdlog::level::off);
    watcher = std::make_unique<Watcher>(
        uv.loop(), config, log,
        Watcher::Events{[this](const Candidate& c) {
                          candidates.push_back(c);
                          watcher->set_busy(true);
                        },
                        [this](const std::string& reason) { no_files.push_back(reason); },
                        [this] {
                          ++polls;
                          if (retries) watcher->retry();
                        }});
    watcher->start();
  }
  void data(const std::string& content) { folder.write("in/data.json", content); }
  void sum(const std::string& content) { folder.write("in/data.json.md5", content); }
  bool until_candidates(size_t n) {
    return uv.run_until([&] { return candidates.size() >= n; });
  }
  // Everything that inotify and timers have ready, and `ms` more.
  void run_for(uint64_t ms) {
    uv.run_until([] { return false; }, ms);
  }
};

// Begins anew as long as an attempt says that the machine was too busy for it.
void until_in_time(const std::function<bool()>& attempt, int most = 50) {
  int attempts = 1;
  while (!attempt()) REQUIRE(attempts++ < most);
}

// A file that grows is no candidate before it has stood still for `ms`. False: it stood still for
// nearly as long while it should have grown.
bool is_taken_when_still(Post& post, int64_t ms) {
  using Clock = std::chrono::steady_clock;
  using std::chrono::milliseconds;
  const size_t before = post.candidates.size();
  Clock::time_point last;
  for (int i = 1; i <= 4; ++i) {
    const auto begin = Clock::now();
    post.data("content" + std::string(i, '!'));
    last = Clock::now();
    post.run_for(100);
    if (Clock::now() - begin > milliseconds(ms - 20)) return false;
    CHECK(post.candidates.size() == before);
  }
  REQUIRE(post.until_candidates(before + 1));
  CHECK(Clock::now() - last >= milliseconds(ms - 50));
  return true;
}

}  // namespace

TEST_CASE("a pair that lies there at the start is a candidate at once") {
  Post post;
  post.data("content");
  post.sum("sum");
  post.start();
  REQUIRE(post.candidates.size() == 1);
  const auto& candidate = post.candidates[0];
  CHECK(candidate.file == post.config.file);
  CHECK(candidate.kind == SumKind::kMd5);
  CHECK(candidate.data == identity_of(post.folder / "in/data.json"));
  CHECK(candidate.sum == identity_of(post.folder / "in/data.json.md5"));
}

TEST_CASE("a pair that comes is seen without a poll, in any order") {
  for (const bool sum_first : {true, false}) {
    CAPTURE(sum_first);
    Post post;
    post.start();
    if (sum_first) post.sum("sum");
    if (!sum_first) post.data("content");
    post.run_for(50);
    CHECK(post.candidates.empty());
    if (sum_first) post.data("content");
    if (!sum_first) post.sum("sum");
    CHECK(post.until_candidates(1));
    CHECK(post.polls == 0);
  }
}

TEST_CASE("files that are renamed into the folder are seen") {
  Post post;
  post.start();
  for (const char* name : {"data.json", "data.json.md5"}) {
    post.folder.write("aside", "x");
    std::filesystem::rename(post.folder / "aside", post.folder / ("in/" + std::string(name)));
  }
  CHECK(post.until_candidates(1));
  CHECK(post.polls == 0);
}

TEST_CASE("an empty sum file is one that is being written") {
  Post post;
  post.data("content");
  post.sum("");
  post.start();
  post.run_for(50);
  CHECK(post.candidates.empty());
  post.sum("sum");
  CHECK(post.until_candidates(1));
}

TEST_CASE("other files in the folder are nobody's business") {
  Post post;
  post.data("content");
  post.start();
  post.folder.write("in/data.json.sha256", "sum");
  post.folder.write("in/other.json.md5", "sum");
  post.run_for(50);
  CHECK(post.candidates.empty());
  CHECK(post.no_files.empty());
}

TEST_CASE("nothing is looked for while a candidate is dealt with, and afterwards at once") {
  Post post;
  post.data("content");
  post.sum("sum");
  post.start();
  REQUIRE(post.candidates.size() == 1);
  post.data("longer content");
  post.run_for(50);
  CHECK(post.candidates.size() == 1);
  post.watcher->ignore(post.candidates[0], false);
  post.watcher->set_busy(false);
  REQUIRE(post.candidates.size() == 2);
  CHECK(post.candidates[1].data.size == 14);
}

TEST_CASE("an ignored pair is no candidate before one of its files changes") {
  for (const bool change_data : {true, false}) {
    CAPTURE(change_data);
    Post post(SumKind::kMd5, 10);
    post.data("content");
    post.sum("sum");
    post.start();
    REQUIRE(post.candidates.size() == 1);
    post.watcher->ignore(post.candidates[0], false);
    post.watcher->set_busy(false);
    REQUIRE(post.uv.run_until([&] { return post.polls >= 5; }));
    CHECK(post.candidates.size() == 1);
    if (change_data) post.data("other content");
    if (!change_data) post.sum("other sum");
    CHECK(post.until_candidates(2));
  }
}

TEST_CASE("a pair to be tried later waits for retry() as long as it takes") {
  Post post(SumKind::kMd5, 20);
  post.data("content");
  post.sum("sum");
  post.retries = false;
  post.start();
  REQUIRE(post.until_candidates(1));
  post.watcher->retry_later(post.candidates.back());
  post.watcher->set_busy(false);
  const int polls = post.polls;
  REQUIRE(post.uv.run_until([&] { return post.polls >= polls + 5; }));
  CHECK(post.candidates.size() == 1);
  post.retries = true;
  CHECK(post.until_candidates(2));
}

TEST_CASE("a pair to be tried later is tried at the next poll, once a poll") {
  Post post(SumKind::kMd5, 20);
  post.data("content");
  post.sum("sum");
  post.start();
  for (size_t n = 1; n <= 4; ++n) {
    REQUIRE(post.until_candidates(n));
    const int polls = post.polls;
    post.watcher->retry_later(post.candidates.back());
    post.watcher->set_busy(false);
    CHECK(post.candidates.size() == n);  // not at once: that would be a hot loop
    REQUIRE(post.until_candidates(n + 1));
    CHECK(post.polls > polls);
  }
}

TEST_CASE("after a rejected pair the next one has to stand still for a moment") {
  until_in_time([] {
    Post post;
    post.data("content");
    post.sum("sum");
    post.start();
    REQUIRE(post.candidates.size() == 1);
    post.watcher->ignore(post.candidates[0], true);
    post.watcher->set_busy(false);
    if (!is_taken_when_still(post, 300)) return false;
    CHECK(post.candidates[1].data.size == 11);
    return true;
  });
}

TEST_CASE("without sums a file is taken when it has stood still") {
  until_in_time([] {
    Post post(SumKind::kNone);
    post.config.settle_ms = 200;
    post.start();
    if (!is_taken_when_still(post, 200)) return false;
    CHECK(post.candidates[0].kind == SumKind::kNone);
    CHECK(post.candidates[0].sum == FileIdentity{});
    CHECK(post.candidates[0].data.size == 11);
    return true;
  });
}

TEST_CASE("what is no data file is told once and again when it changes") {
  for (const bool of_sum : {false, true}) {
    CAPTURE(of_sum);
    Post post(SumKind::kMd5, 10);
    post.data("content");
    post.sum("sum");
    const auto path = post.folder / (of_sum ? "in/data.json.md5" : "in/data.json");
    std::filesystem::remove(path);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    post.start();
    REQUIRE(post.uv.run_until([&] { return post.polls >= 5; }));
    REQUIRE(post.no_files.size() == 1);
    CHECK(post.no_files[0] == path + " is a fifo, not a regular file");
    CHECK(post.candidates.empty());
    std::filesystem::remove(path);
    std::filesystem::create_symlink("elsewhere", path);
    REQUIRE(post.uv.run_until([&] { return post.no_files.size() >= 2; }));
    CHECK(post.no_files[1] == path + " is a symbolic link, not a regular file");
  }
}

TEST_CASE("a folder that comes later is watched from the next poll on") {
  Post post(SumKind::kMd5, 20);
  std::filesystem::remove(post.folder / "in");
  post.start();
  post.data("content");
  post.sum("sum");
  CHECK(post.until_candidates(1));
}

TEST_CASE("polling sees a pair in a folder that took the place of the watched one") {
  Post post(SumKind::kMd5, 20);
  post.start();
  post.folder.write("new/data.json", "content");
  post.folder.write("new/data.json.md5", "sum");
  std::filesystem::remove(post.folder / "in");
  std::filesystem::rename(post.folder / "new", post.folder / "in");
  CHECK(post.until_candidates(1));
}

// The file system may give the new folder the inode number of the old one.
TEST_CASE("a folder that was replaced is watched anew after a poll, whatever its inode") {
  for (const bool renamed : {true, false}) {
    CAPTURE(renamed);
    const auto attempt = [renamed] {
      Post post(SumKind::kMd5, 1000);
      post.start();
      if (renamed) std::filesystem::create_directory(post.folder / "new");
      std::filesystem::remove(post.folder / "in");
      if (renamed) std::filesystem::rename(post.folder / "new", post.folder / "in");
      if (!renamed) std::filesystem::create_directory(post.folder / "in");
      REQUIRE(post.uv.run_until([&] { return post.polls >= 2; }));
      post.data("content");
      post.sum("sum");
      REQUIRE(post.until_candidates(1));
      return post.polls == 2;  // inotify saw it before the next poll
    };
    until_in_time(attempt, 5);
  }
}

// SPDX-License-Identifier: MIT
// Damaged files: what verify finds, and what becomes of a page that goes bad while it is served.
#include "environment.h"
#include "reader.h"
#include "test_files.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include "rounds.hpp"

using namespace goromdb::bdb;
using namespace goromdb::test;

namespace {

// What libdb does with a file, in a process of its own: it may die or hang on it.
enum class Fate { kRefused, kRead, kDiedOpening, kDiedReading };

constexpr int kBad = 77;

Fate fate_of(const std::string& bytes, const Entries& entries, const char* index) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(5);
    ::close(ends[0]);
    ::close(STDERR_FILENO);  // for what a sanitizer says of libdb
    Database db(Settings{{"index", index}});
    if (db.open_text(bytes) != GOROMDB_OK || db.verify() != GOROMDB_OK) ::_exit(kBad);
    if (::write(ends[1], "v", 1) != 1) ::_exit(2);
    ::alarm(60);
    for (const auto& entry : entries) db.get(entry.first);
    db.count();
    for (uint64_t random = 0; random < 5; ++random) {
      try {
        random == 0 ? db.keys() : db.keys("", random);
      } catch (const std::runtime_error&) {
      }
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  char verified = 0;
  const bool is_verified = ::read(ends[0], &verified, 1) == 1;
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (is_verified)
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? Fate::kRead : Fate::kDiedReading;
  return WIFEXITED(status) && WEXITSTATUS(status) == kBad ? Fate::kRefused : Fate::kDiedOpening;
}

// Changes a byte of the value of `key`, in the file as it is served.
void damage(const std::string& path, const std::string& value) {
  const auto at = bytes_of(path).find(value);
  REQUIRE(at != std::string::npos);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(at));
  file.put('!');
}

Entries numbered_values(int n) {
  Entries entries;
  for (int i = 0; i < n; ++i) {
    const auto number = std::to_string(10000 + i);
    entries.emplace_back("key" + number, "value " + number + " " + std::string(200, 'v'));
  }
  return entries;
}

struct Count {
  size_t right = 0, failed = 0, wrong = 0;
};
Count read_all(Database& db, const Entries& entries, uint32_t ns = 0) {
  std::vector<std::pair<uint32_t, std::string>> keys;
  for (const auto& entry : entries) keys.emplace_back(ns, entry.first);
  const auto values = db.get_all(keys);
  Count count;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].status == GOROMDB_E_CORRUPT) {
      ++count.failed;
    } else if (Database::text_of(values[i]) == entries[i].second) {
      ++count.right;
    } else {
      ++count.wrong;
    }
  }
  return count;
}

size_t warnings(const Database& db) {
  return static_cast<size_t>(
      std::count_if(db.host.log.begin(), db.host.log.end(),
                    [](const auto& line) { return line.first == GOROMDB_LOG_WARN; }));
}

}  // namespace

TEST_CASE("a page that is not what it was is found before it is served, by its checksum too") {
  const auto index = index_of_this_run();
  for (const uint32_t flags : {0u, uint32_t{DB_CHKSUM}}) {
    CAPTURE(flags);
    Database db(Settings{{"index", index}});
    const auto path = db.dir().file("f");
    write(path, numbered_values(2000), {DB_BTREE, nullptr, flags});
    auto text = bytes_of(path);
    if (flags == 0) {
      std::fill(text.begin() + 3 * 4096, text.begin() + 4 * 4096, '\0');
    } else {
      text[text.find("value 11000")] ^= 1;
    }
    // What is copied is read before it is verified.
    CHECK((db.open_text(text) == GOROMDB_E_CORRUPT || db.verify() == GOROMDB_E_CORRUPT));
    CHECK(db.in_one_line());
  }
}

TEST_CASE("a page that goes bad while it is served fails its own keys and no others") {
  const auto entries = numbered_values(2000);
  for (const auto type : {DB_BTREE, DB_HASH}) {
    CAPTURE(type);
    Database db;
    const auto path = db.dir().file("f");
    write(path, entries, {type, nullptr, DB_CHKSUM});
    REQUIRE(db.open(path) == GOROMDB_OK);
    damage(path, "value 11000");
    for (int pass = 0; pass < 3; ++pass) {
      const auto count = read_all(db, entries);
      CHECK(count.wrong == 0);
      CHECK(count.failed > 0);
      CHECK(count.failed < 40);  // as many as fit into a page
    }
    CHECK(warnings(db) == 1);
    CHECK_THROWS(db.walk());
    CHECK(db.get("key10000") == entries.front().second);
  }
}

TEST_CASE("of a file that was cut no key is sure whose pages libdb reads into its cache") {
  const auto entries = numbered_values(2000);
  struct {
    Written how;
    bool is_cached;
  } const kinds[] = {{{DB_BTREE}, false},
                     {{DB_HASH}, true},
                     {{DB_BTREE, nullptr, DB_CHKSUM}, true},
                     {{DB_BTREE, nullptr, 0, 4321}, true},
                     {{DB_RECNO}, false}};
  for (const auto& kind : kinds) {
    CAPTURE(kind.how.type);
    Database db;
    const auto path = db.dir().file("f");
    const bool is_recno = kind.how.type == DB_RECNO;
    write(path, is_recno ? Entries{{"1", "value"}} : entries, kind.how);
    REQUIRE(db.open(path) == GOROMDB_OK);
    CHECK(((db.info().caps & GOROMDB_CAP_READS_FILE) != 0) == kind.is_cached);
    const auto found = db.get_all({{0, is_recno ? "1" : "key10000"}}, GOROMDB_GET_DAMAGED).front();
    CHECK(found.status == (kind.is_cached ? GOROMDB_E_IO : GOROMDB_OK));
  }
  Database copied(Settings{{"index", "hash"}});
  write(copied.dir().file("f"), entries, {DB_HASH});
  REQUIRE(copied.open(copied.dir().file("f")) == GOROMDB_OK);
  CHECK((copied.info().caps & GOROMDB_CAP_READS_FILE) == 0);
  CHECK(copied.get_all({{0, "key10000"}}, GOROMDB_GET_DAMAGED).front().status == GOROMDB_OK);
}

TEST_CASE("sub-databases are read on when a page of one goes bad") {
  const auto entries = numbered_values(1000);
  auto others = entries;
  for (auto& entry : others) entry.second[0] = 'V';
  Database db;
  const auto path = db.dir().file("f");
  write(path, entries, {DB_BTREE, "bad", DB_CHKSUM});
  write(path, others, {DB_BTREE, "good", DB_CHKSUM});
  REQUIRE(db.open(path) == GOROMDB_OK);
  damage(path, "value 10500");
  const auto bad = db.ns_id("bad"), good = db.ns_id("good");
  std::vector<std::pair<uint32_t, std::string>> keys;
  for (const auto& entry : entries) {
    keys.emplace_back(bad, entry.first);
    keys.emplace_back(good, entry.first);
  }
  const auto values = db.get_all(keys);
  size_t failed = 0;
  for (size_t i = 0; i < values.size(); i += 2) {
    failed += values[i].status == GOROMDB_OK ? 0 : 1;
    CHECK((Database::text_of(values[i + 1]) == others[i / 2].second));
  }
  CHECK(failed > 0);
  CHECK(failed < 40);
}

TEST_CASE(
    "a walk that was under way when a look-up broke on a page fails, and the next one goes on") {
  const auto entries = numbered_values(2000);
  Database db;
  const auto path = db.dir().file("f");
  write(path, entries, {DB_BTREE, nullptr, DB_CHKSUM});
  REQUIRE(db.open(path) == GOROMDB_OK);
  damage(path, "value 11900");
  CHECK(db.walk_around([&] { CHECK(read_all(db, entries).failed > 0); }) < 0);
  CHECK(db.get("key10000") == entries.front().second);
  CHECK(db.walk_around([] {}) == GOROMDB_OK);
}

// The file was cut, and what runs guarded comes to a lost page.
TEST_CASE("a cursor that libdb is left in while it is made is not closed") {
  const TempDir dir;
  Contents contents;
  contents.path = dir.file("f");
  write(contents.path, numbered_values(10));
  const FakeHost fake;
  goromdb_host table = *fake.table();
  table.guarded = [](void*, void (*fn)(void*), void* arg) -> int32_t {
    fn(arg);
    return 1;
  };
  const goromdb::Host host(&table);
  const Layout layout;
  const auto databases = std::make_shared<Databases>(contents, 1 << 20);
  CHECK_THROWS_AS(BdbCursor(host, layout, databases, 0, "", "key10005"), goromdb::Failure);
  CHECK(databases->was_left());
  DB* const db = databases->get(0)->get();
  CHECK(db->active_queue.tqh_first != nullptr);
  // They stay in memory to the end, and nothing is wrong with them here.
  DB_ENV* const env = databases->env().get();
  CHECK(db->close(db, DB_NOSYNC) == 0);
  CHECK(env->close(env, 0) == 0);
}

TEST_CASE("when the file is not to be opened again all keys fail, and none is a miss") {
  const auto entries = numbered_values(2000);
  Database db;
  const auto path = db.dir().file("f");
  write(path, entries, {DB_BTREE, nullptr, DB_CHKSUM});
  REQUIRE(db.open(path) == GOROMDB_OK);
  damage(path, "value 11000");
  std::filesystem::remove(path);
  read_all(db, entries);
  for (const auto& value : db.get_all({{0, "key10000"}, {0, "none"}})) CHECK(value.status < 0);
}

TEST_CASE("whatever bits are flipped, what was verified is read without a death") {
  const auto index = index_of_this_run();
  const auto entries = numbered_values(300);
  constexpr int kRounds = goromdb::test::rounds(200);
  std::mt19937 random(3);
  for (const auto type : {DB_BTREE, DB_HASH}) {
    const TempDir dir;
    write(dir.file("f"), entries, {type});
    const auto whole = bytes_of(dir.file("f"));
    int refused = 0, read = 0, died = 0;
    for (int i = 0; i < kRounds; ++i) {
      auto bytes = whole;
      // The description in the first page as often as all the rest.
      const bool is_first = i % 2 == 0;
      for (int flips = is_first ? 1 : 8; flips > 0; --flips) {
        const size_t at = random() % (is_first ? 100 : bytes.size());
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      }
      CAPTURE(i);
      const auto fate = fate_of(bytes, entries, index);
      CHECK(fate != Fate::kDiedReading);
      refused += fate == Fate::kRefused ? 1 : 0;
      read += fate == Fate::kRead ? 1 : 0;
      died += fate == Fate::kDiedOpening ? 1 : 0;
    }
    INFO(refused, " refused, ", read, " read, libdb died or hung on ", died);
    CHECK(refused > kRounds / 4);
    CHECK(read > kRounds / 10);
  }
}

TEST_CASE("libdb keeps its notes where TMPDIR says") {
  const TempDir dir;
  const char* const before = std::getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  ::setenv("TMPDIR", dir.file("").c_str(), 1);
  const char* folder = nullptr;
  const Environment env(1 << 20);
  if (before != nullptr) {
    ::setenv("TMPDIR", kept.c_str(), 1);
  } else {
    ::unsetenv("TMPDIR");
  }
  CHECK(env.get()->get_tmp_dir(env.get(), &folder) == 0);
  CHECK(std::string(folder) == dir.file(""));
}

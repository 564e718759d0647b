// SPDX-License-Identifier: MIT
// Which bucket a namespace is, what is built and what is refused, and the state a file is in.
#include <doctest/doctest.h>

#include <sys/file.h>

#include "../bolt_store.h"
#include "image_file.hpp"
#include "rounds.hpp"
#include "sample.hpp"

using namespace goromdb::test;

TEST_CASE("what is built is read back, with pages of any size") {
  for (const unsigned page_size : {1024, 2048, 4096, 1 << 20}) {
    CAPTURE(page_size);
    const Items items = sample(page_size);
    Database db;
    const std::string path = db.dir().file("built.db");
    goromdb::bolt::Builder builder(path.c_str(), "default", page_size);
    for (const auto& [ns, entries] : items) {
      for (const auto& [key, item] : entries) builder.put(ns, key, item.value, 0);
    }
    builder.finish();
    REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
    REQUIRE_MESSAGE(db.verify() == GOROMDB_OK, db.message);
    CHECK(without_empty(db.items()) == items);
    for (const auto& [ns, entries] : items) {
      CHECK(db.walk(ns, 3) == entries);
      if (entries.size() < 100) CHECK(db.walk(ns, 2, true) == entries);
    }
    CHECK(ask_for_all(db, items, 64) == "");
  }
}

TEST_CASE("a bucket is a namespace by its path, and by its own name inside of the bucket") {
  Database db;
  REQUIRE(db.build({{"", {{"k", {"plain"}}}},
                    {"default/users", {{"k", {"inside"}}}},
                    {"default/both", {{"k", {"below"}}}},
                    {"default/users/deep", {{"k", {"deeper"}}}},
                    {"both", {{"k", {"above"}}}},
                    {"top", {{"k", {"top"}}}},
                    {"top/a/b/c", {{"k", {"abc"}}}}}));
  struct Case {
    const char* ns;
    std::optional<std::string> value;
  };
  for (const Case& c : std::initializer_list<Case>{{"default", "plain"},
                                                   {"default/users", "inside"},
                                                   {"users", "inside"},
                                                   {"users/deep", "deeper"},
                                                   {"default/users/deep", "deeper"},
                                                   {"deep", std::nullopt},
                                                   {"both", "above"},
                                                   {"default/both", "below"},
                                                   {"top", "top"},
                                                   {"top/a/b/c", "abc"},
                                                   {"top/a/b", std::nullopt},
                                                   {"top/", std::nullopt},
                                                   {"/top", std::nullopt},
                                                   {"top//a", std::nullopt},
                                                   {"top/k", std::nullopt},
                                                   {"", std::nullopt},
                                                   {"nobody", std::nullopt}}) {
    CAPTURE(c.ns);
    CHECK(db.get("k", std::string(c.ns)) == c.value);
  }
  CHECK(db.get("k") == "plain");
  CHECK(db.get("users") == std::nullopt);  // the name of a bucket is no key
  CHECK(db.ns_id("top/a/b") != UINT32_MAX);
  CHECK(db.ns_id("top/k") == UINT32_MAX);
  CHECK(db.ns_id(std::string(100000, '/')) == UINT32_MAX);
  CHECK(db.ns_names() == std::vector<std::string>{"both", "default/both", "default/users",
                                                  "default/users/deep", "top", "top/a/b/c"});
  for (const uint32_t page : {1, 2, 3}) CHECK(db.ns_names(page) == db.ns_names());
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.info().namespaces == 6);
  CHECK(db.walk().size() == 1);
  CHECK_THROWS(db.walk("nobody"));
}

TEST_CASE("the option bucket says which bucket holds the keys without a namespace") {
  const Items items{{"", {{"k", {"plain"}}}}, {"one/two", {{"k", {"two"}}}}, {"x", {{"k", {"x"}}}}};
  Database maker;
  REQUIRE(maker.build(items));
  const std::string path = maker.dir().file("built.db");
  for (const auto& [bucket, value] :
       Settings{{"default", "plain"}, {"x", "x"}, {"one/two", "two"}}) {
    CAPTURE(bucket);
    Database db(Settings{{"bucket", bucket}});
    REQUIRE(db.open(path) == GOROMDB_OK);
    CHECK(db.get("k") == value);
    const auto names = db.ns_names();
    CHECK(std::find(names.begin(), names.end(), bucket) == names.end());
  }
  Database wrong(Settings{{"bucket", "usres"}});
  CHECK(wrong.open(path) == GOROMDB_E_CONFIG);
  CHECK(wrong.says("built.db: it has no bucket \"usres\""));
  CHECK(wrong.says("\"default\", \"one\", \"x\""));
  CHECK_THROWS(Database(Settings{{"bucket", ""}}));
  // The usual bucket need not be there.
  Database elsewhere(Settings{{"bucket", "x"}});
  REQUIRE(elsewhere.build({{"", {{"k", {"x"}}}}}));
  Database usual;
  REQUIRE(usual.open(elsewhere.dir().file("built.db")) == GOROMDB_OK);
  CHECK(usual.get("k") == std::nullopt);
  CHECK(usual.walk().empty());
  CHECK(usual.items() == Items{{"x", {{"k", {"x"}}}}});
}

TEST_CASE("where names of buckets have slashes, no name is listed that leads elsewhere") {
  // Bolt allows it; the builder does not, so a file is changed by hand: "a.b" becomes "a/b".
  const auto made = [](const Items& items) {
    ImageFile file(items);
    for (size_t at = 0; (at = file.bytes.find("a.b", at)) != file.bytes.npos;)
      file.bytes[at + 1] = '/';
    return file.bytes;
  };
  Database db(made({{"a.b", {{"k", {"1"}}}}, {"a.b/c", {{"k", {"2"}}}}, {"z", {{"k", {"3"}}}}}));
  REQUIRE(db.status == GOROMDB_OK);
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.get("k", std::string("a/b")) == "1");
  CHECK(db.get("k", std::string("a/b/c")) == "2");
  CHECK(db.ns_names(1) == std::vector<std::string>{"a/b", "a/b/c", "z"});
  CHECK(db.host.log.empty());

  Database two(made({{"a", {{"k", {"a"}}}}, {"a/b", {{"k", {"1"}}}}, {"a.b", {{"k", {"2"}}}}}));
  REQUIRE(two.status == GOROMDB_OK);
  CHECK(two.verify() == GOROMDB_OK);
  CHECK(two.get("k", std::string("a/b")) == "2");
  CHECK(two.ns_names(1) == std::vector<std::string>{"a", "a/b"});
  CHECK(two.info().namespaces == 2);
  REQUIRE(two.host.log.size() == 1);
  CHECK(two.host.log[0].second.find("use no slashes") != std::string::npos);
}

TEST_CASE("a reader gives back the same id, forgets when there are many, and knows no other's") {
  Items items;
  for (int i = 0; i < 500; ++i)
    items[std::to_string(i) + std::string(32000, 'n')]["k"] = {std::to_string(i)};
  Database db;
  REQUIRE(db.build(items));
  for (int round = 0; round < 3; ++round) {
    std::vector<std::pair<uint32_t, std::string>> keys;
    for (const auto& [ns, entries] : items) {
      keys.emplace_back(db.ns_id(ns), "k");
      REQUIRE(keys.back().first == db.ns_id(ns));
    }
    const auto values = db.get_all(keys);
    size_t i = 0;
    for (const auto& [ns, entries] : items) {
      CHECK(Database::text_of(values[i++]) == entries.at("k").value);
    }
  }
  CHECK(db.get("k", 1000000) == std::nullopt);
  CHECK(db.get("k", UINT32_MAX) == std::nullopt);
}

TEST_CASE("what a file cannot hold is refused when it is built") {
  const std::string longest(32768, 'k');
  struct Case {
    Items items;
    const char* says;
  };
  for (const Case& c : std::initializer_list<Case>{
           {{{"", {{"k", {"v", 7}}}}}, "no place for flags"},
           {{{"", {{"", {"v"}}}}}, "no empty key"},
           {{{"", {{longest + "k", {"v"}}}}}, "at most 32768 bytes"},
           {{{"default", {{"k", {"v"}}}}}, "option bucket"},
           {{{"a//b", {{"k", {"v"}}}}}, "1 to 32768 bytes"},
           {{{"/b", {{"k", {"v"}}}}}, "1 to 32768 bytes"},
           {{{"b/", {{"k", {"v"}}}}}, "1 to 32768 bytes"},
           {{{longest + "k", {{"k", {"v"}}}}}, "1 to 32768 bytes"},
           {{{longest + "/" + longest, {{"k", {"v"}}}}}, "at most 65535 bytes"},
           {{{"a", {{"b", {"v"}}}}, {"a/b", {{"k", {"v"}}}}}, "the same name"}}) {
    CAPTURE(c.says);
    Database db;
    CHECK_FALSE(db.build(c.items));
    CHECK(db.status == GOROMDB_E_CONFIG);
    CHECK_MESSAGE(db.says(c.says), db.message);
    CHECK(db.says("built.db: "));
    CHECK(db.in_one_line());
  }
  TempDir dir;
  goromdb::bolt::Builder builder(dir.file("a").c_str(), "default");
  builder.put("n", "b", "", 0);
  CHECK_THROWS_WITH(builder.put("n", "b", "", 0), doctest::Contains("twice"));
  CHECK_THROWS_WITH(builder.put("n", "a", "", 0), doctest::Contains("out of order"));
  CHECK_THROWS_WITH(builder.put("", "c", "", 0), doctest::Contains("out of order"));
  CHECK_THROWS_WITH(goromdb::bolt::Builder(dir.file("a").c_str(), "default"),
                    doctest::Contains("File exists"));
}

TEST_CASE("pages are filled whole") {
  Items items;
  for (int i = 0; i < 20000; ++i)
    items[""]["key" + std::to_string(100000 + i)] = {std::string(40, 'v')};
  ImageFile file(items);
  // 65 bytes an entry and 16 + 9 of a branch's element a page, and 50 bytes that are left at its
  // end.
  CHECK(file.bytes.size() < 20000 * 65 * 1.05);
}

TEST_CASE("the newer of two valid meta pages is what counts, and one is enough") {
  const Items items{{"", {{"k", {"v"}}}}, {"n", {{"k", {"w"}}}}};
  constexpr uint32_t kLarge = rounds(16u) << 20;  // the largest; 2 MiB by a sanitizer
  for (const uint32_t page_size : {1024u, 4096u, 65536u, kLarge}) {
    CAPTURE(page_size);
    for (const int damaged : {0, 1}) {
      ImageFile file(items, page_size);
      file.bytes[damaged * page_size + 16 + 30] ^= 1;
      Database db(file.bytes);
      REQUIRE_MESSAGE(db.status == GOROMDB_OK, db.message);
      CHECK(db.items() == items);
      REQUIRE(db.host.log.size() == 1);
      CHECK(db.host.log[0].second.find("meta page " + std::to_string(damaged) + " is damaged") !=
            std::string::npos);
    }
  }
  ImageFile file(items);
  const std::string good = file.bytes;
  // An older one may name anything.
  file.set64(0, 16, 12345678);
  file.repair();
  CHECK(Database(file.bytes).items() == items);
  // The newer one may not.
  file.bytes = good;
  file.set64(1, 16, 12345678);
  file.repair();
  Database db(file.bytes);
  CHECK(db.status == GOROMDB_E_CORRUPT);
  CHECK(db.says("data.db: page 12345678 is not in the file"));
  file.bytes = good;
  file.set64(0, 48, 9);  // of the transaction
  file.set64(1, 16, 12345678);
  file.repair();
  CHECK(Database(file.bytes).items() == items);
}

TEST_CASE("a file that is longer than its pages is read, a shorter one is refused") {
  const Items items = sample(3, 100);
  ImageFile file(items);
  CHECK(without_empty(Database(file.bytes + std::string(100000, 'x')).items()) == items);
  CHECK(without_empty(Database(file.bytes + "x").items()) == items);
  Database db(file.bytes.substr(0, file.bytes.size() - 1));
  CHECK(db.status == GOROMDB_E_CORRUPT);
  CHECK(db.says("data.db: it is cut short"));
}

TEST_CASE("the file is mapped once; neither warming nor verifying leaves it in this process") {
  Items items;
  for (int i = 0; i < 5000; ++i) items[""]["k" + std::to_string(i)] = {std::string(1000, 'v')};
  Database db(kNoIndex);
  REQUIRE(db.build(items));
  const auto path = db.dir().file("built.db");
  CHECK(db.warms_whole(path));
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(mapped(path).count == 1);
  CHECK(mapped(path).resident < 200000);
  CHECK(db.memory_bytes() >= std::filesystem::file_size(path));
  CHECK(db.is_in_memory("k77"));
  CHECK(db.info().resident_bytes == GOROMDB_UNKNOWN);
  CHECK(db.get("k77") == std::string(1000, 'v'));
}

TEST_CASE("a writer's lock is not waited for, and the log says that it is there") {
  Database db;
  REQUIRE(db.build({{"", {{"k", {"v"}}}}}));
  const std::string path = db.dir().file("built.db");
  db.close();
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(::flock(fd, LOCK_EX | LOCK_NB) == 0);
  db.host.log.clear();
  REQUIRE(db.open(path) == GOROMDB_OK);
  REQUIRE(db.host.log.size() == 1);
  CHECK(db.host.log[0].first == GOROMDB_LOG_WARN);
  CHECK(db.host.log[0].second.find("open for writing") != std::string::npos);
  CHECK(db.get("k") == "v");
  REQUIRE(::flock(fd, LOCK_UN) == 0);
  REQUIRE(db.open(path) == GOROMDB_OK);
  CHECK(::flock(fd, LOCK_EX | LOCK_NB) != 0);  // it is being served
  db.close();
  CHECK(::flock(fd, LOCK_EX | LOCK_NB) == 0);
  ::close(fd);
}

TEST_CASE("a stopping server ends a verification, and a long one shows that it is alive") {
  Items items;
  for (int i = 0; i < 3000; ++i) items[""][std::to_string(i)] = {std::string(4000, 'v')};
  Database db(kNoIndex);
  REQUIRE(db.build(items));
  uint64_t calls = 0, last = 0;
  db.host.on_progress = [&](uint64_t done, uint64_t total) {
    CHECK(done > last);
    CHECK(done <= total);
    last = done;
    ++calls;
    return 0;
  };
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(calls >= 2);
  db.host.on_progress = [](uint64_t, uint64_t) { return 1; };
  CHECK(db.verify() == GOROMDB_E_CANCELLED);
}

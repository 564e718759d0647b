// SPDX-License-Identifier: MIT
#include "test_files.h"

#include <doctest/doctest.h>
#include <goromdb/data_file.hpp>

#include <atomic>
#include <thread>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

using namespace goromdb::bdb;
using namespace goromdb::test;

namespace {

void check_whole(Database& db, const Entries& entries) {
  REQUIRE_MESSAGE(db.status == GOROMDB_OK, db.message);
  REQUIRE_MESSAGE(db.verify() == GOROMDB_OK, db.message);
  CHECK(db.info().entries == entries.size());
  for (const auto& [key, value] : entries)
    CHECK((db.get(key) == value));  // in brackets: not printed
  CHECK_FALSE(db.get("no such key"));
  CHECK_FALSE(db.get(""));
  for (const bool afresh : {false, true}) {
    const auto walked = db.walk("", 7, afresh);
    CHECK(walked.size() == entries.size());
    for (const auto& [key, value] : entries) CHECK((walked.at(key).value == value));
  }
}

// The bytes of a good file of 500 entries.
const std::string& whole() {
  static const std::string bytes = [] {
    const TempDir dir;
    write(dir.file("f"), some_entries(500));
    return bytes_of(dir.file("f"));
  }();
  return bytes;
}

}  // namespace

TEST_CASE(
    "btrees and hashes of both byte orders, with and without checksums, are read back whole") {
  const auto index = index_of_this_run();
  const auto entries = some_entries(400);
  for (const auto type : {DB_BTREE, DB_HASH}) {
    for (const int order : {1234, 4321}) {
      for (const uint32_t flags : {0u, uint32_t{DB_CHKSUM}}) {
        CAPTURE(type);
        CAPTURE(order);
        CAPTURE(flags);
        Database db(Settings{{"index", index}});
        write(db.dir().file("f"), entries, {type, nullptr, flags, order});
        db.open(db.dir().file("f"));
        check_whole(db, entries);
      }
    }
  }
}

TEST_CASE("page sizes from the smallest to the largest") {
  const auto index = index_of_this_run();
  for (uint32_t size = 512; size <= 65536; size *= 2) {
    CAPTURE(size);
    Database db(Settings{{"index", index}});
    write(db.dir().file("f"), some_entries(100), {DB_BTREE, nullptr, 0, 1234, size});
    db.open(db.dir().file("f"));
    check_whole(db, some_entries(100));
  }
}

TEST_CASE("the keys of a recno are decimal numbers") {
  const auto index = index_of_this_run();
  Database db(Settings{{"index", index}});
  write(db.dir().file("f"), {{"1", "one"}, {"2", "two"}, {"12", "twelve"}}, {DB_RECNO});
  REQUIRE(db.open(db.dir().file("f")) == GOROMDB_OK);
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.get("1") == "one");
  CHECK(db.get("12") == "twelve");
  for (const char* none : {"0", "3", "01", "-1", "1x", "", "4294967296", "+1"}) {
    CAPTURE(none);
    CHECK_FALSE(db.get(none));
  }
  CHECK(db.walk().size() == 3);
  CHECK(db.walk("", 1, true).at("12").value == "twelve");
}

TEST_CASE("of duplicates the first is given, and is walked once") {
  const auto index = index_of_this_run();
  Database db(Settings{{"index", index}});
  write(db.dir().file("f"), {{"k", "first"}, {"k", "second"}, {"l", "x"}},
        {DB_BTREE, nullptr, DB_DUP});
  REQUIRE(db.open(db.dir().file("f")) == GOROMDB_OK);
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.get("k") == "first");
  CHECK(db.walk().size() == 2);
  CHECK(db.info().entries == 2);
}

TEST_CASE("sub-databases are namespaces") {
  const auto index = index_of_this_run();
  Database db(Settings{{"index", index}}), named(Settings{{"index", index}, {"subdb", "users"}}),
      wrong(Settings{{"index", index}, {"subdb", "none"}});
  const auto path = db.dir().file("f");
  write(path, {{"anna", "1"}}, {DB_BTREE, "users"});
  write(path, {{"anna", "9.99"}, {"b", "2"}}, {DB_HASH, "prices"});
  REQUIRE_MESSAGE(db.open(path) == GOROMDB_OK, db.message);
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.info().entries == 3);
  CHECK(db.info().namespaces == 2);
  CHECK(db.ns_names(1) == std::vector<std::string>{"prices", "users"});
  CHECK(db.get("anna", "users") == "1");
  CHECK(db.get("anna", "prices") == "9.99");
  CHECK_FALSE(db.get("anna", "none"));
  CHECK_FALSE(db.get("anna"));
  CHECK_FALSE(db.get("users"));
  CHECK(db.walk().empty());
  CHECK(db.walk("prices").size() == 2);

  REQUIRE_MESSAGE(named.open(path) == GOROMDB_OK, named.message);
  CHECK(named.get("anna") == "1");
  CHECK(named.ns_names() == std::vector<std::string>{"prices"});

  CHECK(wrong.open(path) == GOROMDB_E_CONFIG);
  CHECK(wrong.says("no sub-database none (option subdb); it has prices and others"));
  write(wrong.dir().file("plain"), {{"k", "v"}});
  CHECK(wrong.open(wrong.dir().file("plain")) == GOROMDB_E_CONFIG);
  CHECK(wrong.says("has no sub-databases"));
}

TEST_CASE("namespaces may be the beginnings of keys, as the Go program had them") {
  const auto index = index_of_this_run();
  for (const auto type : {DB_BTREE, DB_HASH}) {
    Database db(Settings{{"index", index}, {"namespaces", "prefix"}});
    write(db.dir().file("f"), {{"usersanna", "1"}, {"usersbert", "2"}, {"x", "3"}}, {type});
    REQUIRE(db.open(db.dir().file("f")) == GOROMDB_OK);
    CHECK(db.get("anna", "users") == "1");
    CHECK(db.get("usersanna") == "1");
    CHECK_FALSE(db.get("anna", "user"));
    CHECK(db.ns_names().empty());
    CHECK(db.walk("users", 1, true).size() == 2);
    CHECK(db.walk("users").at("bert").value == "2");
    CHECK(db.walk().size() == 3);
  }
}

TEST_CASE("what is built is read back the same, with the flags of MemcacheDB's items") {
  const auto index = index_of_this_run();
  Items plain, many, items;
  for (const auto& [key, value] : some_entries(300)) {
    plain[""][key] = {value};
    many["one"][key] = {value};
    many["two"][key] = {"2" + value};
    items[""][key] = {value, static_cast<uint32_t>(value.size() * 1000003)};
  }
  plain[""][std::string("\0\xff", 2)] = {std::string("\0", 1)};
  Database one(Settings{{"index", index}}), two(Settings{{"index", index}}),
      three(Settings{{"index", index}, {"encoding", "memcachedb"}}),
      four(Settings{{"index", index}, {"subdb", "main"}});
  CHECK_MESSAGE(one.build(plain), one.message);
  CHECK((one.items() == plain));
  CHECK_MESSAGE(two.build(many), two.message);
  CHECK((two.items() == many));
  CHECK(two.verify() == GOROMDB_OK);
  CHECK_MESSAGE(three.build(items), three.message);
  CHECK((three.items() == items));
  many[""]["k"] = {"v"};
  CHECK_MESSAGE(four.build(many), four.message);
  CHECK((four.items() == many));
}

TEST_CASE("what cannot be kept is not built") {
  Database db, items(Settings{{"encoding", "memcachedb"}});
  CHECK_FALSE(db.build({{"", {{"k", {"v", 1}}}}}));
  CHECK(db.says("no place for flags"));
  CHECK_FALSE(db.build({{"", {{"k", {"v"}}}}, {"ns", {{"k", {"v"}}}}}));
  CHECK(db.says("with option subdb=NAME it has both"));
  CHECK_FALSE(items.build({{"", {{std::string(256, 'k'), {"v"}}}}}));
  CHECK(items.says("up to 255"));
  CHECK(db.build({}));
}

TEST_CASE("a file that is read as MemcacheDB's and is none is found by verify") {
  Database db(Settings{{"encoding", "memcachedb"}});
  write(db.dir().file("f"), {{"k", "plain"}});
  REQUIRE(db.open(db.dir().file("f")) == GOROMDB_OK);
  CHECK(db.get_all({{0, "k"}}).front().status == GOROMDB_E_CORRUPT);
  CHECK(db.verify() == GOROMDB_E_CORRUPT);
  CHECK(db.says("the value of k is no MemcacheDB item"));
}

TEST_CASE("readers of one generation share nothing: many threads get every value") {
  const auto index = index_of_this_run();
  Database db;
  const auto entries = some_entries(500);
  write(db.dir().file("f"), entries);
  const auto& ops = *goromdb_plugin_v0()->storage;
  OptionValues options(goromdb_plugin_v0());
  options.set("index", index);
  FakeHost host;
  goromdb_error error{};
  error.struct_size = sizeof error;
  goromdb_store* store = nullptr;
  goromdb_generation* generation = nullptr;
  REQUIRE(ops.create(host.table(), options.data(), options.size(), &store, &error) == GOROMDB_OK);
  REQUIRE(ops.open(store, db.dir().file("f").c_str(), 1, &generation, &error) == GOROMDB_OK);
  std::atomic<size_t> right = 0;
  constexpr size_t kThreads = 4, kRounds = 20;
  std::vector<goromdb_reader*> readers(kThreads);
  for (uint32_t i = 0; i < kThreads; ++i) {
    REQUIRE(ops.reader_open(generation, i, &readers[i], &error) == GOROMDB_OK);
  }
  std::vector<std::thread> threads;
  for (auto* reader : readers) {
    threads.emplace_back([&, reader] {
      for (size_t round = 0; round < kRounds; ++round) {
        for (const auto& [name, text] : entries) {
          goromdb_arena arena;
          const goromdb_key key{name.data(), static_cast<uint32_t>(name.size()), 0};
          goromdb_value value{};
          ops.get(reader, 0, &key, 1, &value, &arena);
          right += Database::text_of(value) == text ? 1 : 0;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(right == kThreads * kRounds * entries.size());
  for (auto* reader : readers) ops.reader_close(reader);
  ops.close(generation);
  ops.destroy(store);
}

// Only what the plugin checks before libdb sees the file: libdb dies on some damaged ones, which is
// the guard's business.
TEST_CASE("files that are cut, of another kind or not supported are refused in words") {
  Database db;
  CHECK(db.open_text("") == GOROMDB_E_CORRUPT);
  CHECK(db.says("it is empty"));
  for (int part = 1; part < 64; ++part) {
    CAPTURE(part);
    CHECK(db.open_text(whole().substr(0, whole().size() * part / 64)) == GOROMDB_E_CORRUPT);
    CHECK(db.in_one_line());
  }
  CHECK(db.says("it is cut short"));
  CHECK(db.open_text(whole() + "x") == GOROMDB_E_CORRUPT);
  // libdb would end the process over them.
  CHECK(db.open_text(whole() + std::string(4096, '\0')) == GOROMDB_E_CORRUPT);
  CHECK(db.says("something was appended"));
  CHECK(db.open_text(whole() + whole()) == GOROMDB_E_CORRUPT);
  CHECK(db.open_text(std::string(100000, '\x5a')) == GOROMDB_E_CORRUPT);
  CHECK(db.open_text("{\"a\":\"b\"}" + std::string(100, ' ')) == GOROMDB_E_CORRUPT);
  CHECK(db.says("this is a JSON file"));

  const auto changed = [](size_t at, std::string_view bytes) {
    auto text = whole();
    return text.replace(at, bytes.size(), bytes);
  };
  CHECK(db.open_text(changed(16, std::string_view("\x0a\0\0\0", 4))) == GOROMDB_E_UNSUPPORTED);
  CHECK(db.says("of version 10, and libdb 5.3 reads 8 and 9"));
  CHECK(db.open_text(changed(24, "\1")) == GOROMDB_E_UNSUPPORTED);
  CHECK(db.says("encrypted"));
  CHECK(db.open_text(changed(20, std::string_view("\0\0\0\0", 4))) == GOROMDB_E_CORRUPT);
  CHECK(db.says("pages would have 0 bytes"));
  CHECK(db.open_text(changed(12, std::string_view("\x53\x22\x04\0", 4))) == GOROMDB_E_UNSUPPORTED);
  CHECK(db.says("queue"));
  CHECK(db.open_text(changed(36, "\2")) == GOROMDB_E_UNSUPPORTED);
  for (const auto magic :
       {std::string_view("\x82\x45\x07\0", 4), std::string_view("\0\x07\x45\x82", 4)}) {
    CHECK(db.open_text(changed(12, magic)) == GOROMDB_E_UNSUPPORTED);
    CHECK(db.says("heap"));
    CHECK(goromdb::format_of(changed(12, magic)) == "a Berkeley DB heap file");
  }
}

TEST_CASE("a stop ends verifying, of what libdb looks at as well") {
  for (const auto type : {DB_BTREE, DB_HASH}) {
    Database db;
    write(db.dir().file("f"), some_entries(2000), {type});
    REQUIRE(db.open(db.dir().file("f")) == GOROMDB_OK);
    db.host.on_progress = [](uint64_t, uint64_t) { return 1; };
#if defined(__SANITIZE_ADDRESS__)
    const __lsan::ScopedDisabler libdb_forgets_a_cursor_when_its_verify_is_broken_off;
#endif
    CHECK(db.verify() == GOROMDB_E_CANCELLED);
  }
}

// SPDX-License-Identifier: MIT
// What is read, of files that liblmdb wrote.
#include "test_files.h"

#include <doctest/doctest.h>

#include <filesystem>

namespace {

using goromdb::lmdb::bytes_of;
using goromdb::lmdb::File;
using goromdb::lmdb::kMapSize;
using goromdb::lmdb::name_of;
using goromdb::lmdb::store;
using goromdb::test::Database;
using goromdb::test::Item;
using goromdb::test::Items;
using goromdb::test::Settings;
namespace lmdb = goromdb::lmdb;
namespace fs = std::filesystem;

template <class Integer>
std::string bytes(Integer i) {
  return {reinterpret_cast<const char*>(&i), sizeof i};
}

// The file's content, by all the ways to it.
void check_content(Database& db, const Items& expected) {
  CHECK(db.items() == expected);
  CHECK(db.verify() == GOROMDB_OK);
  CAPTURE(db.message);
  size_t entries = 0, size = 0;
  for (const auto& [ns, items] : expected) {
    CHECK(db.walk(ns, 3) == items);
    CHECK(db.walk(ns, 7, true) == items);
    for (const auto& [key, item] : items) {
      CHECK(db.get(key, ns.empty() ? 0 : db.ns_id(ns)) == item.value);
      ++entries;
      size += key.size() + item.value.size();
    }
  }
  CHECK(db.info().entries == entries);
  CHECK(db.info().bytes == size);
  CHECK((db.info().caps & GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION) != 0);
}

}  // namespace

TEST_CASE("keys and values of any bytes and sizes are read from the main database") {
  Database db;
  const std::string path = db.dir().file("data.db");
  Items expected;
  {
    File file(path);
    for (uint64_t i = 0; i < 3000; ++i) {
      const std::string key = i % 3 == 0 ? bytes(i * 2654435761u) : name_of(i);
      const std::string value(i * 7 % 5000, static_cast<char>(i));
      file.put("", key, value);
      expected[""][key] = {value};
    }
    const std::string longest(511, '\xff'), huge(3 << 20, 'h');
    file.put("", longest, huge);
    expected[""][longest] = {huge};
  }
  REQUIRE(db.open(path) == GOROMDB_OK);
  CHECK(db.info().entries == 3001);
  check_content(db, expected);
  CHECK(db.get("absent") == std::nullopt);
  CHECK(db.get(std::string(512, '\xff')) == std::nullopt);
  CHECK(db.get(std::string(100000, 'x')) == std::nullopt);
  CHECK(db.get("key100001", 1) == std::nullopt);
  CHECK(db.get("key100001", UINT32_MAX) == std::nullopt);
  const auto none = db.get_all({{0, ""}, {0, "key100001"}, {0, "key100002"}, {0, "key100002"}});
  CHECK(none[0].status == GOROMDB_NOT_FOUND);
  CHECK(none[1].status == GOROMDB_OK);
  CHECK(none[2].ptr == none[3].ptr);
}

TEST_CASE("an empty value is found and has a place") {
  Database db;
  const std::string path = db.dir().file("data.db");
  File(path).put("", "empty", "");
  REQUIRE(db.open(path) == GOROMDB_OK);
  const auto value = db.get_all({{0, "empty"}}).front();
  CHECK(value.status == GOROMDB_OK);
  CHECK(value.len == 0);
  CHECK(value.ptr != nullptr);
  CHECK(value.flags == 0);
}

TEST_CASE("named databases are namespaces and no values") {
  Database db;
  const std::string path = db.dir().file("data.db");
  Items expected;
  {
    File file(path);
    for (int i = 0; i < 40; ++i) {
      const std::string ns = "ns" + std::to_string(i);
      for (uint64_t j = 0; j < 50; ++j) {
        file.put(ns, name_of(j), ns + " " + name_of(j));
        expected[ns][name_of(j)] = {ns + " " + name_of(j)};
      }
    }
    const std::string as_long_as_a_record(lmdb::Db::kSize, 'r');
    file.put("", "plain", "value");
    file.put("", "record", as_long_as_a_record);
    expected[""] = {{"plain", {"value"}}, {"record", {as_long_as_a_record}}};
    file.make("empty", 0);
  }
  REQUIRE(db.open(path) == GOROMDB_OK);
  CHECK(db.info().namespaces == 40);
  CHECK(db.info().entries == 40 * 50 + 2);
  check_content(db, expected);
  CHECK(db.ns_names(1).size() == 40);
  CHECK(db.get("ns7") == std::nullopt);
  CHECK(db.get("empty") == std::nullopt);
  CHECK(db.ns_id("absent") == UINT32_MAX);
  CHECK(db.ns_id("plain") == UINT32_MAX);
  CHECK(db.ns_id("") == UINT32_MAX);
  CHECK(db.ns_id("empty") == UINT32_MAX);  // nothing in it can be asked for
}

TEST_CASE("the option database names the one of the keys without a namespace") {
  const goromdb::test::TempDir dir;
  const std::string path = dir.file("data.db");
  {
    File file(path);
    file.put("words", "a", "1");
    file.put("others", "b", "2");
    file.put("", "c", "3");
    file.make("empty", 0);
  }
  Database words(Settings{{"database", "words"}});
  REQUIRE(words.open(path) == GOROMDB_OK);
  check_content(words, {{"", {{"a", {"1"}}}}, {"others", {{"b", {"2"}}}}});
  CHECK(words.get("c") == std::nullopt);

  Database empty(Settings{{"database", "empty"}});
  REQUIRE(empty.open(path) == GOROMDB_OK);
  CHECK(empty.items() == Items{{"others", {{"b", {"2"}}}}, {"words", {{"a", {"1"}}}}});

  for (const char* absent : {"absent", "c"}) {
    Database db(Settings{{"database", absent}});
    CHECK(db.open(path) == GOROMDB_E_CONFIG);
    CHECK(db.says("data.db: it has no named database " + std::string(absent)));
    CHECK(db.says("it has empty, others, words"));
  }
}

TEST_CASE("of duplicates the first is served, and each key comes once") {
  Database db;
  const std::string path = db.dir().file("data.db");
  for (const unsigned fixed : {0u, unsigned{MDB_DUPFIXED}}) {
    for (const std::string name : {"", "named"}) {
      CAPTURE(fixed);
      CAPTURE(name);
      fs::remove(path);
      Items expected;
      {
        File file(path);
        file.make(name, MDB_DUPSORT | fixed);
        for (uint64_t i = 0; i < 300; ++i) {
          // Keys of odd and even lengths: what lies behind them is not aligned.
          const std::string key = name_of(i) + std::string(i % 2, 'x');
          const uint64_t count = i == 150 ? 5000 : i % 7 + 1;
          for (uint64_t j = count; j > 0; --j) file.put(name, key, name_of(j));
          expected[name][key] = {name_of(1)};
        }
      }
      REQUIRE(db.open(path) == GOROMDB_OK);
      // The records count duplicates each; keys are counted by a walk, which an index takes at
      // once.
      CHECK((db.info().entries == GOROMDB_UNKNOWN) == goromdb::test::run_settings().empty());
      check_content(db, expected);
    }
  }
}

TEST_CASE("integers and reversed keys are found by their bytes as stored") {
  Database db;
  const std::string path = db.dir().file("data.db");
  Items expected;
  {
    File file(path);
    for (uint32_t i = 0; i < 5000; ++i) {
      const uint32_t n = i * 2654435761u;
      file.make("four", MDB_INTEGERKEY);
      file.make("eight", MDB_INTEGERKEY);
      file.make("reversed", MDB_REVERSEKEY);
      file.put("four", bytes(n), std::to_string(i));
      file.put("eight", bytes(uint64_t{n} << 20), std::to_string(i));
      file.put("reversed", std::to_string(n), std::to_string(i));
      expected["four"][bytes(n)] = {std::to_string(i)};
      expected["eight"][bytes(uint64_t{n} << 20)] = {std::to_string(i)};
      expected["reversed"][std::to_string(n)] = {std::to_string(i)};
    }
    file.make("none", MDB_INTEGERKEY);
  }
  REQUIRE(db.open(path) == GOROMDB_OK);
  check_content(db, expected);
  for (const std::string& ns : {std::string("four"), std::string("eight")}) {
    const size_t size = expected[ns].begin()->first.size();
    for (size_t wrong = 0; wrong < 20; ++wrong) {
      if (wrong != size) CHECK(db.get(std::string(wrong, '\0'), ns) == std::nullopt);
    }
  }
  // Not aligned, as in a request.
  const std::string request = std::string(1, 'x').append(bytes(uint32_t{2654435761u}));
  CHECK(db.get(request.substr(1), "four") == "1");
}

TEST_CASE("a main database of integers or duplicates has no namespaces") {
  Database db;
  const std::string path = db.dir().file("data.db");
  {
    File file(path);
    file.make("", MDB_INTEGERKEY);
    file.put("", bytes(uint64_t{7}), "seven");
  }
  REQUIRE(db.open(path) == GOROMDB_OK);
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.get(bytes(uint64_t{7})) == "seven");
  CHECK(db.get("7") == std::nullopt);
  CHECK(db.ns_names().empty());
}

TEST_CASE("a walk goes on behind a key that is not there, and ends behind the last") {
  Database db;
  const std::string path = db.dir().file("data.db");
  lmdb::write_everything(path);
  const auto& ops = *goromdb_plugin_v0()->storage;
  goromdb::test::OptionValues options(goromdb_plugin_v0());
  goromdb_error error{};
  error.struct_size = sizeof error;
  goromdb_store* store = nullptr;
  goromdb_generation* generation = nullptr;
  goromdb_reader* reader = nullptr;
  REQUIRE(ops.create(db.host.table(), options.data(), options.size(), &store, &error) == 0);
  REQUIRE(ops.open(store, path.c_str(), 1, &generation, &error) == 0);
  REQUIRE(ops.reader_open(generation, 0, &reader, &error) == 0);
  const auto first_behind = [&](const std::string& ns, const std::string& after) -> std::string {
    uint32_t id = 0;
    if (!ns.empty()) ops.ns_lookup(reader, goromdb::slice(ns), &id);
    goromdb_cursor* cursor = nullptr;
    if (ops.cursor_open(reader, id, goromdb::slice(after), &cursor, &error) != 0) return "refused";
    goromdb_key key{};
    goromdb_value value{};
    uint32_t got = 0;
    const auto status = ops.cursor_next(cursor, 1, &key, &value, &got, nullptr, &error);
    const std::string found(goromdb::view(key));
    if (got == 0) CHECK(ops.cursor_next(cursor, 1, &key, &value, &got, nullptr, &error) == 4);
    ops.cursor_close(cursor);
    return got == 0 ? "end" + std::to_string(status) : found;
  };
  CHECK(first_behind("plain", "key100007") == "key100008");
  CHECK(first_behind("plain", "key100007x") == "key100008");
  CHECK(first_behind("plain", "a") == "key100000");
  CHECK(first_behind("plain", "large") == "end4");
  CHECK(first_behind("plain", "z") == "end4");
  CHECK(first_behind("many", "page") == "tree");
  CHECK(first_behind("many", "q") == "tree");
  CHECK(first_behind("integers", bytes(uint64_t{255})) == bytes(uint64_t{256}));
  CHECK(first_behind("integers", bytes(uint32_t{255})) == "refused");
  CHECK(first_behind("", "h") == "key100000");  // over the named databases
  CHECK(first_behind("", "long") == "end4");
  ops.reader_close(reader);
  ops.close(generation);
  ops.destroy(store);
}

TEST_CASE("a file is read from the folder that LMDB makes, and with any size of its map") {
  Database db;
  const std::string folder = db.dir().file("environment");
  fs::create_directory(folder);
  { File(folder, 0).put("", "a", "1"); }
  REQUIRE(db.open(folder) == GOROMDB_OK);
  CHECK(db.get("a") == "1");
  const std::string path = folder + "/data.mdb";
  REQUIRE(db.open(path) == GOROMDB_OK);
  CHECK(db.get("a") == "1");

  // The header tells the size of the writer's map; here one that no process has room for.
  constexpr size_t kMapSizeAt = lmdb::kFreeDbAt - 8;
  std::string data = bytes_of(path);
  const auto page_size = lmdb::load<uint32_t>(data.data() + lmdb::kFreeDbAt);
  for (const size_t meta : {size_t{0}, size_t{page_size}}) {
    REQUIRE(lmdb::load<uint64_t>(data.data() + meta + kMapSizeAt) == kMapSize);
    store(data, meta + kMapSizeAt, uint64_t{1} << 47);
  }
  REQUIRE(db.open_text(data) == GOROMDB_OK);
  CHECK(db.get("a") == "1");
  CHECK(db.verify() == GOROMDB_OK);

  const std::string none = db.dir().file("none");
  fs::create_directory(none);
  CHECK(db.open(none) == GOROMDB_E_IO);
  CHECK(db.says("none: cannot be opened"));
}

TEST_CASE("opening makes and changes nothing, and needs no permission to write") {
  Database db;
  const std::string folder = db.dir().file("store");
  fs::create_directory(folder);
  lmdb::write_everything(folder + "/data.db");
  const auto before = fs::last_write_time(folder + "/data.db");
  fs::permissions(folder + "/data.db", fs::perms::owner_read);
  fs::permissions(folder, fs::perms::owner_read | fs::perms::owner_exec);
  CHECK(db.open(folder + "/data.db") == GOROMDB_OK);
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.get("long") == std::string(20000, 'l'));
  CHECK(std::distance(fs::directory_iterator(folder), {}) == 1);
  CHECK(fs::last_write_time(folder + "/data.db") == before);
  fs::permissions(folder, fs::perms::owner_all);
}

TEST_CASE("generations of one path live side by side") {
  Database first, second;
  const std::string path = first.dir().file("data.db");
  { File(path).put("", "a", "1"); }
  REQUIRE(first.open(path) == GOROMDB_OK);
  const auto value = first.get_all({{0, "a"}}).front();
  fs::remove(path);
  { File(path).put("", "a", "2"); }
  REQUIRE(second.open(path) == GOROMDB_OK);
  CHECK(first.get("a") == "1");
  CHECK(second.get("a") == "2");
  second.close();
  CHECK(Database::text_of(value) == "1");
}

TEST_CASE("a file without entries is a data set of none") {
  Database db;
  const std::string path = db.dir().file("data.db");
  { File file(path); }
  { File(path).put("", "a", "1"); }
  { File(path).remove("", "a"); }
  REQUIRE(db.open(path) == GOROMDB_OK);
  check_content(db, {});
  CHECK(db.get("a") == std::nullopt);
}

TEST_CASE("a large main database is searched for named ones only where pages are unaccounted for") {
  for (const bool with_named : {false, true}) {
    Database db;
    const std::string path = db.dir().file("data.db");
    {
      File file(path);
      for (uint64_t i = 0; i < 40000; ++i) {
        file.put("", name_of(i), std::string(200, 'v'));
        if (i % 1000 == 0) {
          file.commit();
          file.begin();
        }
      }
      file.put("", "record", std::string(lmdb::Db::kSize, 'r'));
      file.make("empty", 0);
      if (with_named) file.put("named", "a", "1");
    }
    REQUIRE(db.open(path) == GOROMDB_OK);
    CHECK(db.info().namespaces == (with_named ? 1 : 0));
    // The helper's reader is there already: as at a start, which does not verify.
    CHECK(db.get("named") == std::nullopt);
    CHECK(db.get("empty") == std::nullopt);
    CHECK(db.get("record") == std::string(lmdb::Db::kSize, 'r'));
    CHECK(db.verify() == GOROMDB_OK);
    CHECK(db.info().entries == 40001 + (with_named ? 1 : 0));
    if (with_named) CHECK(db.get("a", "named") == "1");
  }
}

TEST_CASE("too many named databases are refused in words") {
  Database db;
  const std::string path = db.dir().file("data.db");
  {
    MDB_env* env = nullptr;
    lmdb::check(mdb_env_create(&env), "create");
    const lmdb::EnvPtr owner(env);
    lmdb::check(mdb_env_set_mapsize(env, 64 << 20), "mapsize");
    lmdb::check(mdb_env_set_maxdbs(env, 17000), "maxdbs");
    lmdb::check(mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0644),
                "open");
    for (int round = 0, i = 0; round < 9; ++round) {
      MDB_txn* txn = nullptr;
      lmdb::check(mdb_txn_begin(env, nullptr, 0, &txn), "begin");
      std::vector<MDB_dbi> open;
      for (; i < 2000 * (round + 1) && i < 16385; ++i) {
        MDB_dbi dbi = 0;
        lmdb::check(mdb_dbi_open(txn, name_of(i).c_str(), MDB_CREATE, &dbi), "dbi");
        open.push_back(dbi);
      }
      lmdb::check(mdb_txn_commit(txn), "commit");
      for (const MDB_dbi dbi : open) mdb_dbi_close(env, dbi);
    }
  }
  CHECK(db.open(path) == GOROMDB_E_UNSUPPORTED);
  CHECK(db.says("it has more than 16384 named databases; make the name a part of the keys"));
}

// SPDX-License-Identifier: MIT
// Beside libdb itself: what the check without libdb finds sound, libdb finds sound, and counts the
// same.
#include "plain_check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "environment.h"
#include "file_header.h"
#include "format.h"
#include "memcachedb_item.h"
#include "rounds.hpp"
#include "test_files.h"

using namespace goromdb::bdb;
using namespace goromdb::test;
using namespace std::string_literals;
using goromdb::EntryTotals;

namespace {

using Found = std::optional<std::vector<EntryTotals>>;

// The file's own database is 0, of sub-databases "served" is 0 and no other is served.
Found check(std::string_view bytes, uint32_t page_size, const PlainCheck::SizeOf& size_of = {}) {
  const FakeHost host;
  const auto id_of = [](std::string_view name) {
    return name.empty() || name == "served" ? std::optional<uint32_t>(0) : std::nullopt;
  };
  return PlainCheck(bytes, page_size, id_of, size_of, goromdb::Host(host.table())).run(1);
}
// Nothing, too, where the first page alone says that it is no such file.
Found check_file(const std::string& path) {
  try {
    const auto header = read_header(goromdb::DataFile(path.c_str()));
    return check(bytes_of(path), header.page_size);
  } catch (const goromdb::Failure&) {
    return {};
  }
}

// What libdb's cursor goes through.
EntryTotals counted(const std::string& path, const char* subdb = nullptr) {
  EntryTotals totals;
  Environment env(1 << 20);
  const auto db = DbHandle::open(env, path, subdb);
  const auto cursor = db.cursor(env);
  DBT key{}, value{};
  while (cursor->get(cursor.get(), &key, &value, DB_NEXT) == 0) totals.add(key.size, value.size);
  return totals;
}

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  Environment env(1 << 20);
  const auto list = DbHandle::open(env, path, nullptr);
  const auto cursor = list.cursor(env);
  DBT name{}, page{};
  while (cursor->get(cursor.get(), &name, &page, DB_NEXT) == 0) names.emplace_back(view(name));
  return names;
}

// What libdb's own look finds; empty: nothing.
std::string fault_of(const std::string& path) {
  try {
    Environment env(1 << 20);
    verify_structure(env, path, [](int) {});
    return "";
  } catch (const goromdb::Failure& e) {
    return e.what();
  }
}

void check_same(const Found& found, const EntryTotals& libdb) {
  REQUIRE(found.has_value());
  CHECK(found->front().entries == libdb.entries);
  CHECK(found->front().bytes == libdb.bytes);
  CHECK(found->front().largest_key == libdb.largest_key);
  CHECK(found->front().largest_value == libdb.largest_value);
}

Entries shuffled(Entries entries) {
  std::shuffle(entries.begin(), entries.end(), std::mt19937(7));
  return entries;
}

uint32_t number_at(const std::string& bytes, size_t at) {
  uint32_t number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}
uint16_t short_at(const std::string& bytes, size_t at) {
  uint16_t number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}
void put_short(std::string& bytes, size_t at, uint16_t number) {
  std::memcpy(bytes.data() + at, &number, sizeof number);
}

// Where a page of the kind begins.
size_t page_of(const std::string& bytes, uint8_t type, size_t page_size = 4096) {
  for (size_t at = page_size; at < bytes.size(); at += page_size) {
    if (static_cast<uint8_t>(bytes[at + kTypeAt]) == type) return at;
  }
  FAIL("there is no such page");
  return 0;
}

}  // namespace

TEST_CASE("plain files of any size are counted as libdb counts them") {
  const TempDir dir;
  for (const uint32_t page_size : {512u, 4096u, 65536u}) {
    for (const int n : {1, 2, 100, goromdb::test::rounds(6000)}) {
      for (const bool is_sorted : {true, false}) {
        CAPTURE(page_size);
        CAPTURE(n);
        CAPTURE(is_sorted);
        auto entries = shuffled(some_entries(n));
        if (is_sorted) std::sort(entries.begin(), entries.end());
        const auto path = dir.file("f");
        std::filesystem::remove(path);
        write(path, entries, {.page_size = page_size});
        REQUIRE(fault_of(path) == "");
        check_same(check_file(path), counted(path));
      }
    }
  }
}

TEST_CASE("pages that are free again are all found, and those that are nowhere are noticed") {
  const TempDir dir;
  const auto path = dir.file("f");
  const auto entries = some_entries(3000);
  std::vector<std::string> deleted;
  for (size_t i = 0; i < entries.size(); i += i % 500 < 250 ? 1 : 250) {
    deleted.push_back(entries[i].first);
  }
  write(path, shuffled(entries), {}, deleted);
  auto bytes = bytes_of(path);
  REQUIRE(number_at(bytes, kFreeAt) != 0);
  REQUIRE(fault_of(path) == "");
  check_same(check_file(path), counted(path));
  std::memset(bytes.data() + kFreeAt, 0, sizeof(uint32_t));
  CHECK_FALSE(check(bytes, 4096));
}

TEST_CASE("of sub-databases those are counted that are served, and all are looked at") {
  const TempDir dir;
  const auto path = dir.file("f");
  const auto entries = some_entries(500);
  write(path, entries, {.subdb = "served"});
  write(path, some_entries(700), {.subdb = "another"});
  check_same(check_file(path), counted(path, "served"));
  auto bytes = bytes_of(path);
  const auto other = bytes.rfind("key699");
  bytes[other] = 'a';
  CHECK_FALSE(check(bytes, 4096));
  write(path, {{"1", "one"}}, {.type = DB_HASH, .subdb = "hash"});
  CHECK_FALSE(check_file(path));
}

TEST_CASE("values of which clients get a part are counted by that part, long ones too") {
  const TempDir dir;
  const auto path = dir.file("f");
  Entries entries;
  uint64_t served = 0;
  for (int i = 0; i < 300; ++i) {
    const auto key = "key" + std::to_string(i), value = std::string(i * 41 % 9000, 'v');
    served += key.size() + value.size();
    entries.emplace_back(key, item_of({key, value, 7}));
  }
  write(path, entries);
  const auto size_of = [](std::string_view key, std::string_view stored) {
    const auto item = parse_item(stored);
    const bool is_its = item && item->key == key;
    return is_its ? std::optional<uint64_t>(item->value.size()) : std::nullopt;
  };
  const auto found = check(bytes_of(path), 4096, size_of);
  REQUIRE(found.has_value());
  CHECK(found->front().bytes == served);
  write(path, {{"key", item_of({"another", "value", 0})}});
  CHECK_FALSE(check(bytes_of(path), 4096, size_of));
}

TEST_CASE("what is not plain is left to libdb") {
  const TempDir dir;
  const auto entries = some_entries(200);
  const std::vector<Written> kinds = {
      {.flags = DB_DUP},    {.flags = DB_DUPSORT}, {.flags = DB_RECNUM}, {.flags = DB_CHKSUM},
      {.byte_order = 4321}, {.compressed = true},  {.type = DB_HASH}};
  int n = 0;
  for (const auto& kind : kinds) {
    CAPTURE(n);
    const auto path = dir.file("kind" + std::to_string(n++));
    write(path, entries, kind);
    CHECK_FALSE(check(bytes_of(path), 4096));
  }
  write(dir.file("empty"), {});
  CHECK_FALSE(check_file(dir.file("empty")));
  write(dir.file("long"), {{std::string(3000, 'k'), "v"}});
  CHECK_FALSE(check_file(dir.file("long")));
  CHECK_FALSE(check("", 512));
}

TEST_CASE("a server that stops is not kept waiting") {
  const TempDir dir;
  write(dir.file("f"), some_entries(3000));
  const auto bytes = bytes_of(dir.file("f"));
  FakeHost host;
  host.on_progress = [](uint64_t, uint64_t) { return 1; };
  PlainCheck check(
      bytes, 4096, [](auto) { return std::nullopt; }, {}, goromdb::Host(host.table()));
  CHECK_THROWS_AS(check.run(0), goromdb::Failure);
}

TEST_CASE("each thing that is not as it has to be is noticed") {
  const TempDir dir;
  constexpr size_t kPage = 1024;
  const auto at_page = [](uint32_t number, size_t at) { return number * kPage + at; };
  struct Change {
    const char* what;
    size_t at;
    std::string bytes;
  };
  const auto check_all = [](const std::string& whole, const std::vector<Change>& changes) {
    REQUIRE(check(whole, kPage));
    for (const auto& change : changes) {
      CAPTURE(change.what);
      auto bytes = whole;
      bytes.replace(change.at, change.bytes.size(), change.bytes);
      REQUIRE(bytes != whole);
      CHECK_FALSE(check(bytes, kPage));
    }
  };
  SUBCASE("of one database") {
    const auto path = dir.file("f");
    Entries entries;
    std::vector<std::string> deleted;
    for (int i = 1000; i < 4000; ++i) entries.emplace_back(std::to_string(i), "value");
    for (int i = 1000; i < 2000; ++i) deleted.push_back(std::to_string(i));
    entries.emplace_back("long", std::string(5000, 'v'));
    write(path, entries, {.page_size = kPage}, deleted);
    const auto whole = bytes_of(path);
    const size_t branch = page_of(whole, kBranch, kPage), leaf = page_of(whole, kLeaf, kPage),
                 part = page_of(whole, kOverflow, kPage);
    const auto less = [&](size_t at, size_t by) {
      std::string number(2, '\0');
      put_short(number, 0, static_cast<uint16_t>(short_at(whole, at) - by));
      return number;
    };
    size_t last = leaf;
    while (number_at(whole, last + kNextAt) != 0) last = number_at(whole, last + kNextAt) * kPage;
    const uint32_t free_page = number_at(whole, kFreeAt);
    REQUIRE(free_page != 0);
    std::string itself(4, '\0');
    std::memcpy(itself.data(), &free_page, sizeof free_page);
    const size_t first = branch + short_at(whole, branch + kHeader),
                 second = branch + short_at(whole, branch + kHeader + 2);
    check_all(whole,
              {{"magic", kMagicAt, "x"},
               {"version", kVersionAt, "\7"},
               {"page size", kPageSizeAt + 1, "\10"},
               {"encryption", kEncryptionAt, "\1"},
               {"type of the first page", kTypeAt, "\10"},
               {"checksums", kMetaFlagsAt, "\1"},
               {"parts", kPartsAt, "\1"},
               {"flags", kFlagsAt, "\1"},
               {"keys a page", kMinKeyAt, "\3"},
               {"size of records", kRecordSizeAt, "\1"},
               {"root", kRootAt, "\2"},
               {"number of a page", leaf + kNumberAt, "\377"},
               {"level of a leaf", leaf + kLevelAt, "\2"},
               {"level of a branch", branch + kLevelAt, "\7"},
               {"type of a leaf", leaf + kTypeAt, "\3"},
               {"an odd count", leaf + kCountAt, less(leaf + kCountAt, 1)},
               {"a count of records", branch + kPreviousAt, "\1"},
               {"the end of the leaves", last + kNextAt, "\1"},
               {"a page twice", first + kPageAt, whole.substr(second + kPageAt, 4)},
               {"a key that is not below its branch's", second + kBranchKeyAt, "z"},
               {"a key that is below it", second + kBranchKeyAt, "0"},
               {"the leaf before", leaf + kPreviousAt, "\377"},
               {"the next leaf", leaf + kNextAt, "\377"},
               {"a value on another one, both of them whole", leaf + kHeader + 2,
                whole.substr(leaf + kHeader + 6, 2)},
               {"an item of a branch", branch + kHeader + 2, whole.substr(branch + kHeader + 4, 2)},
               {"a gap in a branch", branch + kLowestAt, less(branch + kLowestAt, kGrain)},
               {"a gap in a leaf", leaf + kLowestAt, less(leaf + kLowestAt, kGrain)},
               {"type of a separator", first + kItemTypeAt, "\3"},
               {"an item to be removed", leaf + short_at(whole, leaf + kHeader) + 2, "\201"},
               {"references to a part", part + kCountAt, "\2"},
               {"level of a part", part + kLevelAt, "\1"},
               {"the part before", part + kPreviousAt, "\1"},
               {"length of a part", part + kLengthAt, "\1\0"s},
               {"the next part", part + kNextAt, std::string(4, '\0')},
               {"type of a free page", at_page(free_page, kTypeAt), "\7"},
               {"level of a free page", at_page(free_page, kLevelAt), "\1"},
               {"a circle of free pages", at_page(free_page, kNextAt), itself},
               {"free pages that are lost", kFreeAt, std::string(4, '\0')}});
  }
  SUBCASE("of several") {
    const auto path = dir.file("f");
    write(path, {{"key", "value"}}, {.subdb = "other", .page_size = kPage});
    write(path, {{"key", "value"}}, {.subdb = "served", .page_size = kPage});
    const auto whole = bytes_of(path);
    const size_t first = number_at(whole, kRootAt) * kPage;
    const auto value_of = [&](size_t i) {
      return first + short_at(whole, first + kHeader + 2 * (2 * i + 1));
    };
    const size_t meta = goromdb::bdb::listed_page(whole.data() + value_of(1) + kLeafKeyAt) * kPage;
    check_all(whole, {{"flag of a sub-database", meta + kFlagsAt, std::string(4, '\0')},
                      {"free pages of its own", meta + kFreeAt, "\1"},
                      {"length of a number in the list", value_of(0), "\3"},
                      {"one database under two names", value_of(0) + kLeafKeyAt,
                       whole.substr(value_of(1) + kLeafKeyAt, 4)}});
  }
}

// libdb's look ends this process where it dies on such a file.
TEST_CASE("whatever is changed, libdb finds sound what is found sound here, and counts the same") {
  const TempDir dir;
  constexpr size_t kPage = 1024;
  const auto path = dir.file("f"), changed = dir.file("changed");
  Entries some;
  for (int i = 0; i < 400; ++i) {
    const size_t size = i % 100 == 0 ? 3000 : static_cast<size_t>(i % 60);
    some.emplace_back("key" + std::to_string(i * 7919 % 10007), std::string(size, 'v'));
  }
  write(path, some, {.subdb = "served", .page_size = kPage});
  some.resize(100);
  write(path, some, {.subdb = "other", .page_size = kPage}, {some[3].first, some[0].first});
  const auto whole = bytes_of(path);
  REQUIRE(check(whole, kPage));
  std::mt19937 random(11);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  int taken = 0, left = 0;
  for (int i = 0; i < goromdb::test::rounds(3000); ++i) {
    auto bytes = whole;
    const size_t page = below(whole.size() / kPage) * kPage;
    const size_t entry = page + kHeader + below(40) * 2;
    const auto flip = [&](size_t at) {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
    };
    switch (i % 6) {
      case 0:
        flip(below(bytes.size()));
        break;
      case 1:
        flip(page + below(kHeader));
        break;
      case 2:
        flip(entry + below(2));
        break;
      case 3:  // an item, or what is where one might be
        flip(page + (short_at(bytes, entry) + below(kLongItemSize)) % kPage);
        break;
      case 4:  // another page, under this one's number
        bytes.replace(page, kPage, whole, below(whole.size() / kPage) * kPage, kPage);
        bytes.replace(page + kNumberAt, 4, whole, page + kNumberAt, 4);
        break;
      default:
        put_short(bytes, entry, short_at(bytes, page + kHeader + below(40) * 2));
    }
    const auto found = check_file(written(changed, bytes));
    ++(found ? taken : left);
    if (!found) continue;
    CAPTURE(i);
    REQUIRE(fault_of(changed) == "");
    if (names_in(changed) != std::vector<std::string>{"other", "served"}) continue;
    check_same(found, counted(changed, "served"));
    CHECK(counted(changed, "other").entries == 98);
  }
  INFO(taken, " found sound, ", left, " left to libdb");
  CHECK(taken > goromdb::test::rounds(250));
  CHECK(left > goromdb::test::rounds(1000));
}

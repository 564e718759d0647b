// SPDX-License-Identifier: MIT
// What the check without libdb finds in files that libdb wrote, and what it leaves to libdb. Some
// of it is done in wide registers.
#include <bit>

#include "memcachedb_item.h"
#include "plain_items.h"
#include "plain_test.h"
#include "rounds.hpp"

using namespace goromdb::bdb;
using namespace goromdb::test;
using namespace std::string_literals;

namespace {

// Of a key: so many values, which libdb is given in another order than theirs.
Entries duplicates_of(const std::string& key, int n, size_t size) {
  Entries entries;
  for (int i = 0; i < n; ++i) {
    const auto number = std::to_string(100000 + i * 7919 % 10007);
    entries.emplace_back(key, number + std::string(size, 'v'));
  }
  return entries;
}

}  // namespace

TEST_CASE("plain files of any size are counted as libdb counts them") {
  const TempDir dir;
  const auto check_one = [&](int n, bool is_sorted, const Written& how) {
    CAPTURE(n);
    CAPTURE(is_sorted);
    auto entries = shuffled(some_entries(n));
    if (is_sorted) std::sort(entries.begin(), entries.end());
    const auto path = dir.file("f");
    std::filesystem::remove(path);
    write(path, entries, how);
    REQUIRE(fault_of(path) == "");
    check_same(check_file(path), counted(path));
  };
  for (const auto type : {DB_BTREE, DB_HASH}) {
    for (const uint32_t page_size : {512u, 4096u, 65536u}) {
      CAPTURE(type);
      CAPTURE(page_size);
      for (const int n : {0, 1, 2, 100, rounds(6000)}) {
        for (const bool is_sorted : {true, false})
          check_one(n, is_sorted, {.type = type, .page_size = page_size});
      }
      for (const int byte_order : {1234, 4321}) {
        CAPTURE(byte_order);
        check_one(
            rounds(1000), false,
            {.type = type, .flags = DB_CHKSUM, .byte_order = byte_order, .page_size = page_size});
      }
    }
  }
}

// Each third one is short, the others have one page to three, and most differ at their ends.
Entries with_long_keys(int n, uint32_t page_size, uint32_t sizes = 50) {
  Entries entries;
  for (uint32_t i = 0; i < static_cast<uint32_t>(n); ++i) {
    const size_t common = i % 3 == 0 ? 0 : page_size / 4 + i % 20 * page_size / 8;
    entries.emplace_back(std::string(common, 'k') + std::to_string(100000 + i * 7919 % 99991),
                         std::string(i % sizes, 'v'));
  }
  return entries;
}

TEST_CASE("keys that have pages of their own are counted as libdb counts them") {
  const TempDir dir;
  for (const auto type : {DB_BTREE, DB_HASH}) {
    for (const uint32_t page_size : {512u, 4096u, 65536u}) {
      for (const int byte_order : {1234, 4321}) {
        for (const uint32_t flags : {uint32_t{0}, uint32_t{DB_CHKSUM}}) {
          CAPTURE(type);
          CAPTURE(page_size);
          CAPTURE(byte_order);
          CAPTURE(flags);
          const auto path = dir.file("f");
          std::filesystem::remove(path);
          const bool is_subdb = flags != 0;
          const Written how = {type, is_subdb ? "served" : nullptr, flags, byte_order, page_size};
          const bool is_large = page_size == 512 && byte_order == 1234 && !is_subdb;
          const int n = is_large ? 17000 : rounds(1000000 / static_cast<int>(page_size));
          write(path, with_long_keys(n, page_size, 100), how);
          REQUIRE(fault_of(path) == "");
          check_same(check_file(path), counted(path, how.subdb));
          if (type != DB_HASH || !is_large) continue;  // of which two threads do halves
          CHECK((number_at(bytes_of(path), kLastBucketAt) + 1) * page_size >= 1 << 20);
        }
      }
    }
  }
}

TEST_CASE("long keys whose lengths differ by little are hashed side by side") {
  const TempDir dir;
  const auto path = dir.file("f");
  Entries entries;
  for (int i = 100; i < 140; ++i)
    entries.emplace_back(std::to_string(i) + std::string(3000 + i % 7, 'k'), "value");
  write(path, entries, {.type = DB_HASH, .page_size = 512});
  check_same(check_file(path), counted(path));
}

TEST_CASE("long keys have duplicates, are counted, and are deleted again") {
  const TempDir dir;
  auto entries = with_long_keys(3000, 512);
  std::sort(entries.begin(), entries.end());
  std::vector<std::string> deleted;
  for (size_t i = 500; i < entries.size(); ++i) {
    if (i % 400 < 350) deleted.push_back(entries[i].first);
  }
  for (const uint32_t flags : {DB_RECNUM, DB_DUP, DB_DUP | DB_DUPSORT}) {
    CAPTURE(flags);
    auto all = shuffled(entries);
    if ((flags & DB_DUP) != 0) {
      for (size_t i = 0; i < 500; ++i) all.emplace_back(all[i * 3].first, "x");
    }
    const auto path = dir.file("f" + std::to_string(flags));
    write(path, all, {.flags = flags, .page_size = 512}, deleted);
    REQUIRE(fault_of(path) == "");
    check_same(check_file(path), counted(path));
    const auto bytes = bytes_of(path);
    size_t first_keys = 0;  // of branches, which are asked by nobody
    for (size_t at = 512; at < bytes.size(); at += 512) {
      const size_t first = at + short_at(bytes, at + kHeader);
      if (bytes[at + kTypeAt] == kBranch && bytes[first + kItemTypeAt] == kLong) ++first_keys;
    }
    CHECK(first_keys > 0);
  }
}

// libdb does not find each of such keys.
TEST_CASE("of a hash in which one key begins with another, what is found sound is found by libdb") {
  const TempDir dir;
  const auto path = dir.file("f");
  std::mt19937 random(5);
  int sound = 0, others = 0;
  for (int i = 0; i < rounds(400); ++i) {
    CAPTURE(i);
    std::filesystem::remove(path);
    Entries entries;
    for (int more = 0; more < 6; ++more) {
      std::string key(1, static_cast<char>('a' + random() % 4));
      for (size_t letters = random() % 3; letters > 0; --letters) key += "ab"[random() % 2];
      if (random() % 3 == 0) key += std::string(128, 'a');
      if (random() % 3 == 0) key += std::string(400, 'b');
      entries.emplace_back(key, "v");
    }
    write(path, entries, {.type = DB_HASH, .page_size = 512});
    const auto found = check_file(path);
    ++(found ? sound : others);
    if (found) check_same(found, counted(path));
  }
  CHECK(sound > 10);
  CHECK(others > 10);
  // A long one, and on its page the one that it begins with, beside it or behind another.
  for (const size_t n : {2u, 3u}) {
    int together = 0;
    for (char letter = 'a'; letter <= 'z'; ++letter) {
      std::filesystem::remove(path);
      const std::string key(1, letter);
      Entries entries = {{key, "v"}, {key + std::string(400, 'b'), "v"}, {key + "d", "v"}};
      entries.resize(n);
      write(path, entries, {.type = DB_HASH, .page_size = 512});
      const auto bytes = bytes_of(path);
      if (short_at(bytes, page_of(bytes, kHash, 512) + kCountAt) != 2 * n) continue;
      ++together;
      CHECK_FALSE(check_file(path));
    }
    CHECK(together > 0);
  }
}

TEST_CASE("compressed keys are counted as libdb counts them, and libdb finds each") {
  const TempDir dir;
  const auto path = dir.file("f");
  const auto check_one = [&](Entries entries, Written how, bool is_sorted) {
    CAPTURE(entries.size());
    CAPTURE(how.page_size);
    CAPTURE(how.byte_order);
    CAPTURE(is_sorted);
    how.compressed = true;
    if (is_sorted) std::sort(entries.begin(), entries.end());
    std::filesystem::remove(path);
    write(path, is_sorted ? entries : shuffled(entries), how);
    if (how.subdb != nullptr) {
      how.subdb = "other";
      write(path, some_entries(100), how, {"key7", "key50"});
      how.subdb = "served";
    }
    REQUIRE(fault_of(path) == "");
    check_same(check_file(path), counted(path, how.subdb));
    CHECK(finds_all(path, how.subdb));
  };
  Entries others = {{"", "no key"}, {"\xff", ""}};  // more and less alike, most values short
  for (int i = 0; i < rounds(3000); ++i) {
    const auto key = std::string(i * 7919 % 61, 'k') + std::to_string(i * 7919 % 10007);
    others.emplace_back(key, std::string(i % 17 == 0 ? i % 400 : i % 50, 'v'));
  }
  for (const uint32_t page_size : {512u, 4096u, 65536u}) {
    for (const bool is_sorted : {true, false}) {
      for (const int n : {0, 1, 2, 100, rounds(2000)})
        check_one(some_entries(n), {.page_size = page_size}, is_sorted);
      check_one(others, {.page_size = page_size}, is_sorted);
      for (const int byte_order : {1234, 4321}) {
        const Written how{.flags = DB_CHKSUM, .byte_order = byte_order, .page_size = page_size};
        check_one(others, how, is_sorted);
      }
      check_one(others, {.subdb = "served", .page_size = page_size}, is_sorted);
    }
  }
}

TEST_CASE("compressed keys of two halves are in order, too") {
  const TempDir dir;
  const auto path = dir.file("f");
  constexpr size_t kPage = 512;
  Entries entries;
  for (int i = 100000; i < 180000; ++i) entries.emplace_back(std::to_string(i), "value");
  write(path, entries, {.page_size = kPage, .compressed = true});
  REQUIRE(fault_of(path) == "");
  check_same(check_file(path), counted(path));
  const auto whole = bytes_of(path);
  const auto header = header_of(whole, kPage);
  // The last chunk before the second half, and a key in it that is above all others.
  const size_t root = number_at(whole, kRootAt) * kPage;
  REQUIRE(whole[root + kLevelAt] > 2);
  const size_t middle = short_at(whole, root + kCountAt) / 2u;
  size_t right =
      number_at(whole, root + short_at(whole, root + kHeader + 2 * middle) + kPageAt) * kPage;
  while (whole[right + kLevelAt] > 1)
    right = number_at(whole, right + short_at(whole, right + kHeader) + kPageAt) * kPage;
  const size_t left = number_at(whole, right + kPreviousAt) * kPage;
  const size_t chunk =
      left + short_at(whole, left + kHeader + 2 * (short_at(whole, left + kCountAt) - 1u));
  const size_t end = chunk + kLeafKeyAt + short_at(whole, chunk);
  REQUIRE(whole.substr(end - 9, 3) == "\5\1\5");  // the last key is another in its last byte
  auto bytes = whole;
  bytes[end - 9] = 0;
  bytes[end - 6] = 'z';
  for (const uint32_t threads : {1u, 2u}) {
    CHECK(check(whole, header, {}, threads));
    CHECK_FALSE(check(bytes, header, {}, threads));
  }
}

// Of a key and of what is not a value of it.
TEST_CASE("of duplicates the first is counted") {
  const TempDir dir;
  Entries few;
  for (int i = 0; i < rounds(3000); ++i) {
    for (int more = 0; more <= i % 5; ++more)
      few.emplace_back("key" + std::to_string(i), std::string(i % 40 + 1, "bcdef"[more]));
  }
  auto many = few;  // some of which have a tree of their own, of one leaf or of several levels
  for (int i = 0; i < 30; ++i) {
    const auto key = "key" + std::to_string(i * 37);
    for (auto& entry : duplicates_of(key, i % 10 * 20, 30)) many.push_back(std::move(entry));
  }
  for (auto& entry : duplicates_of("many", rounds(5000), 53)) many.push_back(std::move(entry));
  const auto check_one = [&](const Entries& entries, const Written& how) {
    const auto path = dir.file("f");
    std::filesystem::remove(path);
    write(path, entries, how);
    const char* const subdb = how.subdb;
    if (subdb != nullptr) write(path, entries, {.subdb = "another", .flags = how.flags});
    REQUIRE(fault_of(path) == "");
    check_same(check_file(path), counted(path, subdb));
  };
  for (const auto type : {DB_BTREE, DB_HASH}) {
    for (const uint32_t flags : {DB_DUP, DB_DUP | DB_DUPSORT}) {
      for (const uint32_t page_size : {512u, 4096u, 65536u}) {
        CAPTURE(type);
        CAPTURE(flags);
        CAPTURE(page_size);
        for (const auto* entries : {&few, &many}) {
          CAPTURE(entries->size());
          check_one(*entries, {.type = type, .flags = flags, .page_size = page_size});
          for (const int byte_order : {1234, 4321}) {
            CAPTURE(byte_order);
            check_one(*entries, {.type = type,
                                 .subdb = byte_order == 4321 ? "served" : nullptr,
                                 .flags = flags | DB_CHKSUM,
                                 .byte_order = byte_order,
                                 .page_size = page_size});
          }
        }
      }
    }
  }
}

TEST_CASE("of a btree with sorted duplicates a long value is sound that is its key's only one") {
  const TempDir dir;
  auto entries = some_entries(300);  // some of them long
  entries.emplace_back("key1", "another");
  const auto path = dir.file("f");
  write(path, shuffled(entries), {.flags = DB_DUP | DB_DUPSORT});
  REQUIRE(fault_of(path) == "");
  check_same(check_file(path), counted(path));
  for (const char* other : {"another", "\xff"}) {  // before it, and behind it
    auto more = entries;
    more.emplace_back("key100", other);
    const auto with_two = dir.file("g");
    std::filesystem::remove(with_two);
    write(with_two, more, {.flags = DB_DUP | DB_DUPSORT});
    CHECK_FALSE(check_file(with_two));
  }
}

TEST_CASE("a tree of duplicates is its key's only value") {
  const TempDir dir;
  const auto path = dir.file("f");
  constexpr size_t kPage = 4096;
  auto entries = duplicates_of("key", 200, 50);
  write(path, entries, {.flags = DB_DUP});
  const auto whole = bytes_of(path);
  const size_t leaf = page_of(whole, kLeaf);
  REQUIRE(short_at(whole, leaf + kCountAt) == 2);
  const auto item = [&](size_t i) {
    return leaf + short_at(whole, leaf + kHeader + sizeof(uint16_t) * i);
  };
  const auto key = whole.substr(item(0), rounded(kLeafKeyAt + 3)),
             tree = whole.substr(item(1), kLongItemSize);
  REQUIRE(static_cast<uint8_t>(tree[kItemTypeAt]) == kTree);
  std::string value(kLongItemSize, 'v');
  put_short(value, 0, kLongItemSize - kLeafKeyAt);
  value[kItemTypeAt] = kHere;
  // Items fill the page as they come; a key's, which comes first, is that of each.
  const auto with = [&](const std::vector<std::string>& values) {
    auto bytes = whole;
    size_t at = kPage - key.size(), place = leaf + kHeader;
    const size_t key_at = at;
    bytes.replace(leaf + at, key.size(), key);
    for (const auto& each : values) {
      at -= each.size();
      bytes.replace(leaf + at, each.size(), each);
      put_short(bytes, place, static_cast<uint16_t>(key_at));
      put_short(bytes, place + 2, static_cast<uint16_t>(at));
      place += 4;
    }
    put_short(bytes, leaf + kCountAt, static_cast<uint16_t>(2 * values.size()));
    put_short(bytes, leaf + kLowestAt, static_cast<uint16_t>(at));
    return bytes;
  };
  CHECK(check(with({tree}), kPage));
  CHECK_FALSE(check(with({value, tree}), kPage));
  CHECK_FALSE(check(with({tree, value}), kPage));
}

TEST_CASE("an item of a btree lies where no other one does, and on a boundary of four bytes") {
  const TempDir dir;
  constexpr size_t kPage = 4096, kPlaces = kPage + kHeader;
  const auto place = [](size_t i) { return kPlaces + sizeof(uint16_t) * i; };
  SUBCASE("three duplicates in one place") {
    write(dir.file("f"), {{"key", "value"}}, {.flags = DB_DUP, .page_size = kPage});
    auto bytes = bytes_of(dir.file("f"));
    REQUIRE(check(bytes, kPage));
    put_short(bytes, kPage + kCountAt, 6);
    for (size_t i = 2; i < 6; ++i) put_short(bytes, place(i), short_at(bytes, place(i % 2)));
    CHECK_FALSE(check(bytes, kPage));
  }
  SUBCASE("two bytes on, where another one begins") {
    // Of each key's item the last two bytes are none of its own.
    write(dir.file("f"), {{"k03", "a"}, {"k01", "b"}, {"k02", "c"}}, {.page_size = kPage});
    auto bytes = bytes_of(dir.file("f"));
    REQUIRE(check(bytes, kPage));
    const size_t key = short_at(bytes, place(2)), value = short_at(bytes, place(3)),
                 size = rounded(kLeafKeyAt + 3);
    REQUIRE(value + rounded(kLeafKeyAt + 1) == key);
    REQUIRE(short_at(bytes, place(1)) > key);  // the lowest one is another
    const auto items = bytes.substr(kPage + value, key + size - 2 - value);
    bytes.replace(kPage + value + 2, items.size(), items);
    put_short(bytes, place(2), static_cast<uint16_t>(key + 2));
    put_short(bytes, place(3), static_cast<uint16_t>(value + 2));
    CHECK_FALSE(check(bytes, kPage));
  }
}

TEST_CASE("of unsorted duplicates in a tree some are long") {
  const TempDir dir;
  for (const auto type : {DB_BTREE, DB_HASH}) {
    CAPTURE(type);
    const auto path = dir.file("f" + std::to_string(type));
    auto entries = duplicates_of("key", 200, 50);
    entries.front().second = std::string(9000, 'l');
    entries[7].second = std::string(5000, 'l');
    write(path, entries, {.type = type, .flags = DB_DUP});
    REQUIRE(fault_of(path) == "");
    check_same(check_file(path), counted(path));
    CHECK(check_file(path)->front().largest_value == 9000);
  }
}

TEST_CASE("of duplicates that clients get a part of, the first is counted by that part") {
  const TempDir dir;
  for (const auto type : {DB_BTREE, DB_HASH}) {
    CAPTURE(type);
    Entries entries = {{"one", item_of({"one", "1", 7})}};
    for (const auto& [key, n] : {std::pair("few", 3), std::pair("many", 300)}) {
      for (int i = 0; i < n; ++i)
        entries.emplace_back(key, item_of({key, std::string(static_cast<size_t>(i) + 5, 'v'), 7}));
    }
    const auto path = dir.file("f" + std::to_string(type));
    write(path, entries, {.type = type, .flags = DB_DUP});
    const auto found = check(bytes_of(path), 4096, true);
    REQUIRE(found.has_value());
    CHECK(found->front().entries == 3);
    CHECK(found->front().bytes == std::string("one1fewvvvvvmanyvvvvv").size());
    entries.insert(entries.begin(), {"many", "none"});
    const auto other = dir.file("g" + std::to_string(type));
    write(other, entries, {.type = type, .flags = DB_DUP});
    CHECK_FALSE(check(bytes_of(other), 4096, true));
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
  check_same(check_file(path), counted(path, "served"));
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
  const auto found = check(bytes_of(path), 4096, true);
  REQUIRE(found.has_value());
  CHECK(found->front().bytes == served);
  for (const Written& how : {Written{.type = DB_HASH}, Written{.compressed = true}}) {
    const auto other = dir.file(how.compressed ? "compressed" : "hash");
    write(other, entries, how);
    const auto found_there = check(bytes_of(other), 4096, true);
    REQUIRE(found_there.has_value());
    CHECK(found_there->front().bytes == served);
  }
  for (const auto type : {DB_BTREE, DB_HASH}) {
    entries.clear();
    for (int i = 0; i < 300; ++i) {
      const auto key = std::string(i % 240, 'k') + std::to_string(1000 + i);
      entries.emplace_back(key, item_of({key, std::string(i * 41 % 900, 'v'), 7}));
    }
    const auto long_keys = dir.file("long" + std::to_string(type));
    write(long_keys, entries, {.type = type, .page_size = 512});
    const auto found_in_it = check(bytes_of(long_keys), 512, true);
    REQUIRE(found_in_it.has_value());
    CHECK(found_in_it->front().entries == 300);
    CHECK(found_in_it->front().largest_key == 243);
  }
  for (const bool is_compressed : {false, true}) {
    for (const auto& value : {"value"s, std::string(5000, 'v')}) {
      const auto wrong = dir.file("wrong");
      std::filesystem::remove(wrong);
      write(wrong, {{"key", item_of({"another", value, 0})}}, {.compressed = is_compressed});
      CHECK(check(bytes_of(wrong), 4096));
      CHECK_FALSE(check(bytes_of(wrong), 4096, true));
    }
  }
}

TEST_CASE("what is not plain is left to libdb") {
  const TempDir dir;
  const auto entries = some_entries(200);
  const auto compressed = dir.file("compressed");
  write(compressed, entries, {.flags = DB_DUP | DB_DUPSORT, .compressed = true});
  CHECK_FALSE(check(bytes_of(compressed), 4096));
  for (const auto type : {DB_BTREE, DB_HASH}) {
    CAPTURE(type);
    const auto path = dir.file("kind" + std::to_string(type));
    auto sorted = duplicates_of("key", 100, 50);
    sorted.front().second = std::string(5000, 'l');
    write(path, sorted, {.type = type, .flags = DB_DUP | DB_DUPSORT});
    CHECK_FALSE(check(bytes_of(path), 4096));
  }
  write(dir.file("long"), {{std::string((1 << 20) + 1, 'k'), "v"}}, {.page_size = 65536});
  CHECK_FALSE(check_file(dir.file("long")));
  write(dir.file("name"), entries, {.subdb = std::string(3000, 'n').c_str()});
  CHECK_FALSE(check_file(dir.file("name")));
  CHECK_FALSE(check("", 512));
}

TEST_CASE("a server that stops is not kept waiting") {
  const TempDir dir;
  write(dir.file("f"), some_entries(3000));
  const auto bytes = bytes_of(dir.file("f"));
  FakeHost host;
  host.on_progress = [](uint64_t, uint64_t) { return 1; };
  PlainCheck check(
      bytes, header_of(bytes, 4096), [](auto) { return std::nullopt; }, {},
      goromdb::Host(host.table()));
  CHECK_THROWS_AS(check.run(0), goromdb::Failure);
}

TEST_CASE("each thing that is not as it has to be is noticed") {
  const TempDir dir;
  constexpr size_t kPage = 1024;
  const auto at_page = [](uint32_t number, size_t at) { return number * kPage + at; };
  struct Change {
    std::string what;
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
      for (const uint32_t threads : {1u, 2u})
        CHECK_FALSE(check(bytes, header_of(bytes, kPage), {}, threads));
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
    const size_t long_value =
        whole.find(std::string("\3\0", 2) + whole.substr(part + kNumberAt, 4));
    REQUIRE(long_value != whole.npos);
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
               {"flags", kFlagsAt, "\x80"},
               {"keys a page", kMinKeyAt, "\3"},
               {"size of records", kRecordSizeAt, "\1"},
               {"root", kRootAt, "\2"},
               {"number of a page", leaf + kNumberAt, "\377"},
               {"level of a leaf", leaf + kLevelAt, "\2"},
               {"level of a branch", branch + kLevelAt, "\7"},
               {"type of a leaf", leaf + kTypeAt, "\3"},
               {"a leaf without entries", leaf + kCountAt, "\0\0\0\4"s},
               {"a branch without items", branch + kCountAt, "\0\0\0\4"s},
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
               {"type of a long value", long_value, "\2"},
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
  SUBCASE("of long keys") {
    const auto path = dir.file("f");
    Entries entries;
    for (int i = 1000; i < 1400; ++i)
      entries.emplace_back(std::string(1500, 'k') + std::to_string(i), "value");
    write(path, entries, {.page_size = kPage});
    const auto whole = bytes_of(path);
    const size_t branch = page_of(whole, kBranch, kPage), leaf = page_of(whole, kLeaf, kPage);
    const size_t key = leaf + short_at(whole, leaf + kHeader),
                 separator = branch + short_at(whole, branch + kHeader + 2) + kBranchKeyAt;
    const size_t part = number_at(whole, key + kPageAt) * kPage,
                 end = number_at(whole, part + kNextAt) * kPage,
                 copy = number_at(whole, separator + kPageAt) * kPage,
                 end_of_copy = number_at(whole, copy + kNextAt) * kPage;
    const size_t last = kHeader + 1500 - (kPage - kHeader) + 3;
    REQUIRE(whole[end + last] == '0' + 1000 % 10);
    check_all(whole,
              {{"a key", end + last, "9"},
               {"where it begins", part + kHeader, "l"},
               {"references to it", part + kCountAt, "\2"},
               {"type of its page", part + kTypeAt, "\5"},
               {"its end", part + kNextAt, std::string(4, '\0')},
               {"its size", key + kLongSizeAt, "\1"},
               {"its type", key + kItemTypeAt, "\2"},
               {"its page", key + kPageAt, "\377\377"},
               {"the page of another one", key + kPageAt, whole.substr(separator + kPageAt, 4)},
               {"a leaf's key in its branch", separator + kPageAt, whole.substr(key + kPageAt, 4)},
               {"a key that is not below its branch's", end_of_copy + last, "z"},
               {"a key that is below it", copy + kHeader, "a"},
               {"references to a branch's key", copy + kCountAt, "\2"},
               {"type of a branch's item", separator - kBranchKeyAt + kItemTypeAt, "\2"},
               {"size of a branch's item", separator - kBranchKeyAt, "\15"},
               {"type of a branch's key", separator + kItemTypeAt, "\1"},
               {"size of a branch's key", separator + kLongSizeAt, "\1"}});
  }
  SUBCASE("of long keys of a hash") {
    const auto path = dir.file("f");
    Entries entries;
    for (int i = 1000; i < 1400; ++i)
      entries.emplace_back(std::string(1500, 'k') + std::to_string(i), "value");
    write(path, entries, {.type = DB_HASH, .page_size = kPage});
    const auto whole = bytes_of(path);
    const size_t bucket = page_of(whole, kHash, kPage);
    REQUIRE(short_at(whole, bucket + kCountAt) >= 4);
    const auto key = [&](size_t i) { return bucket + short_at(whole, bucket + kHeader + 4 * i); };
    const size_t part = number_at(whole, key(0) + kPageAt) * kPage;
    std::string swapped = whole.substr(key(1) + kPageAt, 4);
    check_all(whole, {{"a key", part + kHeader, "l"},
                      {"references to it", part + kCountAt, "\2"},
                      {"its end", part + kNextAt, std::string(4, '\0')},
                      {"its size", key(0) + kLongSizeAt, "\1"},
                      {"its type", key(0), "\4"},
                      {"the page of another one", key(0) + kPageAt, swapped}});
    auto bytes = whole;  // their order
    bytes.replace(key(0) + kPageAt, 4, swapped);
    bytes.replace(key(1) + kPageAt, 4, whole, key(0) + kPageAt, 4);
    CHECK_FALSE(check(bytes, kPage));
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
    check_all(whole, {{"duplicates in the list", kFlagsAt, "\x21"},
                      {"flag of a sub-database", meta + kFlagsAt, std::string(4, '\0')},
                      {"free pages of its own", meta + kFreeAt, "\1"},
                      {"length of a number in the list", value_of(0), "\3"},
                      {"one database under two names", value_of(0) + kLeafKeyAt,
                       whole.substr(value_of(1) + kLeafKeyAt, 4)}});
  }
  SUBCASE("of duplicates") {
    const auto path = dir.file("f");
    Entries entries = {{"key1", "1"}, {"key2", "1"}, {"key2", "2"}};
    write(path, entries, {.flags = DB_DUP | DB_DUPSORT, .page_size = kPage});
    const auto whole = bytes_of(path);
    const auto place = [](size_t i) { return kPage + kHeader + 2 * i; };
    check_all(whole, {{"sorted, and none", kFlagsAt, "\x40"},
                      {"none", kFlagsAt, std::string(1, '\0')},
                      {"their order", kPage + short_at(whole, place(5)) + kLeafKeyAt, "0"},
                      {"of the key before", place(2), whole.substr(place(0), 2)}});
    write(dir.file("g"), {{"key", "1"}, {"key", "2"}}, {.flags = DB_DUP, .page_size = kPage});
    check_all(bytes_of(dir.file("g")), {{"a key that lies nowhere", place(0), "\0\0"s}});
  }
  SUBCASE("of compressed keys") {
    const auto path = dir.file("f");
    const Entries entries = {{"key1", "one"}, {"key2", "two"}, {"key4", std::string(500, 'v')}};
    write(path, entries, {.page_size = kPage, .compressed = true});
    const auto whole = bytes_of(path);
    const auto item = [&](size_t i) { return kPage + short_at(whole, kPage + kHeader + 2 * i); };
    REQUIRE(short_at(whole, kPage + kCountAt) == 4);
    const size_t chunk = item(1) + kLeafKeyAt;
    const auto pair = std::string("\3one\3\1\3") + "2two";
    REQUIRE(whole.substr(chunk, pair.size()) == pair);
    const size_t part = page_of(whole, kOverflow, kPage);
    check_all(whole, {{"flags, records too", kFlagsAt, "\x84"},
                      {"flags, duplicates too", kFlagsAt, "\x81"},
                      {"flags, a sub-database", kFlagsAt, "\xa0"},
                      {"length of the first value", chunk, "\13"},
                      {"bytes of the key before", chunk + 4, "\5"},
                      {"its other bytes", chunk + 5, "\2"},
                      {"length of a value", chunk + 6, "\4"},
                      {"a key that is not above the one before", chunk + 7, "1"},
                      {"a key that is not below the next item's", chunk + 7, "5"},
                      {"an item's key below the chunk's before", item(2) + kLeafKeyAt + 3, "2"},
                      {"an odd count", kPage + kCountAt, "\3"},
                      {"length of a long value", item(3) + kLongSizeAt, "\1"},
                      {"type of a long value", item(3) + kItemTypeAt, "\2"},
                      {"page of a long value", item(3) + kPageAt, "\7\7"},
                      {"size in a long value", part + kHeader + 1, "\1"},
                      {"number in a long value", part + kHeader, "\xf8"}});
  }
  SUBCASE("of a recno") {
    const auto path = dir.file("f");
    Entries entries;
    for (int i = 1; i < 3000; ++i) entries.emplace_back(std::to_string(i), "value");
    write(path, entries, {.type = DB_RECNO, .page_size = kPage, .record_size = 5});
    const auto whole = bytes_of(path);
    const size_t root = number_at(whole, kRootAt) * kPage, leaf = page_of(whole, kRecnoLeaf, kPage);
    REQUIRE(static_cast<uint8_t>(whole[root + kTypeAt]) == kRecnoBranch);
    const size_t below = root + short_at(whole, root + kHeader);
    check_all(whole, {{"their size, unknown", kRecordSizeAt, std::string(4, '\0')},
                      {"sizes that differ, and one is told", kFlagsAt, "\2"},
                      {"a record of another size", leaf + short_at(whole, leaf + kHeader), "\4"},
                      {"type of a leaf", leaf + kTypeAt, "\5"},
                      {"the page below", below + kRecnoPageAt, "\1\0\0\0"s},
                      {"how many are below", below + kRecnoCountAt, "\377"},
                      {"how many there are", root + kPreviousAt, "\1"}});
  }
  SUBCASE("of an empty one") {
    write(dir.file("f"), {}, {.page_size = kPage});
    check_all(bytes_of(dir.file("f")), {{"type", kPage + kTypeAt, "\7"},
                                        {"level", kPage + kLevelAt, "\2"},
                                        {"lowest item", kPage + kLowestAt, "\7"},
                                        {"the leaf before", kPage + kPreviousAt, "\1"},
                                        {"the next leaf", kPage + kNextAt, "\1"}});
  }
  SUBCASE("of a hash") {
    const auto path = dir.file("f");
    Entries entries;
    for (int i = 1000; i < 4000; ++i) entries.emplace_back(std::to_string(i), "value");
    entries.emplace_back("long", std::string(5000, 'v'));
    write(path, entries, {.type = DB_HASH, .page_size = kPage});
    const auto whole = bytes_of(path);
    const size_t bucket = page_of(whole, kHash, kPage);
    size_t chain = 0, longs = 0;
    for (size_t at = kPage; at < whole.size(); at += kPage) {
      if (static_cast<uint8_t>(whole[at + kTypeAt]) != kHash) continue;
      if (number_at(whole, at + kPreviousAt) != 0) chain = at;
      for (size_t i = 0; i < short_at(whole, at + kCountAt); ++i) {
        const size_t item = at + short_at(whole, at + kHeader + 2 * i);
        if (i % 2 == 1 && static_cast<uint8_t>(whole[item]) == kLong) longs = item;
      }
    }
    REQUIRE(chain != 0);
    REQUIRE(longs != 0);
    const auto place = [&](size_t i) { return bucket + kHeader + 2 * i; };
    const auto key = [&](size_t i) { return bucket + short_at(whole, place(i)) + kHashKeyAt; };
    const auto pair = whole.substr(key(2), 4);
    check_all(whole, {{"flags", kFlagsAt, "\10"},
                      {"last bucket", kLastBucketAt, "\1"},
                      {"no bucket but one", kLastBucketAt, std::string(4, '\0')},
                      {"high mask", kHighMaskAt, "\1"},
                      {"low mask", kLowMaskAt, "\1"},
                      {"count of keys", kKeysAt + 3, "\x81"},
                      {"which hash", kWordsHashAt, "\1"},
                      {"what is spared", kSparesAt, "\2"},
                      {"level", bucket + kLevelAt, "\1"},
                      {"type", bucket + kTypeAt, "\2"},
                      {"the page before", bucket + kPreviousAt, "\1"},
                      {"the page before in a chain", chain + kPreviousAt, "\377"},
                      {"an empty page in a chain", chain + kCountAt, "\0\0"s},
                      {"the chain's next", chain + kNextAt, "\1"},
                      {"an odd count", bucket + kCountAt, "\1"},
                      {"a count that leaves no room", bucket + kCountAt + 1, "\7"},
                      {"a place", place(1), whole.substr(place(0), 2)},
                      {"a place behind the one before", place(2), whole.substr(place(0), 2)},
                      {"a place among the places", place(1), "\40\0"s},
                      {"a key that is elsewhere's", key(0), "0"},
                      {"type of a key", key(0) - kHashKeyAt, "\3"},
                      {"type of a value", key(1) - kHashKeyAt, "\2"},
                      {"a key twice", key(0), pair},
                      {"page of a long value", longs + kPageAt, "\1\0\0\0"s},
                      {"length of a long value", longs + kLongSizeAt, "\1"}});
  }
  SUBCASE("of a hash's duplicates") {
    const auto path = dir.file("f");
    write(path, {{"key", "11"}, {"key", "22"}, {"key", "33"}},
          {.type = DB_HASH, .flags = DB_DUP | DB_DUPSORT, .page_size = kPage});
    const auto whole = bytes_of(path);
    const size_t text = whole.rfind("11"), set = text - kSetLengthSize - kHashKeyAt;
    REQUIRE(whole.substr(set, 8) ==
            "\2\2\0"
            "11\2\0\2"s);
    check_all(whole, {{"none", kFlagsAt, std::string(1, '\0')},
                      {"sorted, and none", kFlagsAt, "\4"},
                      {"those of a sub-database", kFlagsAt, "\7"},
                      {"their order", text, "3"},
                      {"one twice", text + 6, "11"},
                      {"length before one", text - 2, "\3"},
                      {"length before one, far too long", text - 1, "\377"},
                      {"length behind one", text + 2, "\3"},
                      {"length behind the last", text + 14, "\3"},
                      {"a set that goes on behind its end", text + 10, "\6"},
                      {"type of the set", set, "\3"},
                      {"another type", set, "\4"}});
  }
  for (const auto type : {DB_BTREE, DB_HASH}) {
    const bool is_hash = type == DB_HASH;
    const auto a_tree = [&](uint32_t flags) {
      const auto path = dir.file("f");
      auto entries = duplicates_of("many", 300, 20);
      for (auto& entry : duplicates_of("more", 2, 20)) entries.push_back(entry);
      write(path, entries, {.type = type, .flags = flags, .page_size = kPage});
      return bytes_of(path);
    };
    const auto page_with_tree = [&](const std::string& whole) {  // begins with its item
      const size_t page = page_of(whole, is_hash ? kHash : kLeaf, kPage);
      for (size_t at = page; at < page + kPage; at += 1) {
        const uint32_t root = number_at(whole, at + kPageAt);
        const bool is_type =
            whole[at + (is_hash ? 0 : kItemTypeAt)] == (is_hash ? kHashTree : kTree);
        if (is_type && root > 0 && root < whole.size() / kPage &&
            whole[root * kPage + kLevelAt] > 1) {
          return at;
        }
      }
      FAIL("there is no tree");
      return page;
    };
    SUBCASE(is_hash ? "of a hash's sorted tree" : "of a btree's sorted tree") {
      const auto whole = a_tree(DB_DUP | DB_DUPSORT);
      const size_t item = page_with_tree(whole), root = number_at(whole, item + kPageAt) * kPage,
                   first = root + short_at(whole, root + kHeader),
                   second = root + short_at(whole, root + kHeader + 2),
                   leaf = number_at(whole, first + kPageAt) * kPage,
                   next = number_at(whole, second + kPageAt) * kPage;
      REQUIRE(static_cast<uint8_t>(whole[root + kTypeAt]) == kBranch);
      REQUIRE(static_cast<uint8_t>(whole[leaf + kTypeAt]) == kSortedLeaf);
      const auto value = [&](size_t i) { return leaf + short_at(whole, leaf + kHeader + 2 * i); };
      const size_t of_next = next + short_at(whole, next + kHeader);
      size_t last = leaf;
      while (number_at(whole, last + kNextAt) != 0) last = number_at(whole, last + kNextAt) * kPage;
      check_all(whole, {{"none", kFlagsAt, std::string(1, '\0')},
                        {"not sorted", kFlagsAt, "\1"},
                        {"type of the item", item + (is_hash ? 0 : kItemTypeAt), "\3"},
                        {"the root", item + kPageAt, "\1\0\0\0"s},
                        {"no root", item + kPageAt, std::string(4, '\377')},
                        {"how many there are", root + kPreviousAt, "\1"},
                        {"how many are below", first + kCountOfRecordsAt, "\1"},
                        {"level of the root", root + kLevelAt, "\7"},
                        {"type of the root", root + kTypeAt, "\4"},
                        {"a gap in the root", root + kHeader, whole.substr(root + kHeader + 2, 2)},
                        {"a page twice", first + kPageAt, whole.substr(second + kPageAt, 4)},
                        {"what is above the first leaf", second + kBranchKeyAt, "0"},
                        {"what is not below the second one", second + kBranchKeyAt, "9"},
                        {"a long separator", second + kItemTypeAt, "\3"},
                        {"type of a leaf", leaf + kTypeAt, "\6"},
                        {"level of a leaf", leaf + kLevelAt, "\2"},
                        {"an empty leaf", leaf + kCountAt, "\0\0\0\4"s},
                        {"the leaf before the first", leaf + kPreviousAt, "\1"},
                        {"the leaf before", next + kPreviousAt, "\1"},
                        {"the next leaf", leaf + kNextAt, "\377"},
                        {"the end of the leaves", last + kNextAt, "\1"},
                        {"order", value(1) + kLeafKeyAt, "0"},
                        {"order in the next leaf", of_next + kLeafKeyAt, "0"},
                        {"order in the next leaf's middle",
                         next + short_at(whole, next + kHeader + 10) + kLeafKeyAt, "0"},
                        {"one twice", leaf + kHeader + 2, whole.substr(leaf + kHeader, 2)},
                        {"type of one", value(2) + kItemTypeAt, "\3"},
                        {"type of one in the next leaf", of_next + kItemTypeAt, "\2"},
                        {"one to be removed", value(2) + kItemTypeAt, "\201"},
                        {"length", value(2), "\1"},
                        {"length in the next leaf", of_next, "\1"}});
    }
    SUBCASE(is_hash ? "of a hash's tree" : "of a btree's tree") {
      const auto whole = a_tree(DB_DUP);
      const size_t item = page_with_tree(whole), root = number_at(whole, item + kPageAt) * kPage,
                   first = root + short_at(whole, root + kHeader),
                   leaf = number_at(whole, first + kRecnoPageAt) * kPage,
                   value = leaf + short_at(whole, leaf + kHeader);
      REQUIRE(static_cast<uint8_t>(whole[root + kTypeAt]) == kRecnoBranch);
      REQUIRE(static_cast<uint8_t>(whole[leaf + kTypeAt]) == kRecnoLeaf);
      check_all(whole, {{"none", kFlagsAt, std::string(1, '\0')},
                        {"sorted", kFlagsAt, is_hash ? "\5" : "\101"},
                        {"how many there are", root + kPreviousAt, "\1"},
                        {"how many are below", first + kRecnoCountAt, "\1"},
                        {"an item of the root", root + kHeader, "\377\3"},
                        {"type of the root", root + kTypeAt, "\3"},
                        {"type of a leaf", leaf + kTypeAt, "\14"},
                        {"type of one", value + kItemTypeAt, "\3"},
                        {"one to be removed", value + kItemTypeAt, "\201"},
                        {"length", value, "\1"}});
    }
  }
  SUBCASE("of pages whose items lie in order") {
    const auto path = dir.file("f"), with_tree = dir.file("t");
    Entries entries, values;
    for (int i = 1000; i < 2000; ++i) entries.emplace_back(std::to_string(i), "value");
    for (int i = 1000; i < 2000; ++i) values.emplace_back("key", std::to_string(i) + "value");
    write(path, entries, {.page_size = kPage});
    write(with_tree, values, {.flags = DB_DUP | DB_DUPSORT, .page_size = kPage});
    for (const bool is_tree : {false, true}) {
      CAPTURE(is_tree);
      const auto whole = bytes_of(is_tree ? with_tree : path);
      // The second leaf: one before it, and one behind.
      const size_t any = page_of(whole, is_tree ? kSortedLeaf : kLeaf, kPage);
      size_t first = any;
      while (number_at(whole, first + kPreviousAt) != 0)
        first = number_at(whole, first + kPreviousAt) * kPage;
      const size_t leaf = number_at(whole, first + kNextAt) * kPage;
      const size_t count = short_at(whole, leaf + kCountAt), step = is_tree ? 1 : 2;
      const auto place_of = [&](size_t i) { return leaf + kHeader + 2 * step * i; };
      const auto text_of = [&](size_t i) {
        return leaf + short_at(whole, place_of(i)) + kLeafKeyAt;
      };
      for (size_t i = 1; i < count; ++i) {
        REQUIRE(short_at(whole, leaf + kHeader + 2 * i) <
                short_at(whole, leaf + kHeader + 2 * i - 2));
      }
      const size_t last = count / step - 1;
      check_all(whole, {{"one twice", text_of(1), whole.substr(text_of(0), 4)},
                        {"order", text_of(1), "0999"},
                        {"order of the last ones", text_of(last), "1000"},
                        {"one below the separator", text_of(0), "0"},
                        {"one that is not below the next one", text_of(last), "9"},
                        {"a place behind the page", place_of(0), "\377\377"},
                        {"a place at the page's end", place_of(0), "\377\3"},
                        {"a place among the places", place_of(last), "\40\0"s},
                        {"another length", text_of(1) - kLeafKeyAt, "\1"}});
    }
  }
  SUBCASE("of a key that has a tree and another value") {
    const auto path = dir.file("f");
    auto entries = duplicates_of("many", 200, 20);
    entries.emplace_back("more", "1");
    write(path, entries, {.flags = DB_DUP, .page_size = kPage});
    const auto whole = bytes_of(path);
    const size_t leaf = page_of(whole, kLeaf, kPage), places = leaf + kHeader;
    REQUIRE(short_at(whole, leaf + kCountAt) == 4);
    // The second key is out of the page, so that its items fill it again.
    auto bytes = whole;
    const size_t key = short_at(whole, places + 4), size = rounded(kLeafKeyAt + 4);
    REQUIRE(whole.substr(leaf + key + kLeafKeyAt, 4) == "more");
    const size_t lowest = short_at(whole, leaf + kLowestAt);
    bytes.replace(leaf + lowest + size, key - lowest, whole, leaf + lowest, key - lowest);
    put_short(bytes, leaf + kLowestAt, static_cast<uint16_t>(lowest + size));
    put_short(bytes, places + 4, short_at(bytes, places));
    for (const size_t i : {0u, 1u, 3u}) {
      const auto at = short_at(bytes, places + 2 * i);
      if (at < key) put_short(bytes, places + 2 * i, static_cast<uint16_t>(at + size));
    }
    CHECK_FALSE(check(bytes, kPage));
  }
  SUBCASE("of a hash whose last value begins among the places") {
    constexpr size_t kSmall = 512;
    const auto path = dir.file("f");
    Entries entries;
    for (int i = 1000; i < 1200; ++i) entries.emplace_back(std::to_string(i), "value");
    write(path, entries, {.type = DB_HASH, .page_size = kSmall});
    auto bytes = bytes_of(path);
    REQUIRE(check(bytes, kSmall));
    const size_t bucket = page_of(bytes, kHash, kSmall);
    const size_t last = bucket + kHeader + 2 * (short_at(bytes, bucket + kCountAt) - 1u);
    const size_t second_byte = kHeader + 1;  // of the first place: the type of a short value
    REQUIRE(bytes[bucket + second_byte] == kHere);
    put_short(bytes, last, second_byte);
    CHECK_FALSE(check(bytes, kSmall));
  }
  SUBCASE("of a hash that two threads have looked at") {
    const auto path = dir.file("f");
    Entries entries;
    for (int i = 10000; i < 90000; ++i) entries.emplace_back(std::to_string(i), "value");
    write(path, entries, {.type = DB_HASH, .page_size = kPage});
    const auto whole = bytes_of(path);
    const uint32_t last = number_at(whole, kLastBucketAt);
    REQUIRE((last + 1) * kPage >= size_t{1} << 20);
    const auto doubling = static_cast<size_t>(std::bit_width(last));
    const size_t end = (last + number_at(whole, kSparesAt + 4 * doubling)) * kPage;
    const auto key_in = [&](size_t page) {
      REQUIRE(short_at(whole, page + kCountAt) > 0);
      return page + short_at(whole, page + kHeader) + kHashKeyAt;
    };
    check_all(whole, {{"a key of the first half", key_in(kPage), "0"},
                      {"a key of the second half", key_in(end), "0"}});
  }
  SUBCASE("of what two threads have looked at") {
    const auto path = dir.file("f");
    Entries entries;
    for (int i = 10000; i < 60000; ++i) entries.emplace_back(std::to_string(i), "value");
    write(path, entries, {.page_size = kPage});
    const auto whole = bytes_of(path);
    const size_t root = number_at(whole, kRootAt) * kPage;
    REQUIRE(whole[root + kLevelAt] > 2);
    const size_t count = short_at(whole, root + kCountAt);
    REQUIRE(count >= 4);
    const auto item = [&](size_t i) { return root + short_at(whole, root + kHeader + 2 * i); };
    size_t right = number_at(whole, item(count / 2) + kPageAt) * kPage;
    while (whole[right + kLevelAt] > 1)
      right = number_at(whole, right + short_at(whole, right + kHeader) + kPageAt) * kPage;
    const size_t left = number_at(whole, right + kPreviousAt) * kPage;
    const size_t last =
        left + short_at(whole, left + kHeader + 2 * (short_at(whole, left + kCountAt) - 2u));
    check_all(whole, {{"the leaf before the second half", right + kPreviousAt, "\377"},
                      {"the leaf behind the first half", left + kNextAt, "\377"},
                      {"the first half's last key", last + kLeafKeyAt, "z"},
                      {"the key between", item(count / 2) + kBranchKeyAt, "0"},
                      {"a page in both halves", item(0) + kPageAt,
                       whole.substr(item(count - 1) + kPageAt, 4)}});
  }
}

TEST_CASE("each page's checksum is looked at") {
  const TempDir dir;
  for (const auto type : {DB_BTREE, DB_HASH}) {
    const auto path = dir.file("f" + std::to_string(type));
    write(path, shuffled(some_entries(60)), {.type = type, .flags = DB_CHKSUM, .page_size = 512});
    const auto whole = bytes_of(path);
    const auto header = header_of(whole, 512);
    REQUIRE(check(whole, header));
    for (size_t page = 0; page < whole.size(); page += 512) {
      CAPTURE(page);
      auto bytes = whole;
      bytes[page + 4] = static_cast<char>(bytes[page + 4] + 1);  // of its place in a log
      CHECK_FALSE(check(bytes, header));
    }
  }
}

// SPDX-License-Identifier: MIT
#include "tools/sorter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/lib/rounds.hpp"
#include "tests/unit/small_disk.hpp"
#include "tests/unit/temp_folder.hpp"

using namespace goromdb;
using namespace goromdb::tools;
using test::contains;
using test::message_of;
using test::SmallDisk;
using test::TempFolder;

namespace {

constexpr size_t kPlenty = size_t{1} << 20;

struct Item {
  std::string ns, key, value;
  uint32_t flags = 0;
  uint64_t row = 0;
  bool operator==(const Item&) const = default;
};

// Rows are numbered from 1.
std::vector<Item> numbered(std::vector<Item> items) {
  for (size_t i = 0; i < items.size(); ++i) items[i].row = i + 1;
  return items;
}

std::vector<Item> sorted(std::vector<Item> items) {
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return std::tie(a.ns, a.key) < std::tie(b.ns, b.key);
  });
  return items;
}

Result<void> add_all(Sorter& sorter, const std::vector<Item>& items) {
  for (const auto& item : items) {
    auto added = sorter.add({item.ns, item.key, item.value, item.flags}, item.row);
    if (!added) return added;
  }
  return {};
}

std::vector<Item> drained(Sorter& sorter) {
  std::vector<Item> items;
  auto done = sorter.drain([&](const Entry& entry, uint64_t row) -> Result<void> {
    items.push_back({std::string(entry.ns), std::string(entry.key), std::string(entry.value),
                     entry.flags, row});
    return {};
  });
  REQUIRE_MESSAGE(done.has_value(), message_of(done));
  return items;
}

// What comes out of a sorter with that much memory; nothing may be left in its folder.
std::vector<Item> through(const std::vector<Item>& items, size_t memory) {
  TempFolder folder;
  Sorter sorter(folder.path(), memory);
  auto added = add_all(sorter, items);
  REQUIRE_MESSAGE(added.has_value(), message_of(added));
  CHECK(sorter.size() == items.size());
  auto out = drained(sorter);
  CHECK(std::filesystem::is_empty(folder.path()));
  return out;
}

// Keys and namespaces of the bytes that are easily sorted wrongly, many of them equal.
std::vector<Item> random_items(size_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto some_bytes = [&](size_t longest) {
    std::string bytes(random() % (longest + 1), 0);
    for (char& c : bytes) c = std::string("\0\1\2az\x7f\x80\xff", 8)[random() % 8];
    return bytes;
  };
  std::vector<Item> items;
  for (size_t i = 0; i < n; ++i) {
    items.push_back({some_bytes(random() % 2 == 0 ? 0 : 3), some_bytes(4), some_bytes(40),
                     static_cast<uint32_t>(random()), 0});
  }
  return numbered(items);
}

std::vector<Item> numbers(size_t n) {
  std::vector<Item> items;
  for (size_t i = 0; i < n; ++i) items.push_back({"", fmt::format("key:{:08}", i), "value", 0, 0});
  return items;
}

}  // namespace

TEST_CASE("keys are sorted by unsigned bytes, the empty one first") {
  const std::string zero(1, '\0');
  const std::vector<Item> wanted = {
      {"", "", "1", 0, 0},           {"", zero, "2", 0, 0},
      {"", zero + zero, "3", 0, 0},  {"", "\1", "4", 0, 0},
      {"", "Z", "5", 0, 0},          {"", "a", "6", 0, 0},
      {"", "a" + zero, "7", 0, 0},   {"", "aa", "8", 0, 0},
      {"", "abcdefgh", "9", 0, 0},   {"", "abcdefgh" + zero, "10", 0, 0},
      {"", "abcdefghi", "11", 0, 0}, {"", "\x7f", "12", 0, 0},
      {"", "\x80", "13", 0, 0},      {"", "\xff", "14", 0, 0},
  };
  std::vector<Item> backwards(wanted.rbegin(), wanted.rend());
  auto out = through(backwards, kPlenty);
  for (auto& item : out) item.row = 0;
  CHECK(out == wanted);
}

TEST_CASE("namespaces come before keys, the empty one first") {
  const std::string zero(1, '\0');
  const std::vector<Item> wanted = {
      {"", "z", "1", 0, 0},
      {zero, "a", "2", 0, 0},
      {zero + zero, "", "3", 0, 0},
      {zero + "\1", "", "4", 0, 0},
      {"\1", "b", "5", 0, 0},
      {"\2", "a", "6", 0, 0},
      {"a", "\xff\xff", "7", 0, 0},
      {"a" + zero, "", "8", 0, 0},
      {"a\1", "", "9", 0, 0},
      {"ab", "", "10", 0, 0},
      {"long name", "a", "11", 0, 0},
      {"long name", "b", "12", 0, 0},
      {"long names", "a", "13", 0, 0},
      {"\xff", "a", "14", 0, 0},
  };
  std::vector<Item> backwards(wanted.rbegin(), wanted.rend());
  for (size_t memory : {kPlenty, size_t{0}}) {
    auto out = through(backwards, memory);
    for (auto& item : out) item.row = 0;
    CHECK(out == wanted);
  }
}

TEST_CASE("equal keys stay in the order they were added, through files or not") {
  std::vector<Item> items;
  for (int i = 0; i < 3000; ++i) {
    items.push_back({i % 3 == 0 ? "n" : "", i % 2 == 0 ? "same" : "other", std::to_string(i),
                     static_cast<uint32_t>(i), 0});
  }
  items = numbered(items);
  for (size_t memory : {kPlenty, size_t{4096}, size_t{100}, size_t{0}}) {
    CAPTURE(memory);
    CHECK(through(items, memory) == sorted(items));
  }
}

TEST_CASE("any bytes come out in order, whatever the memory") {
  for (uint64_t seed = 1; seed <= goromdb::test::rounds(uint64_t{20}); ++seed) {
    const auto items = random_items(2000, seed);
    for (size_t memory : {kPlenty, size_t{16} << 10, size_t{5000}, size_t{300}}) {
      CAPTURE(seed);
      CAPTURE(memory);
      CHECK(through(items, memory) == sorted(items));
    }
  }
}

TEST_CASE("thousands of runs are merged in passes") {
  const auto items = random_items(goromdb::test::rounds(70'000), 7);  // each a run: two passes
  CHECK(through(items, 0) == sorted(items));
}

TEST_CASE("what is in order already stays so") {
  const auto items = numbered(numbers(5000));
  for (size_t memory : {kPlenty, size_t{10'000}}) CHECK(through(items, memory) == items);
}

TEST_CASE("nothing in, nothing out") {
  for (size_t memory : {kPlenty, size_t{0}}) CHECK(through({}, memory).empty());
}

TEST_CASE("entries larger than the memory and the buffers pass whole") {
  const std::string large_key(200'000, 'k');  // more than the buffer of a run
  std::vector<Item> items = {
      {"", "d", std::string(3'000'000, 'd'), 1, 0},
      {"", "b", "small", 2, 0},
      {"", large_key + "2", "second", 3, 0},
      {"", "a", std::string(100'000, 'a'), 4, 0},
      {"", large_key + "1", std::string(70'000, '1'), 5, 0},
      {"", "d", "later", 6, 0},
      {std::string(100'000, 'n'), "", "", 7, 0},
      {"", "c", "", 8, 0},
  };
  items = numbered(items);
  for (size_t memory : {size_t{0}, size_t{4096}, size_t{150'000}, kPlenty}) {
    CAPTURE(memory);
    CHECK(through(items, memory) == sorted(items));
  }
}

TEST_CASE("a part of 4 GiB is refused with its row") {
  TempFolder folder;
  Sorter sorter(folder.path(), kPlenty);
  const std::string_view vast("only its length is looked at", size_t{1} << 32);
  for (const Entry& entry : {Entry{vast, "", "", 0}, {"", vast, "", 0}, {"", "", vast, 0}}) {
    auto added = sorter.add(entry, 42);
    REQUIRE_FALSE(added.has_value());
    CHECK(added.error().kind == Error::Kind::kRejected);
    CHECK(contains(added.error().message, "row 42 has a key or a value of 4 GiB or more"));
  }
  CHECK(sorter.size() == 0);
}

TEST_CASE("what fits needs no folder; what does not is a failure that names it") {
  TempFolder folder;
  const auto items = numbered(numbers(1000));
  for (const auto& place : {folder / "missing", folder.write("file", "")}) {
    Sorter fitting(place, kPlenty);
    REQUIRE(add_all(fitting, items).has_value());
    CHECK(drained(fitting) == items);

    Sorter spilling(place, 4096);
    auto added = add_all(spilling, items);
    REQUIRE_FALSE(added.has_value());
    CHECK(added.error().kind == Error::Kind::kFailure);
    CHECK(contains(added.error().message, "cannot make a file to sort with in " + place + ": "));
  }
}

TEST_CASE("an error of the one who takes the entries ends it") {
  TempFolder folder;
  for (size_t memory : {kPlenty, size_t{4096}, size_t{0}}) {
    Sorter sorter(folder.path(), memory);
    REQUIRE(add_all(sorter, numbered(numbers(1000))).has_value());
    int calls = 0;
    auto done = sorter.drain([&](const Entry&, uint64_t) -> Result<void> {
      if (++calls == 500) return reject("enough");
      return {};
    });
    CHECK(message_of(done) == "enough");
    CHECK(calls == 500);
    CHECK(std::filesystem::is_empty(folder.path()));
  }
}

TEST_CASE("a full disk is a failure that names the folder, and leaves nothing there") {
  TempFolder folder;
  const SmallDisk disk(folder.path(), "size=2m");
  if (!disk) {
    MESSAGE("skipped: cannot mount a tmpfs here");
    return;
  }
  {
    Sorter sorter(folder.path(), size_t{64} << 10);
    const auto added = add_all(sorter, numbered(numbers(100'000)));
    CHECK(message_of(added) == "cannot write entries to sort in " + folder.path() +
                                   ", which needs room for all of them: No space left on device");
    CHECK(std::filesystem::is_empty(folder.path()));
  }
  CHECK(std::filesystem::space(folder.path()).free == size_t{2} << 20);
}

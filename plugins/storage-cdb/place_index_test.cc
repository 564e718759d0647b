// SPDX-License-Identifier: MIT
// The index over places by itself, with entries that a test makes up.
#include <goromdb/place_index.hpp>

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "fake_host.hpp"

using namespace goromdb;

namespace {

// The entry at a place: its key is the number of the place in decimals, its value the key again. A
// namespace's id is the number of its tree.
struct Numbers {
  struct Text {
    char bytes[24];
    size_t size;
  };
  static std::string_view text(uint64_t place) {
    thread_local Text text;
    text.size = static_cast<size_t>(
        std::to_chars(text.bytes, text.bytes + sizeof text.bytes, place).ptr - text.bytes);
    return {text.bytes, text.size};
  }
  uint64_t tree(uint32_t ns) const noexcept { return ns; }
  const void* head(uint64_t) const noexcept { return fetched; }
  PlacedEntry at(uint64_t place) const noexcept { return {text(place), text(place)}; }
  char fetched[128];
};

// Entries that lie in memory, each in two pieces.
struct Pieces {
  std::map<uint64_t, std::pair<std::string, std::string>> entries;
  mutable std::multiset<uint64_t> heads, rests;

  uint64_t tree(uint32_t ns) const noexcept { return ns == 9 ? PlaceIndex::kNoTree : ns; }
  const void* head(uint64_t place) const noexcept {
    heads.insert(place);
    return this;
  }
  const void* rest(uint64_t place) const noexcept {
    rests.insert(place);
    return this;
  }
  PlacedEntry at(uint64_t place) const noexcept {
    return {entries.at(place).first, entries.at(place).second};
  }
};

goromdb_key key_of(std::string_view key, uint32_t ns = 0) {
  return {key.data(), static_cast<uint32_t>(key.size()), ns};
}

}  // namespace

TEST_CASE("a million keys are found, others are not, and the index is eleven bytes a key") {
  constexpr uint64_t kKeys = 1000000;
  test::FakeHost host;
  int calls = 0;
  host.on_progress = [&](uint64_t done, uint64_t total) {
    CHECK(done < total);
    return ++calls, 0;
  };
  PlaceIndex index(kKeys * 10, PlaceIndex::kOnePage);
  for (uint64_t i = 1; i <= kKeys; ++i) index.add(0, Numbers::text(i), i);
  CHECK(index.memory_bytes() > kKeys * 16);  // what is collected
  index.finish(Host(host.table()));
  CHECK(calls == 16);
  CHECK(index.size() == kKeys);
  CHECK(index.memory_bytes() < kKeys * 11);
  size_t wrong = 0;
  for (uint64_t i = 1; i <= kKeys + 1000; i += 100) {
    std::vector<std::string> names;
    for (uint64_t n = i; n < i + 100; ++n) names.emplace_back(Numbers::text(n));
    std::vector<goromdb_key> keys;
    for (const auto& name : names) keys.push_back(key_of(name));
    std::vector<goromdb_value> values(keys.size());
    index.get(Numbers(), keys, values.data());
    for (size_t n = 0; n < keys.size(); ++n) {
      const bool is_there = i + n <= kKeys;
      wrong += values[n].status != (is_there ? GOROMDB_OK : GOROMDB_NOT_FOUND);
      wrong += is_there && values[n].len != names[n].size();
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("every number of keys is answered in batches of every size") {
  test::FakeHost host;
  for (const size_t count : {0, 1, 2, 31, 32, 33, 64, 100}) {
    CAPTURE(count);
    Pieces pieces;
    PlaceIndex index(1 << 20, 12);
    for (size_t i = 0; i < count; ++i) {
      const std::string name = i == 0 ? "" : "key" + std::to_string(i);
      pieces.entries[i * 100 + 1] = {name, std::string(i % 3, 'v')};
      index.add(0, name, i * 100 + 1);
    }
    index.finish(Host(host.table()));
    for (const size_t batch : {1, 7, 32, 33, 65, 128}) {
      for (size_t from = 0; from < 128; from += batch) {
        std::vector<std::string> names;
        for (size_t i = from; i < from + batch; ++i) {
          names.push_back(i == 0 ? "" : "key" + std::to_string(i));
        }
        std::vector<goromdb_key> keys;
        for (const auto& name : names) keys.push_back(key_of(name));
        std::vector<goromdb_value> values(batch);
        for (auto& value : values) std::memset(&value, 0xA5, sizeof value);
        index.get(pieces, keys, values.data());
        for (size_t i = 0; i < batch; ++i) {
          const bool is_there = from + i < count;
          REQUIRE(values[i].status == (is_there ? GOROMDB_OK : GOROMDB_NOT_FOUND));
          REQUIRE(values[i].flags == 0);
          REQUIRE(values[i].version == 0);
          if (!is_there) continue;
          REQUIRE(values[i].ptr != nullptr);
          REQUIRE(values[i].len == (from + i) % 3);
        }
      }
    }
    CHECK(pieces.heads == pieces.rests);  // both pieces of each are fetched
    CHECK(pieces.heads.empty() == (count == 0));
  }
}

TEST_CASE("equal keys in several trees are told apart, and a tree that is none has no keys") {
  test::FakeHost host;
  Pieces pieces;
  PlaceIndex index(1 << 20, 12);
  for (const uint64_t tree : {1, 2, 3}) {
    const uint64_t place = tree << 12 | 8;
    pieces.entries[place] = {"key", std::to_string(tree)};
    index.add(tree, "key", place);
  }
  index.finish(Host(host.table()));
  for (const uint32_t tree : {0, 1, 2, 3, 4, 9}) {
    CAPTURE(tree);
    const auto key = key_of("key", tree);
    goromdb_value value;
    index.get(pieces, {&key, 1}, &value);
    const bool is_there = tree >= 1 && tree <= 3;
    REQUIRE(value.status == (is_there ? GOROMDB_OK : GOROMDB_NOT_FOUND));
    if (is_there) CHECK(*static_cast<const char*>(value.ptr) == static_cast<char>('0' + tree));
  }
}

// A small table has one row of slots, so 20 bits of the hash are all that tells two trees apart.
TEST_CASE("an entry of another tree is not given where its hash looks the same") {
  constexpr uint32_t kTrees = uint32_t{1} << 24;  // one of which looks the same, of 2^20 or so
  test::FakeHost host;
  for (const bool several : {false, true}) {
    CAPTURE(several);
    Pieces pieces;
    pieces.entries[8] = {"key", "v"};
    PlaceIndex index(1 << 20, 12);
    index.add(1, "key", 8);
    if (several) {
      pieces.entries[4096 + 8] = {"other", "w"};
      index.add(2, "other", 4096 + 8);
    }
    index.finish(Host(host.table()));
    size_t given = 0;
    for (uint32_t tree = 3; tree < kTrees && pieces.heads.empty(); tree += 32) {
      goromdb_key keys[32];
      goromdb_value values[32];
      for (uint32_t i = 0; i < 32; ++i) keys[i] = key_of("key", tree + i);
      index.get(pieces, keys, values);
      for (const auto& value : values) given += value.status == GOROMDB_OK;
    }
    CHECK(given == 0);
    CHECK_FALSE(pieces.heads.empty());  // one did look the same
  }
}

TEST_CASE("a stopping server ends the making of an index; a file can be too large for one") {
  test::FakeHost host;
  host.on_progress = [](uint64_t, uint64_t) { return 1; };
  PlaceIndex index(1 << 20, 12);
  index.add(0, "key", 8);
  CHECK_THROWS_WITH_AS(index.finish(Host(host.table())), "the server is stopping", Failure);
  CHECK_NOTHROW(PlaceIndex(FlatIndex::kMaxOffset, PlaceIndex::kOnePage));
  CHECK_THROWS_AS(PlaceIndex(FlatIndex::kMaxOffset + 1, PlaceIndex::kOnePage), Failure);
}

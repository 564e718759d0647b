// SPDX-License-Identifier: MIT
// The hash index by itself: any number of keys, any hashes.
#include <goromdb/flat_index.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using goromdb::FlatIndex;

namespace {

// Offset i + 1 stands for the key i; the test chooses what it hashes to.
struct Keys {
  explicit Keys(uint64_t n, std::function<uint64_t(uint64_t)> hash_of)
      : index(n), count(n), hash(std::move(hash_of)) {
    uint64_t next = 0;
    index.insert_all(
        [&](uint64_t& h, uint64_t& offset) {
          if (next == count) return false;
          h = hash(next);
          offset = ++next;
          return true;
        },
        [](uint64_t a, uint64_t b) { return a == b; },
        [](uint64_t, uint64_t) { FAIL("no key was added twice"); });
  }
  uint64_t find(uint64_t key) const {
    return index.find(hash(key), [&](uint64_t offset) { return offset == key + 1; });
  }

  FlatIndex index;
  uint64_t count;
  std::function<uint64_t(uint64_t)> hash;
};

uint64_t scatter(uint64_t key) {
  return FlatIndex::hash(0, {reinterpret_cast<const char*>(&key), sizeof key}, 1);
}

const std::pair<const char*, std::function<uint64_t(uint64_t)>> kHashes[] = {
    {"scattered", scatter},
    {"all equal, first bucket", [](uint64_t) { return uint64_t{0}; }},
    {"all equal, last bucket", [](uint64_t) { return ~uint64_t{0}; }},
    {"equal fingerprints", [](uint64_t key) { return scatter(key) & ~uint64_t{0xFFFFF}; }},
    {"equal buckets", [](uint64_t key) { return scatter(key) & 0xFFFFF; }},
    {"two fingerprints at the very end", [](uint64_t key) { return ~uint64_t{0} - key % 2; }},
};

}  // namespace

TEST_CASE("every key is found and no other, whatever their number and hashes") {
  std::vector<uint64_t> sizes;
  for (uint64_t n = 0; n <= 70; ++n) sizes.push_back(n);
  for (uint64_t n : {127, 128, 129, 255, 256, 257, 1023, 1024, 1025}) sizes.push_back(n);
  for (const auto& each : kHashes) {
    const auto& name = each.first;
    const auto& hash = each.second;
    CAPTURE(name);
    for (uint64_t n : sizes) {
      CAPTURE(n);
      const Keys keys(n, hash);
      REQUIRE(keys.index.size() == n);
      for (uint64_t key = 0; key < n; ++key) REQUIRE(keys.find(key) == key + 1);
      for (uint64_t key = n; key < n + 20; ++key) REQUIRE(keys.find(key) == 0);
    }
  }
}

TEST_CASE("a batch finds what single searches find") {
  for (const auto& each : kHashes) {
    const auto& name = each.first;
    const auto& hash = each.second;
    CAPTURE(name);
    const Keys keys(300, hash);
    std::mt19937 random(1);
    for (uint32_t n = 1; n <= FlatIndex::kBatch; ++n) {
      uint64_t wanted[FlatIndex::kBatch], hashes[FlatIndex::kBatch], found[FlatIndex::kBatch];
      for (uint32_t i = 0; i < n; ++i) {
        wanted[i] = random() % 400;
        hashes[i] = hash(wanted[i]);
      }
      keys.index.find_batch(
          hashes, n, found,
          [](uint64_t offset) {
            REQUIRE(offset >= 1);
            REQUIRE(offset <= 300);
          },
          [&](uint32_t i, uint64_t offset) { return offset == wanted[i] + 1; });
      for (uint32_t i = 0; i < n; ++i) CHECK(found[i] == keys.find(wanted[i]));
    }
  }
}

TEST_CASE("a repeated key takes the place of the earlier one") {
  for (const auto& each : kHashes) {
    const auto& name = each.first;
    const auto& hash = each.second;
    CAPTURE(name);
    constexpr uint64_t kDistinct = 100, kAll = 1000;  // offset o holds the key o % kDistinct
    FlatIndex index(kAll);
    uint64_t next = 0, repeats = 0;
    index.insert_all(
        [&](uint64_t& h, uint64_t& offset) {
          if (next == kAll) return false;
          offset = ++next;
          h = hash(offset % kDistinct);
          return true;
        },
        [](uint64_t a, uint64_t b) { return a % kDistinct == b % kDistinct; },
        [&](uint64_t older, uint64_t newer) {
          REQUIRE(newer == older + kDistinct);
          ++repeats;
        });
    CHECK(repeats == kAll - kDistinct);
    CHECK(index.size() == kDistinct);
    for (uint64_t key = 0; key < kDistinct; ++key) {
      const uint64_t offset =
          index.find(hash(key), [&](uint64_t o) { return o % kDistinct == key; });
      CHECK(offset == (key == 0 ? kAll : kAll - kDistinct + key));
    }
  }
}

TEST_CASE("offsets use all of their 44 bits") {
  FlatIndex index(2);
  const auto never = [](uint64_t) { return false; };
  CHECK(index.insert(~uint64_t{0}, FlatIndex::kMaxOffset, never) == 0);
  CHECK(index.insert(~uint64_t{0}, 1, never) == 0);
  CHECK(index.find(~uint64_t{0}, [](uint64_t o) { return o != 1; }) == FlatIndex::kMaxOffset);
  CHECK(index.find(~uint64_t{0}, [](uint64_t o) { return o == 1; }) == 1);
}

TEST_CASE("more keys than were announced are refused before the table is full") {
  FlatIndex index(3);
  CHECK_THROWS_AS(
      [&] {
        for (uint64_t i = 1; i < 100; ++i)
          index.insert(scatter(i), i, [](uint64_t) { return false; });
      }(),
      std::length_error);
  CHECK(index.find(scatter(1000), [](uint64_t) { return false; }) == 0);
}

TEST_CASE("a million keys cost less than eleven bytes each") {
  CHECK(static_cast<double>(FlatIndex(1000000).memory_bytes()) / 1e6 < 11);
}

TEST_CASE("a hash depends on the key, its namespace and the seed") {
  const uint64_t hash = FlatIndex::hash(1, "key", 7);
  CHECK(hash == FlatIndex::hash(1, "key", 7));
  CHECK(hash != FlatIndex::hash(2, "key", 7));
  CHECK(hash != FlatIndex::hash(1, "kez", 7));
  CHECK(hash != FlatIndex::hash(1, "key", 8));
}

TEST_CASE("memory keeps its bytes when it grows and is zero behind them") {
  goromdb::AnonymousMemory memory(100);
  std::fill_n(memory.data(), 100, 'x');
  memory.resize(10 << 20);
  CHECK(std::string(memory.data(), 100) == std::string(100, 'x'));
  CHECK(memory.data()[5 << 20] == 0);
  memory.resize(50);
  goromdb::AnonymousMemory moved(std::move(memory));
  CHECK(memory.data() == nullptr);
  CHECK(moved.data()[49] == 'x');
  memory = std::move(moved);
  CHECK(memory.size() == 50);
}

TEST_CASE("names that one seed puts in one place are spread by another") {
  constexpr size_t kPlaces = 1024, kNames = 1000;
  const goromdb::SeededHash known{1}, other{2};
  std::vector<size_t> in_place(kPlaces);
  size_t names = 0;
  for (int i = 0; names < kNames; ++i) {
    const std::string name = "name " + std::to_string(i);
    if (known(name) % kPlaces != 0) continue;
    ++in_place[other(name) % kPlaces];
    ++names;
  }
  for (const size_t n : in_place) CHECK(n < 12);
  CHECK(goromdb::SeededHash().seed != goromdb::SeededHash().seed);
}

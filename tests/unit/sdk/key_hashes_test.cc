// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <goromdb/key_hashes.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace goromdb;

TEST_CASE("each byte of a key is taken once, in order") {
  std::string key, taken;
  for (int size = 0; size < 20; ++size) {
    taken.clear();
    each_byte(key, [&](uint8_t byte) { taken += static_cast<char>(byte); });
    CHECK(taken == key);
    key += static_cast<char>(250 + size);
  }
}

template <uint32_t kFactor>
uint32_t hash_one_by_one(std::string_view key, uint32_t begin) {
  uint32_t hash = begin;
  for (const char byte : key) hash = hash * kFactor ^ static_cast<uint8_t>(byte);
  return hash;
}

TEST_CASE_TEMPLATE("several keys have the hashes that each has by itself", Factor,
                   std::integral_constant<uint32_t, 33>,
                   std::integral_constant<uint32_t, 16777619>) {
  std::mt19937_64 chance(8);
  constexpr uint32_t kFactor = Factor::value;
  const auto check = [](const std::vector<std::string_view>& keys, auto begin) {
    SomeKeys some;
    for (size_t k = 0; k < keys.size(); ++k) some.set(k, keys[k]);
    const auto found = hashes_of_bytes<kFactor, begin>(some);
    for (size_t k = 0; k < keys.size(); ++k) {
      REQUIRE(found[k] == hash_one_by_one<kFactor>(keys[k], begin));
      REQUIRE(found[k] == hash_of_bytes<kFactor>(keys[k], begin));
    }
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::vector<char>> bytes(kSideBySide);
    std::vector<std::string_view> keys(kSideBySide);
    const size_t shortest = chance() % 12, more = chance() % 3 * 30;
    const size_t long_ones = chance() % 4 == 0 ? chance() % kSideBySide : 0;
    for (size_t k = 0; k < keys.size(); ++k) {
      size_t size = shortest + (more == 0 ? 0 : chance() % more);
      if (k < long_ones) size += chance() % 2000;
      // No more than may be read, so that a sanitizer sees what is read beside it.
      const size_t before = more == 0 && long_ones == 0 ? 0 : kBeforeKeys;
      bytes[k].resize(before + size);
      for (char& byte : bytes[k]) byte = static_cast<char>(chance());
      keys[k] = {bytes[k].data() + before, size};
    }
    check(keys, std::integral_constant<uint32_t, 0>());
    check(keys, std::integral_constant<uint32_t, 5381>());
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // it takes them a minute
TEST_CASE("a key of more than 2 GiB has its hash beside shorter ones, too") {
  const size_t size = (size_t{1} << 31) + 1000;
  void* const bytes = mmap(nullptr, size + kBeforeKeys, PROT_READ,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);  // zeros
  REQUIRE(bytes != MAP_FAILED);
  const std::string_view key(static_cast<const char*>(bytes) + kBeforeKeys, size);
  SomeKeys keys;
  for (size_t k = 0; k < kSideBySide; ++k) keys.set(k, key.substr(0, 1000));
  keys.set(3, key);
  const auto hashes = hashes_of_bytes<33, 5381>(keys);
  CHECK(hashes[3] == hash_of_bytes<33>(key, 5381));
  CHECK(hashes[4] == hash_of_bytes<33>(key.substr(0, 1000), 5381));
  munmap(bytes, size + kBeforeKeys);
}
#endif

TEST_CASE("keys of any lengths in groups are all taken once, with their hashes") {
  constexpr uint32_t kFactor = 33, kBegin = 5381;
  constexpr size_t kLongest = 200'000;
  std::mt19937_64 chance(9);
  std::vector<char> bytes(kBeforeKeys + 2 * kLongest);
  for (char& byte : bytes) byte = static_cast<char>(chance());
  std::vector<std::string_view> keys;
  for (size_t size = 0; size < 700; ++size) keys.emplace_back(bytes.data() + kBeforeKeys, size);
  for (int i = 0; i < 3000; ++i) {
    const size_t most = size_t{1} << chance() % 18;
    keys.emplace_back(bytes.data() + kBeforeKeys + chance() % kLongest, chance() % most);
  }
  KeyGroups<kFactor, kBegin> groups;
  std::vector<bool> is_taken(keys.size());
  const auto take = [&](const SomeHashes& hashes, const SomeKnown& numbers, size_t count) {
    for (size_t k = 0; k < count; ++k) {
      REQUIRE(!is_taken.at(numbers[k]));
      is_taken[numbers[k]] = true;
      REQUIRE(hashes[k] == hash_one_by_one<kFactor>(keys[numbers[k]], kBegin));
    }
  };
  for (uint32_t i = 0; i < keys.size(); ++i) groups.add(keys[i], i, take);
  groups.add_rest(take);
  CHECK(std::find(is_taken.begin(), is_taken.end(), false) == is_taken.end());
  groups.add_rest(take);  // none waits any more
}

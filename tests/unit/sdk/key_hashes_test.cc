// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <goromdb/key_hashes.hpp>

#include <random>
#include <string>
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

TEST_CASE_TEMPLATE("several keys have the hashes that each has by itself", Factor,
                   std::integral_constant<uint32_t, 33>,
                   std::integral_constant<uint32_t, 16777619>) {
  std::mt19937_64 chance(8);
  constexpr uint32_t kFactor = Factor::value;
  const auto check = [](const SomeKeys& keys, auto begin) {
    const auto found = hashes_of_bytes<kFactor, begin>(keys);
    for (size_t k = 0; k < keys.size(); ++k) {
      uint32_t hash = begin;
      for (const char byte : keys[k]) hash = hash * kFactor ^ static_cast<uint8_t>(byte);
      REQUIRE(found[k] == hash);
      REQUIRE(hash_of_bytes<kFactor>(keys[k], begin) == hash);
    }
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::vector<char>> bytes(kSideBySide);
    SomeKeys keys;
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

// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <goromdb/page_walk.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace goromdb;

TEST_CASE("is_below() orders keys as string_view does") {
  std::mt19937_64 chance(7);
  const std::string bytes("\0\x01\x7f\x80\xff", 5);
  std::vector<std::string> keys;
  for (size_t size = 0; size <= 25; ++size) {
    const std::string same(size, 'k');
    keys.push_back(same);
    for (size_t at = 0; at < size; ++at) {  // each byte another one
      keys.push_back(same);
      keys.back()[at] = bytes[chance() % bytes.size()];
    }
  }
  for (const auto& a : keys) {
    for (const auto& b : keys) {
      // Of exactly their bytes, so that a sanitizer sees what is read behind them.
      const std::vector<char> x(a.begin(), a.end()), y(b.begin(), b.end());
      const std::string_view one(x.data(), x.size()), other(y.data(), y.size());
      const size_t common = std::min(x.size(), y.size());
      const int order = a.substr(0, common).compare(b.substr(0, common));
      const int found = compare_common(one, other);
      const bool is_right = is_below(one, other) == (a < b) && (found < 0) == (order < 0) &&
                            (found > 0) == (order > 0);
      REQUIRE(is_right);
    }
  }
}

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
    const size_t long_one = chance() % (4 * kSideBySide);
    for (size_t k = 0; k < keys.size(); ++k) {
      size_t size = shortest + (more == 0 ? 0 : chance() % more);
      if (k == long_one) size += chance() % 2000;
      // No more than may be read, so that a sanitizer sees what is read beside it.
      const size_t before = more == 0 && long_one >= keys.size() ? 0 : kBeforeKeys;
      bytes[k].resize(before + size);
      for (char& byte : bytes[k]) byte = static_cast<char>(chance());
      keys[k] = {bytes[k].data() + before, size};
    }
    check(keys, std::integral_constant<uint32_t, 0>());
    check(keys, std::integral_constant<uint32_t, 5381>());
  }
}

TEST_CASE("any page may be the one that comes") {
  const std::string page(4096, 'p');
  for (const size_t size : {0, 1, 100, 512, 4096}) {
    for (const size_t entries : {0, 1, 7, 5000}) {
      for (auto coming : {ComingPage(), ComingPage(page.data(), size, entries),
                          ComingPage(nullptr, size, entries),
                          ComingPage::filled_from_end(page.data(), size, 26, size / 2, entries),
                          ComingPage::filled_from_end(page.data(), size, 9999, 9999, entries),
                          ComingPage::filled_from_end(nullptr, size, 26, 0, entries)}) {
        for (size_t i = 0; i < entries + 3; ++i) coming.a_bit();
      }
    }
  }
}

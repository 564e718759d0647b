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

TEST_CASE("several keys have the hashes that each has by itself") {
  std::mt19937_64 chance(8);
  constexpr uint32_t kBegin = 5381, kFactor = 16777619;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::vector<char>> bytes(kSideBySide);
    SomeKeys keys;
    const size_t shortest = chance() % 12, more = chance() % 3 * 10;
    for (size_t k = 0; k < keys.size(); ++k) {
      // Of exactly their bytes, so that a sanitizer sees what is read behind them.
      bytes[k].resize(shortest + (more == 0 ? 0 : chance() % more));
      for (char& byte : bytes[k]) byte = static_cast<char>(chance());
      keys[k] = {bytes[k].data(), bytes[k].size()};
    }
    const auto found = hashes_of_bytes<kFactor>(keys, kBegin);
    for (size_t k = 0; k < keys.size(); ++k) {
      uint32_t hash = kBegin;
      for (const char byte : bytes[k]) hash = hash * kFactor ^ static_cast<uint8_t>(byte);
      REQUIRE(found[k] == hash);
      REQUIRE(hash_of_bytes<kFactor>(keys[k], kBegin) == hash);
    }
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

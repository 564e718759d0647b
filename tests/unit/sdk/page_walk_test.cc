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

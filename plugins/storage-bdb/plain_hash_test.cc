// SPDX-License-Identifier: MIT
// What the check without libdb finds in a hash's pages whose keys were changed one by one. Keys are
// hashed in wide registers.
#include <goromdb/key_hashes.hpp>

#include <utility>

#include "plain_test.h"
#include "rounds.hpp"

using namespace goromdb::bdb;
using namespace goromdb::test;

namespace {

constexpr size_t kPage = 4096;

// The stored keys and values of a page, in its order.
using Items = std::vector<std::pair<std::string, std::string>>;
Items items_of(std::string_view file, size_t page) {
  Items items;
  size_t end = kPage;
  for (size_t i = 0; i < short_at(file, page + kCountAt) / 2u; ++i) {
    const size_t key = short_at(file, page + kHeader + 4 * i),
                 value = short_at(file, page + kHeader + 4 * i + 2);
    items.emplace_back(file.substr(page + key, end - key), file.substr(page + value, key - value));
    end = value;
  }
  return items;
}

// The file with those on a page, as many as before.
std::string with_items(std::string file, size_t page, const Items& items) {
  size_t at = kPage, place = page + kHeader;
  for (const auto& [key, value] : items) {
    for (const auto* item : {&key, &value}) {
      at -= item->size();
      file.replace(page + at, item->size(), *item);
      put_short(file, place, static_cast<uint16_t>(at));
      place += sizeof(uint16_t);
    }
  }
  return file;
}

std::vector<size_t> pages_of(std::string_view file) {
  std::vector<size_t> pages;
  for (size_t page = kPage; page < file.size(); page += kPage) {
    if (static_cast<uint8_t>(file[page + kTypeAt]) == kHash) pages.push_back(page);
  }
  return pages;
}

std::string hash_of(const Entries& entries) {
  const TempDir dir;
  write(dir.file("f"), entries, {.type = DB_HASH, .page_size = kPage});
  return bytes_of(dir.file("f"));
}

}  // namespace

TEST_CASE("on a hash's page no key is behind a larger one or there twice, however they begin") {
  // Keys that are alike for longer than a word, and some that are shorter than one.
  for (const bool are_alike : {true, false}) {
    CAPTURE(are_alike);
    Entries entries;
    for (int i = 0; i < 300; ++i) {
      const auto number = std::to_string(1000 + i * 7919 % 8999);
      entries.emplace_back(are_alike    ? "all of them " + number
                           : i % 2 == 0 ? number + " and more"
                                        : number.substr(0, 3) + "x",
                           "value " + number);
    }
    const auto whole = hash_of(entries);
    REQUIRE(check(whole, kPage));
    int changed = 0;
    for (const size_t page : pages_of(whole)) {
      const auto items = items_of(whole, page);
      REQUIRE(with_items(whole, page, items) == whole);
      for (size_t i = 0; i + 1 < items.size(); ++i) {
        auto others = items;
        std::swap(others[i], others[i + 1]);
        CHECK_FALSE(check(with_items(whole, page, others), kPage));
        others = items;
        others[i + 1].first = items[i].first;
        if (others[i + 1].first.size() == items[i + 1].first.size())
          CHECK_FALSE(check(with_items(whole, page, others), kPage));
        ++changed;
      }
    }
    CHECK(changed > 200);
  }
}

TEST_CASE("each key of a hash is in its own bucket, also the last ones that are looked at") {
  // With a second thread, which takes half of a large file.
  for (const bool is_large : {false, true}) {
    CAPTURE(is_large);
    Entries entries;
    for (int i = 0; i < (is_large ? 12000 : 200); ++i)
      entries.emplace_back(std::string(i % 40, 'k') + std::to_string(i), std::string(100, 'v'));
    const auto whole = hash_of(entries);
    const auto header = header_of(whole, kPage);
    const uint32_t threads = is_large ? 2 : 1;
    REQUIRE(check(whole, header, false, threads));
    const auto pages = pages_of(whole);
    const auto step = is_large ? pages.size() / static_cast<size_t>(rounds(80)) + 1 : 1;
    int changed = 0;
    for (size_t i = 0; i < pages.size(); i += i + step < pages.size() ? step : 1) {
      auto items = items_of(whole, pages[i]);
      if (items.empty()) continue;
      // The last bit of a key is the last one of its hash. If it becomes 1, the key is larger.
      char& last = items.back().first.back();
      if ((last & 1) != 0) continue;
      last |= 1;
      CHECK_FALSE(check(with_items(whole, pages[i], items), header, false, threads));
      ++changed;
    }
    CHECK(changed > (is_large ? rounds(80) / 4 : 3));
  }
}

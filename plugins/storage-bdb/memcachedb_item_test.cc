// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "memcachedb_item.h"

#include <vector>

using namespace goromdb::bdb;
using namespace std::string_literals;

namespace {

// As a little-endian machine wrote it: 5 + 2 bytes of value, 7 of suffix, 3 of key.
const std::string kItem = "\x07\0\0\0\x07\x03\0\0key\0 42 5\r\nhello\r\n"s;

// What both ways say of exactly these bytes, so that a sanitizer sees what is read beside them.
uint64_t served(std::string_view key, const std::vector<char>& bytes) {
  const std::string_view stored(bytes.data(), bytes.size());
  const auto size = served_size(key, stored);
  CHECK(usual_served_size(key, stored) == size);
  return size;
}
uint64_t served(std::string_view key, std::string_view stored) {
  return served(key, std::vector<char>(stored.begin(), stored.end()));
}

}  // namespace

TEST_CASE("an item gives key, value and flags") {
  const auto item = parse_item(kItem);
  REQUIRE(item);
  CHECK(item->key == "key");
  CHECK(item->value == "hello");
  CHECK(item->flags == 42);
}

TEST_CASE("an item is made as MemcacheDB makes it") {
  CHECK(item_of({"key", "hello", 42}) == kItem);
}

TEST_CASE("an item of a big-endian machine is read") {
  const auto bytes = "\0\0\0\x07\x07\x03\0\0key\0 42 5\r\nhello\r\n"s;
  const auto item = parse_item(bytes);
  REQUIRE(item);
  CHECK(item->value == "hello");
}

TEST_CASE("flags above 31 bits are read in both of their spellings and kept") {
  CHECK(parse_item("\x03\0\0\0\x07\x01\0\0k\0 -1 1\r\nv\r\n"s)->flags == 4294967295);
  CHECK(parse_item("\x03\0\0\0\x0f\x01\0\0k\0 4294967295 1\r\nv\r\n"s)->flags == 4294967295);
  CHECK(parse_item(item_of({"k", "v", 0x80000001}))->flags == 0x80000001);
}

TEST_CASE("numbers are whole and no larger than flags and lengths can be") {
  const auto item_with = [](const std::string& suffix) {
    return "\x03\0\0\0"s + static_cast<char>(suffix.size()) + "\x01\0\0k\0"s + suffix + "v\r\n";
  };
  struct Good {
    const char* suffix;
    uint32_t flags;
  };
  for (const Good& good : std::vector<Good>{{" 42 1\r\n", 42},
                                            {" 4 1\r\n", 4},
                                            {" 9 01\r\n", 9},
                                            {" 0 0001\r\n", 0},
                                            {" -0 1\r\n", 0},
                                            {" 00000000000000000000042 001\r\n", 42},
                                            {" -2147483648 1\r\n", 0x80000000}}) {
    CAPTURE(good.suffix);
    const auto bytes = item_with(good.suffix);
    const auto item = parse_item(bytes);
    REQUIRE(item);
    CHECK(item->flags == good.flags);
    CHECK(served("k", bytes) == 1);
  }
  // Of flags of one digit first, then of all.
  for (const char* suffix : {" 4 2\r\n",
                             " 4 0\r\n",
                             " 4 11\r\n",
                             " 4 21\r\n",
                             " 4 101\r\n",
                             " 4x1\r\n",
                             "x4 1\r\n",
                             " : 1\r\n",
                             " / 1\r\n",
                             " 4 \r\n",
                             " 4 1\r\r",
                             " 4 1\n\n",
                             " 4 1\r\nx",
                             " 4 1x\r\n",
                             " 4 :\r\n",
                             "4  1\r\n",
                             " 4294967296 1\r\n",
                             " 18446744073709551616 1\r\n",
                             " -2147483649 1\r\n",
                             " -4294967295 1\r\n",
                             " 42 4294967297\r\n",
                             " 42 -1\r\n",
                             "  1\r\n",
                             " - 1\r\n",
                             " --1 1\r\n",
                             " +1 1\r\n",
                             " 42\r\n",
                             " 42 \r\n",
                             "42 1\r\n",
                             " 42  1\r\n",
                             " 42 1 \r\n",
                             " 42 1 1\r\n",
                             " 42 1\n",
                             " 42 1\r",
                             " 42 1",
                             " ",
                             "\r\n",
                             ""}) {
    CAPTURE(suffix);
    CHECK_FALSE(parse_item(item_with(suffix)));
    CHECK(served("k", item_with(suffix)) == kNoItem);
  }
}

TEST_CASE("what clients get of an item is its value, under its own key alone") {
  CHECK(served("key", kItem) == 5);
  for (const char* key : {"", "ke", "kez", "Key", "key2"}) CHECK(served(key, kItem) == kNoItem);
  CHECK(served("key", kItem.substr(1)) == kNoItem);
  for (size_t size = 0; size <= kMostItemKey; ++size) {
    auto key = std::string(size, 'k');
    const auto item = item_of({key, "hello", 0});
    CHECK(served(key, item) == 5);
    if (size == 0) continue;
    key.back() = 'z';
    CHECK(served(key, item) == kNoItem);
    key.back() = 'k';
    key.front() = 'z';
    CHECK(served(key, item) == kNoItem);
  }
}

TEST_CASE("a value's length is told by its suffix, however many digits that has") {
  for (const size_t size : {0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 1001, 9999, 10000, 123456}) {
    CAPTURE(size);
    const auto item = item_of({"key", std::string(size, 'v'), 7});
    CHECK(served("key", item) == size);
    const auto suffix = " 7 " + std::to_string(size) + "\r\n";
    const auto suffix_at = item.find(suffix);
    for (size_t i = 0; i < suffix.size(); ++i) {
      for (const char other : {'\0', ' ', '/', '0', '1', '9', ':', '\r', '\n', '\xff'}) {
        if (other == suffix[i]) continue;
        auto bytes = item;
        bytes[suffix_at + i] = other;
        const bool is_flag = i == 1 && other >= '0' && other <= '9';
        CHECK(served("key", bytes) == (is_flag ? size : kNoItem));
      }
    }
  }
}

TEST_CASE("both ways of reading an item say the same, whichever byte of it is another one") {
  for (const auto& item : {kItem, item_of({"key", "hello", 7})}) {
    for (size_t at = 0; at < item.size(); ++at) {
      CHECK(served("key", std::vector<char>(item.begin(), item.begin() + at)) == kNoItem);
      for (int byte = 0; byte < 256; ++byte) {
        auto bytes = item;
        bytes[at] = static_cast<char>(byte);
        served("key", std::vector<char>(bytes.begin(), bytes.end()));
      }
    }
  }
  for (const auto& bad : {"\x03\0\0\0\x07\x01\0\0k\0 4 1\0\r\nv\r\n"s,  // a zero behind its length
                          "\x03\0\0\0\x0a\x01\0\0k\0 4 1\0\0\0\r\nv\r\n"s})
    CHECK(served("k", bad) == kNoItem);
  // Its own end is another one, where the bytes have it.
  CHECK(served("key", "\x07\0\0\0\x06\x03\0\0key\0 4 5\r\nhelloXX\r\n"s) == kNoItem);
}

TEST_CASE("an empty value and an empty key are kept") {
  const auto bytes = item_of({"", "", 0});
  const auto item = parse_item(bytes);
  REQUIRE(item);
  CHECK(item->key.empty());
  CHECK(item->value.empty());
}

TEST_CASE("what is cut anywhere is no item") {
  for (size_t n = 0; n < kItem.size(); ++n) {
    CAPTURE(n);
    CHECK_FALSE(parse_item(std::string_view(kItem).substr(0, n)));
  }
}

TEST_CASE("lengths that lie are no item") {
  CHECK_FALSE(parse_item("\xff\xff\xff\xff\x07\x03\0\0key\0 42 5\r\nhello\r\n"s));  // -1
  CHECK_FALSE(parse_item("\0\0\0\0\x07\x03\0\0key\0 42 5\r\nhello\r\n"s));
  CHECK_FALSE(parse_item("\x07\0\0\0\xff\xff\0\0key\0 42 5\r\nhello\r\n"s));
  CHECK_FALSE(parse_item("\x07\0\0\0\x07\x03\0\0key\0 42 6\r\nhello\r\n"s));
  CHECK_FALSE(parse_item("\x07\0\0\0\x07\x03\0\0key\0 xx 5\r\nhello\r\n"s));
  CHECK_FALSE(parse_item("\x07\0\0\0\x07\x03\0\0keyX 42 5\r\nhello\r\n"s));
  CHECK_FALSE(parse_item("\x07\0\0\0\x07\x03\0\0key\0 42 5\r\nhelloXX"s));
}

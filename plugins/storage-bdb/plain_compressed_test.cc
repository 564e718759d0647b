// SPDX-License-Identifier: MIT
// Chunks of a compressed btree, taken apart; plain_check_test.cc has those that libdb makes.
#include "plain_compressed.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace goromdb::bdb;
using namespace std::string_literals;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::optional<uint32_t> number_in(std::string_view bytes, size_t size) {
  const auto number = take_packed_number(bytes);
  CHECK(bytes.size() == (number ? 0 : size));
  return number;
}

std::optional<Pairs> pairs_in(PlainChunks& chunks, std::string_view first, std::string_view chunk) {
  Pairs pairs;
  const bool is_sound = chunks.each(first, chunk, [&](auto key, auto value) {
    pairs.emplace_back(key, value);
    return true;
  });
  if (!is_sound) return {};
  CHECK(chunks.last_key() == pairs.back().first);
  return pairs;
}
std::optional<Pairs> pairs_in(std::string_view first, std::string_view chunk) {
  PlainChunks chunks;
  const std::vector<char> copy(chunk.begin(), chunk.end());  // with nothing behind it
  return pairs_in(chunks, first, {copy.data(), copy.size()});
}

}  // namespace

TEST_CASE("numbers begin where those with a byte less end") {
  const std::vector<std::pair<std::string, uint32_t>> numbers = {
      {"\0"s, 0},
      {"\x7f", 0x7f},
      {"\x80\0"s, 0x80},
      {"\xbf\xff", 0x407f},
      {"\xc0\0\0"s, 0x4080},
      {"\xdf\xff\xff", 0x20407f},
      {"\xe0\0\0\0"s, 0x204080},
      {"\xef\xff\xff\xff", 0x1020407f},
  };
  for (const auto& each : numbers) {
    const auto& bytes = each.first;
    const uint32_t number = each.second;
    CAPTURE(number);
    CHECK(number_in(bytes, bytes.size()) == number);
    for (size_t size = 0; size < bytes.size(); ++size)
      CHECK_FALSE(number_in(std::string_view(bytes).substr(0, size), size));
  }
  for (int first = 0xf0; first <= 0xff; ++first)
    CHECK_FALSE(number_in(std::string(1, static_cast<char>(first)) + std::string(9, '\0'), 10));
}

TEST_CASE("a chunk is the first key's value, and keys by what the one before does not have") {
  CHECK(pairs_in("key", "\0"s) == Pairs{{"key", ""}});
  CHECK(pairs_in("", "\0\0\1\0x"s) == Pairs{{"", ""}, {"x", ""}});
  const auto chunk =
      "\3one"
      "\3\1\3"
      "1two"
      "\3\1\5"
      "2three"
      "\0\xc\0"
      "longer words"
      "\1\1\1"
      "z!"s;
  const Pairs pairs = {
      {"key", "one"}, {"key1", "two"}, {"key2", "three"}, {"longer words", ""}, {"lz", "!"}};
  CHECK(pairs_in("key", chunk) == pairs);
  for (size_t size = 0; size < chunk.size(); ++size) {
    CAPTURE(size);
    const bool is_whole = size == 4 || size == 11 || size == 20 || size == 35;
    CHECK(pairs_in("key", std::string_view(chunk).substr(0, size)).has_value() == is_whole);
  }
  const std::string value(300, 'v');
  CHECK(pairs_in("key",
                 "\0\3\1\x80\xac"
                 "1"s +
                     value) == Pairs{{"key", ""}, {"key1", value}});
}

TEST_CASE("the other bytes of a key may be any number") {
  std::string chunk(1, '\0');
  Pairs pairs = {{"key", ""}};
  char letter = 'l';
  for (const size_t size : {1, 7, 8, 9, 15, 16, 17, 31, 40, 100}) {
    pairs.emplace_back(std::string(1, letter++) + std::string(size - 1, 'x'), std::string(20, 'v'));
    chunk += '\0';
    chunk += {static_cast<char>(size), 20};
    chunk += pairs.back().first + pairs.back().second;
  }
  CHECK(pairs_in("key", chunk) == pairs);
}

TEST_CASE("what libdb would not read as it is meant is no chunk") {
  CHECK(pairs_in("key", "\0\2\1\0z"s));
  const std::vector<std::pair<const char*, std::string>> others = {
      {"nothing", ""},
      {"a value that is longer", "\4one"},
      {"a value of which libdb would take another length", "\xf8\0\0\0\0\0"s},
      {"as many bytes of the key before as it does not have", "\0\4\1\0z"s},
      {"no others", "\0\3\0\0"s},
      {"no others, and it is shorter", "\0\2\0\0"s},
      {"more others than there are", "\0\2\2\0z"s},
      {"a longer value than there is", "\0\2\1\1z"s},
      {"a duplicate", "\0\xfc\0\1z"s},
      {"a byte that is the same", "\0\2\2\0yz"s},
      {"a key below the one before", "\0\2\1\0a"s},
      {"a byte behind it", "\0\2\1\0z\0"s},
  };
  for (const auto& each : others) {
    CAPTURE(each.first);
    CHECK_FALSE(pairs_in("key", each.second));
  }
  CHECK(pairs_in("key", "\0\2\1\0\xff"s));  // bytes have no sign
  CHECK_FALSE(pairs_in("ke\xff", "\0\2\1\0z"s));
}

TEST_CASE("chunks may become longer, and whoever takes pairs may end it") {
  PlainChunks chunks;
  CHECK(pairs_in(chunks, "b", "\0"s));
  const std::string first(1000, 'c');
  CHECK(pairs_in(chunks, first, "\0\1\1\0z"s) == Pairs{{first, ""}, {"cz", ""}});
  chunks.begin("alone");
  CHECK(chunks.last_key() == "alone");
  int taken = 0;
  CHECK_FALSE(chunks.each("d", "\0\1\1\0z"s, [&](auto, auto) { return ++taken < 1; }));
  CHECK_FALSE(chunks.each("d", "\0\1\1\0z"s, [&](auto, auto) { return ++taken < 3; }));
  CHECK(taken == 3);
}

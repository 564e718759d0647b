// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <goromdb/text.hpp>

#include <cstdint>
#include <limits>
#include <string>

using namespace goromdb;

namespace {

template <class Number>
std::string written(Number n) {
  std::string text(kMaxDigits + 1, '~');
  auto* begin = reinterpret_cast<uint8_t*>(text.data());
  const uint8_t* end = put_number(begin, n);
  text.resize(static_cast<size_t>(end - begin));
  return text;
}

}  // namespace

TEST_CASE("numbers are written in decimal, none longer than its room") {
  for (uint64_t n = 0, step = 1; n < (uint64_t{1} << 62); n += step, step += step / 3 + 1) {
    CHECK(written(n) == std::to_string(n));
    CHECK(written(-static_cast<int64_t>(n)) == std::to_string(-static_cast<int64_t>(n)));
  }
  CHECK(written(UINT64_MAX) == "18446744073709551615");
  CHECK(written(INT64_MIN) == "-9223372036854775808");
  CHECK(written(uint32_t{9}) == "9");
  CHECK(written(uint32_t{10}) == "10");
  CHECK(written(int8_t{-1}) == "-1");
}

TEST_CASE("bytes are put one behind the other, none too") {
  uint8_t room[8] = {};
  CHECK(put(put(put(room, "ab"), ""), "\r\n") == room + 4);
  CHECK(std::string(reinterpret_cast<char*>(room)) == "ab\r\n");
}

TEST_CASE("a number is a whole text in decimal that fits") {
  CHECK(parse_number<uint32_t>("0") == 0u);
  CHECK(parse_number<uint32_t>("4294967295") == 4294967295u);
  CHECK(parse_number<int32_t>("-2147483648") == std::numeric_limits<int32_t>::min());
  CHECK(parse_number<uint64_t>("18446744073709551615") == UINT64_MAX);
  CHECK(parse_number<int64_t>("-007") == -7);
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "x", "0x10", "-", "--1", "1.0", "\t1",
                           "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(!parse_number<int64_t>(text));
    CHECK(!parse_number<uint64_t>(text));
  }
  CHECK(!parse_number<uint32_t>("4294967296"));
  CHECK(!parse_number<uint32_t>("-1"));
  CHECK(!parse_number<int32_t>("2147483648"));
  CHECK(!parse_number<int64_t>(std::string_view("1\0", 2)));
}

TEST_CASE("letters of ascii have a case, other bytes stay") {
  for (int i = 0; i < 256; ++i) {
    const auto c = static_cast<char>(i);
    const bool upper = i >= 'A' && i <= 'Z', lower = i >= 'a' && i <= 'z';
    CHECK(to_lower(c) == (upper ? static_cast<char>(i + 32) : c));
    CHECK(to_upper(c) == (lower ? static_cast<char>(i - 32) : c));
  }
  CHECK(is_word("GeT", "get"));
  CHECK(is_word("", ""));
  CHECK(!is_word("gets", "get"));
  CHECK(!is_word("ge", "get"));
  CHECK(!is_word("g\x45u", "get"));
  CHECK(!is_word("@", "`"));  // as far apart as a letter's cases
}

TEST_CASE("what can stand between blanks holds none, and no control bytes") {
  CHECK(is_plain(""));
  CHECK(is_plain("key:1"));
  CHECK(is_plain("caf\xC3\xA9"));
  for (int i = 0; i < 256; ++i) {
    const auto c = static_cast<char>(i);
    CHECK(is_control(c) == (i < 32 || i == 127));
    CHECK(is_plain(std::string("a") + c) == (i > 32 && i != 127));
  }
}

TEST_CASE("a payload is passed over as far as it has come, and no further") {
  const std::string bytes = "0123456789";
  const auto* const begin = reinterpret_cast<const uint8_t*>(bytes.data());
  const uint8_t* pos = begin;
  CHECK(discard(4, pos, begin + 10) == "0123");
  CHECK(pos == begin + 4);
  CHECK(discard(0, pos, begin + 10) == "");
  CHECK(discard(6, pos, begin + 10) == "456789");
  CHECK(discard(UINT64_MAX, pos, begin + 10) == "");
  pos = begin + 7;
  CHECK(discard(UINT64_MAX, pos, begin + 9) == "78");
  CHECK(pos == begin + 9);
}

// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <goromdb/base64.hpp>

#include <optional>
#include <string>
#include <utility>

using namespace goromdb;

namespace {

std::optional<std::string> decoded(std::string_view text) {
  std::string bytes;
  return decode_base64(text, bytes) ? std::optional(bytes) : std::nullopt;
}

}  // namespace

TEST_CASE("base64 has the test vectors of RFC 4648") {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xFB\xFF\xBF", "+/+/"},
  };
  for (const auto& [bytes, text] : cases) {
    CAPTURE(text);
    CHECK(encode_base64(bytes) == text);
    CHECK(decoded(text) == bytes);
  }
}

TEST_CASE("every length of bytes comes back, in several pieces, too") {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    CHECK(decoded(encode_base64(bytes)) == bytes);
    bytes += static_cast<char>(i * 7);
  }
  while (bytes.size() < (size_t{7} << 20)) bytes += bytes;
  CHECK(decoded(encode_base64(bytes)) == bytes);
}

TEST_CASE("what is not base64 is refused") {
  for (const char* text :
       {"Z",        "Zg",   "Zg=",   "Zg===", "=",      "====",       "Z===",
        "=Zg=",     "Zg=v", "Zm9v=", " Zm9v", "Zm9v\n", "Zm 9v",      "Zm9v====",
        "Zg==Zg==", "Zm9-", "Zm9_",  "Zh==",  "Zm9=",   "Zm\xC3\xA9", "\r\n\r\n"}) {
    CAPTURE(text);
    CHECK(decoded(text) == std::nullopt);
  }
  CHECK(decoded(std::string_view("Zm9\0", 4)) == std::nullopt);
}

TEST_CASE("base64 is written and read in place, as many bytes as are told") {
  const std::string bytes = "\xFB\xFF\xBF four";
  for (size_t n = 0; n <= bytes.size(); ++n) {
    CAPTURE(n);
    const std::string_view some = std::string_view(bytes).substr(0, n);
    std::string text(base64_size(n) + 1, '~'), back(base64_size(n) / 4 * 3 + 1, '~');
    CHECK(encode_base64(some, text.data()) == text.data() + base64_size(n));
    CHECK(text == encode_base64(some) + "~");
    text.pop_back();
    CHECK(decode_base64(text, back.data(), SpareBits::kZero) == n);
    CHECK(back.substr(0, n) == some);
    CHECK(back.substr(n) == std::string(back.size() - n, '~'));
  }
}

TEST_CASE("bits that padding throws away are anything only where they may be") {
  uint8_t out[3];
  for (const char* text : {"Zh==", "Zn==", "Zm9=", "Zm+="}) {
    CAPTURE(text);
    CHECK(decode_base64(text, out, SpareBits::kZero) == std::nullopt);
    CHECK(decode_base64(text, out, SpareBits::kAny) == (text[2] == '=' ? 1u : 2u));
  }
  for (const char* text : {"Z===", "====", "Zg=v", "Zm9\n", "Zm9", "Zg==Zg=="}) {
    CAPTURE(text);
    CHECK(decode_base64(text, out, SpareBits::kAny) == std::nullopt);
  }
}

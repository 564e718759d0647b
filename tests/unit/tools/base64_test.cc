// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <goromdb/json_text.hpp>

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

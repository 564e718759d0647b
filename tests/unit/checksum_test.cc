// SPDX-License-Identifier: MIT
#include "core/base/checksum.h"

#include <doctest/doctest.h>

#include <string>

using namespace goromdb;

namespace {

const std::string kMd5 = "0123456789abcdef0123456789abcdef";
const std::string kMd5Upper = "0123456789ABCDEF0123456789ABCDEF";
const std::string kSha = kMd5 + kMd5;

}  // namespace

TEST_CASE("every form that md5sum and its kin write is read") {
  const std::string cases[] = {
      kMd5,
      kMd5 + "\n",
      kMd5 + "\r\n",
      kMd5Upper,
      kMd5 + "  data.json\n",
      kMd5 + " *data.json\n",
      kMd5 + "\tdata.json\r\n",
      kMd5Upper + "  DATA.JSON\n",
      "\\" + kMd5 + "  a\\nb\n",
      "  " + kMd5 + "  data.json\n",
      "MD5 (data.json) = " + kMd5 + "\n",
      "MD5 (data.json) = " + kMd5Upper + "\r\n",
      "MD5 (a (copy) of (data).json) = " + kMd5 + "\n",
      "MD5 (a) = b) = " + kMd5 + "\n",
      "MD5 () = " + kMd5,
      kMd5 + "  a name with spaces and (parentheses) = \n",
      kMd5 + "  first.json\n" + std::string(32, 'f') + "  second.json\n",
  };
  for (const auto& content : cases) {
    CAPTURE(content);
    auto hex = parse_sum(content, SumKind::kMd5);
    REQUIRE(hex.has_value());
    CHECK(*hex == kMd5);
  }
}

TEST_CASE("every form that sha256sum and its kin write is read") {
  for (const auto& content : {kSha, kSha + "  data.json\n", kSha + " *data.json\r\n",
                              "SHA256 (data.json) = " + kSha + "\n"}) {
    CAPTURE(content);
    auto hex = parse_sum(content, SumKind::kSha256);
    REQUIRE(hex.has_value());
    CHECK(*hex == kSha);
  }
}

TEST_CASE("anything else in a sum file is rejected with what is wanted") {
  const std::string cases[] = {
      "",
      "\n",
      "\n" + kMd5 + "\n",  // only the first line counts
      "  data.json\n",
      kMd5.substr(1),
      kMd5 + "0",
      kMd5.substr(1) + "g",
      kMd5.substr(1) + "  data.json",
      kSha,
      kSha + "  data.json\n",
      "SHA256 (data.json) = " + kSha + "\n",
      "SHA256 (data.json) = " + kMd5 + "\n",
      "MD5 (data.json) = " + kSha + "\n",
      "MD5 (data.json) = \n",
      "MD5 (data.json) =" + kMd5 + "\n",
      "MD5 (data.json = " + kMd5 + "\n",
      "MD5 (data.json) = " + kMd5 + " trailing\n",
      "data.json: " + kMd5 + "\n",
      std::string("\0\0\0\0", 4),
      std::string(100'000, 'a'),
  };
  for (const auto& content : cases) {
    CAPTURE(content);
    auto hex = parse_sum(content, SumKind::kMd5);
    REQUIRE_FALSE(hex.has_value());
    CHECK(hex.error().kind == Error::Kind::kRejected);
    CHECK(hex.error().message == "no MD5 sum in it: want 32 hex digits, as md5sum writes them");
  }
}

TEST_CASE("an md5 in a sha256 file is rejected") {
  for (const auto& content : {kMd5, "MD5 (data.json) = " + kMd5}) {
    CAPTURE(content);
    auto hex = parse_sum(content, SumKind::kSha256);
    REQUIRE_FALSE(hex.has_value());
    CHECK(hex.error().message ==
          "no SHA256 sum in it: want 64 hex digits, as sha256sum writes them");
  }
}

TEST_CASE("the sum file lies beside the data file") {
  CHECK(sum_path("in/data.json", SumKind::kMd5) == "in/data.json.md5");
  CHECK(sum_path("in/data.json", SumKind::kSha256) == "in/data.json.sha256");
}

TEST_CASE("kinds have a name for configs and a title for people") {
  CHECK(name_of(SumKind::kMd5) == "md5");
  CHECK(name_of(SumKind::kSha256) == "sha256");
  CHECK(name_of(SumKind::kNone) == "none");
  CHECK(title_of(SumKind::kMd5) == "MD5");
  CHECK(title_of(SumKind::kSha256) == "SHA256");
}

// RFC 1321, A.5; FIPS 180-4's examples.
TEST_CASE("digests are those of the standards however the bytes come") {
  struct Case {
    SumKind kind;
    std::string text, hex;
  };
  const Case cases[] = {
      {SumKind::kMd5, "", "d41d8cd98f00b204e9800998ecf8427e"},
      {SumKind::kMd5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {SumKind::kNone, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
      {SumKind::kSha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {SumKind::kSha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.text);
    for (size_t step = 1; step <= each.text.size() + 1; ++step) {
      Digest digest(each.kind);
      for (size_t at = 0; at < each.text.size(); at += step) {
        digest.update(std::string_view(each.text).substr(at, step));
      }
      CHECK(digest.hex() == each.hex);
    }
  }
}

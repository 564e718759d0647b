// SPDX-License-Identifier: MIT
#include "core/reload/group_manifest.h"

#include <doctest/doctest.h>

#include "tests/unit/temp_folder.hpp"

using namespace goromdb;

namespace {

const std::string kPrices(32, 'a'), kStock(64, 'b');
const std::vector<GroupMember> kMembers = {{"prices", "p.json", SumKind::kMd5},
                                           {"stock", "s.json", SumKind::kSha256}};

std::string reason_of(const std::string& content,
                      const std::vector<GroupMember>& members = kMembers) {
  const auto sums = parse_manifest(content, members);
  if (sums) return "";
  CHECK(sums.error().kind == Error::Kind::kRejected);
  return sums.error().message;
}

}  // namespace

TEST_CASE("a manifest names each member by its name or its file's, in any order") {
  for (const auto& [prices, stock] :
       std::vector<std::pair<std::string, std::string>>{{"  prices", "  stock"},
                                                        {"  p.json", " *s.json"},
                                                        {"\tprices ", "  /data/in/s.json\r"},
                                                        {"  ./p.json", " *stock"}}) {
    CAPTURE(prices);
    const auto lines = std::vector{kPrices + prices, kStock + stock};
    for (const auto& content : {lines[0] + "\n" + lines[1] + "\n", lines[1] + "\n\n" + lines[0],
                                lines[0] + "\n" + lines[1]}) {
      const auto sums = parse_manifest(content, kMembers);
      REQUIRE_MESSAGE(sums.has_value(), test::message_of(sums));
      CHECK(*sums == std::vector{"md5:" + kPrices, "sha256:" + kStock});
    }
  }
}

TEST_CASE("digits may be large") {
  const auto sums =
      parse_manifest(std::string(32, 'A') + " prices\n" + kStock + " stock", kMembers);
  REQUIRE(sums.has_value());
  CHECK(sums->front() == "md5:" + kPrices);
}

TEST_CASE("what is no manifest is said by line") {
  CHECK(reason_of("") == "no sum of prices in it");
  CHECK(reason_of(kPrices + "  prices\n") == "no sum of stock in it");
  CHECK(reason_of("\n" + kPrices + "\n") == "line 2: want a sum and a name, as md5sum writes them");
  CHECK(reason_of(kPrices + "  shoes\n") ==
        "line 1: \"shoes\" is no database of the group, nor the file of one");
  CHECK(reason_of(kPrices + "  prices\n" + kPrices + "  p.json\n") ==
        "line 2: it names prices again");
  CHECK(reason_of(kPrices + "  stock\n") ==
        "line 1: no SHA256 sum in it: want 64 hex digits, as sha256sum writes them");
  CHECK(reason_of(std::string(32, 'g') + "  prices\n") ==
        "line 1: no MD5 sum in it: want 32 hex digits, as md5sum writes them");
  CHECK(reason_of(kPrices + " *\n") == "line 1: want a sum and a name, as md5sum writes them");
}

TEST_CASE("a database's name goes before a file's, and a shared file name says nothing") {
  const std::vector<GroupMember> crossed = {{"a", "b", SumKind::kMd5}, {"b", "a", SumKind::kMd5}};
  const auto sums = parse_manifest(kPrices + "  a\n" + std::string(32, 'c') + "  b\n", crossed);
  REQUIRE(sums.has_value());
  CHECK(sums->front() == "md5:" + kPrices);
  const std::vector<GroupMember> same = {{"x", "data", SumKind::kMd5},
                                         {"y", "data", SumKind::kMd5}};
  CHECK(reason_of(kPrices + "  data\n", same) ==
        "line 1: data is the file of more than one database; write a database's name");
}

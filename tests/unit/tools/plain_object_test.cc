// SPDX-License-Identifier: MIT
#include "tools/plain_object.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "rows.hpp"
#include "tests/lib/rounds.hpp"

using namespace goromdb::test;
using goromdb::tools::take_plain_object;

namespace {

// "name=text;" for each member; "-": another kind of row.
std::string taken(std::string_view line) {
  std::string members;
  const bool is_plain = take_plain_object(line, [&](std::string_view name, std::string_view text) {
    members.append(name).append("=").append(text).append(";");
  });
  return is_plain ? members : "-";
}

// The same object with a tab in it, which leaves it to the parser.
std::string for_the_parser(const std::string& line) {
  const auto begin = line.find_first_not_of(' ');
  if (begin == line.npos || line[begin] != '{') return line;
  return line.substr(0, begin + 1) + "\t" + line.substr(begin + 1);
}

}  // namespace

TEST_CASE("an object of strings without escapes is taken apart") {
  CHECK(taken(R"({"key":"a","value":"1"})") == "key=a;value=1;");
  CHECK(taken(R"({ "key" : "a" , "" : "" })") == "key=a;=;");
  CHECK(taken(R"({"key":"{,}:","value":"z\u00e9)") == "-");
  CHECK(taken("{\"key\":\"\xC3\xA9\",\"value\":\"\xF0\x9F\x98\x80\"}") ==
        "key=\xC3\xA9;value=\xF0\x9F\x98\x80;");
}

TEST_CASE("all else is left to the parser") {
  for (const char* line :
       {"", "{", "{}", "[]", R"({"a")", R"({"a":)", R"({"a":"b")", R"({"a":"b"} )", R"({"a":"b"}})",
        R"({"a":"b",})", R"({"a":1})", R"({"a":"b" "c":"d"})", R"({"a";"b"})", R"({"a\n":"b"})",
        "{\"a\":\t\"b\"}", "{\"a\":\"\x01\"}", "{\"a\":\"\xFF\"}", R"(x{"a":"b"})"}) {
    CAPTURE(line);
    CHECK(taken(line) == "-");
  }
}

TEST_CASE("what is taken apart here is what the parser takes it for") {
  const std::vector<std::string> pieces = {"{",
                                           "}",
                                           "\"",
                                           ":",
                                           ",",
                                           " ",
                                           "\\",
                                           "\"key\":",
                                           "\"value\":",
                                           "\"a\"",
                                           "\"b\",",
                                           "1",
                                           "null",
                                           "\xC3\xA9",
                                           "\xFF",
                                           "\x01",
                                           "\x7F",
                                           "x",
                                           "\"key\":\"a\",\"value\":\"b\"",
                                           "{\"key\":\"k\",",
                                           "\"value\":\"v\"",
                                           "\"key\" : \"\""};
  std::mt19937 random(5);
  int plain = 0, good = 0;
  for (int i = 0; i < goromdb::test::rounds(50'000); ++i) {
    std::string line = random() % 4 == 0 ? "" : "{";
    for (auto n = random() % 6; n > 0; --n) line += pieces[random() % pieces.size()];
    if (random() % 4 != 0) line += "}";
    CAPTURE(line);
    const auto rows = read_rows(goromdb::tools::RowFormat::kNdjson, line);
    CHECK(rows == read_rows(goromdb::tools::RowFormat::kNdjson, for_the_parser(line)));
    plain += taken(line) != "-";
    good += rows.size() == 1 && rows[0].ends_with(" @1");
  }
  CHECK(plain > goromdb::test::rounds(500));
  CHECK(good > goromdb::test::rounds(100));
}

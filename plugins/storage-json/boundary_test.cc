// SPDX-License-Identifier: MIT
// Files are read a window at a time: wherever a window ends, the outcome is the same.
#include <doctest/doctest.h>

#include "test_database.h"
#include "window.h"

using goromdb::test::Database;
using goromdb::test::Settings;
using namespace std::string_literals;

namespace {

// The file with so much space in front that the first window ends before its byte `at`.
std::string cut_at(const std::string& text, size_t at) {
  return std::string(goromdb::Window::kSmallest - at, ' ') + text;
}

// The message without the path and the place, both of which differ.
std::string cause(const Database& db) {
  const size_t begin = db.message.find(": ");
  return begin == std::string::npos
             ? ""
             : db.message.substr(begin, db.message.rfind(", at byte") - begin);
}

size_t place(const Database& db) {
  return std::stoul(db.message.substr(db.message.rfind("at byte ") + 8));
}

}  // namespace

TEST_CASE("a window may end at any byte of one object") {
  const std::string text =
      "{\"a\\ud83d\\ude00\" : \"\u00e9\u20ac\U0001F600\\n\\u00e9\\ud83d\\ude00\", \"n\":-12.5e+10 "
      ",\"t\":true,"
      "\"f\":false,\"z\":null,\"l\":[ 1 , {\"x\" : \"\\\\\\u20ac\u20ac\",\"y\":[]} , 0.5 ] ,"
      "\"ns\" : { \"k\" : \"v\" , \"m\":{\"deep\":[1E5 , 0]} } , \"e\":{},\"d\":1,\"d\":2 } ";
  for (size_t at = 1; at <= text.size(); ++at) {
    CAPTURE(at);
    Database db(cut_at(text, at));
    REQUIRE(db.message == "");
    CHECK(db.get("a\U0001F600") == "\u00e9\u20ac\U0001F600\n\u00e9\U0001F600");
    CHECK(db.get("n") == "-12.5e+10");
    CHECK(db.get("t") == "true");
    CHECK(db.get("f") == "false");
    CHECK(db.get("z") == "null");
    CHECK(db.get("l") == "[ 1 , {\"x\" : \"\\\\\\u20ac\u20ac\",\"y\":[]} , 0.5 ]");
    CHECK(db.get("k", "ns") == "v");
    CHECK(db.get("m", "ns") == "{\"deep\":[1E5 , 0]}");
    CHECK(db.get("d") == "2");
    CHECK(db.info().entries == 9);
    CHECK(db.info().namespaces == 2);
    CHECK(db.host.log.size() == 1);
  }
}

TEST_CASE("a window may end at any byte of a wrong file") {
  const std::string cases[] = {
      R"({"a":"b\x"})",
      R"({"a":"\ud83d\u0041"})",
      R"({"a":"\u12g4"})",
      R"({"a":01})",
      R"({"a":1.e5})",
      R"({"a":-})",
      R"({"a":truf})",
      R"({"a":[1,{"b":nul}]})",
      "{\"a\":\"\xe2\x82\"}",
      "{\"a\":\"\xf0\x9f\x98\"}",
      R"({"a":1}x)",
      R"({"a":"b)",
      R"({"a":[1,)",
      R"({"a":1e)",
      R"({"a":tr)",
      R"({"a":{"b":1)",
      R"({"a)",
      R"({"a")",
      R"({"a":)",
      "{\"a\":\"\xe2\x82",
  };
  for (const std::string& text : cases) {
    const Database whole(text);
    REQUIRE(whole.status == GOROMDB_E_CORRUPT);
    for (size_t at = 1; at <= text.size(); ++at) {
      CAPTURE(text);
      CAPTURE(at);
      const Database db(cut_at(text, at));
      CHECK(db.status == GOROMDB_E_CORRUPT);
      CHECK(cause(db) == cause(whole));
      CHECK(place(db) == goromdb::Window::kSmallest - at + place(whole));
    }
  }
}

TEST_CASE("a window may end at any byte of lines") {
  const std::string text =
      "{\"key\":\"a\",\"value\":\"\u20ac\\u20ac\",\"flags\":7}\r\n\n{\"namespace\":\"n\",\"key_"
      "b64\":\"/w==\","
      "\"value\":[1,\"\U0001F600\"]}\n{\"key\":\"z\",\"value\":1}";
  for (const Settings& settings : {Settings{}, Settings{{"format", "ndjson"}}}) {
    for (size_t at = 1; at <= text.size(); ++at) {
      CAPTURE(at);
      Database db(cut_at(text, at), settings);
      REQUIRE(db.message == "");
      CHECK(db.get("a") == "\u20ac\u20ac");
      CHECK(db.get("\xff", "n") == "[1,\"\U0001F600\"]");
      CHECK(db.get("z") == "1");
      CHECK(db.info().entries == 3);
      CHECK(Database(cut_at(text + "\n{", at), settings).says("line 5: "));
    }
  }
}

TEST_CASE("keys, values and space may be many windows long") {
  const std::string space(3 * goromdb::Window::kSmallest + 5, '\n');
  const std::string key(2 * goromdb::Window::kSmallest + 1, 'k');
  std::string escaped, plain, list = "[0";
  for (int i = 0; i < 700000; ++i) {
    escaped += "\\u20ac\u00e9";
    plain += "\u20ac\u00e9";
    list += ","s + std::to_string(i);
  }
  list += "]";
  Database db(space + "{" + space + "\"" + key + "\"" + space + ":" + space + "\"" + escaped +
              "\"" + space + ",\"l\":" + list + "}" + space);
  REQUIRE(db.message == "");
  CHECK(db.get(key) == plain);
  CHECK(db.get("l") == list);
  CHECK(db.info().entries == 2);
}

TEST_CASE("bytes that are not UTF-8 are found at their place in a large file") {
  const std::string filler(3000000, 'x');
  for (size_t at :
       {size_t{0}, size_t{1}, size_t{2999999}, size_t{1234567}, goromdb::Window::kSmallest - 8}) {
    std::string text = "{\"a\":\"\u00e9" + filler + "\"}";
    text[8 + at] = '\xff';
    CHECK(Database(text).message.ends_with("not UTF-8, at byte " + std::to_string(8 + at)));
  }
}

// SPDX-License-Identifier: MIT
// One JSON object: what is served, what is a namespace, who wins, what is refused.
#include <doctest/doctest.h>

#include "database.hpp"

using goromdb::test::Database;
using namespace std::string_literals;

namespace {

std::string repeated(const std::string& part, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += part;
  return all;
}

}  // namespace

TEST_CASE("strings are served decoded") {
  const std::pair<std::string, std::string> cases[] = {
      {R"("")", ""},
      {R"("plain")", "plain"},
      {R"("a\"b\\c\/d\b\f\n\r\t")", "a\"b\\c/d\b\f\n\r\t"},
      {R"("\u0041\u00e9\u00E9\u20ac")", "A\u00e9\u00e9\u20ac"},
      {R"("\ud83d\ude00 \uDBFF\uDFFF")", "\U0001F600 \U0010FFFF"},
      {R"("a\u0000b")", "a\0b"s},
      {"\"\u00e9\u20ac\U0001F600\x7f\"", "\u00e9\u20ac\U0001F600\x7f"},
      {R"("\\u0041")", "\\u0041"},
      {R"("1234567\n")", "1234567\n"},
      {R"("12345678\\")", "12345678\\"},
      {"\"" + std::string(100000, 'x') + "\"", std::string(100000, 'x')},
  };
  for (const auto& each : cases) {
    const auto& text = each.first;
    const auto& bytes = each.second;
    CAPTURE(text);
    Database db("{\"k\":" + text + "," + text + ":\"as a key\"}");
    REQUIRE(db.message == "");
    CHECK(db.get("k") == bytes);
    CHECK(db.get(bytes) == "as a key");
  }
}

TEST_CASE("everything that is no string is served as its text in the file") {
  const std::string cases[] = {"0",
                               "-0",
                               "1",
                               "-12.50",
                               "1e400",
                               "1E+5",
                               "-0.0e-10",
                               "123456789012345678901234567890",
                               "true",
                               "false",
                               "null",
                               "[]",
                               "[ ]",
                               "[1, 2,\t3]",
                               R"([{"a" : [null]}, "x\u0041"])",
                               "[\n]",
                               R"([[],{},[{"":""}]])"};
  for (const std::string& text : cases) {
    CAPTURE(text);
    Database db("{\"k\" : " + text + " }");
    REQUIRE(db.message == "");
    CHECK(db.get("k") == text);
  }
}

TEST_CASE("what is not JSON is refused with its place") {
  struct Case {
    std::string text, message;
  };
  const Case cases[] = {
      {"", "the file is empty, at byte 0"},
      {" \n", "the file is empty, at byte 2"},
      {"\xEF\xBB\xBF", "the file is empty, at byte 3"},
      {"[]", "a JSON object was expected, beginning with '{', at byte 0"},
      {"\"a\"", "a JSON object was expected, beginning with '{', at byte 0"},
      {"null", "a JSON object was expected, beginning with '{', at byte 0"},
      {" 1", "a JSON object was expected, beginning with '{', at byte 1"},
      {"\xEF\xBB\xBF\xEF\xBB\xBF{}", "a JSON object was expected, beginning with '{', at byte 3"},
      {"{", "the end is not the object's '}', at byte 1"},
      {"{}}", "has one a line (format: ndjson), at byte 2"},
      {"{}\n{}", "has one a line (format: ndjson), at byte 3"},
      {"{}\0"s, "the end is not the object's '}', at byte 3"},
      {"{,}", "key in quotes was expected, at byte 1"},
      {R"({"a":1,})", "key in quotes was expected, at byte 7"},
      {R"({"a":1,,"b":2})", "key in quotes was expected, at byte 7"},
      {R"({"a":1 "b":2})", "key in quotes was expected, at byte 7"},
      {R"({"a":1])", "the end is not the object's '}', at byte 7"},
      {R"({"a" 1})", "key in quotes was expected, at byte 5"},
      {R"({"a"})", "key in quotes was expected, at byte 4"},
      {R"({"a":})", "a value was expected, at byte 5"},
      {R"({a:1})", "key in quotes was expected, at byte 1"},
      {R"({'a':1})", "key in quotes was expected, at byte 1"},
      {R"({"a":'b'})", "a value was expected, at byte 5"},
      {R"({"a":tru})", "a value was expected, at byte 5"},
      {R"({"a":nul1})", "a value was expected, at byte 5"},
      {R"({"a":truee})", "a value was expected, at byte 5"},
      {R"({"a":NaN})", "a value was expected, at byte 5"},
      {R"({"a":01})", "a number that JSON does not have, at byte 5"},
      {R"({"a":-01})", "a number that JSON does not have, at byte 5"},
      {R"({"a":+1})", "a value was expected, at byte 5"},
      {R"({"a":.5})", "a value was expected, at byte 5"},
      {R"({"a":1.})", "a number that JSON does not have, at byte 5"},
      {R"({"a":1e})", "a number that JSON does not have, at byte 5"},
      {R"({"a":1e+})", "a number that JSON does not have, at byte 5"},
      {R"({"a":-})", "a number that JSON does not have, at byte 5"},
      {R"({"a":0x10})", "a number that JSON does not have, at byte 5"},
      {R"({"a":1.5.5})", "a number that JSON does not have, at byte 5"},
      {R"({"a":"b\x"})", "or half a surrogate pair, at byte 5"},
      {"{\"a\":\"b\\\0\"}"s, "a control character inside a string"},
      {R"({"a":"\u12g4"})", "or half a surrogate pair, at byte 5"},
      {R"({"a":"\u12"})", "or half a surrogate pair, at byte 5"},
      {R"({"a":"\ud800"})", "or half a surrogate pair, at byte 5"},
      {R"({"a":"\ud800\u0041"})", "or half a surrogate pair, at byte 5"},
      {R"({"a":"\ud800\ud800"})", "or half a surrogate pair, at byte 5"},
      {R"({"a":"\ud800zzzzzz"})", "or half a surrogate pair, at byte 5"},
      {R"({"a":"\udc00"})", "or half a surrogate pair, at byte 5"},
      {R"({"a\udc00":1})", "or half a surrogate pair, at byte 1"},
      {"{\"a\":\"b\nc\"}", "a control character inside a string"},
      {"{\"a\":\"b\0c\"}"s, "a control character inside a string"},
      {"{\"a\x1f\":1}", "a control character inside a string"},
      {"{\"a\":\"\xff\"}", "not UTF-8, at byte 6"},
      {"{\"a\":\"b\xc3\"}", "not UTF-8, at byte 7"},
      {"{\"a\":\"\xed\xa0\x80\"}", "not UTF-8, at byte 6"},
      {"{\"a\":\"\xc0\x80\"}", "not UTF-8, at byte 6"},
      {"{\"a\":\"\xf4\x90\x80\x80\"}", "not UTF-8, at byte 6"},
      {"{\"\x80\":1}", "not UTF-8, at byte 2"},
      {"{\"a\":1}\xe2\x82", "not UTF-8, at byte 7"},
      {R"({"a":[1,,2]})", "a value was expected, at byte 8"},
      {R"({"a":[1,]})", "a value was expected, at byte 8"},
      {R"({"a":[,1]})", "a value was expected, at byte 6"},
      {R"({"a":[1 2]})", "key in quotes was expected, at byte 8"},
      {R"({"a":[1})", "key in quotes was expected, at byte 7"},
      {R"({"a":["\u00zz"]})", "or half a surrogate pair, at byte 6"},
      {R"({"a":["\ud800"]})", "or half a surrogate pair, at byte 6"},
      {R"({"a":[01]})", "a number that JSON does not have, at byte 6"},
      {R"({"a":{"b":tru}})", "a value was expected, at byte 10"},
      {R"({"a":{"b":{"c":tru}}})", "a value was expected, at byte 15"},
      {R"({"a":{"b":{"c":1,}}})", "key in quotes was expected, at byte 17"},
      {R"({"a":{"b":{,}}})", "key in quotes was expected, at byte 11"},
      {R"({"a":{"b":{"c"}}})", "key in quotes was expected, at byte 14"},
      {R"({"a":{"b":{"c":1 "d":2}}})", "key in quotes was expected, at byte 17"},
      {R"({"a":{"b":{"c":1]}})", "key in quotes was expected, at byte 16"},
      {R"({"a":{"b":[{]}}})", "key in quotes was expected, at byte 12"},
      {R"({"a":{"b":1,}})", "key in quotes was expected, at byte 12"},
      {R"({"a":{]})", "key in quotes was expected, at byte 6"},
      {R"({"a":-a})", "a number that JSON does not have, at byte 5"},
      {R"({"a":--1})", "a number that JSON does not have, at byte 5"},
      {R"({"a":[1,-]})", "a number that JSON does not have, at byte 8"},
      {R"({"a":[1e400,1.]})", "a number that JSON does not have, at byte 12"},
      {R"({"a":[+1]})", "a value was expected, at byte 6"},
      {R"({"a":[.5]})", "a value was expected, at byte 6"},
      {R"({"a":[1e]})", "a number that JSON does not have, at byte 6"},
      {R"({"a":{"b":{"c":0x1}}})", "a number that JSON does not have, at byte 15"},
      {R"({"a":1 2})", "key in quotes was expected, at byte 7"},
      {R"({"a":1:2})", "key in quotes was expected, at byte 6"},
      {R"({"a":"b":1})", "key in quotes was expected, at byte 8"},
      {R"({"a":"b"c})", "key in quotes was expected, at byte 8"},
      {R"({"a":"b""c"})", "key in quotes was expected, at byte 8"},
      {R"({"a":tru"x"})", "a value was expected, at byte 5"},
      {R"({"a":1"x"})", "a number that JSON does not have, at byte 5"},
      {R"({"a"::1})", "a value was expected, at byte 5"},
      {R"({"a":1,2})", "key in quotes was expected, at byte 7"},
      {R"({"a":["b":1]})", "key in quotes was expected, at byte 9"},
      {R"({"a":[true:1]})", "key in quotes was expected, at byte 10"},
      {R"({"a":[1]]})", "key in quotes was expected, at byte 8"},
      {R"({"a":[1]{}})", "key in quotes was expected, at byte 8"},
      {R"({"a":[[1}]})", "key in quotes was expected, at byte 8"},
      {R"({"a":[}]})", "a value was expected, at byte 6"},
      {R"({"a":[1,2})", "key in quotes was expected, at byte 9"},
      {R"({"a":[1,2])", "the end is not the object's '}', at byte 10"},
      {R"({"a":{"b":1})", "the text ends inside an array or an object, at byte 12"},
      {R"({"a":[{})", "the text ends inside an array or an object, at byte 8"},
      {R"({"a":[{"b":{})", "the text ends inside an array or an object, at byte 13"},
      {R"({"a":{"b":1}}})", "has one a line (format: ndjson), at byte 13"},
      {R"({"a":[{"b\q":1}]})", "or half a surrogate pair, at byte 7"},
      {R"({"a":[{"b":["\ud800"]}]})", "or half a surrogate pair, at byte 12"},
      {R"({"a":["\\\"\/\z"]})", "or half a surrogate pair, at byte 6"},
      {R"({"a":"b)", "a string that does not end"},
      {R"({"a":"b\"})", "a string that does not end"},
      {"{\"a\":[\"b\tc\"]}", "a control character inside a string"},
      {"{\"a\":\0}"s, "a value was expected, at byte 5"},
      {"{\"a\":1\0}"s, "a number that JSON does not have, at byte 5"},
      {"{\"a\":true\0}"s, "a value was expected, at byte 5"},
      {"{\"a\":[\"x\"\0]}"s, "key in quotes was expected, at byte 9"},
      {"{\"a\":1\f}", "key in quotes was expected, at byte 6"},
      {"{\"a\":[1\x1a]}", "key in quotes was expected, at byte 7"},
      {"{\"a\":\xc2\xa0"
       "1}",
       "a value was expected, at byte 5"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    Database db(c.text, {{"format", "json"}});
    CHECK(db.status == GOROMDB_E_CORRUPT);
    CHECK(db.message.ends_with(c.message));
    CHECK(db.says(db.dir().file("data.db") + ": "));
    CHECK(db.in_one_line());
    CHECK(Database(c.text).status == GOROMDB_E_CORRUPT);
    CHECK(Database(c.text, {{"nested", "text"}}).status == GOROMDB_E_CORRUPT);
  }
}

TEST_CASE("a byte order mark is skipped") {
  Database db("\xEF\xBB\xBF{\"a\":\"b\"}");
  CHECK(db.get("a") == "b");
}

TEST_CASE("empty keys, empty values and an empty object are data") {
  Database db(R"({"":"","b":""})");
  const auto values = db.get_all({{0, ""}, {0, "b"}, {0, "c"}});
  CHECK(values[0].status == GOROMDB_OK);
  CHECK(values[0].ptr != nullptr);
  CHECK(values[0].len == 0);
  CHECK(values[2].status == GOROMDB_NOT_FOUND);
  CHECK(db.info().entries == 2);
  Database empty(" {\r\n\t} \n");
  CHECK(empty.message == "");
  CHECK(empty.info().entries == 0);
  CHECK(empty.get("") == std::nullopt);
}

TEST_CASE("an object below the root is a namespace, a deeper one is text") {
  Database db(
      R"({"top":"1","one":{"k":"v1","deep":{ "x":[1] },"top":"inner"},"none":{},"two":{"k":"v2"}})");
  REQUIRE(db.message == "");
  CHECK(db.get("k", "one") == "v1");
  CHECK(db.get("k", "two") == "v2");
  CHECK(db.get("k") == std::nullopt);
  CHECK(db.get("top") == "1");
  CHECK(db.get("top", "one") == "inner");
  CHECK(db.get("deep", "one") == R"({ "x":[1] })");
  CHECK(db.get("k", "none") == std::nullopt);
  CHECK(db.get("one") == std::nullopt);  // a namespace is no value
  CHECK(db.ns_names().size() == 3);
  CHECK(db.ns_names() == db.ns_names(1));  // one at a time
  CHECK(db.ns_names()[0] == "one");
  CHECK(db.ns_id("top") == UINT32_MAX);
  CHECK(db.ns_id("absent") == UINT32_MAX);
  for (uint32_t unknown : {4u, 77u, UINT32_MAX - 1, UINT32_MAX}) {
    CHECK(db.get("k", unknown) == std::nullopt);
    CHECK(db.get("one", unknown) == std::nullopt);
  }
  const auto info = db.info();
  CHECK(info.entries == 5);
  CHECK(info.namespaces == 3);
  CHECK(info.bytes == 4 + 3 + 15 + 8 + 3);  // top; k, deep, top; k
  CHECK(info.caps == GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION);
  CHECK(info.resident_bytes > info.bytes);
}

TEST_CASE("with nested: text an object below the root is served as its text") {
  Database db(R"({"one":{"k": "v"},"two":{}})", {{"nested", "text"}});
  CHECK(db.get("one") == R"({"k": "v"})");
  CHECK(db.get("two") == "{}");
  CHECK(db.ns_id("one") == UINT32_MAX);
  CHECK(db.info().namespaces == 0);
  CHECK(db.info().entries == 2);
}

TEST_CASE("the last of duplicate keys wins and one line counts them") {
  struct Case {
    std::string text, warning;
    std::map<std::pair<std::string, std::string>, std::optional<std::string>> expected;  // ns, key
    uint64_t entries;
    uint32_t namespaces;
  };
  const Case cases[] = {
      {R"({"a":"1","b":"2"})", "", {{{"", "a"}, "1"}}, 2, 0},
      {R"({"a":"1","a":"2"})", "1 duplicate key;", {{{"", "a"}, "2"}}, 1, 0},
      {R"({"a":"1","b":"x","a":"2","a":"33","b":"y"})",
       "3 duplicate keys;",
       {{{"", "a"}, "33"}, {{"", "b"}, "y"}},
       2,
       0},
      {R"({"a":"1","\u0061":"2"})", "the first is \"a\"", {{{"", "a"}, "2"}}, 1, 0},
      {R"({"n":{"a":"1","a":"2"}})", "1 duplicate key;", {{{"n", "a"}, "2"}}, 1, 1},
      {R"({"n":{"a":"1"},"m":{"a":"2"},"a":"3"})",
       "",
       {{{"n", "a"}, "1"}, {{"m", "a"}, "2"}, {{"", "a"}, "3"}},
       3,
       2},
      {R"({"n":{"a":"1","b":"2"},"n":{"a":"3"}})",
       "1 duplicate key;",
       {{{"n", "a"}, "3"}, {{"n", "b"}, std::nullopt}},
       1,
       1},
      {R"({"n":{"a":"1"},"n":{}})", "1 duplicate key;", {{{"n", "a"}, std::nullopt}}, 0, 1},
      {R"({"n":{"a":"1"},"o":{"a":"9"},"n":"text"})",
       "the first is \"n\"",
       {{{"", "n"}, "text"}, {{"n", "a"}, std::nullopt}, {{"o", "a"}, "9"}},
       2,
       1},
      {R"({"n":"text","n":{"a":"1"}})",
       "the first is \"n\"",
       {{{"", "n"}, std::nullopt}, {{"n", "a"}, "1"}},
       1,
       1},
      {R"({"n":"x","n":{"a":"1"},"n":"y","n":{"a":"2"}})",
       "3 duplicate keys;",
       {{{"", "n"}, std::nullopt}, {{"n", "a"}, "2"}},
       1,
       1},
      {"{\"a\\n\\u0007\":1,\"a\\n\\u0007\":2}",
       "the first is \"a\?\?\"",
       {{{"", "a\n\a"}, "2"}},
       1,
       0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    Database db(c.text);
    REQUIRE(db.message == "");
    for (const auto& [place, value] : c.expected) {
      const auto& [ns, key] = place;
      CHECK((ns.empty() ? db.get(key) : db.get(key, ns)) == value);
    }
    const auto info = db.info();
    CHECK(info.entries == c.entries);
    CHECK(info.namespaces == c.namespaces);
    const auto names = db.ns_names();
    CHECK(names.size() == info.namespaces);
    for (const auto& name : names) CHECK(db.ns_id(name) <= info.namespaces);
    CHECK(db.host.log.size() == (c.warning.empty() ? 0 : 1));
    if (db.host.log.empty()) continue;
    CHECK(db.host.log[0].first == GOROMDB_LOG_WARN);
    CHECK(db.host.log[0].second.find(c.warning) != std::string::npos);
  }
}

TEST_CASE("replaced entries are not counted as bytes") {
  CHECK(Database(R"({"a":"1234","a":"2"})").info().bytes == 2);
  CHECK(Database(R"({"n":{"a":"1234"},"n":"2"})").info().bytes == 2);
}

TEST_CASE("many namespaces that replace each other end as one") {
  std::string text = "{";
  for (int i = 0; i < 3000; ++i)
    text += "\"n\":{\"k" + std::to_string(i) + "\":\"v\"},\"x" + std::to_string(i) + "\":{},";
  Database db(text + "\"n\":{\"last\":\"1\"}}");
  CHECK(db.info().entries == 1);
  CHECK(db.info().namespaces == 3001);
  CHECK(db.get("last", "n") == "1");
  CHECK(db.get("k2999", "n") == std::nullopt);
  CHECK(db.host.log.at(0).second.find("3000 duplicate keys") != std::string::npos);
}

TEST_CASE("1024 levels of nesting are read, 1025 are refused, and millions do no harm") {
  const auto nested = [](size_t levels) {
    return "{\"k\":" + repeated("[", levels) + repeated("]", levels) + "}";
  };
  CHECK(Database(nested(1023)).get("k") == repeated("[", 1023) + repeated("]", 1023));
  for (size_t levels : {size_t{1024}, size_t{5000000}}) {
    Database db(nested(levels));
    CHECK(db.status == GOROMDB_E_CORRUPT);
    CHECK(db.says("more than 1024 levels of nesting, at byte 1028"));
  }
  const std::string deep = repeated("{\"a\":", 1022) + "1" + repeated("}", 1022);
  CHECK(Database("{\"n\":{\"k\":" + deep + "}}").get("k", "n") == deep);
  CHECK(Database("{\"n\":{\"k\":[" + deep + "]}}").says("more than 1024 levels"));
  CHECK(Database(repeated("{\"a\":", 1000000)).status == GOROMDB_E_CORRUPT);
  CHECK(Database(repeated("{\"a\":", 1000000) + "1}").says("more than 1024 levels"));
  CHECK(Database("{\"k\":" + repeated("[", 1000000) + "}").says("more than 1024 levels"));
}

TEST_CASE("keys have at most 16777215 bytes, decoded") {
  constexpr size_t kMost = (1 << 24) - 1;
  const std::string longest(kMost, 'k');
  CHECK(Database("{\"" + longest + "\":\"v\"}").get(longest) == "v");
  CHECK(Database("{\"" + longest + "\":{\"a\":\"v\"}}").get("a", longest) == "v");
  CHECK(Database("{\"\\u006b" + longest.substr(1) + "\":\"v\"}").get(longest) == "v");
  for (const char* value : {"1", "{}"}) {
    Database db("{\"" + longest + "k\":" + value + "}");
    CHECK(db.status == GOROMDB_E_TOO_BIG);
    CHECK(db.says("is longer than 16777215 bytes, at byte 2"));
  }
}

TEST_CASE("what look-ups read is told: the entries and their index") {
  std::string text = "{\"a\":\"first\"";
  for (int i = 0; i < 10000; ++i) text += ",\"k" + std::to_string(i) + "\":\"value\"";
  Database db(text + ",\"z\":\"last\"}");
  REQUIRE(db.message == "");
  for (const char* key : {"a", "k777", "z"}) CHECK(db.is_in_memory(key));
  CHECK(db.memory().size() == 2);
  CHECK(db.memory_bytes() <= db.info().resident_bytes);
  CHECK(db.memory_bytes() > db.info().bytes + 8 * 10000);
}

// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "rows.hpp"

using namespace goromdb;
using namespace goromdb::test;
using tools::Fields;

namespace {

constexpr auto kNdjson = tools::RowFormat::kNdjson;

void check_ndjson(const std::vector<RowCase>& cases, const Fields& fields = {}) {
  check_rows(kNdjson, cases, fields);
}

std::string nested(size_t levels) {
  return R"({"key":"a","value":1,"x":)" + std::string(levels, '[') + std::string(levels, ']') + "}";
}

}  // namespace

TEST_CASE("NDJSON is an object a line") {
  check_ndjson({
      {"{\"key\": \"a\", \"value\": \"1\"}\n{\"key\": \"b\", \"value\": \"2\"}\n",
       {"a=1 @1", "b=2 @2"}},
      {"\xEF\xBB\xBF{\"key\":\"a\",\"value\":\"1\"}", {"a=1 @1"}},
      {"\n \t\r\n  {\"value\":\"1\" , \"key\":\"a\"}\t \r\n\n", {"a=1 @3"}},
      {R"({"key":"a","value":"1","namespace":"en","flags":7})", {"en/a=1 #7 @1"}},
      {R"({"key":"a","value":"1","namespace":"","flags":4294967295})", {"a=1 #4294967295 @1"}},
      {R"({"key":"a","value":"1","namespace":null,"flags":null})", {"a=1 @1"}},
      {R"({"key":"","value":""})", {"= @1"}},
      {R"({"k\u0065y":"a","value":"x\n\"\\\/\u00e9\ud83d\ude00"})",
       {"a=x\n\"\\/\xC3\xA9\xF0\x9F\x98\x80 @1"}},
      {R"({"key":"a","value":"1","other":{"key":"b","value":[{}]},"":[]})", {"a=1 @1"}},
      {"", {}},
      {"\n\n", {}},
  });
}

TEST_CASE("a value that is no string is its JSON text") {
  for (const char* value :
       {"0", "-1", "1.50", "1e400", "123456789012345678901234567890", "-0.0E+1", "true", "false",
        "null", "[]", "{}", "[1, \"\\u00e9\", {\"a\" : [ ] }]", "{\"a\": {\"b\": null}}"}) {
    const std::string wanted = std::string("a=") + value + " @1";
    check_ndjson({{std::string("{\"key\":\"a\",\"value\":") + value + "}", {wanted}},
                  {std::string("{\"value\" : ") + value + "\t, \"key\" : \"a\"}\n", {wanted}}});
  }
  check_ndjson({
      {R"({"key":12345678901234567890123,"value":1,"namespace":2.50})",
       {"2.50/12345678901234567890123=1 @1"}},
  });
}

TEST_CASE("bytes that are no text come as base64") {
  check_ndjson({
      {R"({"key_b64":"/w==","value_b64":"/v4=","namespace_b64":"/Q=="})",
       {"\xFD/\xFF=\xFE\xFE @1"}},
      {R"({"key":"a","value_b64":""})", {"a= @1"}},
      {R"({"key":"a","value_b64":"YQ"})",
       {"rows:1: \"value_b64\" is not base64 (RFC 4648, padded); correct it"}},
      {R"({"key_b64":1234,"value":""})",
       {"rows:1: \"key_b64\" is not base64 (RFC 4648, padded); correct it"}},
      {R"({"key":"a","key_b64":"YQ==","value":""})",
       {"rows:1: \"key\" and \"key_b64\"; leave one"}},
  });
  Fields fields;
  fields.key = "id";
  check_ndjson({{R"({"id_b64":"YQ==","value":"1","key":"x"})", {"a=1 @1"}}}, fields);
}

TEST_CASE("members are found by their names, and one may be more than one thing") {
  Fields fields;
  fields.key = "id";
  fields.value = "name";
  fields.ns = "name";
  fields.flags = "n";
  check_ndjson(
      {
          {R"({"id":1,"name":"x","n":3,"key":[],"value":[],"flags":"?"})", {"x/1=x #3 @1"}},
          {R"({"id":1,"name":"x"})",
           {"rows:1: no member \"n\"; name one with --flags-field: id, name"}},
          {R"({"id":1,"n":3})",
           {"rows:1: no member \"name\"; name one with --namespace-field: id, n"}},
      },
      fields);
}

TEST_CASE("the value may be the whole line") {
  Fields fields;
  fields.whole_row = true;
  check_ndjson(
      {
          {" {\"key\": 7,  \"x\": [1 ,2]} \r\n", {"7={\"key\": 7,  \"x\": [1 ,2]} @1"}},
          {R"({"key":"a","value":1,"flags":2})", {R"(a={"key":"a","value":1,"flags":2} #2 @1)"}},
          {R"({"x":"a"})", {"rows:1: no member \"key\"; name one with --key-field: x"}},
      },
      fields);
}

TEST_CASE("a wrong object is refused with its line") {
  const std::string not_one = "rows:2: not one whole JSON object; every line is one";
  const std::string no_number = "rows:2: a number or a word that JSON does not have; correct it";
  const std::string no_escape =
      "rows:2: a string with an escape that JSON does not have, or half a surrogate pair; correct "
      "it";
  const std::string no_name =
      "rows:2: \"key\" is neither a string nor a number; name another with --key-field";
  const std::string no_flags =
      "rows:2: the flags are not a number from 0 to 4294967295; correct them";
  const std::string twice = "rows:2: a member that is asked for comes twice; leave one";
  const RowCase cases[] = {
      {R"([1])", {"rows:2: not an object; every line is one: {\"key\": ..., \"value\": ...}"}},
      {R"("a")", {"rows:2: not an object; every line is one: {\"key\": ..., \"value\": ...}"}},
      {R"({)", {not_one}},
      {R"({"key":"a","value":1)", {not_one}},
      {R"({"key":"a","value":{"x":1})", {not_one}},
      {R"({"key":"a","value":[1,2})", {not_one}},
      {R"({"key":"a","value":[1 2]})", {not_one}},
      {R"({"key":"a","value":["x":2]})", {not_one}},
      {R"({"key":"a","value":[1:2]})", {not_one}},
      {R"({"key":"a","value":{"x":"y":"z"}})", {not_one}},
      {R"({"key":"a","value":1}})", {not_one}},
      {R"({"key":"a","value":1}{"key":"b","value":1})", {not_one}},
      {R"({"key":"a","value":1} {})", {not_one}},
      {R"({"key":"a","value":1,})", {not_one}},
      {R"({"key":"a" "value":1})", {not_one}},
      {R"({"key":"a"x,"value":1})", {not_one}},
      {R"({"key","value"})", {not_one}},
      {R"({key:"a","value":1})", {not_one}},
      {R"({"key":"a","value":})", {no_number}},
      {R"({"key":"a","value":tru})", {no_number}},
      {R"({"key":"a","value":01})", {no_number}},
      {R"({"key":"a","value":1.})", {no_number}},
      {R"({"key":"a","value":1,"x":[+1]})", {no_number}},
      {R"({"key":"a","value":1,"x":{"y":NaN}})", {no_number}},
      {R"({"key":"a","value":"\x"})", {no_escape}},
      {R"({"key":"a","value":"\ud800"})", {no_escape}},
      {R"({"key":"a","value":1,"x":["\q"]})", {no_escape}},
      {R"({"key":"a","value":1,"x":{"\q":1}})", {no_escape}},
      {R"({"key":"a","value":"1)", {"rows:2: a string that does not end; is the line whole?"}},
      {"{\"key\":\"a\",\"value\":\"\t\"}",
       {"rows:2: a control character in a string; write it as \\u00.."}},
      {"{\"key\":\"a\",\"value\":\"\xFF\"}",
       {"rows:2: bytes that are not UTF-8; write them as base64 in a member NAME_b64"}},
      {R"({})", {"rows:2: an object without members; give it a key and a value"}},
      {R"({"value":1})", {"rows:2: no member \"key\"; name one with --key-field: value"}},
      {R"({"key":1,"x":2,"y\n":3})",
       {"rows:2: no member \"value\"; name one with --value-field: key, x, y?"}},
      {R"({"key":null,"value":1})", {no_name}},
      {R"({"key":true,"value":1})", {no_name}},
      {R"({"key":["a"],"value":1})", {no_name}},
      {R"({"key":"a","value":1,"namespace":{}})",
       {"rows:2: \"namespace\" is neither a string nor a number; name another with "
        "--namespace-field"}},
      {R"({"key":"a","value":1,"flags":-1})", {no_flags}},
      {R"({"key":"a","value":1,"flags":4294967296})", {no_flags}},
      {R"({"key":"a","value":1,"flags":1.0})", {no_flags}},
      {R"({"key":"a","value":1,"flags":"1"})", {no_flags}},
      {R"({"key":"a","value":1,"key":"b"})", {twice}},
      {R"({"key":"a","value_b64":"","value_b64":""})", {twice}},
  };
  const std::string good = R"({"key":"a","value":1})";
  for (const auto& [text, wanted] : cases) {
    const Rows all = {"a=1 @1", wanted[0]};
    check_ndjson({{good + "\n" + text, all}, {good + "\n" + text + "\n" + good, all}});
  }
}

TEST_CASE("objects may be 1024 levels deep") {
  CHECK(read_rows(kNdjson, nested(1023)) == Rows{"a=1 @1"});
  CHECK(read_rows(kNdjson, nested(1024)) ==
        Rows{"rows:1: more than 1024 levels of nesting; make it flatter"});
  CHECK(read_rows(kNdjson, nested(1'000'000)) ==
        Rows{"rows:1: more than 1024 levels of nesting; make it flatter"});
}

TEST_CASE("an object may be larger than a block, and not larger than the limit") {
  const std::string value(3000, 'v');
  const std::string line = R"({"key":"a","value":")" + value + "\"}";
  const Rows wanted = {"a=" + value + " @1", "b=1 @2"};
  const std::string text = line + "\n" + R"({"key":"b","value":"1"})";
  CHECK(read_rows(kNdjson, text, {}, {100}) == wanted);
  CHECK(read_rows(kNdjson, text, {}, {100, line.size()}) == wanted);
  CHECK(read_rows(kNdjson, "\n" + line, {}, {100, line.size() - 1}) ==
        Rows{"rows:2: the row is longer than 3021 bytes; split it"});
}

TEST_CASE("any split of the NDJSON gives the same rows") {
  const std::string text =
      "\xEF\xBB\xBF{\"key\":\"a\",\"value\":[1,{\"x\":\"\\u00e9\"}]}\r\n\n"
      "{\"key_b64\":\"/w==\",\"value\":\"\xC3\xA9\",\"flags\":7}\n {\"key\":\"\",\"value\":null} ";
  const Rows wanted = read_rows(kNdjson, text);
  REQUIRE(wanted == Rows{"a=[1,{\"x\":\"\\u00e9\"}] @1", "\xFF=\xC3\xA9 #7 @3", "=null @4"});
  for (size_t block = 1; block <= text.size() + 1; ++block) {
    CAPTURE(block);
    CHECK(read_rows(kNdjson, text, {}, {block}) == wanted);
  }
}

// SPDX-License-Identifier: MIT
// Entries line by line, and how they are told from one object.
#include <doctest/doctest.h>

#include "database.hpp"

using goromdb::test::Database;
using goromdb::test::Settings;
using namespace std::string_literals;

namespace {

const Settings kLines = {{"format", "ndjson"}};

// The message without the path.
std::string cause(const Database& db) {
  const size_t colon = db.message.find(": ");
  return colon == std::string::npos ? "" : db.message.substr(colon);
}

}  // namespace

TEST_CASE("an entry has a key, a value, and what is not empty") {
  Database db(
      "{\"key\":\"a\",\"value\":\"1\"}\n"
      "\n  \r\n"
      " { \"value\" : \"2\\n\" , \"key\" : \"b\\u0000\" , \"flags\" : 4294967295 } \r\n"
      "{\"namespace\":\"n\",\"key\":\"a\",\"value\":\"3\",\"flags\":0}\n"
      "{\"key_b64\":\"\\/wA=\",\"value_b64\":\"gIGC\"}\n"
      "{\"key_b64\":\"\",\"namespace\":\"n\",\"value\":[1, {\"x\":1e999}]}\n"
      "{\"key\":\"obj\",\"namespace\":\"\",\"value\":{\"x\": {}}}\n"
      "{\"key\":\"null\",\"value\":null}",
      kLines);
  REQUIRE(db.message == "");
  CHECK(db.get("a") == "1");
  CHECK(db.get("b\0"s) == "2\n");
  CHECK(db.get("a", "n") == "3");
  CHECK(db.get("\xff\0"s) == "\x80\x81\x82");
  CHECK(db.get("", "n") == "[1, {\"x\":1e999}]");
  CHECK(db.get("obj") == "{\"x\": {}}");
  CHECK(db.get("null") == "null");
  CHECK(db.get_all({{0, "b\0"s}})[0].flags == 4294967295u);
  CHECK(db.get_all({{0, "a"}})[0].flags == 0);
  CHECK(db.get_all({{db.ns_id("n"), "a"}})[0].flags == 0);
  CHECK(db.info().entries == 7);
  CHECK(db.info().namespaces == 1);
  CHECK(db.host.log.empty());
}

TEST_CASE("namespace and flags together are kept apart from the key") {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    const std::string n = std::to_string(i);
    text += "{\"key\":\"k\",\"value\":\"v" + n + "\",\"flags\":" + n + ",\"namespace\":\"n" +
            std::to_string(i % 100) + "\"}\n";
  }
  Database db(text, kLines);
  CHECK(db.info().entries == 100);
  CHECK(db.info().namespaces == 100);
  for (int i = 0; i < 100; ++i) {
    const auto value = db.get_all({{db.ns_id("n"s + std::to_string(i)), "k"}})[0];
    CHECK(Database::text_of(value) == "v"s + std::to_string(200 + i));
    CHECK(value.flags == 200u + static_cast<uint32_t>(i));
  }
  CHECK(db.host.log.at(0).second.find("200 duplicate keys") != std::string::npos);
}

TEST_CASE("a key and a namespace of one name live side by side") {
  Database db(
      "{\"key\":\"n\",\"value\":\"top\"}\n{\"namespace\":\"n\",\"key\":\"n\",\"value\":\"inner\"}\n"
      "{\"key\":\"m\",\"namespace\":\"n\",\"value\":\"2\"}\n");
  CHECK(db.get("n") == "top");
  CHECK(db.get("n", "n") == "inner");
  CHECK(db.get("m", "n") == "2");
  CHECK(db.get("n", UINT32_MAX) == std::nullopt);
  CHECK(db.info().entries == 3);
  CHECK(db.host.log.empty());
}

TEST_CASE("a wrong line is named") {
  struct Case {
    std::string line, message;
  };
  const Case cases[] = {
      {"[]", "beginning with '{', at byte 25"},
      {"x", "beginning with '{', at byte 25"},
      {"{", "the end is not the object's '}', at byte 26"},
      {"{\"key\":\"a\"", "the end is not the object's '}', at byte 35"},
      {"{\"key\":\"a", "a string that does not end"},
      {"{\"key\":\"a\\", "a string that does not end"},
      {"{\"key\":\"a\",\"value\":[", "the end is not the object's '}'"},
      {"{\"key\":\"a\",\"value\":tr}", "a value was expected, at byte 44"},
      {"{\"key\":\"a\",\"value\":-}", "a number that JSON does not have, at byte 44"},
      {"{\"key\":\"a\",\"value\":\"\xff\"}", "bytes that are not UTF-8"},
      {"{}", "an entry has a key or a key_b64, one of them"},
      {"{\"value\":1}", "an entry has a key or a key_b64, one of them"},
      {"{\"key\":\"a\",\"key_b64\":\"\",\"value\":1}",
       "an entry has a key or a key_b64, one of them"},
      {"{\"key\":\"a\"}", "an entry has a value or a value_b64, one of them"},
      {"{\"key\":\"a\",\"value\":1,\"value_b64\":\"\"}",
       "an entry has a value or a value_b64, one of them"},
      {"{\"key\":\"a\",\"value\":1,\"more\":1}", "a member that an entry does not have"},
      {"{\"key\":\"a\",\"value\":1,\"Key\":1}", "a member that an entry does not have"},
      {"{\"k\\u0065y\":\"a\",\"value\":1}", "a member that an entry does not have"},
      {"{\"key\":\"a\",\"value\":1,\"key\":\"a\"}", "a member that the entry has already"},
      {"{\"key\":1,\"value\":1}", "the key is not a string"},
      {"{\"key\":null,\"value\":1}", "the key is not a string"},
      {"{\"key\":\"a\",\"value\":1,\"namespace\":1}", "the namespace is not a string"},
      {"{\"key_b64\":1,\"value\":1}", "the base64 is not a string"},
      {"{\"key_b64\":\"a\",\"value\":1}", "not base64"},
      {"{\"key_b64\":\"YQ\",\"value\":1}", "not base64"},
      {"{\"key_b64\":\"YQ=\",\"value\":1}", "not base64"},
      {"{\"key_b64\":\"YQ==YQ==\",\"value\":1}", "not base64"},
      {"{\"key_b64\":\"Y===\",\"value\":1}", "not base64"},
      {"{\"key_b64\":\"====\",\"value\":1}", "not base64"},
      {"{\"key_b64\":\"YR==\",\"value\":1}", "not base64"},
      {"{\"key_b64\":\"YWI-\",\"value\":1}", "not base64"},
      {"{\"key_b64\":\"YWJ\\n\",\"value\":1}", "not base64"},
      {"{\"key\":\"a\",\"value_b64\":\"*\"}", "not base64"},
      {"{\"key\":\"a\",\"value\":1,\"flags\":-1}", "flags are not a number from 0 to 4294967295"},
      {"{\"key\":\"a\",\"value\":1,\"flags\":4294967296}", "flags are not a number"},
      {"{\"key\":\"a\",\"value\":1,\"flags\":1.0}", "flags are not a number"},
      {"{\"key\":\"a\",\"value\":1,\"flags\":\"1\"}", "flags are not a number"},
      {"{\"key\":\"a\",\"value\":1,}", "a key in quotes was expected"},
      {"{,\"key\":\"a\",\"value\":1}", "a key in quotes was expected"},
      {"{\"key\":\"a\" \"value\":1}", "a key in quotes was expected, at byte 36"},
      {"{\"key\" \"a\",\"value\":1}", "a key in quotes was expected, at byte 32"},
      {"{\"key\":\"a\",\"value\":1} {}", "something follows the object"},
      {"{\"key\":\"a\",\"value\":1},", "followed by something"},
      {"{\"key\":\"a\",\"value\":01}", "a number that JSON does not have"},
      {"{\"key\":\"a\",\n\"value\":1}", "the end is not the object's '}'"},
      {"{\"key\":\"a\n\",\"value\":1}", "a string that does not end"},
  };
  const std::string good = "{\"key\":\"a\",\"value\":\"1\"}\n\n";
  for (const Case& c : cases) {
    for (const std::string& after : {""s, "\n"s, "\n{\"key\":\"z\",\"value\":\"1\"}\n"s}) {
      CAPTURE(c.line);
      CAPTURE(after);
      Database db(good + c.line + after, kLines);
      CAPTURE(db.message);
      CHECK(db.status == GOROMDB_E_CORRUPT);
      CHECK(db.says("line 3: "));
      CHECK(db.says(c.message));
      CHECK(db.says("at byte ") == (c.message != "a string that does not end"));
      CHECK(db.in_one_line());
    }
  }
}

TEST_CASE("a wrong line deep inside a long file is named") {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "{\"key\":\""s + std::to_string(i) + "\",\"value\":1}\n";
  CHECK(Database(text + "{\"key\":1}\n", kLines).says("line 100001: "));
  CHECK(Database(text + "{\"\xff\":1}\n" + text, kLines)
            .says("line 100001: bytes that are not UTF-8"));
  CHECK(Database(text, kLines).info().entries == 100000);
}

TEST_CASE("without a format the first lines tell NDJSON from one object") {
  const std::string entry = "{\"key\":\"a\",\"value\":\"b\"}";
  struct Case {
    std::string text;
    bool ndjson;  // otherwise one object, or nothing at all
  };
  const Case cases[] = {
      {entry + "\n" + entry, true},
      {"\n \n" + entry + " \r\n\n\t" + entry + "\n", true},
      {"\xEF\xBB\xBF" + entry + "\n" + entry, true},
      {"{\"namespace\":\"n\",\"value\":\"b\",\"key_b64\":\"YQ==\"}\n" + entry, true},
      {entry + "\n{", true},
      {entry + "\n{\"key\":1}", true},
      {entry, false},
      {entry + "\n\n", false},
      {entry + entry, false},
      {entry + " " + entry + "\n" + entry, false},
      {entry + "\n[", false},
      {entry + "\nx", false},
      {"{\"key\":\"a\",\n\"value\":\"b\"}\n" + entry, false},
      {"{\"key\":\"a\",\"other\":\"b\"}\n" + entry, false},
      {"{\"value\":\"b\"}\n" + entry, false},
      {"{}\n" + entry, false},
      {"{\"key\":[{\"value\":1}]}", false},
      {"", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    Database guessed(c.text), told(c.text, {{"format", c.ndjson ? "ndjson" : "json"}});
    CHECK(guessed.status == told.status);
    CHECK(cause(guessed) == cause(told));
    if (told.status != GOROMDB_OK) continue;
    CHECK(guessed.get("a") == told.get("a"));
    CHECK(guessed.get("key") == told.get("key"));
    CHECK(guessed.get("key").has_value() == !c.ndjson);
  }
}

TEST_CASE("the first entry may be longer than what is read at once") {
  const std::string value(5000000, 'v');
  const std::string entry = "{\"key\":\"a\",\"value\":\"" + value + "\"}";
  CHECK(Database(entry + "\n" + entry + "\n").get("a") == value);
  CHECK(Database(entry).get("value") == value);
  CHECK(Database(entry + std::string(3000000, '\n') + "{\"key\":\"b\",\"value\":\"1\"}").get("b") ==
        "1");
}

TEST_CASE("lines may be told even where there is only one") {
  CHECK(Database("{\"key\":\"a\",\"value\":\"b\"}", kLines).get("a") == "b");
}

TEST_CASE("lines without an entry are refused as an empty file is") {
  for (const char* text : {"", "\n", " \r\n\n ", "\xEF\xBB\xBF\n"}) {
    CAPTURE(text);
    Database db(text, kLines);
    CHECK(db.status == GOROMDB_E_CORRUPT);
    CHECK(db.says("the file is empty, at byte " + std::to_string(std::strlen(text))));
  }
}

TEST_CASE("a key may not be too long in base64 either") {
  std::string text = "{\"value\":1,\"key_b64\":\"";
  for (int i = 0; i < (1 << 24); i += 3) text += "AAAA";
  Database db(text + "\"}", kLines);
  CHECK(db.status == GOROMDB_E_TOO_BIG);
  CHECK(db.says("line 1: more than 16777215 bytes as base64, at byte 21"));
}

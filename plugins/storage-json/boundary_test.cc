// SPDX-License-Identifier: MIT
// Lines are read a window at a time: wherever a window ends, the outcome is the same.
#include <doctest/doctest.h>

#include <unistd.h>

#include "database.hpp"
#include "window.h"

using goromdb::test::Database;
using goromdb::test::Settings;
using namespace std::string_literals;

namespace {

const Settings kAsLines = {{"format", "ndjson"}};

// The file with so much space in front that the first window ends before its byte `at`.
std::string cut_at(const std::string& text, size_t at) {
  return std::string(goromdb::Window::kSmallest - at, ' ') + text;
}

// The message without the path and the place, both of which differ.
std::string cause_of(const Database& db) {
  const size_t begin = db.message.find(": ");
  return begin == std::string::npos
             ? ""
             : db.message.substr(begin, db.message.rfind(", at byte") - begin);
}

// Nothing where the message has no place.
std::optional<size_t> place(const Database& db) {
  const size_t at = db.message.rfind("at byte ");
  if (at == std::string::npos) return std::nullopt;
  return std::stoul(db.message.substr(at + 8));
}

}  // namespace

TEST_CASE("a window may end at any byte of lines") {
  const std::string text =
      "{\"key\":\"a\",\"value\":\"\u20ac\\u20ac\\ud83d\\ude00\",\"flags\":7}\r\n\n{\"namespace\":"
      "\"n\","
      "\"key_b64\":\"/w==\",\"value\":[1,\"\U0001F600\"]}\n{\"key\":\"z\",\"value\":-12.5e+10 }";
  for (const Settings& settings : {Settings{}, kAsLines}) {
    for (size_t at = 1; at <= text.size(); ++at) {
      CAPTURE(at);
      Database db(cut_at(text, at), settings);
      REQUIRE(db.message == "");
      CHECK(db.get("a") == "\u20ac\u20ac\U0001F600");
      CHECK(db.get("\xff", "n") == "[1,\"\U0001F600\"]");
      CHECK(db.get("z") == "-12.5e+10");
      CHECK(db.info().entries == 3);
      CHECK(Database(cut_at(text + "\n{", at), settings).says("line 5: "));
    }
  }
}

TEST_CASE("a window may end at any byte of a wrong line") {
  const std::string cases[] = {
      R"({"key":"b\x","value":1})",
      R"({"key":"\ud83d\u0041","value":1})",
      R"({"key":"a","value":01})",
      R"({"key":"a","value":truf})",
      R"({"key":"a","value":[1,{"b":nul}]})",
      "{\"key\":\"a\",\"value\":\"\xe2\x82\"}",
      "{\"key\":\"\xf0\x9f\x98\",\"value\":1}",
      R"({"key":"a","value":1}x)",
      R"({"key":"a","value":"b)",
      R"({"key":"a","value":[1,)",
      R"({"key":"a","value":)",
      R"({"key")",
      R"({"ke)",
      "{\"key\":\"a\",\"value\":\"\xe2\x82",
  };
  for (const std::string& text : cases) {
    for (const std::string& after : {""s, "\n{\"key\":\"a\",\"value\":1}\n"s}) {
      const Database whole(text + after, kAsLines);
      REQUIRE(whole.status == GOROMDB_E_CORRUPT);
      REQUIRE(whole.says("line 1: "));
      for (size_t at = 1; at <= text.size(); ++at) {
        CAPTURE(text);
        CAPTURE(at);
        const Database db(cut_at(text + after, at), kAsLines);
        CHECK(db.status == GOROMDB_E_CORRUPT);
        CHECK(cause_of(db) == cause_of(whole));
        REQUIRE(place(db).has_value() == place(whole).has_value());
        if (place(db)) CHECK(*place(db) == goromdb::Window::kSmallest - at + *place(whole));
      }
    }
  }
}

TEST_CASE("keys, values and space may be many windows long") {
  const std::string space(3 * goromdb::Window::kSmallest + 5, ' ');
  const std::string lines(3 * goromdb::Window::kSmallest + 5, '\n');
  const std::string key(2 * goromdb::Window::kSmallest + 1, 'k');
  std::string escaped, plain, list = "[0";
  for (int i = 0; i < 700000; ++i) {
    escaped += "\\u20ac\u00e9";
    plain += "\u20ac\u00e9";
    list += ","s + std::to_string(i);
  }
  list += "]";
  const auto quoted = [](const std::string& text) { return "\"" + text + "\""; };
  Database object(lines + "{" + space + quoted(key) + lines + ":" + space + quoted(escaped) +
                  lines + ",\"l\":" + list + space + "}" + space);
  REQUIRE(object.message == "");
  CHECK(object.get(key) == plain);
  CHECK(object.get("l") == list);
  CHECK(object.info().entries == 2);
  Database db(lines + "{" + space + "\"key\"" + space + ":" + quoted(key) + ",\"value\":" + space +
                  quoted(escaped) + space + "}" + space + lines +
                  "{\"key\":\"l\",\"value\":" + list + "}" + lines,
              kAsLines);
  REQUIRE(db.message == "");
  CHECK(db.get(key) == plain);
  CHECK(db.get("l") == list);
  CHECK(db.info().entries == 2);
}

TEST_CASE("bytes that are not UTF-8 are found at their place in a large file") {
  const std::string filler(3000000, 'x');
  for (const std::string& wrong :
       {"\xff"s, "\x80"s, "\xe2\x82"s, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"s}) {
    for (size_t at :
         {size_t{0}, size_t{1}, size_t{2999980}, size_t{1234567}, goromdb::Window::kSmallest - 8}) {
      std::string text = "{\"a\":\"\u00e9" + filler + "\"}";
      text.replace(8 + at, wrong.size(), wrong);
      CHECK(Database(text).message.ends_with("not UTF-8, at byte " + std::to_string(8 + at)));
    }
  }
}

TEST_CASE("an error at the end of a large object is at its place") {
  std::string text = "{\"n\":{";
  for (int i = 0; i < 700000; ++i) text += "\"key " + std::to_string(i) + "\":\"value\",";
  const size_t inside = text.size() - 1;
  text += "\"a\":\"b\"},\"z\":1";
  CHECK(Database(text + "}").message == "");
  CHECK(Database(text + ",}").message.ends_with("at byte " + std::to_string(text.size() + 1)));
  text[inside] = ';';
  CHECK(Database(text + "}").message.ends_with("at byte " + std::to_string(inside)));
}

TEST_CASE("what is forgotten of a window is memory again, the rest is text") {
  constexpr size_t kSize = size_t{64} << 20;
  const goromdb::test::TempDir dir;
  goromdb::File file(goromdb::test::written(dir.file("data.db"), std::string(kSize, 'x')).c_str());
  const auto source = goromdb::open_source(file, {kSize, 1000});
  const goromdb::test::FakeHost host;
  goromdb::Window window(*source, file, goromdb::Host(host.table()));
  window.read_all(kSize, "too long");
  const auto resident = [] {
    size_t total = 0, pages = 0;
    std::ifstream("/proc/self/statm") >> total >> pages;
    return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  };
  const size_t before = resident();
  const char* const middle = window.pos() + kSize / 2;
  for (const char* p = window.pos(); p < middle; p += 1000) window.forget(p);
  CHECK(before - resident() > kSize / 2 - (size_t{6} << 20));
  CHECK(before - resident() < kSize / 2 + (size_t{2} << 20));
  CHECK(std::string_view(middle, kSize / 2).find_first_not_of('x') == std::string_view::npos);
  CHECK(window.offset(middle) == kSize / 2);
}

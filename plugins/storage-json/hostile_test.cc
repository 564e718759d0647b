// SPDX-License-Identifier: MIT
// Files that are cut, changed or made up, and a server that stops: nothing crashes, nothing leaks,
// and simdjson's own parser agrees on what is JSON.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <algorithm>
#include <random>
#include <set>

#include "database.hpp"
#include "rounds.hpp"

using goromdb::test::Database;
using goromdb::test::Settings;

namespace {

const std::string kObject =
    "{\"text\":\"a\\\"b\\u00e9\\ud83d\\ude00\u20ac\", \"n\" : -12.5e3 ,\"t\":true,\"z\":null,"
    "\"l\":[1,[2,{\"x\":\"y\"}],{}],\"ns\":{\"k\":\"v\",\"deep\":{\"a\":[false]}},\"\":\"\",\"t\":"
    "\"2\"}";
const std::string kHostileLines =
    "{\"key\":\"a\",\"value\":\"b\\n\u20ac\",\"flags\":3}\n"
    "{\"namespace\":\"n\",\"key_b64\":\"/"
    "w==\",\"value_b64\":\"AAE=\"}\n\n{\"key\":\"c\",\"value\":[1]}\n";

// What simdjson makes of the text: each member of the root by its last occurrence.
struct Opinion {
  bool is_object = false;
  bool unsure = false;  // numbers that it cannot hold are errors to it
  std::map<std::string, std::optional<std::string>> strings;  // nothing: another kind of value
};

Opinion opinion(std::string_view text) {
  Opinion result;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  const simdjson::padded_string padded(text);
  const auto error = parser.parse(padded).get_object().get(object);
  result.unsure = error == simdjson::NUMBER_ERROR;
  result.is_object = error == simdjson::SUCCESS;
  if (!result.is_object) return result;
  for (const auto& [name, value] : object) {
    std::string_view string;
    auto& slot = result.strings[std::string(name)];
    slot = value.get_string().get(string) == simdjson::SUCCESS ? std::optional<std::string>(string)
                                                               : std::nullopt;
  }
  return result;
}

void compare_with_simdjson(Database& db, const std::string& text) {
  CAPTURE(text);
  const Opinion expected = opinion(text);
  db.open_text(text);
  CAPTURE(db.message);
  if (db.status == GOROMDB_OK) {
    REQUIRE((expected.is_object || expected.unsure));
    for (const auto& [key, value] : expected.strings) {
      if (value) REQUIRE(db.get(key) == value);
    }
  } else {
    REQUIRE(db.status == GOROMDB_E_CORRUPT);
    REQUIRE(db.in_one_line());
    REQUIRE_FALSE(expected.is_object);
  }
}

// A random document, now and then with a mistake in it.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  std::string document() {
    text_.clear();
    object(0);
    space();
    return text_;
  }
  size_t pick(size_t n) { return random_() % n; }

 private:
  void space() {
    while (pick(8) == 0) text_ += " \n\r\t"[pick(4)];
  }
  template <size_t N>
  void one_of(const char* const (&parts)[N]) {
    text_ += parts[pick(N)];
  }
  void string() {
    text_ += '"';
    for (size_t n = pick(4) == 0 ? pick(80) : pick(6); n > 0; --n) {
      one_of({"a", "b", "c", "d", "e", "f", "\\n", "\\\"", "\\\\", "\\u00e9", "\\ud83d\\ude00",
              "\u20ac", "\U0001F600", "\\u0000", "\\/", "/"});
    }
    if (pick(200) == 0) one_of({"\\x", "\\ud800", "\\udc00", "\n", "\xff", "\\u12", "\xc3", "\\"});
    text_ += '"';
  }
  void value(unsigned depth) {
    space();
    switch (pick(depth > 5 ? 4 : 6)) {
      case 0:
      case 1:
        return string();
      case 2:
        return one_of({"0", "-1", "12", "1.5", "-0.25e-3", "1E9"});
      case 3:
        if (pick(60) == 0) return one_of({"01", "1.", "tru", "-", "+1", ".5", "", "nulll", "1e"});
        return one_of({"true", "false", "null"});
      case 4:
        return object(depth + 1);
      default:
        return array(depth + 1);
    }
  }
  void mistake() {
    if (pick(150) == 0) one_of({",", ":", "]", "}", "[", "x"});
  }
  void object(unsigned depth) {
    text_ += '{';
    space();
    for (size_t n = pick(5), i = 0; i < n; ++i) {
      if (i > 0) text_ += ',';
      space();
      string();
      space();
      text_ += ':';
      value(depth);
      space();
      mistake();
    }
    text_ += '}';
  }
  void array(unsigned depth) {
    text_ += '[';
    for (size_t n = pick(4), i = 0; i < n; ++i) {
      if (i > 0) text_ += ',';
      value(depth);
      mistake();
    }
    space();
    text_ += ']';
  }

  std::mt19937 random_;
  std::string text_;
};

size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  return static_cast<size_t>(std::count(std::istreambuf_iterator<char>(maps), {}, '\n'));
}

size_t open_files() {
  const auto all = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("an object that is cut anywhere is refused") {
  Database db;
  for (size_t size = 0; size < kObject.size(); ++size) {
    CAPTURE(size);
    CHECK(db.open_text(kObject.substr(0, size)) == GOROMDB_E_CORRUPT);
    CHECK(db.in_one_line());
  }
  CHECK(db.open_text(kObject) == GOROMDB_OK);
}

TEST_CASE("lines that are cut anywhere are refused, but between two lines") {
  Database db(Settings{{"format", "ndjson"}});
  for (size_t size = 0; size <= kHostileLines.size(); ++size) {
    CAPTURE(size);
    const std::string text = kHostileLines.substr(0, size);
    const bool whole = text.ends_with("\n") || (size > 0 && kHostileLines[size] == '\n');
    CHECK(db.open_text(text) == (whole ? GOROMDB_OK : GOROMDB_E_CORRUPT));
  }
}

TEST_CASE("an object that is cut anywhere is refused whatever of it is served as text") {
  Database text(Settings{{"nested", "text"}}), lines(Settings{{"format", "ndjson"}});
  for (size_t size = 0; size < kObject.size(); ++size) {
    CAPTURE(size);
    const std::string part = kObject.substr(0, size);
    CHECK(text.open_text(part) == GOROMDB_E_CORRUPT);
    CHECK(text.open_text("{\"a\":" + part + "}") == GOROMDB_E_CORRUPT);
    CHECK(text.open_text("{\"a\":[1," + part + "]}") == GOROMDB_E_CORRUPT);
    CHECK(lines.open_text("{\"key\":\"a\",\"value\":" + part + "}") == GOROMDB_E_CORRUPT);
  }
  CHECK(text.open_text("{\"a\":[" + kObject + "]}") == GOROMDB_OK);
  CHECK(text.get("a") == "[" + kObject + "]");
  CHECK(lines.open_text("{\"key\":\"a\",\"value\":" + kObject + "}") == GOROMDB_OK);
  CHECK(lines.get("a") == kObject);
}

TEST_CASE("changed bytes give what simdjson makes of them, or an error") {
  std::mt19937 random(11);
  Database db;
  for (int round = 0; round < goromdb::test::rounds(4000); ++round) {
    std::string text = kObject;
    for (size_t n = 1 + random() % 3; n > 0; --n) {
      text[random() % text.size()] =
          static_cast<char>(random() % 3 == 0 ? random() % 256 : "{}[]\":,\\1u-e "[random() % 13]);
    }
    compare_with_simdjson(db, text);
  }
}

TEST_CASE("random documents give what simdjson makes of them, or an error") {
  Generator generator(12);
  Database db, text(Settings{{"nested", "text"}});
  int right = 0;
  for (int round = 0; round < goromdb::test::rounds(4000); ++round) {
    const std::string document = generator.document();
    compare_with_simdjson(db, document);
    compare_with_simdjson(text, document);
    right += db.status == GOROMDB_OK ? 1 : 0;
  }
  CHECK(right > goromdb::test::rounds(1000));
  CHECK(right < goromdb::test::rounds(3990));
}

TEST_CASE("random documents are values of lines when simdjson takes them, and served as they are") {
  Generator generator(14);
  Database db(Settings{{"format", "ndjson"}});
  int right = 0;
  for (int round = 0; round < goromdb::test::rounds(4000); ++round) {
    std::string text = generator.document();
    std::replace(text.begin(), text.end(), '\n', ' ');
    CAPTURE(text);
    const Opinion expected = opinion(text);
    if (db.open_text("{\"key\":\"k\",\"value\": " + text + "}") == GOROMDB_OK) {
      ++right;
      REQUIRE((expected.is_object || expected.unsure));
      text.resize(text.find_last_of('}') + 1);
      REQUIRE(db.get("k") == text);
    } else {
      REQUIRE(db.says(": line 1: "));
      REQUIRE_FALSE(expected.is_object);
    }
  }
  CHECK(right > goromdb::test::rounds(1000));
  CHECK(right < goromdb::test::rounds(3990));
}

TEST_CASE("changed lines are data or a message that names the line") {
  std::mt19937 random(13);
  Database db(Settings{{"format", "ndjson"}});
  int right = 0;
  for (int round = 0; round < goromdb::test::rounds(4000); ++round) {
    std::string text = kHostileLines;
    for (size_t n = 1 + random() % 3; n > 0; --n) {
      text[random() % text.size()] =
          static_cast<char>(random() % 2 == 0 ? random() % 256 : "{}[]\":,\\1u-e\n"[random() % 13]);
    }
    CAPTURE(text);
    if (db.open_text(text) == GOROMDB_OK) {
      ++right;
      CHECK(db.info().entries <= 3);
    } else {
      CHECK(db.says(": line "));
      CHECK(db.in_one_line());
    }
  }
  CHECK(right > 0);
}

TEST_CASE("a server that stops is obeyed at every call, and nothing is left behind") {
  std::string text = "{\"n\":{\"x\":\"1\"}";
  for (int i = 0; i < 200000; ++i)
    text += ",\"k" + std::to_string(i) + "\":\"" + std::to_string(i) + "\"";
  text += "}";
  Database db;
  const std::string path = goromdb::test::written(db.dir().file("large"), text);
  int calls = 0, stop_at = 0;
  uint64_t last_done = 0;
  db.host.on_progress = [&](uint64_t done, uint64_t total) {
    CHECK(done <= total);
    last_done = done;
    return ++calls == stop_at ? 1 : 0;
  };
  REQUIRE(db.open(path) == GOROMDB_OK);
  const int all = calls;
  CHECK(all >= 6);  // while reading and while indexing
  CHECK(last_done > 0);
  db.close();
  const size_t maps = mappings(), files = open_files();
  for (stop_at = 1; stop_at <= all; ++stop_at) {
    CAPTURE(stop_at);
    calls = 0;
    CHECK(db.open(path) == GOROMDB_E_CANCELLED);
    CHECK(calls == stop_at);
  }
  for (int round = 0; round < goromdb::test::rounds(200); ++round) {
    calls = 0;
    stop_at = 1 + round % all;
    db.open(path);
  }
  CHECK(mappings() < maps + 100);
  CHECK(open_files() == files);
  CHECK(db.open(path) == GOROMDB_OK);
  CHECK(db.get("x", "n") == "1");
}

TEST_CASE("a reader tells how far it is all along a text, whatever that is made of") {
  constexpr size_t kSize = 1500000, kMost = size_t{256} << 10;
  const auto many = [](const std::string& piece) {
    std::string all = piece;
    while (all.size() < kSize) all += "," + piece;
    return all;
  };
  const std::string arrays = many("[]"), strings = many(R"("\u20ac")"),
                    members = many(R"("a":{"b":[-1.5e3]})"), keys = many(R"("a":"b")"),
                    string = '"' + std::string(2 * kMost, 's') + '"';
  const std::string line = "{\"key\":\"a\",\"value\":1}\n";
  std::string lines = "{\"key\":\"a\",\"value\":" + string + "}\n";  // for a large window
  const size_t first = lines.size();
  while (lines.size() < kSize) lines += line;
  const struct {
    const char* name;
    std::string text;
    size_t from = 0;     // before that, a string is a step
    uint64_t times = 1;  // that it is read
  } cases[] = {
      {"an array", "{\"a\":[" + arrays + "]}"},
      {"strings in an array", "{\"a\":[" + strings + "]}"},
      {"objects in an object", "{\"a\":[{" + members + "}]}"},
      {"members", "{" + keys + "}"},
      {"members of a namespace", "{\"n\":{" + keys + "}}"},
      {"a value in a line", line + "{\"key\":\"b\",\"value\":[" + arrays + "]}\n"},
      {"the first line", "{\"key\":\"b\",\"value\":[" + arrays + "]}\n" + line, 0, 2},
      {"lines", lines, first},
  };
  for (const auto& each : cases) {
    CAPTURE(each.name);
    const uint64_t size = each.text.size();
    Database db;
    uint64_t calls = 0, stop_at = 0, last = 0, longest = 0;
    std::set<uint64_t> told;
    db.host.on_progress = [&](uint64_t done, uint64_t total) {
      if (total <= size) told.insert(done);
      return ++calls == stop_at ? 1 : 0;
    };
    REQUIRE(db.open_text(each.text) == GOROMDB_OK);
    told.insert(size);
    for (const uint64_t done : told) {
      if (done > each.from) longest = std::max(longest, done - std::max(last, each.from));
      last = done;
    }
    CHECK(longest < kMost + 100);
    const uint64_t all = calls;
    CHECK(all >= each.times * (size - each.from) / kMost);
    CHECK(all < 4 * size / kMost + 20);
    for (stop_at = 1; stop_at <= all; ++stop_at) {
      calls = 0;
      CHECK(db.open_text(each.text) == GOROMDB_E_CANCELLED);
    }
  }
}

TEST_CASE("files that are refused leave nothing behind") {
  Database db;
  db.open_text(kObject);
  db.close();
  const size_t maps = mappings(), files = open_files();
  for (int round = 0; round < goromdb::test::rounds(200); ++round) {
    CHECK(db.open_text(kObject + "x") == GOROMDB_E_CORRUPT);
    CHECK(db.open_text(std::string("\x1f\x8b") + kObject) == GOROMDB_E_CORRUPT);
    CHECK(db.open_text(std::string("\x28\xb5\x2f\xfd") + kObject) == GOROMDB_E_CORRUPT);
  }
  CHECK(mappings() < maps + 100);
  CHECK(open_files() == files);
}

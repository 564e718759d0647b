// SPDX-License-Identifier: MIT
// Several threads load a file: nothing but the time differs from what one makes of it.
#include <doctest/doctest.h>

#include <zlib.h>

#include <algorithm>
#include <future>

#include "database.hpp"
#include "ndjson_parser.h"
#include "threaded_source.h"

using goromdb::NdjsonParser;
using goromdb::test::Database;
using goromdb::test::Settings;
using goromdb::test::TempDir;
using goromdb::test::written;
using namespace std::string_literals;

namespace {

const Settings kByLines = {{"format", "ndjson"}};
constexpr uint32_t kThreads[] = {2, 3, 8};

std::string gzipped(std::string_view text) {
  std::string out(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  deflateInit2(&stream, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string line(size_t i) {
  const std::string n = std::to_string(i);
  std::string text = "{\"key\":\"key " + n + "\",\"value\":\"value \\u20ac " + n + "\"";
  if (i % 3 == 0) text += ",\"flags\":" + n;
  if (i % 5 == 0) text += ",\"namespace\":\"n" + std::to_string(i % 35) + "\"";
  return text + "}\n";
}

// Lines of `size` bytes or a little more.
std::string lines(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) text += line(i);
  return text;
}

// More than a window of two threads holds, and shares of one for eight.
const std::string& many_lines() {
  static const std::string text = lines(2 * NdjsonParser::kShare + 1234567);
  return text;
}

// What was opened, as one can see it: entries in their order, names in theirs, warnings, errors.
struct Seen {
  std::string message;
  std::vector<std::pair<int32_t, std::string>> log;
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> keys;
  goromdb::test::Items items;
  bool operator==(const Seen&) const = default;
};

// The message without the folder.
Seen seen(const std::string& path, const Settings& settings, uint32_t threads) {
  Database db(settings);
  db.host.lend_threads(threads);
  Seen result;
  if (db.open(path) == GOROMDB_OK) {
    result.names = db.ns_names();
    result.keys.push_back(db.keys());
    result.items[""] = db.walk();
    for (const auto& name : result.names) {
      result.keys.push_back(db.keys(name));
      result.items[name] = db.walk(name);
    }
  }
  result.message = db.message;
  result.log = db.host.log;
  return result;
}

// As one thread and as several see it; what one sees.
Seen same_for_all(std::string_view text, const Settings& settings = kByLines) {
  const TempDir dir;
  const std::string path = written(dir.file("data.db"), text);
  Seen one = seen(path, settings, 1);
  for (const uint32_t threads : kThreads) {
    CAPTURE(threads);
    CHECK(seen(path, settings, threads) == one);
  }
  return one;
}

}  // namespace

TEST_CASE("several threads read the same entries in the same order") {
  const Seen one = same_for_all(many_lines());
  REQUIRE(one.message == "");
  CHECK(one.names.size() == 7);
  CHECK(one.names[0] == "n0");
  CHECK(one.items.at("").size() > 100000);
  CHECK(one.keys[0][1] == "key 2");
  CHECK(one.items.at("n5").at("key 75") == goromdb::test::Item{"value \u20ac 75", 75});
}

TEST_CASE("several threads take the last of equal keys, and warn of the first") {
  std::string text = many_lines();
  const size_t half = text.find('\n', text.size() / 2) + 1;
  text.insert(half, "{\"key\":\"key 1\",\"value\":\"in the middle\"}\n");
  text += "{\"key\":\"key 1\",\"value\":\"the last\"}\n{\"key\":\"key 2\",\"value\":\"the last\"}";
  const Seen one = same_for_all(text);
  CHECK(one.items.at("").at("key 1").value == "the last");
  CHECK(one.items.at("").at("key 2").value == "the last");
  REQUIRE(one.log.size() == 1);
  CHECK(one.log[0].second.find("3 duplicate keys") != std::string::npos);
  CHECK(one.log[0].second.find("the first is \"key 1\"") != std::string::npos);
}

TEST_CASE("several threads name the first wrong byte, whoever comes upon one first") {
  const std::string& whole = many_lines();
  const std::string wrong = "{\"key\":\"a\",\"value\":tru}\n";
  for (const size_t eighth : {0, 1, 4, 7}) {
    CAPTURE(eighth);
    std::string text = whole;
    const size_t at = text.find('\n', text.size() / 8 * eighth + 1000) + 1;
    text.insert(text.rfind('\n', at + text.size() / 9) + 1, wrong);  // a thread may see it sooner
    text.insert(at, wrong);
    const Seen one = same_for_all(text);
    const auto before = std::count(text.data(), text.data() + at, '\n');
    CHECK(one.message.find("line " + std::to_string(before + 1) + ": a value was expected") !=
          std::string::npos);
    CHECK(one.message.ends_with("at byte " + std::to_string(at + wrong.find("tru"))));
  }
}

TEST_CASE("several threads refuse what only the data set can refuse") {
  const std::string key((size_t{1} << 24), 'k');
  std::string text = lines(1000000);
  text += "{\"key\":\"" + key + "\",\"value\":1}\n" + line(1);
  const Seen one = same_for_all(text);
  CHECK(one.message.find("a key is longer than 16777215 bytes") != std::string::npos);
}

TEST_CASE("several threads read what has few, long or empty lines") {
  const std::string space(1000000, ' '), empty(1000000, '\n'), value(1000000, 'v');
  const std::string entry = "{\"key\":\"a\",\"value\":\"" + value + "\"}";
  for (const std::string& text :
       {entry, entry + "\n", empty + entry + empty, space + entry + "\n" + line(1) + space,
        line(1) + entry + "\n" + line(2), line(1), empty, space, ""s}) {
    same_for_all(text);
  }
}

TEST_CASE("several threads decompress and parse side by side, with the same outcome") {
  const std::string text = lines(4000000);
  const std::string zipped = gzipped(text);
  CHECK(same_for_all(zipped).keys == same_for_all(text).keys);
  CHECK(same_for_all(zipped + "xx").message.find("wrong gzip data") != std::string::npos);
  CHECK(same_for_all(zipped.substr(0, zipped.size() / 2)).message.find("cut off") !=
        std::string::npos);
  // Wrong in both ways: what one thread reads first counts.
  const std::string wrong = gzipped("{\"key\":1}\n" + text);
  CHECK(same_for_all(wrong.substr(0, wrong.size() / 2)).message.find("line 1: ") !=
        std::string::npos);
  const std::string object = "{\"a\":\"" + std::string(3000000, 'x') + "\",\"n\":{\"b\":\"c\"}}";
  CHECK(same_for_all(gzipped(object), {}).items.at("n").at("b").value == "c");
  CHECK(same_for_all(gzipped(object), {{"max_decompressed", "1MiB"}}).message != "");
}

TEST_CASE("a stop ends a load by several threads") {
  for (const std::string& text : {many_lines(), gzipped(many_lines())}) {
    Database db(kByLines);
    db.host.lend_threads(3);
    int seen_progress = 0;
    db.host.on_progress = [&](uint64_t, uint64_t) { return ++seen_progress > 3 ? 1 : 0; };
    CHECK(db.open_text(text) == GOROMDB_E_CANCELLED);
  }
}

TEST_CASE("a stop is obeyed by the thread that reads a long line, and while it is waited for") {
  std::string text = lines(NdjsonParser::kShare), value = "[[]";
  while (value.size() < 3 * NdjsonParser::kShare) value += ",[]";
  text += "{\"key\":\"k\",\"value\":" + value + "]}\n";
  Database db(kByLines);
  db.host.lend_threads(2);
  uint64_t calls = 0, stop_at = 0;
  db.host.on_progress = [&](uint64_t, uint64_t) { return ++calls == stop_at ? 1 : 0; };
  REQUIRE(db.open_text(text) == GOROMDB_OK);
  const uint64_t all = calls;
  for (stop_at = all - 3; stop_at < all; ++stop_at) {
    calls = 0;
    const auto opened = db.open_text(text);
    CHECK((opened == GOROMDB_E_CANCELLED || calls < stop_at));  // how often it waits is chance
  }
}

TEST_CASE("databases that are loaded at once share no state") {
  const TempDir dir;
  const std::string path = written(dir.file("data.db"), many_lines());
  const auto load = [&] { return seen(path, kByLines, 2); };
  auto other = std::async(std::launch::async, load);
  const Seen own = load();
  CHECK(own.message == "");
  CHECK(other.get() == own);
}

TEST_CASE("a threaded source gives the bytes of its source, then what that throws") {
  struct Counting : goromdb::Source {
    std::optional<size_t> read(char* out, size_t n) override {
      if (left == 0 && fails) throw goromdb::Failure(GOROMDB_E_CORRUPT, "the end");
      const size_t some = std::min(left, n);
      for (size_t i = 0; i < some; ++i) out[i] = static_cast<char>(left-- % 251);
      if (some == 0) return std::nullopt;
      return some;
    }
    size_t left = 3000000;
    bool fails = false;
  };
  for (const bool fails : {false, true}) {
    Counting source, plain;
    source.fails = fails;
    goromdb::ThreadedSource threaded(source);
    std::string got, expected(plain.left, '\0');
    plain.read(expected.data(), expected.size());
    char buffer[1000];
    const auto read_all = [&] {
      while (const auto n = threaded.read(buffer, 1 + got.size() % sizeof buffer)) {
        got.append(buffer, *n);
      }
    };
    if (fails) {
      CHECK_THROWS_WITH_AS(read_all(), "the end", goromdb::Failure);
    } else {
      read_all();
      CHECK(threaded.read(buffer, sizeof buffer) == std::nullopt);
    }
    CHECK(got == expected);
  }
  Counting endless;
  endless.left = SIZE_MAX;
  goromdb::ThreadedSource dropped(endless);  // whoever reads no further need not read to the end
  char byte;
  CHECK(dropped.read(&byte, 1) == 1);
}

TEST_CASE("a threaded source says so when its source has nothing yet, and can be dropped then") {
  struct Silent : goromdb::Source {
    std::optional<size_t> read(char* out, size_t) override {
      if (--left == 0) return std::nullopt;
      *out = 'x';
      return left % 1000 == 0 ? 1 : 0;
    }
    size_t left = 3000;
  };
  Silent source;
  goromdb::ThreadedSource threaded(source);
  std::string got;
  char byte;
  size_t reads = 0;
  while (const auto n = threaded.read(&byte, 1)) {
    got.append(&byte, *n);
    ++reads;
  }
  CHECK(got == "xx");
  CHECK(reads == 2999);
  Silent endless;
  endless.left = SIZE_MAX;
  goromdb::ThreadedSource dropped(endless);
  CHECK(dropped.read(&byte, 1) == 0);
}

// SPDX-License-Identifier: MIT
// What a data file may be: compressed or not, whole, a regular file, and no larger than allowed.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <random>

#include "database.hpp"

using goromdb::test::Database;
using goromdb::test::Settings;
using goromdb::test::written;
using namespace std::string_literals;

namespace {

std::string gzip(std::string_view text, int level = 6) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  std::string in(text);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view text) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

const std::pair<const char*, std::string (*)(std::string_view)> kCompressors[] = {
    {"gzip", [](std::string_view text) { return gzip(text); }}, {"zstd", zstd}};

const std::string kText = "{\"a\":\"one\",\"b\":\"two\",\"n\":{\"c\":[1,2,3]}}";

bool holds_the_text(Database& db) {
  return db.get("a") == "one" && db.get("b") == "two" && db.get("c", "n") == "[1,2,3]" &&
         db.info().entries == 3;
}

}  // namespace

TEST_CASE("compression is recognised by itself, whatever the option says") {
  for (const auto& each : kCompressors) {
    const auto& name = each.first;
    const auto& compress = each.second;
    CAPTURE(name);
    for (const char* gzipped : {"true", "false"}) {
      Database db(compress(kText), {{"gzipped", gzipped}});
      CHECK(db.message == "");
      CHECK(holds_the_text(db));
      Database plain(kText, {{"gzipped", gzipped}});
      CHECK(holds_the_text(plain));
    }
  }
}

TEST_CASE("a file of several members or frames is one text") {
  for (const auto& each : kCompressors) {
    const auto& name = each.first;
    const auto& compress = each.second;
    CAPTURE(name);
    for (size_t cut = 0; cut <= kText.size(); ++cut) {
      Database db(compress(kText.substr(0, cut)) + compress("") + compress(kText.substr(cut)));
      CHECK(db.message == "");
      CHECK(holds_the_text(db));
    }
  }
  const std::string skippable = "\x5A\x2A\x4D\x18\x03\0\0\0abc"s;
  Database db(skippable + zstd(kText) + skippable);
  CHECK(db.message == "");
  CHECK(holds_the_text(db));
}

TEST_CASE("large compressed files come out as they went in") {
  std::mt19937 random(5);
  std::string text = "{";
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 200000; ++i) {
    const std::string key = std::to_string(i), value = std::to_string(random());
    text += (i > 0 ? ",\"" : "\"") + key + "\":\"" + value + "\"";
    expected[key] = value;
  }
  text += "}";
  for (const auto& each : kCompressors) {
    const auto& name = each.first;
    const auto& compress = each.second;
    CAPTURE(name);
    Database db(compress(text));
    REQUIRE(db.message == "");
    CHECK(db.info().entries == 200000);
    for (const auto& [key, value] : expected) REQUIRE(db.get(key) == value);
  }
}

TEST_CASE("a compressed file that is cut anywhere is refused") {
  for (const auto& each : kCompressors) {
    const auto& name = each.first;
    const auto& compress = each.second;
    const std::string whole = compress(kText);
    const std::string twice = whole + compress("   ");
    for (size_t size = 0; size < twice.size(); ++size) {
      if (size == whole.size()) continue;  // one member, whole
      CAPTURE(name);
      CAPTURE(size);
      Database db(twice.substr(0, size));
      CHECK(db.status == GOROMDB_E_CORRUPT);
      CHECK(db.in_one_line());
      if (size >= 4 && size < whole.size())
        CHECK(db.says("cut off, before byte " + std::to_string(size)));
    }
  }
}

TEST_CASE("a changed byte in a compressed file never changes what is served") {
  for (const auto& each : kCompressors) {
    const auto& name = each.first;
    const auto& compress = each.second;
    const std::string whole = compress(kText);
    for (size_t at = 0; at < whole.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        CAPTURE(name);
        CAPTURE(at);
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
        Database db(bytes);
        if (db.status == GOROMDB_OK) {
          CHECK(holds_the_text(db));  // a time stamp, say
        } else {
          CHECK(db.in_one_line());
        }
      }
    }
    std::string bytes = whole;
    bytes[whole.size() - (name == "gzip"s ? 8 : 4)] ^= 1;
    CHECK(Database(bytes).status == GOROMDB_E_CORRUPT);  // the checksum
  }
  std::string bytes = gzip(kText);
  bytes[bytes.size() - 4] ^= 1;
  CHECK(Database(bytes).status == GOROMDB_E_CORRUPT);  // the length
}

TEST_CASE("bytes behind the compressed data are refused") {
  for (const auto& each : kCompressors) {
    const auto& name = each.first;
    const auto& compress = each.second;
    CAPTURE(name);
    for (const std::string& garbage :
         {"\0"s, "\n"s, "{}"s, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s}) {
      Database db(compress(kText) + garbage);
      CHECK(db.status == GOROMDB_E_CORRUPT);
    }
  }
}

TEST_CASE("what is wrong inside a compressed file is placed in its text") {
  CHECK(Database(gzip("{\"a\":tru}"))
            .says("a value was expected, at byte 5 of the decompressed text"));
}

TEST_CASE("a file that grows without end when decompressed is refused") {
  const std::string large = "{\"a\":\"" + std::string(size_t{70} << 20, 'a') + "\"}";
  const std::string zipped = gzip(large, 1), frame = zstd(large);
  CHECK(Database(frame).status == GOROMDB_E_TOO_BIG);
  CHECK(Database(frame).says("grow by more than max_ratio (1000)"));
  CHECK(Database(frame, {{"max_ratio", "1000000"}}).message == "");
  CHECK(Database(zipped, {{"max_ratio", "100"}}).says("max_ratio (100)"));
  CHECK(Database(zipped, {{"max_ratio", "100"}}).status == GOROMDB_E_TOO_BIG);
  CHECK(Database(zipped).message == "");
  CHECK(Database(zipped, {{"max_decompressed", "10MiB"}}).status == GOROMDB_E_TOO_BIG);
  CHECK(
      Database(zipped, {{"max_decompressed", "10MiB"}}).says("max_decompressed (10485760 bytes)"));
  CHECK(Database(frame, {{"max_decompressed", "10MiB"}}).says("max_decompressed (10485760 bytes)"));
}

TEST_CASE("a file that becomes nothing for long tells its progress, and can be stopped") {
  constexpr size_t kSize = 3000000, kChunk = size_t{256} << 10;
  const auto many = [](const std::string& piece) {
    std::string all;
    while (all.size() < kSize) all += piece;
    return all;
  };
  const std::string zipped = gzip(kText), frame_head = "\x28\xB5\x2F\xFD\0\0"s;
  // Empty blocks go before those that there are: behind the heads, of 10 and of 6 bytes.
  const std::pair<const char*, std::string> files[] = {
      {"empty gzip members", many(gzip("")) + zipped},
      {"empty gzip blocks", zipped.substr(0, 10) + many("\0\0\0\xFF\xFF"s) + zipped.substr(10)},
      {"empty zstd frames", many(frame_head + "\x01\0\0"s) + zstd(kText)},
      {"empty zstd blocks", frame_head + many("\0\0\0"s) + "\x01\0\0"s + zstd(kText)},
      {"skipped zstd frames", many("\x5A\x2A\x4D\x18\x03\0\0\0abc"s) + zstd(kText)},
  };
  for (const auto& each : files) {
    const auto& name = each.first;
    for (const uint32_t threads : {1u, 2u}) {
      CAPTURE(name);
      CAPTURE(threads);
      Database db;
      db.host.lend_threads(threads);
      uint64_t calls = 0, stop_at = 0, last = 0;
      db.host.on_progress = [&](uint64_t done, uint64_t total) {
        if (total == each.second.size()) {  // the index is made behind it, and tells its own
          CHECK((threads > 1 || done - last <= kChunk));
          last = done;
        }
        return ++calls == stop_at ? 1 : 0;
      };
      CHECK(db.open_text(each.second) == GOROMDB_OK);
      CHECK(holds_the_text(db));
      CHECK(last == each.second.size());
      const uint64_t all = calls;
      CHECK(all >= kSize / kChunk);
      CHECK(all < 2 * kSize / kChunk + 10);  // and no more often than it is of use
      for (stop_at = 1; stop_at < all; ++stop_at) {
        calls = last = 0;
        CHECK(db.open_text(each.second) == GOROMDB_E_CANCELLED);
        CHECK(calls == stop_at);
      }
    }
  }
}

TEST_CASE("the limits do not touch small or plain files") {
  const std::string small = "{\"a\":\"" + std::string(size_t{5} << 20, 'a') + "\"}";
  CHECK(Database(zstd(small), {{"max_ratio", "1"}}).message == "");
  CHECK(Database(small, {{"max_ratio", "1"}, {"max_decompressed", "1KiB"}}).message == "");
  CHECK(Database(gzip(kText), {{"max_decompressed", std::to_string(kText.size())}}).message == "");
  CHECK(Database(gzip(kText), {{"max_decompressed", std::to_string(kText.size() - 1)}}).status ==
        GOROMDB_E_TOO_BIG);
}

TEST_CASE("anything but a regular file is refused, and nothing waits for a pipe's writer") {
  Database db;
  const auto& dir = db.dir();
  written(dir.file("real"), kText);
  std::filesystem::create_symlink(dir.file("real"), dir.file("link"));
  std::filesystem::create_directory(dir.file("folder"));
  REQUIRE(mkfifo(dir.file("pipe").c_str(), 0600) == 0);
  const std::pair<std::string, std::string> cases[] = {
      {dir.file("absent"), "cannot be opened: No such file or directory"},
      {dir.file("link"), "is a link, not a regular file"},
      {dir.file("folder"), "is not a regular file"},
      {dir.file("pipe"), "is not a regular file"},
      {"/dev/null", "is not a regular file"},
  };
  for (const auto& each : cases) {
    const auto& path = each.first;
    const auto& message = each.second;
    CAPTURE(path);
    CHECK(db.open(path) == GOROMDB_E_IO);
    CHECK(db.message == path + ": " + message);
  }
  CHECK(db.open(dir.file("real")) == GOROMDB_OK);
}

TEST_CASE("a file that changes its size while it is read is refused") {
  const std::string text = "{\"a\":\"" + std::string(5000000, 'a') + "\"}";
  for (off_t change : {off_t{-3000000}, off_t{-1}, off_t{1}, off_t{3000000}}) {
    CAPTURE(change);
    Database db;
    const std::string path = written(db.dir().file("changing"), text);
    bool changed = false;
    db.host.on_progress = [&](uint64_t, uint64_t) {
      if (!std::exchange(changed, true)) {
        REQUIRE(truncate(path.c_str(), static_cast<off_t>(text.size()) + change) == 0);
      }
      return 0;
    };
    CHECK(db.open(path) == GOROMDB_E_IO);
    CHECK(db.says("changed its size while it was being read"));
  }
}

TEST_CASE("an object that is too large for simdjson is refused at once, with a way out") {
  Database db(Settings{{"format", "json"}});
  const std::string path = written(db.dir().file("large"), "");
  REQUIRE(truncate(path.c_str(), off_t{1} << 32) == 0);
  CHECK(db.open(path) == GOROMDB_E_TOO_BIG);
  CHECK(db.says("longer than 4294967295 bytes"));
  CHECK(db.says("write it as NDJSON"));
}

TEST_CASE("a long path does not push the cause out of the message") {
  Database db;
  const std::string path =
      db.dir().file(std::string(200, 'x') + "/" + std::string(200, 'y') + "/z.json");
  CHECK(db.open(path) == GOROMDB_E_IO);
  CHECK(db.message.starts_with("..."));
  CHECK(db.message.ends_with("/z.json: cannot be opened: No such file or directory"));
}

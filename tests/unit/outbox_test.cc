// SPDX-License-Identifier: MIT
#include "core/request/outbox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "tests/unit/temp_folder.hpp"

using namespace goromdb;

namespace {

constexpr size_t kCopied = 4096;      // the largest value that is copied
constexpr size_t kChunk = 64 * 1024;  // of literals

std::string pattern(size_t size, size_t seed = 0) {
  std::string text(size, 0);
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + seed) % 26);
  return text;
}

void put_literal(Outbox& out, const std::string& text) {
  goromdb_out* sink = out.sink();
  if (static_cast<size_t>(sink->end - sink->cur) < text.size()) {
    REQUIRE(sink->grow(sink, text.size()) == 0);
  }
  REQUIRE(static_cast<size_t>(sink->end - sink->cur) >= text.size());
  std::memcpy(sink->cur, text.data(), text.size());
  sink->cur += text.size();
}

void put_value(Outbox& out, const std::string& text) {
  goromdb_value value{};
  value.ptr = text.data();
  value.len = static_cast<uint32_t>(text.size());
  out.sink()->value(out.sink(), &value);
}

std::string text_of(Outbox& out) {
  out.seal();
  std::string text;
  for (const auto& each : out.segments()) text.append(each.base, each.len);
  return text;
}

bool references(const Outbox& out, const std::string& value) {
  const auto segments = out.segments();
  return std::any_of(segments.begin(), segments.end(),
                     [&](const uv_buf_t& each) { return each.base == value.data(); });
}

}  // namespace

TEST_CASE("an empty outbox has nothing to send") {
  Outbox out;
  out.seal();
  CHECK(out.size() == 0);
  CHECK(out.segments().empty());
  CHECK_FALSE(out.failed());
}

TEST_CASE("literals come out as they went in, at every size around a chunk's border") {
  for (size_t before : {size_t{0}, size_t{1}, kChunk - 1, kChunk}) {
    for (size_t size = kChunk - 3; size <= kChunk + 3; ++size) {
      CAPTURE(before);
      CAPTURE(size);
      Outbox out;
      const auto first = pattern(before), second = pattern(size, 3), third = pattern(5, 9);
      put_literal(out, first);
      put_literal(out, second);
      put_literal(out, third);
      CHECK(out.size() == first.size() + second.size() + third.size());
      CHECK((text_of(out) == first + second + third));
    }
  }
}

TEST_CASE("small literals of every size fill chunk after chunk without a gap") {
  for (size_t size = 1; size <= 257; size += 16) {
    CAPTURE(size);
    Outbox out;
    std::string wanted;
    while (wanted.size() < 2 * kChunk + size) {
      const auto part = pattern(size, wanted.size());
      put_literal(out, part);
      wanted += part;
    }
    CHECK(out.size() == wanted.size());
    CHECK((text_of(out) == wanted));
  }
}

TEST_CASE("copied values cross a chunk's border whole, wherever it falls") {
  for (size_t before = kChunk - kCopied - 2; before <= kChunk; before += 17) {
    CAPTURE(before);
    Outbox out;
    const auto literal = pattern(before), value = pattern(kCopied, 5);
    put_literal(out, literal);
    put_value(out, value);
    put_literal(out, "END");
    CHECK((text_of(out) == literal + value + "END"));
    CHECK_FALSE(references(out, value));
  }
}

TEST_CASE("values up to the limit are copied, larger ones are referenced") {
  for (size_t size :
       {size_t{0}, size_t{1}, kCopied - 1, kCopied, kCopied + 1, 10 * kCopied, 4 * kChunk}) {
    CAPTURE(size);
    Outbox out;
    const auto value = pattern(size, 1);
    put_literal(out, "VALUE ");
    put_value(out, value);
    put_literal(out, "\r\n");
    CHECK((text_of(out) == "VALUE " + value + "\r\n"));
    CHECK(references(out, value) == (size > kCopied));
    CHECK(out.segments().size() == (size > kCopied ? 3u : 1u));
  }
}

TEST_CASE("what was sent goes from the front, in steps of any size") {
  const auto large = pattern(3 * kCopied, 2), small = pattern(100, 4);
  for (size_t step : {1u, 2u, 3u, 7u, 99u, 1000u, 4095u, 4096u, 4097u, 12288u, 65536u}) {
    CAPTURE(step);
    Outbox out;
    std::string wanted;
    for (int i = 0; i < 3; ++i) {
      put_literal(out, "VALUE k 0 1\r\n");
      put_value(out, large);
      put_literal(out, "\r\n");
      put_value(out, small);
      wanted += "VALUE k 0 1\r\n" + large + "\r\n" + small;
    }
    out.seal();
    std::string sent;
    while (!out.segments().empty()) {
      size_t left = std::min(step, out.size());
      const size_t n = left;
      for (const auto& each : out.segments()) {
        const size_t take = std::min<size_t>(left, each.len);
        sent.append(each.base, take);
        left -= take;
        if (left == 0) break;
      }
      out.advance(n);
      REQUIRE(out.size() == wanted.size() - sent.size());
    }
    CHECK((sent == wanted));
  }
}

TEST_CASE("a batch copies small values up to a mebibyte and references what is beyond") {
  Outbox out;
  const auto value = pattern(kCopied);
  std::string wanted;
  for (int i = 0; i < 1024; ++i) {
    put_value(out, value);
    wanted += value;
  }
  const size_t copied = (size_t{1} << 20) / kCopied;
  out.seal();
  size_t referenced = 0;
  for (const auto& each : out.segments()) referenced += each.base == value.data();
  CHECK(referenced == 1024 - copied);
  CHECK((text_of(out) == wanted));
  out.reset();
  put_value(out, value);
  CHECK_FALSE(references(out, value));
}

TEST_CASE("after a reset an outbox starts in the memory that it had") {
  Outbox out;
  const auto* home = out.sink()->cur;
  for (int round = 0; round < 5; ++round) {
    CAPTURE(round);
    std::string wanted;
    for (int i = 0; i < 40; ++i) {
      const auto part = pattern(kChunk / 3, i);
      put_literal(out, part);
      wanted += part;
    }
    CHECK((text_of(out) == wanted));
    out.reset();
    CHECK(out.size() == 0);
    CHECK(out.segments().empty());
    CHECK(out.sink()->cur == home);
    CHECK(static_cast<size_t>(out.sink()->end - out.sink()->cur) == kChunk);
  }
}

TEST_CASE("a giant literal's memory is not kept") {
  Outbox out;
  const auto giant = pattern(40 * kChunk);
  put_literal(out, "x");
  put_literal(out, giant);
  CHECK((text_of(out) == "x" + giant));
  out.reset();
  // The next literal that does not fit the first chunk gets one of the usual size.
  put_literal(out, pattern(kChunk));
  put_literal(out, "y");
  CHECK(static_cast<size_t>(out.sink()->end - out.sink()->cur) == kChunk - 1);
}

TEST_CASE("a literal that no machine can hold fails the outbox until it is reset") {
  if (!test::kMemoryMayRunOut) {
    MESSAGE("skipped: this build's sanitizer ends the program when memory is short");
    return;
  }
  Outbox out;
  goromdb_out* sink = out.sink();
  CHECK(sink->grow(sink, SIZE_MAX / 2) == -1);
  CHECK(out.failed());
  out.reset();
  CHECK_FALSE(out.failed());
  put_literal(out, "fine");
  CHECK(text_of(out) == "fine");
}

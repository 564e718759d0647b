// SPDX-License-Identifier: MIT
#include "core/base/units.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace goromdb;

TEST_CASE("whole numbers are read whole or not at all") {
  const std::pair<const char*, std::optional<int64_t>> cases[] = {
      {"0", 0},
      {"42", 42},
      {"-7", -7},
      {"007", 7},
      {"", {}},
      {" 1", {}},
      {"1 ", {}},
      {"+1", {}},
      {"1.0", {}},
      {"0x10", {}},
      {"1e3", {}},
      {"9223372036854775807", INT64_MAX},
      {"-", {}},
      {"many", {}},
      {"9223372036854775808", {}},
      {"-9223372036854775808", INT64_MIN},
  };
  for (const auto& [text, wanted] : cases) {
    CAPTURE(text);
    CHECK(parse_integer(text) == wanted);
  }
}

TEST_CASE("sizes have binary units") {
  const std::pair<const char*, std::optional<int64_t>> cases[] = {
      {"0", 0},
      {"512", 512},
      {"512B", 512},
      {"1KiB", 1024},
      {"64MiB", 64 << 20},
      {"3GiB", int64_t{3} << 30},
      {"2TiB", int64_t{2} << 40},
      {"8388607TiB", int64_t{8388607} << 40},
      {"8388608TiB", {}},  // 2^63
      {"99999999999999999999", {}},
      {"64MB", {}},
      {"64mib", {}},
      {"64 MiB", {}},
      {"64M", {}},
      {"1.5GiB", {}},
      {"-1", {}},
      {"-1KiB", {}},
      {"MiB", {}},
      {"", {}},
  };
  for (const auto& [text, wanted] : cases) {
    CAPTURE(text);
    CHECK(parse_size(text) == wanted);
  }
}

TEST_CASE("durations need a unit unless they are zero") {
  const std::pair<const char*, std::optional<int64_t>> cases[] = {
      {"0", 0},          {"0s", 0},    {"500ms", 500}, {"5s", 5000}, {"2m", 120'000},
      {"1h", 3'600'000}, {"5", {}},    {"5 s", {}},    {"5S", {}},   {"5sec", {}},
      {"-5s", {}},       {"1.5s", {}}, {"s", {}},      {"", {}},     {"9223372036854775807h", {}},
  };
  for (const auto& [text, wanted] : cases) {
    CAPTURE(text);
    CHECK(parse_duration_ms(text) == wanted);
  }
}

TEST_CASE("truth is spelt true or false") {
  CHECK(parse_bool("true") == true);
  CHECK(parse_bool("false") == false);
  for (const char* text : {"", "True", "yes", "on", "1", "0", "true "}) {
    CAPTURE(text);
    CHECK(parse_bool(text) == std::nullopt);
  }
}

TEST_CASE("sizes are shown in the largest unit that they fill") {
  CHECK(format_size(0) == "0 bytes");
  CHECK(format_size(1023) == "1023 bytes");
  CHECK(format_size(1024) == "1.0 KiB");
  CHECK(format_size(1536) == "1.5 KiB");
  CHECK(format_size(uint64_t{5} << 30) == "5.0 GiB");
  CHECK(format_size(uint64_t{3000} << 40) == "3000.0 TiB");
}

TEST_CASE("durations are shown as they are written") {
  for (const char* text : {"0s", "5s", "500ms", "1500ms", "3600s"}) {
    CAPTURE(text);
    CHECK(format_duration_ms(*parse_duration_ms(text)) == text);
  }
}

TEST_CASE("parts are joined with the separator between them") {
  CHECK(join({}, ", ").empty());
  CHECK(join({"a"}, ", ") == "a");
  CHECK(join({"a", "b", "c"}, ", ") == "a, b, c");
}

TEST_CASE("a misspelt name finds the one that was meant") {
  const std::vector<std::string> names = {"storage", "file", "basedir", "poll_interval"};
  const std::pair<const char*, std::optional<std::string>> cases[] = {
      {"storag", "storage"},      {"storge", "storage"},   {"Storage", "storage"},
      {"fiel", "file"},           {"base_dir", "basedir"}, {"pollinterval", "poll_interval"},
      {"intervall_of_polls", {}}, {"something_else", {}},
  };
  for (const auto& [text, wanted] : cases) {
    CAPTURE(text);
    CHECK(nearest_name(text, names) == wanted);
  }
  CHECK(nearest_name("x", {}) == std::nullopt);
}

TEST_CASE("the nearest of several near names is suggested, and all are listed when none is near") {
  CHECK(suggestion("bolt2", {"bdb", "bolt", "boltdb"}) == "; did you mean \"bolt\"?");
  CHECK(suggestion("cassandra", {"bdb", "json"}) == "; known: bdb, json");
  CHECK(suggestion("anything", {}).empty());
}

// SPDX-License-Identifier: MIT
#include "tools/progress_bar.h"

#include <doctest/doctest.h>

#include <string>

using goromdb::tools::Progress;
using goromdb::tools::progress_bar;
using goromdb::tools::progress_line;

TEST_CASE("a bar shows what is known in the room that there is") {
  const Progress bytes{610'000'000, 1'000'000'000, 612'345, 1.48};
  const struct {
    Progress progress;
    size_t columns;
    std::string line;
  } cases[] = {
      {bytes, 63, "[############        ] 61 %  412 MB/s  ETA 1 s  612345 entries"},
      {bytes, 53, "[######    ] 61 %  412 MB/s  ETA 1 s  612345 entries"},
      {bytes, 52, "61 %  412 MB/s  ETA 1 s  612345 entries"},
      {bytes, 11, "61 %  412 "},
      {bytes, 1, ""},
      {bytes, 0, ""},
      {{3'000'000, 0, 1000, 2}, 80, "1.5 MB/s  1000 entries"},
      {{500, 1000, 500, 2}, 55, "[#####     ] 50 %  250 entries/s  ETA 2 s  500 entries"},
      {{0, 0, 0, 0}, 80, "0 entries"},
      {{0, 100, 0, 1}, 44, "[             ] 0 %  0 entries/s  0 entries"},
      {{200, 100, 10, 1}, 50, "[##########] 100 %  0.0 MB/s  ETA 0 s  10 entries"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.columns);
    CHECK(progress_bar(each.progress, each.columns) == each.line);
  }
}

TEST_CASE("the time that is left is told in the unit that fits") {
  const std::pair<double, std::string> cases[] = {
      {10, "ETA 10 s"},      {119, "ETA 119 s"}, {120, "ETA 2 min"},
      {7000, "ETA 117 min"}, {7200, "ETA 2 h"},
  };
  for (const auto& [seconds, text] : cases) {
    CHECK(progress_bar({500'000, 1'000'000, 5, seconds}, 80).find(text) != std::string::npos);
  }
  CHECK(progress_bar({1, 1'000'000'000, 0, 1000}, 80).find("ETA") == std::string::npos);
}

TEST_CASE("a plain line says what is being done") {
  CHECK(progress_line("build", {610'000'000, 1'000'000'000, 612'345, 6.2}) ==
        "build: 61 %, 612345 entries, 98 MB/s");
  CHECK(progress_line("build", {3'000'000, 0, 1000, 2}) == "build: 1000 entries, 1.5 MB/s");
  CHECK(progress_line("verify", {1000, 0, 1000, 2}) == "verify: 1000 entries, 500 entries/s");
}

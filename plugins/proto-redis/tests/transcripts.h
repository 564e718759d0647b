// SPDX-License-Identifier: MIT
// Tables of requests and exact replies, tried in every way.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "driver.h"

namespace goromdb::redis::engine_test {

// A request, the exact reply, and whether the connection is closed after it.
struct Transcript {
  std::string request, reply;
  bool closed = false;
};

inline void check_all(World& world, const std::vector<Transcript>& transcripts) {
  for (const Transcript& t : transcripts) {
    CAPTURE(t.request);
    CHECK(every_way(world, t.request, {t.reply, t.closed}) == "");
  }
}

}  // namespace goromdb::redis::engine_test

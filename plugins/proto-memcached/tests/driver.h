// SPDX-License-Identifier: MIT
// Requests beside the replies that are wanted, however the bytes are cut.
#pragma once

#include <doctest/doctest.h>

#include "conversation.h"

namespace goromdb::memcached::test {

// Sends `request` whole, cut in two at every place, and byte by byte, in every room. Returns what
// went another way than `expected`, in words; empty when nothing did.
inline std::string every_way(const World& world, std::string_view request,
                             const Outcome& expected) {
  std::vector<size_t> every_byte;
  for (size_t i = 1; i < request.size(); ++i) every_byte.push_back(i);
  for (Room room : rooms()) {
    std::vector<std::vector<size_t>> ways = {{}, every_byte};
    for (size_t cut : every_byte) ways.push_back({cut});
    for (const auto& cuts : ways) {
      Outcome got = talk(world, request, cuts, room);
      if (got == expected) continue;
      return "pieces: " + std::to_string(cuts.size() + 1) +
             ", first cut: " + std::to_string(cuts.empty() ? 0 : cuts[0]) +
             ", key slots: " + std::to_string(room.keys) + "\n got: " + got.replies +
             (got.closed ? "(closed)" : "(open)") + "\nwant: " + expected.replies +
             (expected.closed ? "(closed)" : "(open)");
    }
  }
  return {};
}

// A request, the exact reply, and whether the connection is closed after it.
struct Transcript {
  std::string request, reply;
  bool closed = false;
};

inline void check_all(const World& world, const std::vector<Transcript>& transcripts) {
  for (const Transcript& t : transcripts) {
    CAPTURE(t.request);
    CHECK(every_way(world, t.request, {t.reply, t.closed}) == "");
  }
}

}  // namespace goromdb::memcached::test

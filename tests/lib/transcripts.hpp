// SPDX-License-Identifier: MIT
// Requests beside the exact replies that are wanted, however the bytes are cut.
#pragma once

#include <doctest/doctest.h>

#include <conversation.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb::test {

// Sends `request` whole, cut in two at every place, and byte by byte, with every grant. Returns
// what went another way than `expected`, in words; empty when nothing did.
template <class World>
std::string every_way(World& world, std::string_view request, const Outcome& expected) {
  const std::vector<size_t> every_byte = every_cut(request.size());
  std::vector<std::vector<size_t>> ways = {{}, every_byte};
  for (size_t cut : every_byte) ways.push_back({cut});
  for (Grant grant : grants()) {
    for (const auto& cuts : ways) {
      const Outcome got = talk(world, request, cuts, grant);
      if (got == expected) continue;
      return "pieces: " + std::to_string(cuts.size() + 1) +
             ", first cut: " + std::to_string(cuts.empty() ? 0 : cuts[0]) +
             ", key slots: " + std::to_string(grant.keys) + "\n got: " + got.replies +
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

template <class World>
void check_all(World& world, const std::vector<Transcript>& transcripts) {
  for (const Transcript& t : transcripts) {
    CAPTURE(t.request);
    CHECK(every_way(world, t.request, {t.reply, t.closed}) == "");
  }
}

}  // namespace goromdb::test

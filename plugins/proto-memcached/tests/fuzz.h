// SPDX-License-Identifier: MIT
// What both fuzz targets do with an input: the conversation's own checks of the contract, and that
// the replies are the same whole, byte by byte and cut at places that the input chooses.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "conversation.h"

namespace goromdb::memcached::test {

inline std::vector<size_t> cuts_from(uint8_t seed, size_t size) {
  std::vector<size_t> cuts;
  uint32_t state = seed + 1u;
  for (size_t at = 0; at < size;) {
    state = state * 1664525u + 1013904223u;
    at += 1 + (state >> 24) % (seed % 64 + 1);
    if (at < size) cuts.push_back(at);
  }
  return cuts;
}

inline void same_in_pieces(const World& world, std::string_view request, uint8_t seed) {
  const Outcome whole = talk(world, request);
  std::vector<size_t> every_byte;
  for (size_t at = 1; at < request.size() && request.size() <= 512; ++at) every_byte.push_back(at);
  for (const auto& cuts : {cuts_from(seed, request.size()), every_byte}) {
    if (talk(world, request, cuts, rooms()[seed % rooms().size()]) == whole) continue;
    std::fputs("the replies depend on how the bytes are cut\n", stderr);
    std::abort();
  }
}

}  // namespace goromdb::memcached::test

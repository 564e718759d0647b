// SPDX-License-Identifier: MIT
// What both fuzz targets do with an input: the conversation's own checks of the contract, and that
// the replies are the same whole, byte by byte and cut at places that the input chooses.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>

#include "conversation.h"

namespace goromdb::memcached::test {

inline std::array<World, 2> with_both_write_replies(const World& world) {
  std::array<World, 2> worlds = {world, world};
  worlds[1].options.emplace_back("write_reply", "not_stored");
  return worlds;
}

inline void same_in_pieces(const World& world, std::string_view request, uint8_t seed) {
  const Outcome whole = talk(world, request);
  Random random(seed);
  const auto some = random_cuts(random, request.size());
  const auto every_byte = every_cut(std::min<size_t>(request.size(), 512));
  for (const auto& cuts : {some, every_byte}) {
    if (talk(world, request, cuts, grants()[seed % grants().size()]) == whole) continue;
    std::fputs("the replies depend on how the bytes are cut\n", stderr);
    std::abort();
  }
}

}  // namespace goromdb::memcached::test

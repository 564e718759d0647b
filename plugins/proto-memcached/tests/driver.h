// SPDX-License-Identifier: MIT
// Requests beside the replies that are wanted, of a world that may be written in the call.
#pragma once

#include <transcripts.hpp>

#include "conversation.h"

namespace goromdb::memcached::test {

inline Outcome talk(const World& world, std::string_view request,
                    const std::vector<size_t>& cuts = {}, Grant grant = {}) {
  return goromdb::test::talk(world, request, cuts, grant);
}

inline std::string every_way(const World& world, std::string_view request,
                             const Outcome& expected) {
  return goromdb::test::every_way(world, request, expected);
}

inline void check_all(const World& world, const std::vector<Transcript>& transcripts) {
  goromdb::test::check_all(world, transcripts);
}

}  // namespace goromdb::memcached::test

// SPDX-License-Identifier: MIT
// Requests beside the replies that are wanted, of a world that may be written in the call.
#pragma once

#include <transcripts.hpp>

#include "conversation.h"

namespace goromdb::memcached::test {

inline const std::string kKey250(250, 'k'), kKey251(251, 'k');
inline const std::string kBad = "CLIENT_ERROR bad command line format\r\n";
inline const std::string kReadOnly = "CLIENT_ERROR read-only server\r\n";
inline const std::string kVersion = "VERSION 1.6.45-goromdb-0.0.0-test\r\n";

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

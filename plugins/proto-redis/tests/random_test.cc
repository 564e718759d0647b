// SPDX-License-Identifier: MIT
// Random input, the same at every run: the driver checks the contract, and every split of the bytes
// gives the same replies.
#include <doctest/doctest.h>

#include "random_requests.h"
#include "rounds.hpp"

namespace goromdb::redis::engine_test {

TEST_CASE("random requests get the same replies however they come") {
  World world;
  Random random(1);
  for (int i = 0; i < goromdb::test::rounds(20000); ++i) {
    const std::string request = random_requests(random);
    CAPTURE(i);
    CAPTURE(request);
    const Outcome whole = talk(world, request);
    const Grant grant = grants()[below(random, grants().size())];
    const Outcome pieces = talk(world, request, random_cuts(random, request.size()), grant);
    REQUIRE(pieces.replies == whole.replies);
    REQUIRE(pieces.closed == whole.closed);
  }
}

}  // namespace goromdb::redis::engine_test

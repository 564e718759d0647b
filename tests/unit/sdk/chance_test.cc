// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <goromdb/chance.hpp>

#include <array>
#include <memory>
#include <stdexcept>

using namespace goromdb;

namespace {

// A tree of two leaves: one has a key, the other nine. From `draw` on either leaf is as likely.
std::optional<Candidate<int>> uneven(std::mt19937_64& chance) {
  const bool full = chance() % 2 == 0;
  if (!full) return Candidate<int>{0, 2.0 * 1};
  return Candidate<int>{1 + static_cast<int>(chance() % 9), 2.0 * 9};
}

}  // namespace

TEST_CASE("keys of pages that are less full than others are about as likely") {
  std::array<int, 10> times{};
  constexpr int kRounds = 20000;
  for (uint64_t random = 0; random < kRounds; ++random) {
    const auto chosen = choose_by_chance(random, uneven);
    REQUIRE(chosen.has_value());
    ++times[static_cast<size_t>(chosen->found)];
  }
  // Fair: a tenth each, 2000. Without the weights the lone key would have half of them.
  for (int n : times) {
    CHECK(n > kRounds / 10 * 8 / 10);
    CHECK(n < kRounds / 10 * 14 / 10);
  }
}

TEST_CASE("the same random number chooses the same, another one another") {
  int differ = 0;
  for (uint64_t random = 0; random < 100; ++random) {
    const auto once = choose_by_chance(random, uneven), twice = choose_by_chance(random, uneven);
    CHECK(once->found == twice->found);
    differ += once->found != choose_by_chance(random + 1, uneven)->found;
  }
  CHECK(differ > 50);
}

TEST_CASE("ways that end at nothing are passed over") {
  int draws = 0;
  const auto seldom = [&](std::mt19937_64&) -> std::optional<Candidate<int>> {
    if (++draws < 16) return std::nullopt;
    return Candidate<int>{7, 1};
  };
  CHECK(choose_by_chance(1, seldom)->found == 7);
  CHECK(draws == 16);
  const auto never = [](std::mt19937_64&) -> std::optional<Candidate<int>> { return {}; };
  CHECK(!choose_by_chance(1, never));
  const auto failing = [](std::mt19937_64&) -> std::optional<Candidate<int>> {
    throw std::runtime_error("unreadable");
  };
  CHECK_THROWS_AS(choose_by_chance(1, failing), std::runtime_error);
}

TEST_CASE("what is found need only be movable") {
  const auto draw = [](std::mt19937_64& chance) -> std::optional<Candidate<std::unique_ptr<int>>> {
    return Candidate<std::unique_ptr<int>>{std::make_unique<int>(chance() % 3), 1};
  };
  const auto chosen = choose_by_chance(1, draw);
  REQUIRE(chosen->found != nullptr);
  CHECK(*chosen->found < 3);
}

// SPDX-License-Identifier: MIT
// A key by chance, for storages whose keys lie in a tree or in buckets. Header-only, not part of
// the ABI.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <utility>

namespace goromdb {

// A way through a file that chance took, and what it came upon.
template <class Found>
struct Candidate {
  Found found;
  double ways = 1;  // how many such ways there are, if all pages are like those on this one
};

// What `random` chooses, each about as likely. draw(std::mt19937_64&) follows one way and returns
// an optional Candidate; nothing: there is nothing to be had at its end. The entries of pages that
// are less full than others are come upon more often: so there are several candidates, and one that
// had many beside it is taken as much more likely. Nothing: none of them came upon anything. Throws
// what `draw` throws.
template <class Draw>
auto choose_by_chance(uint64_t random, Draw&& draw) {
  constexpr int kCandidates = 16;
  std::mt19937_64 chance(random);
  decltype(draw(chance)) taken;
  double all_ways = 0;
  for (int i = 0; i < kCandidates; ++i) {
    auto one = draw(chance);
    if (!one) continue;
    all_ways += one->ways;
    std::uniform_real_distribution<double> place(0, all_ways);
    if (!taken || place(chance) < one->ways) taken.emplace(std::move(*one));
  }
  return taken;
}

}  // namespace goromdb

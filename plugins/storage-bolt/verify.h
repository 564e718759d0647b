// SPDX-License-Identifier: MIT
// The whole of a file, looked at once: each page of each bucket, each element, the order of all
// keys, and that no page is there twice.
#pragma once

#include "namespaces.h"

#include <goromdb/place_index.hpp>
#include <goromdb/sdk.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace goromdb::bolt {

struct Totals : EntryTotals {
  uint32_t namespaces = 0;  // those that are listed
  uint64_t shadowed = 0;    // buckets whose path means another one
  // Of the buckets that have branches, in order: the page of the root, and how many keys.
  std::vector<std::pair<uint64_t, uint64_t>> branched;
};

// What an index of a verified file finds at its places, for PlaceIndex::get().
struct Elements {
  const Image& image;

  LeafElement element(uint64_t place) const noexcept { return {image.at(place)}; }
  const void* head(uint64_t place) const noexcept { return image.at(place); }
  const void* rest(uint64_t place) const noexcept { return element(place).key_begin(); }
  PlacedEntry at(uint64_t place) const noexcept {
    return {element(place).key(), element(place).value()};
  }
};

// Throws Failure at the first thing that is wrong. Each key of a bucket that has pages of its own
// is added to `index`, if there is one: as its element's place, in the tree that the number of the
// bucket's root stands for.
Totals verify(const Namespaces& namespaces, const Host& host, PlaceIndex* index = nullptr);

}  // namespace goromdb::bolt

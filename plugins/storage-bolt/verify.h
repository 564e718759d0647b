// SPDX-License-Identifier: MIT
// The whole of a file, looked at once: each page of each bucket, each element, the order of all
// keys, and that no page is there twice.
#pragma once

#include "namespaces.h"

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

// Throws Failure at the first thing that is wrong.
Totals verify(const Namespaces& namespaces, const Host& host);

}  // namespace goromdb::bolt

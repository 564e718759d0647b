// SPDX-License-Identifier: MIT
// What a walk promises, whichever storage it is of: STO-14, STO-17 and STO-18 for a file that is
// whole.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "database.hpp"

namespace goromdb::test {

// Which rule the walks of a namespace break; "" when they keep all.
inline std::string broken_walk_rule(Database& db, const std::string& ns = {}) {
  const auto keys = db.keys(ns);
  if (const auto count = db.count(ns); count && *count != keys.size()) {
    return "ns_count says " + std::to_string(*count) + ", a walk gives " +
           std::to_string(keys.size());
  }
  if ((db.info().caps & GOROMDB_CAP_WALKS_SORTED) != 0 &&
      !std::is_sorted(keys.begin(), keys.end())) {
    return "a walk that is said to be in order is not";
  }
  std::mt19937_64 random(keys.size());
  for (int i = 0; i < 20; ++i) {
    const auto some = db.keys(ns, random());
    if (some.empty() != keys.empty()) return "a walk from a chance entry has none";
    if (some.size() > keys.size() || !std::equal(some.rbegin(), some.rend(), keys.rbegin())) {
      return "a walk from a chance entry is not the rest of the walk from the front";
    }
  }
  return {};
}

// The same for the keys without a namespace and for all namespaces.
inline std::string broken_walk_rules(Database& db) {
  auto broken = broken_walk_rule(db);
  for (const auto& ns : db.ns_names()) {
    if (broken.empty()) broken = broken_walk_rule(db, ns);
  }
  return broken;
}

// How often each key came first in `n` walks from a chance entry.
inline std::map<std::string, int> firsts(Database& db, const std::string& ns, int n) {
  std::map<std::string, int> times;
  std::mt19937_64 random(static_cast<uint64_t>(n));
  for (int i = 0; i < n; ++i) {
    if (const auto key = db.any_key(ns, random())) ++times[*key];
  }
  return times;
}

}  // namespace goromdb::test

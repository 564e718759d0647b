// SPDX-License-Identifier: MIT
#include "core/generation/hot_keys.h"

#include <algorithm>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace goromdb {

HotKeys::HotKeys(uint32_t loops) {
  for (uint32_t i = 0; i < loops; ++i) {
    tables_.push_back(std::make_unique<Table>());
    tables_.back()->bytes = std::make_unique_for_overwrite<char[]>(kPlaces * kMostBytes);
  }
}

void HotKeys::note(uint32_t loop, std::string_view ns, std::string_view key) {
  if (key.empty() || ns.size() + key.size() > kMostBytes) return;
  auto& table = *tables_[loop];
  const std::unique_lock lock(table.mutex, std::try_to_lock);
  if (!lock) return;
  const uint64_t hash =
      XXH3_64bits_withSeed(key.data(), key.size(), XXH3_64bits(ns.data(), ns.size()));
  Place* const set = &table.places[hash % (kPlaces / kSet) * kSet];
  Place* weakest = set;
  for (Place* place = set; place < set + kSet; ++place) {
    if (place->count > 0 && place->hash == hash) {
      ++place->count;
      return;
    }
    if (place->count < weakest->count) weakest = place;
  }
  if (weakest->count > 0 && --weakest->count > 0) return;
  *weakest = {hash, 1, static_cast<uint16_t>(ns.size()), static_cast<uint16_t>(key.size())};
  char* bytes = &table.bytes[static_cast<size_t>(weakest - table.places.data()) * kMostBytes];
  std::copy(key.begin(), key.end(), std::copy(ns.begin(), ns.end(), bytes));
}

std::vector<HotKey> HotKeys::take(uint32_t loop) {
  std::vector<HotKey> keys;
  auto& table = *tables_[loop];
  {
    const std::lock_guard lock(table.mutex);
    for (size_t i = 0; i < kPlaces; ++i) {
      auto& place = table.places[i];
      if (place.count == 0) continue;
      const char* bytes = &table.bytes[i * kMostBytes];
      keys.push_back(
          {{bytes, place.ns_size}, {bytes + place.ns_size, place.key_size}, place.count});
      place.count /= 2;
    }
  }
  std::sort(keys.begin(), keys.end(),
            [](const HotKey& a, const HotKey& b) { return a.count > b.count; });
  return keys;
}

}  // namespace goromdb

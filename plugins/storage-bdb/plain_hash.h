// SPDX-License-Identifier: MIT
// A hash for plain_check: each bucket is a chain of pages that items fill from their ends without a
// gap, with the keys of that bucket, in libdb's order on each page; pages of buckets that are not
// in use yet are empty. Duplicates are one item, in the order of their bytes where the file says
// so, or in a tree of their own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plain_pages.h"

namespace goromdb::bdb {

// One thread, and another for half of a large one.
class PlainHash {
 public:
  PlainHash(PlainPages& pages, PlainDatabase& database) : pages_(pages), database_(database) {}

  // Its first page was taken and says that it is a hash. Once.
  bool is_sound(const PlainPage& meta);

 private:
  bool buckets(uint32_t begin, uint32_t end);
  bool halves(uint32_t end);
  bool unused_buckets();
  bool bucket(uint32_t number);
  bool entries(const PlainPage& page, uint32_t bucket, ComingPage coming);
  bool short_entries(PlainPage page, size_t count, uint32_t bucket, ComingPage coming);
  struct Place {
    uint32_t number, bucket;  // of a page
  };
  std::optional<PlainPage> page_at(Place place) const;
  Place place_after(const PlainPage& page, uint32_t bucket) const;
  ComingPage coming_after(Place place) const;
  void add(std::string_view key, uint32_t bucket);
  void add_long(std::string_view key, uint32_t bucket);
  void look_for_long_strays();
  std::optional<std::string_view> key(const PlainPage& page, size_t at, size_t end);
  bool value(const PlainPage& page, size_t at, size_t end, std::string_view key,
             const char* next_tree);
  const char* tree_of(const PlainPage& page, size_t i) const;
  std::optional<std::string_view> first_of_set(const PlainPage& page, size_t at, size_t end) const;
  uint32_t first_page(uint32_t bucket) const;
  uint32_t bucket_of(uint32_t hash) const;
  auto look_for_strays() {
    return [this](const SomeHashes& hashes, const SomeKnown& buckets, size_t count) {
      uint32_t strays = 0;
      for (uint32_t i = 0; i < kSideBySide; ++i)
        strays |= i < count ? bucket_of(hashes[i]) ^ buckets[i] : 0;
      strays_ |= strays;
    };
  }

  PlainPages& pages_;
  PlainDatabase& database_;
  bool has_duplicates_ = false, sorts_duplicates_ = false;
  uint32_t last_bucket_ = 0, high_mask_ = 0;
  std::vector<uint32_t> spares_{};
  std::string whole_{};  // a long value
  LongKeys long_keys_{};
  std::array<std::string, kSideBySide> filled_up_{};
  KeyGroups<kHashFactor, kHashBegin> keys_{};  // whose buckets were not looked at yet
  uint32_t strays_ = 0;                        // not 0: a key is in another's bucket
  struct {
    SomeKeys keys;
    SomeKnown buckets;
    size_t count;
  } long_{};
};

}  // namespace goromdb::bdb

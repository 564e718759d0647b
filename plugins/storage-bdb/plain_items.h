// SPDX-License-Identifier: MIT
// The items of a btree's pages, of its duplicates' as well: where they lie, and whether they fill
// their page without a gap. Of any thread; nothing is read outside of the page.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "plain_pages.h"

namespace goromdb::bdb {

// Whether items fill a page from its end down to the lowest one, and none of them lies on another.
// Both ends of each turn a bit. If only those of the page's part were turned an odd number of
// times, each byte in it is in an odd number of items, and each other byte in an even one; and as
// they have as many bytes together as there are to fill, that is one, or none.
class Tiles {
 public:
  // A bit for each four bytes of a page, all 0 where this begins.
  using Edges = std::vector<uint64_t>;
  static Edges edges_of(size_t page_size) { return Edges(page_size / kGrain / 64 + 1); }

  Tiles(Edges& edges, const PlainPage& page)
      : edges_(edges.data()), words_(edges.size()), page_size_(page.size), lowest_(page.lowest) {}
  // Inside of the page.
  void add(size_t at, size_t size) {
    used_ += size;
    turn(at);
    turn(at + size);
  }
  // Once; leaves all edges 0 where it is true.
  bool are_whole() {
    turn(lowest_);
    turn(page_size_);
    return used_ == page_size_ - lowest_ &&
           std::all_of(edges_, edges_ + words_, [](uint64_t bits) { return bits == 0; });
  }

 private:
  void turn(size_t at) { edges_[at / kGrain / 64] ^= uint64_t{1} << at / kGrain % 64; }

  uint64_t* edges_;
  size_t words_, page_size_, lowest_;
  size_t used_ = 0;
};

struct PlainItem {
  size_t at, size;        // in the page
  std::string_view text;  // of a key or a value
};

constexpr size_t rounded(size_t size) { return (size + kGrain - 1) / kGrain * kGrain; }

// A key whose item lies behind its value's, as they mostly do. Neither is long.
struct PlainPair {
  std::string_view key, value;
  size_t begin, end;  // of both items
};
// Nothing: they lie in another way, or not all inside the page. For a page that is not swapped.
inline std::optional<PlainPair> pair_at(const PlainPage& page, size_t key_at, size_t value_at) {
  if (value_at < page.lowest || value_at >= key_at || key_at + kGrain > page.size ||
      page.bytes[key_at + kItemTypeAt] != kHere || page.bytes[value_at + kItemTypeAt] != kHere) {
    return {};
  }
  const size_t key_size = page.load<uint16_t>(key_at), value_size = page.load<uint16_t>(value_at),
               end = key_at + rounded(kLeafKeyAt + key_size);
  if (end > page.size || value_at + rounded(kLeafKeyAt + value_size) != key_at ||
      key_at % kGrain != 0) {
    return {};
  }
  return PlainPair{page.text(key_at + kLeafKeyAt, key_size),
                   page.text(value_at + kLeafKeyAt, value_size), value_at, end};
}

// Of a page that is not empty.
bool has_bounds(const PlainPage& page);
// What begins there has a head of so many bytes inside the page.
bool holds(const PlainPage& page, size_t at, size_t head);
// Whether what begins there is kept in pages of its own; its item is all inside the page then.
bool is_long(const PlainPage& page, size_t at);
// With a head of so many bytes. Nothing: it is not all inside the page, or it is of another kind.
std::optional<PlainItem> item_at(const PlainPage& page, size_t at, size_t head);

}  // namespace goromdb::bdb

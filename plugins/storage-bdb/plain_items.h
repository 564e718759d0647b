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
// Of runs of neighbours each end turns a bit. Where runs meet it is turned twice; and as they have
// as many bytes together as there are to fill, none of them lies on another one then.
class Tiles {
 public:
  // A bit for each four bytes of a page, all 0 where this begins.
  using Edges = std::vector<uint64_t>;
  static Edges edges_of(size_t page_size) { return Edges(page_size / kGrain / 64 + 1); }

  Tiles(Edges& edges, const PlainPage& page)
      : edges_(edges),
        page_size_(page.size),
        lowest_(page.lowest),
        first_(page.size),
        last_(page.size) {}
  // Inside of the page.
  void add(size_t at, size_t size) {
    used_ += size;
    if (at + size != first_) {
      turn(edges_, first_);
      turn(edges_, last_);
      has_edges_ = true;
      last_ = at + size;
    }
    first_ = at;
  }
  // Once; leaves all edges 0 where it is true.
  bool are_whole() {
    if (!has_edges_) return first_ == lowest_;
    for (const size_t end : {first_, last_, lowest_, page_size_}) turn(edges_, end);
    return used_ == page_size_ - lowest_ &&
           std::all_of(edges_.begin(), edges_.end(), [](uint64_t bits) { return bits == 0; });
  }

 private:
  static void turn(Edges& edges, size_t at) {
    edges[at / kGrain / 64] ^= uint64_t{1} << at / kGrain % 64;
  }

  Edges& edges_;
  const size_t page_size_, lowest_;
  size_t first_, last_;  // where the present run begins and ends
  size_t used_ = 0;
  bool has_edges_ = false;
};

struct PlainItem {
  size_t at, size;        // in the page
  std::string_view text;  // of a key or a value
};

constexpr size_t rounded(size_t size) { return (size + kGrain - 1) / kGrain * kGrain; }

// Of a page that is not empty.
bool has_bounds(const PlainPage& page);
// What begins there has a head of so many bytes inside the page.
bool holds(const PlainPage& page, size_t at, size_t head);
// Whether what begins there is kept in pages of its own; its item is all inside the page then.
bool is_long(const PlainPage& page, size_t at);
// With a head of so many bytes. Nothing: it is not all inside the page, or it is of another kind.
std::optional<PlainItem> item_at(const PlainPage& page, size_t at, size_t head);

}  // namespace goromdb::bdb

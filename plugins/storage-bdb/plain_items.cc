// SPDX-License-Identifier: MIT
#include "plain_items.h"

namespace goromdb::bdb {

bool has_bounds(const PlainPage& page) {
  return page.count() > 0 && page.end_of_places() <= page.lowest && page.lowest < page.size &&
         page.lowest % kGrain == 0;
}

bool holds(const PlainPage& page, size_t at, size_t head) {
  return at >= page.lowest && at % kGrain == 0 && at + head <= page.size;
}

bool is_long(const PlainPage& page, size_t at) {
  return holds(page, at, kLongItemSize) && page.bytes[at + kItemTypeAt] == kLong;
}

std::optional<PlainItem> item_at(const PlainPage& page, size_t at, size_t head) {
  if (!holds(page, at, head) || page.bytes[at + kItemTypeAt] != kHere) return {};
  const size_t length = page.u16(at), size = rounded(head + length);
  if (at + size > page.size) return {};
  return PlainItem{at, size, page.text(at + head, length)};
}

}  // namespace goromdb::bdb

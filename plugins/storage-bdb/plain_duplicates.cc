// SPDX-License-Identifier: MIT
#include "plain_duplicates.h"

namespace goromdb::bdb {

bool PlainDuplicates::is_sound(uint32_t root) {
  const char* const begin = pages_.begin_of(root);
  if (begin == nullptr) return false;
  const PlainPage page(root, begin, pages_.header());
  const uint8_t level = page.bytes[kLevelAt];
  if (!below(root, level) || next_leaf_ != 0) return false;
  return level == 1 || page.u32(kPreviousAt) == count_;
}

bool PlainDuplicates::below(uint32_t number, unsigned level) {
  const char* const begin = pages_.begin_of(number);
  if (begin == nullptr || level == 0) return false;
  const size_t count = PlainPage(number, begin, pages_.header()).count();  // or so it says
  ComingPage coming(coming_, pages_.header().page_size, count + pages_.bits_to_take());
  const auto page = pages_.take(number, coming);
  const uint8_t of_leaf = are_sorted_ ? kSortedLeaf : kRecnoLeaf,
                of_branch = are_sorted_ ? kBranch : kRecnoBranch;
  if (!page || !page->is(level > 1 ? of_branch : of_leaf, level) || !has_bounds(*page))
    return false;
  return level > 1 ? branch(*page, level) : leaf(*page, coming);
}

bool PlainDuplicates::branch(const PlainPage& page, unsigned level) {
  Tiles tiles(edges_, page);
  const size_t count = page.count();
  for (size_t i = 0; i < count; ++i) {
    const auto item = branch_item(page, i);
    if (!item) return false;
    tiles.add(item->at, item->size);
  }
  if (!tiles.are_whole()) return false;
  const size_t page_at = are_sorted_ ? kPageAt : kRecnoPageAt,
               count_at = are_sorted_ ? kCountOfRecordsAt : kRecnoCountAt;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0 && are_sorted_) {  // the first one stands for all that is smaller
      separator_ = branch_item(page, i)->text;
      if (last_ && !is_below(*last_, separator_)) return false;
    }
    coming_ = i + 1 < count ? pages_.begin_of(page.u32(page.item(i + 1) + page_at)) : behind_;
    const uint32_t before = count_;
    if (!below(page.u32(page.item(i) + page_at), level - 1)) return false;
    if (count_ - before != page.u32(page.item(i) + count_at)) return false;
  }
  return true;
}

std::optional<PlainItem> PlainDuplicates::branch_item(const PlainPage& page, size_t i) const {
  const size_t at = page.item(i);
  if (are_sorted_) return item_at(page, at, kBranchKeyAt);
  if (!holds(page, at, kRecnoBranchItemSize)) return {};
  return PlainItem{at, kRecnoBranchItemSize, {}};
}

bool PlainDuplicates::leaf(const PlainPage& page, const ComingPage& coming) {
  if (page.u32(kPreviousAt) != leaf_ || (leaf_ != 0 && next_leaf_ != page.number)) return false;
  leaf_ = page.number;
  next_leaf_ = page.u32(kNextAt);
  if ((page.swapped || !neat_values(page, coming)) && !values(page, coming)) return false;
  count_ += static_cast<uint32_t>(page.count());
  return true;
}

// Of sorted ones none is long: the order of long ones is libdb's to judge.
bool PlainDuplicates::values(const PlainPage page, ComingPage coming) {
  Tiles tiles(edges_, page);
  for (size_t i = 0; i < page.count(); ++i) {
    coming.a_bit();
    const size_t at = page.item(i);
    const bool is_first = count_ == 0 && i == 0;
    const auto item = item_at(page, at, kLeafKeyAt);
    if (!item) {
      if (are_sorted_ || !long_value(page, at, is_first)) return false;
      tiles.add(at, kLongItemSize);
      continue;
    }
    const auto text = item->text;
    if (are_sorted_) {
      if ((i == 0 && is_below(text, separator_)) || (last_ && !is_below(*last_, text)))
        return false;
      last_ = text;
    }
    if (is_first && !database_.add(key_, text, text.size())) return false;
    tiles.add(at, item->size);
  }
  return tiles.are_whole();
}

// The same where each item ends where the one before it begins. False: it is another page, or not
// sound.
bool PlainDuplicates::neat_values(const PlainPage page, ComingPage coming) {
  const size_t count = page.count();
  const bool are_sorted = are_sorted_;
  size_t begin = page.size;  // of the item before
  std::string_view last = separator_;
  for (size_t i = 0; i < count; ++i) {
    coming.a_bit();
    const size_t at = page.load<uint16_t>(page.header + i * sizeof(uint16_t));
    if (at + kGrain > begin || page.bytes[at + kItemTypeAt] != kHere) return false;
    const size_t length = page.load<uint16_t>(at);
    if (at + rounded(kLeafKeyAt + length) != begin) return false;
    begin = at;
    const auto text = page.text(at + kLeafKeyAt, length);
    // The leaf before ends below the separator: branch() sees to that.
    if (are_sorted && !is_below(last, text) && (i > 0 || last != text)) return false;
    last = text;
  }
  if (begin != page.lowest) return false;
  if (count_ == 0) {
    const auto first = item_at(page, page.item(0), kLeafKeyAt)->text;
    if (!database_.add(key_, first, first.size())) return false;
  }
  last_ = last;
  return true;
}

bool PlainDuplicates::long_value(const PlainPage& page, size_t at, bool is_first) {
  if (!is_long(page, at)) return false;
  const uint64_t length = page.u32(at + kLongSizeAt);
  const bool is_wanted = is_first && database_.wants_long_values();
  return pages_.take_value(page.u32(at + kPageAt), length, is_wanted ? &whole_ : nullptr) &&
         (!is_first || database_.add(key_, whole_, length));
}

}  // namespace goromdb::bdb

// SPDX-License-Identifier: MIT
#include "plain_btree.h"

#include <future>
#include <utility>

#include "memcachedb_item.h"
#include "plain_duplicates.h"

namespace goromdb::bdb {
namespace {

constexpr uint32_t kUsualMinKey = 2;  // on a page; others shift the bounds of what is long

// As a < b; where there is much to compare, by a call.
bool is_before(std::string_view a, std::string_view b) {
  constexpr size_t kMuch = 256;
  return b.size() < kMuch ? is_below(a, b) : a < b;
}

// What is served of a value that is not long: it, or what the item holds that it is.
constexpr auto kAsItIs = [](std::string_view, std::string_view stored) -> uint64_t {
  return stored.size();
};
constexpr auto kOfItem = [](std::string_view key, std::string_view stored) {
  return usual_served_size(key, stored);
};

}  // namespace

bool PlainBtree::is_sound(const PlainPage& meta) {
  const auto kind = kind_of(meta);
  const bool is_own = meta.number == 0;
  const uint32_t root = meta.u32(kRootAt);
  if (!kind || root >= pages_.count() || (is_own && root != 1)) return false;
  kind_ = *kind;
  const PlainPage page(root, pages_.begin_of(root), pages_.header());
  const uint8_t level = page.bytes[kLevelAt];
  if (page.count() == 0) return is_empty_tree(root);
  if (!below(root, level) || before_first_ != 0 || next_leaf_ != 0) return false;
  return level == 1 || !kind_.counts_records || page.u32(kPreviousAt) == records_;
}

bool PlainBtree::is_empty_tree(uint32_t root) {
  const auto page = pages_.take(root);
  return page && page->is(kind_.is_recno ? kRecnoLeaf : kLeaf, 1) && page->u32(kPreviousAt) == 0 &&
         page->u32(kNextAt) == 0 && page->lowest == static_cast<uint16_t>(page->size);
}

// Nothing: libdb's to judge.
std::optional<PlainBtree::Kind> PlainBtree::kind_of(const PlainPage& meta) const {
  // A sub-database has that flag as well as their list.
  const bool has_flag = meta.number != 0 || database_.is_list;
  const uint32_t flags = meta.u32(kFlagsAt), others = flags & ~kSubdbs;
  const uint32_t record_size = meta.u32(kRecordSizeAt);
  const auto has = [&](uint32_t flag) { return (flags & flag) != 0; };
  if (has(kSubdbs) != has_flag || (database_.is_list && others != 0) ||
      has(kOneSize) != (record_size != 0) || meta.u32(kMinKeyAt) != kUsualMinKey) {
    return {};
  }
  const Kind kind{has(kRecno),      has(kRecno) || has(kCountsRecords),
                  has(kDuplicates), has(kSortedDuplicates),
                  record_size,      has(kCompressed)};
  switch (others) {
    case 0:
    case kDuplicates:
    case kDuplicates | kSortedDuplicates:
    case kCountsRecords:
    case kCompressed:
    case kRecno:
    case kRecno | kRenumbers:
    case kRecno | kOneSize:
    case kRecno | kOneSize | kRenumbers:
      return kind;
    default:
      return {};
  }
}

bool PlainBtree::below(uint32_t number, unsigned level) {
  const char* const begin = pages_.begin_of(number);
  if (begin == nullptr) return false;
  const size_t count = PlainPage(number, begin, pages_.header()).count();  // or so it says
  const size_t entries = kind_.is_compressed ? keys_in_leaf_ : kind_.is_recno ? count : count / 2;
  ComingPage coming(coming_, pages_.header().page_size, entries + pages_.bits_to_take());
  const auto page = pages_.take(number, coming);
  const uint8_t type =
      level > 1 ? (kind_.is_recno ? kRecnoBranch : kBranch) : (kind_.is_recno ? kRecnoLeaf : kLeaf);
  if (!page || level == 0 || !page->is(type, level) || !has_bounds(*page)) return false;
  return level > 1 ? branch(*page, level) : leaf(*page, coming);
}

bool PlainBtree::branch(const PlainPage& page, unsigned level) {
  if (!kind_.counts_records && page.u32(kPreviousAt) != 0) return false;
  Tiles tiles(edges_, page);
  for (size_t i = 0; i < page.count(); ++i) {
    const auto item = branch_item(page, i);
    if (!item) return false;
    tiles.add(item->at, item->size);
  }
  if (!tiles.are_whole()) return false;
  const size_t key_at = page.item(0) + kBranchKeyAt;  // of a key that nobody asks for
  if (!kind_.is_recno && is_long(page, page.item(0)) && !pages_.take_key(page, key_at, whole_))
    return false;
  return is_worth_two_threads(page, level) ? halves(page, level)
                                           : children(page, level, 0, page.count());
}

std::optional<PlainItem> PlainBtree::branch_item(const PlainPage& page, size_t i) const {
  const size_t at = page.item(i);
  if (!kind_.is_recno) {
    if (const auto item = item_at(page, at, kBranchKeyAt)) return item;
    const bool has_long_key =
        is_long(page, at) && page.u16(at) == kLongItemSize && is_long(page, at + kBranchKeyAt);
    if (!has_long_key) return {};
    return PlainItem{at, kBranchKeyAt + kLongItemSize, {}};
  }
  if (!holds(page, at, kRecnoBranchItemSize)) return {};
  return PlainItem{at, kRecnoBranchItemSize, {}};
}

// Of an item that branch_item() has found.
uint32_t PlainBtree::page_below(const PlainPage& page, size_t i) const {
  return page.u32(page.item(i) + (kind_.is_recno ? kRecnoPageAt : kPageAt));
}
uint32_t PlainBtree::records_below(const PlainPage& page, size_t i) const {
  return page.u32(page.item(i) + (kind_.is_recno ? kRecnoCountAt : kCountOfRecordsAt));
}

// What is below an item from what is below the ones before it, of which the first has no key.
bool PlainBtree::separate(const PlainPage& page, size_t i) {
  const auto item = branch_item(page, i);
  std::optional<std::string_view> key = item->text;
  if (is_long(page, item->at))
    key = pages_.take_key(page, item->at + kBranchKeyAt, long_->separator);
  if (!key || (last_ && *last_ >= *key)) return false;
  separator_ = *key;
  return true;
}

// `begin` has its separator.
bool PlainBtree::children(const PlainPage& page, unsigned level, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    if (i > begin && !kind_.is_recno && !separate(page, i)) return false;
    coming_ = i + 1 < end ? pages_.begin_of(page_below(page, i + 1)) : nullptr;
    const uint64_t before = records_;
    if (!below(page_below(page, i), level - 1)) return false;
    if (kind_.counts_records && records_ - before != records_below(page, i)) return false;
  }
  return true;
}

// A page with some branches below it, or many leaves.
bool PlainBtree::is_worth_two_threads(const PlainPage& page, unsigned level) const {
  constexpr size_t kSome = 4;  // a root may have a full one and a small one, so a child is split
  constexpr size_t kManyBytes = size_t{1} << 20;
  return page.count() >= kSome && (level > 2 || page.count() * page.size >= kManyBytes) &&
         pages_.may_fork();
}

// The same as children() of all of the page, the second half on a thread of its own. The key
// between them is above the one and not above the other, so that all are in order.
bool PlainBtree::halves(const PlainPage& page, unsigned level) {
  const size_t middle = page.count() / 2;
  PlainPages pages = pages_.fork();
  PlainDatabase database = database_.fork();
  PlainBtree other(pages, database);
  other.kind_ = kind_;
  other.records_ = records_;
  for (size_t i = 0; i < middle; ++i) other.records_ += records_below(page, i);
  const uint64_t between = other.records_;
  if (!kind_.is_recno && !other.separate(page, middle)) return false;
  const std::string separator(other.separator_);
  auto beside = std::async([&] { return other.children(page, level, middle, page.count()); });
  const bool is_first_sound = children(page, level, 0, middle);
  if (!pages_.awaits(beside) || !is_first_sound || !pages_.join(pages)) return false;
  database_.join(std::move(database));
  if (kind_.counts_records && records_ != between) return false;
  if (!kind_.is_recno && *last_ >= separator) return false;
  if (other.before_first_ != leaf_ || next_leaf_ != other.first_leaf_) return false;
  if (kind_.is_compressed && !is_below(chunks_.last_key(), other.first_key_)) return false;
  chunks_ = std::move(other.chunks_);
  records_ = other.records_;
  last_ = other.last_;
  separator_ = other.separator_;
  long_ = std::move(other.long_);
  leaf_ = other.leaf_;
  next_leaf_ = other.next_leaf_;
  return true;
}

bool PlainBtree::leaf(const PlainPage& page, const ComingPage& coming) {
  const uint32_t before = page.u32(kPreviousAt);
  if (first_leaf_ == 0) {
    first_leaf_ = page.number;
    before_first_ = before;
  } else if (before != leaf_ || next_leaf_ != page.number) {
    return false;
  }
  leaf_ = page.number;
  next_leaf_ = page.u32(kNextAt);
  if (kind_.is_compressed) return chunks(page, coming);
  return kind_.is_recno ? records(page, coming) : entries(page, coming);
}

bool PlainBtree::entries(const PlainPage& page, ComingPage coming) {
  const size_t count = page.count();
  if (count % 2 != 0) return false;
  const bool may_be_usual = !page.swapped && database_.counts();
  if (may_be_usual && are_neat_ && (are_neat_ = are_neat(page, count, coming))) return true;
  Tiles tiles(edges_, page);
  EntryTotals found;
  std::string_view last = separator_;  // above all keys before this page
  for (size_t i = 0; i < count; i += 2) {
    if (may_be_usual) i = after_usual(page, i, coming, tiles, last, found);
    if (i == count) break;
    coming.a_bit();
    if (!entry(page, i, tiles, last)) return false;
  }
  last_ = last;
  records_ += count / 2;
  database_.totals.add(found);
  return tiles.are_whole();
}

// Takes entries from `i` on until one is not as most of them are: has duplicates, is long or not
// sound. Returns which that is, or their count.
size_t PlainBtree::after_usual(const PlainPage& page, size_t i, ComingPage& coming, Tiles& tiles,
                               std::string_view& last, EntryTotals& found) const {
  return database_.has_items ? after_usual(page, i, coming, tiles, last, found, kOfItem)
                             : after_usual(page, i, coming, tiles, last, found, kAsItIs);
}

// This is most of the work: what it needs is at hand, not behind a pointer that may have changed.
template <class SizeOf>
size_t PlainBtree::after_usual(const PlainPage page, size_t i, ComingPage& coming, Tiles& tiles,
                               std::string_view& last, EntryTotals& found, SizeOf size_of) const {
  const size_t count = page.count();
  ComingPage ahead = coming;
  Tiles taken = tiles;
  EntryTotals totals = found;
  std::string_view before = last;
  for (; i < count; i += 2) {
    const auto places = page.load<uint32_t>(page.header + i * sizeof(uint16_t));
    const auto pair = pair_at(page, places & 0xffff, places >> 16);
    if (!pair) break;
    const auto [key, value, begin, end] = *pair;
    if (!is_below(before, key) && (i > 0 || before != key)) break;
    const uint64_t size = size_of(key, value);
    if (size == kNoItem) break;
    ahead.a_bit();
    taken.add(begin, end - begin);
    totals.add(key.size(), size);
    before = key;
  }
  coming = ahead;
  tiles = taken;
  found = totals;
  last = before;
  return i;
}

// One, `last` behind the key before it.
bool PlainBtree::entry(const PlainPage& page, size_t i, Tiles& tiles, std::string_view& last) {
  const size_t at = page.item(i), value_at = page.item(i + 1);
  const bool is_first = i == 0 || at != page.item(i - 2);  // of its duplicates
  if (is_first) {
    const auto key = leaf_key(page, at);
    if (!key || !(is_before(last, key->text) || (i == 0 && last == key->text))) return false;
    last = key->text;
    tiles.add(at, key->size);
  } else if (!kind_.has_duplicates || is_alone(page, page.item(i - 1))) {
    return false;
  }
  if (is_alone(page, value_at) && !is_first) return false;
  if (has_tree(page, value_at)) {
    tiles.add(value_at, kLongItemSize);
    return tree(page, i + 1, last);
  }
  const auto size = value_size(page, value_at, last, is_first);
  if (!size) return false;
  tiles.add(value_at, *size);
  if (is_first || !kind_.sorts_duplicates) return true;
  return item_at(page, page.item(i - 1), kLeafKeyAt)->text <
         item_at(page, value_at, kLeafKeyAt)->text;
}

// Whether a value can have none beside it: a tree, or a long one, whose order is not looked at.
bool PlainBtree::is_alone(const PlainPage& page, size_t at) const {
  return has_tree(page, at) || (kind_.sorts_duplicates && is_long(page, at));
}

// The entries of a page as whoever adds them in order leaves it: each item ends where the one
// before it begins, so that they fill the page, none is long, and no key has duplicates. False: it
// is another one, or not sound.
bool PlainBtree::are_neat(const PlainPage& page, size_t count, const ComingPage& coming) {
  return database_.has_items ? neat_entries(page, count, coming, kOfItem)
                             : neat_entries(page, count, coming, kAsItIs);
}

template <class SizeOf>
bool PlainBtree::neat_entries(const PlainPage page, size_t count, ComingPage coming,
                              SizeOf size_of) {
  EntryTotals found;
  size_t begin = page.size;  // of the item before
  std::string_view last = separator_;
  for (size_t i = 0; i < count; i += 2) {
    coming.a_bit();
    const auto places = page.load<uint32_t>(page.header + i * sizeof(uint16_t));
    const size_t key_at = places & 0xffff, value_at = places >> 16;
    if (key_at + kGrain > begin || value_at >= key_at) return false;
    if (page.bytes[key_at + kItemTypeAt] != kHere || page.bytes[value_at + kItemTypeAt] != kHere)
      return false;
    const size_t key_size = page.load<uint16_t>(key_at), value_size = page.load<uint16_t>(value_at);
    if (key_at + rounded(kLeafKeyAt + key_size) != begin ||
        value_at + rounded(kLeafKeyAt + value_size) != key_at) {
      return false;
    }
    const auto key = page.text(key_at + kLeafKeyAt, key_size);
    const auto value = page.text(value_at + kLeafKeyAt, value_size);
    // The leaf before ends below the separator: children() and halves() see to that.
    if (!is_below(last, key) && (i > 0 || last != key)) return false;
    begin = value_at;
    last = key;
    const uint64_t size = size_of(key, value);
    if (size == kNoItem) return false;
    found.add(key.size(), size);
  }
  if (begin != page.lowest) return false;
  last_ = last;
  records_ += count / 2;
  database_.totals.add(found);
  return true;
}

bool PlainBtree::chunks(const PlainPage& page, const ComingPage& coming) {
  return database_.wants_long_values() ? chunks_of(page, coming, kOfItem)
                                       : chunks_of(page, coming, kAsItIs);
}

// Separators in branches are made of the keys of items, so a chunk's last ones may be above one.
template <class SizeOf>
bool PlainBtree::chunks_of(const PlainPage page, ComingPage coming, SizeOf size_of) {
  const size_t count = page.count();
  if (count % 2 != 0) return false;
  Tiles tiles(edges_, page);
  EntryTotals found;
  const auto take = [&](std::string_view key, std::string_view value) {
    coming.a_bit();
    const uint64_t size = size_of(key, value);
    if (size != kNoItem) found.add(key.size(), size);
    return size != kNoItem;
  };
  for (size_t i = 0; i < count; i += 2) {
    const size_t key_at = page.item(i), chunk_at = page.item(i + 1);
    const auto pair = page.swapped ? std::nullopt : pair_at(page, key_at, chunk_at);
    std::string_view key;
    std::optional<std::string_view> chunk;  // nothing: it is long
    if (pair) {
      key = pair->key;
      chunk = pair->value;
      tiles.add(pair->begin, pair->end - pair->begin);
    } else {
      const auto key_item = item_at(page, key_at, kLeafKeyAt),
                 chunk_item = item_at(page, chunk_at, kLeafKeyAt);
      if (!key_item || (!chunk_item && !is_long(page, chunk_at))) return false;
      key = key_item->text;
      tiles.add(key_at, key_item->size);
      if (chunk_item) chunk = chunk_item->text;
      tiles.add(chunk_at, chunk_item ? chunk_item->size : kLongItemSize);
    }
    if ((last_ && !is_below(chunks_.last_key(), key)) || (i == 0 && is_below(key, separator_)))
      return false;
    if (!last_) first_key_ = key;
    last_ = key;
    if (!(chunk ? chunks_.each(key, *chunk, take) : add_long_chunk(page, chunk_at, key)))
      return false;
  }
  keys_in_leaf_ = found.entries;
  database_.totals.add(found);
  return tiles.are_whole();
}

// A long one: it has no more than the value of its key, as libdb makes them.
bool PlainBtree::add_long_chunk(const PlainPage& page, size_t at, std::string_view key) {
  const uint32_t first = page.u32(at + kPageAt), length = page.u32(at + kLongSizeAt);
  const char* const begin = pages_.begin_of(first);
  if (begin == nullptr) return false;
  const PlainPage part(first, begin, pages_.header());
  auto bytes = part.text(part.header, part.size - part.header);
  const auto size = take_packed_number(bytes);
  const size_t head = part.size - part.header - bytes.size();
  if (!size || head + *size != length || part.u16(kLengthAt) < head) return false;
  const bool is_wanted = database_.wants_long_values();
  if (!pages_.take_value(first, length, is_wanted ? &whole_ : nullptr)) return false;
  if (is_wanted) whole_.erase(0, head);
  chunks_.begin(key);
  return database_.add(key, whole_, *size);
}

// Their keys are their numbers.
bool PlainBtree::records(const PlainPage page, ComingPage coming) {
  const size_t count = page.count();
  Tiles tiles(edges_, page);
  for (size_t i = 0; i < count; ++i) {
    coming.a_bit();
    const auto size = value_size(page, page.item(i), std::to_string(++records_), true);
    if (!size) return false;
    tiles.add(page.item(i), *size);
  }
  return tiles.are_whole();
}

// Whether a value is a tree of duplicates.
bool PlainBtree::has_tree(const PlainPage& page, size_t at) const {
  return kind_.has_duplicates && holds(page, at, kLongItemSize) &&
         page.bytes[at + kItemTypeAt] == kTree;
}

// Of an item that has one; the next key's comes meanwhile.
bool PlainBtree::tree(const PlainPage& page, size_t i, std::string_view key) {
  const auto page_of = [&](size_t item) { return page.u32(page.item(item) + kPageAt); };
  const size_t next = i + 2;
  const bool is_known = next < page.count() && has_tree(page, page.item(next));
  const char* const behind = is_known ? pages_.begin_of(page_of(next)) : nullptr;
  return PlainDuplicates(pages_, database_, key, kind_.sorts_duplicates, behind)
      .is_sound(page_of(i));
}

std::optional<PlainItem> PlainBtree::leaf_key(const PlainPage& page, size_t at) {
  if (const auto key = item_at(page, at, kLeafKeyAt)) return key;
  if (database_.is_list || !is_long(page, at)) return {};
  const auto text = long_->keys.take(pages_, page, at);
  if (!text) return {};
  return PlainItem{at, kLongItemSize, *text};
}

// How many bytes the item of any value has; of a key's duplicates the first is counted. Nothing:
// it cannot be.
std::optional<size_t> PlainBtree::value_size(const PlainPage page, size_t at, std::string_view key,
                                             bool is_first) {
  const uint32_t record_size = kind_.record_size;
  if (const auto item = item_at(page, at, kLeafKeyAt)) {
    const auto text = item->text;
    if (record_size != 0 && text.size() != record_size) return {};
    if (is_first && !database_.add(key, text, text.size())) return {};
    return item->size;
  }
  if (!is_long(page, at)) return {};
  const uint64_t length = page.u32(at + kLongSizeAt);
  if (database_.is_list || record_size != 0) return {};
  const bool is_wanted = is_first && database_.wants_long_values();
  if (!pages_.take_value(page.u32(at + kPageAt), length, is_wanted ? &whole_ : nullptr)) return {};
  if (is_first && !database_.add(key, whole_, length)) return {};
  return kLongItemSize;
}

}  // namespace goromdb::bdb

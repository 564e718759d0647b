// SPDX-License-Identifier: MIT
#include "plain_hash.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <future>
#include <utility>

#include "plain_duplicates.h"

namespace goromdb::bdb {
namespace {

constexpr uint32_t kMostKeys = 0x80000000;  // that a first page may claim

// The order on a page: of the bytes; where one key begins with the other one, the longer one first.
bool comes_before(std::string_view one, std::string_view other) {
  const int order = compare_common(one, other);
  return order < 0 || (order == 0 && one.size() > other.size());
}

// Whether they differ where both have bytes, and this one is below; where one of them is long.
bool is_below_in_common(std::string_view one, std::string_view other) {
  return std::memcmp(one.data(), other.data(), std::min(one.size(), other.size())) < 0;
}

size_t doubling_of(uint32_t bucket) { return static_cast<size_t>(std::bit_width(bucket)); }

bool is_unused(const PlainPage& page) {
  if (!page.was_written()) return page.is_hole();
  return page.is(kHash, 0) && page.count() == 0 && page.u32(kPreviousAt) == 0 &&
         page.u32(kNextAt) == 0;
}

}  // namespace

bool PlainHash::is_sound(const PlainPage& meta) {
  const uint32_t of_subdb = meta.number == 0 ? 0 : kHashSubdb,
                 flags = meta.u32(kFlagsAt) ^ of_subdb;
  has_duplicates_ = flags != 0;
  sorts_duplicates_ = (flags & kHashSortedDuplicates) != 0;
  last_bucket_ = meta.u32(kLastBucketAt);
  if ((flags & ~kHashSortedDuplicates) != (has_duplicates_ ? kHashDuplicates : 0) ||
      last_bucket_ == 0 || last_bucket_ >= pages_.count()) {
    return false;
  }
  high_mask_ = static_cast<uint32_t>((uint64_t{1} << doubling_of(last_bucket_)) - 1);
  const std::string_view word(kHashedWord, sizeof kHashedWord);
  if (meta.u32(kHighMaskAt) != high_mask_ || meta.u32(kLowMaskAt) != high_mask_ / 2 ||
      meta.u32(kKeysAt) > kMostKeys ||
      meta.u32(kWordsHashAt) != hash_of_bytes<kHashFactor>(word, kHashBegin)) {
    return false;
  }
  for (size_t i = 0; i < kSpares; ++i)
    spares_.push_back(meta.u32(kSparesAt + i * sizeof(uint32_t)));
  if (doubling_of(last_bucket_) >= kSpares) return false;
  const uint32_t end = last_bucket_ + 1;
  constexpr uint64_t kManyBytes = uint64_t{1} << 20;
  const bool is_large = uint64_t{end} * pages_.header().page_size >= kManyBytes;
  return (is_large && pages_.may_fork() ? halves(end) : buckets(0, end)) && unused_buckets();
}

// The same as all buckets, the second half on a thread of its own.
bool PlainHash::halves(uint32_t end) {
  PlainPages pages = pages_.fork();
  PlainDatabase database = database_.fork();
  PlainHash other(pages, database);
  other.has_duplicates_ = has_duplicates_;
  other.sorts_duplicates_ = sorts_duplicates_;
  other.last_bucket_ = last_bucket_;
  other.high_mask_ = high_mask_;
  other.spares_ = spares_;
  auto beside = std::async([&] { return other.buckets(end / 2, end); });
  const bool is_first_sound = buckets(0, end / 2);
  if (!pages_.awaits(beside) || !is_first_sound || !pages_.join(pages)) return false;
  database_.join(std::move(database));
  return true;
}

bool PlainHash::buckets(uint32_t begin, uint32_t end) {
  for (uint32_t number = begin; number < end; ++number) {
    if (!bucket(number) || strays_ != 0) return false;
  }
  keys_.add_rest(look_for_strays());
  if (long_.count > 0) look_for_long_strays();
  return strays_ == 0;
}

// A doubling gets all its pages at once.
bool PlainHash::unused_buckets() {
  for (uint32_t number = last_bucket_ + 1;
       doubling_of(number) < kSpares && spares_[doubling_of(number)] != 0; ++number) {
    ComingPage none;
    const auto page = pages_.take_bucket(first_page(number), none);
    if (!page || !is_unused(*page)) return false;
  }
  return true;
}

bool PlainHash::bucket(uint32_t number) {
  ComingPage coming = coming_after({first_page(number), number});
  auto page = pages_.take_bucket(first_page(number), coming);
  if (page && !page->was_written()) return page->is_hole();
  uint32_t before = 0;
  while (page && page->is(kHash, 0) && page->u32(kPreviousAt) == before) {
    const uint32_t next = page->u32(kNextAt);
    const bool is_alone = before == 0 && next == 0;  // else libdb leaves no empty page
    if ((page->count() == 0 && !is_alone) || !entries(*page, number, coming)) return false;
    if (next == 0) return true;
    before = page->number;
    coming = coming_after({next, number});
    page = pages_.take(next, coming);
  }
  return false;
}

// Nothing: there is no such page, or it is the last one.
std::optional<PlainPage> PlainHash::page_at(Place place) const {
  const char* const begin = pages_.begin_of(place.number);
  if (begin == nullptr) return {};
  return PlainPage(place.number, begin, pages_.header());
}

PlainHash::Place PlainHash::place_after(const PlainPage& page, uint32_t bucket) const {
  const uint32_t next = page.u32(kNextAt);
  if (next != 0) return {next, bucket};
  return {bucket < last_bucket_ ? first_page(bucket + 1) : pages_.count(), bucket + 1};
}

// The headers of both pages have come with that of the page before: they tell how many entries
// there are on the one and what is to come of the other, and whose header is next.
ComingPage PlainHash::coming_after(Place place) const {
  const auto page = page_at(place);
  if (!page) return {};
  const Place after = place_after(*page, place.bucket);
  const auto next = page_at(after);
  if (!next) return {};
  expect(pages_.begin_of(place_after(*next, after.bucket).number));
  return ComingPage::filled_from_end(next->bytes, next->size, next->end_of_places(),
                                     pages_.header().checksums ? 0 : next->lowest,
                                     page->count() / 2 + pages_.bits_to_take());
}

// Before a key, which is on a page, is the file's first page at least.
void PlainHash::add(std::string_view key, uint32_t bucket) {
  static_assert(kSummedOfMeta >= kBeforeKeys);
  keys_.add(key, bucket, look_for_strays());
}

void PlainHash::add_long(std::string_view key, uint32_t bucket) {
  long_.keys.set(long_.count, key);
  long_.buckets[long_.count] = bucket;
  if (++long_.count == kSideBySide) look_for_long_strays();
}

// None waits then. Some keys are on the heap, with nothing before them that could be read: so all
// have to be of one length. Zeros before a key do not change its hash, which begins with 0.
void PlainHash::look_for_long_strays() {
  const size_t count = std::exchange(long_.count, 0);
  SomeKeys& keys = long_.keys;
  const uint32_t longest = *std::max_element(keys.sizes.begin(), keys.sizes.begin() + count);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t size = keys.sizes[i];
    if (size == longest) continue;
    filled_up_[i].assign(longest - size, '\0').append(keys.ends[i] - size, size);
    keys.set(i, filled_up_[i]);
  }
  for (size_t i = count; i < kSideBySide; ++i) keys.set(i, {keys.ends[0] - longest, longest});
  look_for_strays()(hashes_of_bytes<kHashFactor, kHashBegin>(keys), long_.buckets, count);
}

// Each item ends where the one before it begins. A long key is not in libdb's usual order: it is
// behind a shorter one that it begins with when libdb looks for it, and before it when it looks for
// that. So neither of a long key and any other may begin with the other.
bool PlainHash::entries(const PlainPage& page, uint32_t bucket, ComingPage coming) {
  const size_t count = page.count(), places_end = page.end_of_places();
  if (count % 2 != 0 || places_end > page.size) return false;
  if (!page.swapped && database_.counts_only() && short_entries(page, count / 2, bucket, coming))
    return true;
  size_t end = page.size;
  std::string_view last;
  std::optional<std::string_view> last_long;
  bool was_long = false;
  for (size_t i = 0; i < count; i += 2) {
    coming.a_bit();
    const size_t key_at = page.item(i), value_at = page.item(i + 1);
    if (key_at >= end || value_at >= key_at || value_at < places_end) return false;
    const auto key = this->key(page, key_at, end);
    if (!key) return false;
    const bool is_long = page.bytes[key_at] == kLong;
    const bool is_any_long = is_long || was_long;
    if (i > 0 && !(is_any_long ? is_below_in_common(last, *key) : comes_before(last, *key)))
      return false;
    if (last_long && !was_long && !is_below_in_common(*last_long, *key)) return false;
    if (!value(page, value_at, key_at, *key, tree_of(page, i + 3))) return false;
    if (is_long) {
      add_long(*key, bucket);
    } else {
      add(*key, bucket);
    }
    last = *key;
    if (is_long) last_long = key;
    was_long = is_long;
    end = value_at;
  }
  return true;
}

// The same where all values are on the page and are to be counted, no more: with all that it needs
// at hand. False: it is another page, or not sound; its first keys are added nevertheless.
bool PlainHash::short_entries(const PlainPage page, size_t count, uint32_t bucket,
                              ComingPage coming) {
  EntryTotals found;
  size_t end = page.size;
  std::string_view last;
  uint64_t last_word = 0;
  for (size_t i = 0; i < count; ++i) {
    coming.a_bit();
    const auto places = page.load<uint32_t>(page.header + i * sizeof(uint32_t));
    const size_t key_at = places & 0xffff, value_at = places >> 16;
    if (key_at >= end || value_at >= key_at) return false;
    if (page.bytes[key_at] != kHere) return false;
    size_t length = key_at - value_at - kHashKeyAt;
    if (page.bytes[value_at] != kHere) {
      const auto first = first_of_set(page, value_at, key_at);
      if (!first) return false;
      length = first->size();
    }
    const auto key = page.text(key_at + kHashKeyAt, end - key_at - kHashKeyAt);
    const bool has_word = key.size() >= sizeof(uint64_t);
    const uint64_t word = has_word ? big_endian<uint64_t>(key.data()) : 0;
    if (last_word >= word && i > 0 && !comes_before(last, key)) return false;
    add(key, bucket);
    found.add(key.size(), length);
    last = key;
    last_word = has_word ? word : UINT64_MAX;
    end = value_at;
  }
  if (end < page.end_of_places()) return false;
  database_.totals.add(found);
  return true;
}

// Where the first page of item i's duplicates begins, which is looked at later; nowhere: it has
// none, or there is no such item.
const char* PlainHash::tree_of(const PlainPage& page, size_t i) const {
  if (!has_duplicates_ || i >= page.count()) return nullptr;
  const size_t at = page.item(i);
  if (at + kHashTreeItemSize > page.size || page.bytes[at] != kHashTree) return nullptr;
  return pages_.begin_of(page.u32(at + kPageAt));
}

std::optional<std::string_view> PlainHash::key(const PlainPage& page, size_t at, size_t end) {
  if (page.bytes[at] == kHere) return page.text(at + kHashKeyAt, end - at - kHashKeyAt);
  if (page.bytes[at] != kLong || end - at != kLongItemSize) return {};
  return long_keys_.take(pages_, page, at);
}

bool PlainHash::value(const PlainPage& page, size_t at, size_t end, std::string_view key,
                      const char* next_tree) {
  if (page.bytes[at] == kHere) {
    const size_t length = end - at - kHashKeyAt;
    return database_.add(key, page.text(at + kHashKeyAt, length), length);
  }
  if (page.bytes[at] == kHashSet) {
    const auto first = first_of_set(page, at, end);
    return first && database_.add(key, *first, first->size());
  }
  if (page.bytes[at] == kHashTree) {
    return has_duplicates_ && end - at == kHashTreeItemSize &&
           PlainDuplicates(pages_, database_, key, sorts_duplicates_, next_tree)
               .is_sound(page.u32(at + kPageAt));
  }
  if (page.bytes[at] != kLong || end - at != kLongItemSize) return false;
  const uint64_t length = page.u32(at + kLongSizeAt);
  return pages_.take_value(page.u32(at + kPageAt), length,
                           database_.wants_long_values() ? &whole_ : nullptr) &&
         database_.add(key, whole_, length);
}

// Of an item, which is inside the page. Nothing: it is no set, or not one that can be.
std::optional<std::string_view> PlainHash::first_of_set(const PlainPage& page, size_t at,
                                                        size_t end) const {
  if (!has_duplicates_ || page.bytes[at] != kHashSet) return {};
  const size_t begin = at + kHashKeyAt;
  std::string_view first, last;
  for (size_t next = begin; next < end || next == begin;) {
    if (end - next < 2 * kSetLengthSize) return {};
    const size_t length = page.u16(next), text_at = next + kSetLengthSize,
                 text_end = text_at + length;
    if (text_end + kSetLengthSize > end || page.u16(text_end) != length) return {};
    const auto text = page.text(text_at, length);
    if (next == begin) {
      first = text;
    } else if (sorts_duplicates_ && !is_below(last, text)) {
      return {};
    }
    last = text;
    next = text_end + kSetLengthSize;
  }
  return first;
}

uint32_t PlainHash::first_page(uint32_t bucket) const {
  return bucket + spares_[doubling_of(bucket)];
}

uint32_t PlainHash::bucket_of(uint32_t hash) const {
  const uint32_t bucket = hash & high_mask_;
  return bucket > last_bucket_ ? bucket & high_mask_ / 2 : bucket;
}

}  // namespace goromdb::bdb

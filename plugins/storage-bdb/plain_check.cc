// SPDX-License-Identifier: MIT
#include "plain_check.h"

#include <algorithm>
#include <cstring>

#include "format.h"

namespace goromdb::bdb {
namespace {

constexpr uint32_t kUsualMinKey = 2;  // on a page; others shift the bounds of what is long

constexpr size_t rounded(size_t size) { return (size + kGrain - 1) / kGrain * kGrain; }

}  // namespace

PlainCheck::Tiles::Tiles(size_t page_size) : edges_(page_size / kGrain / 64 + 1) {}

struct PlainCheck::Page {
  uint32_t number;
  const uint8_t* bytes;
  size_t size;

  template <class T>
  T load(size_t at) const {
    T value;
    std::memcpy(&value, bytes + at, sizeof value);
    return value;
  }
  uint16_t u16(size_t at) const { return load<uint16_t>(at); }
  uint32_t u32(size_t at) const { return load<uint32_t>(at); }
  bool is(uint8_t type, unsigned level) const {
    return bytes[kTypeAt] == type && bytes[kLevelAt] == level;
  }
  size_t count() const { return u16(kCountAt); }
  size_t lowest() const { return u16(kLowestAt); }
  size_t item(size_t i) const { return u16(kHeader + i * sizeof(uint16_t)); }
  bool has_bounds() const {
    return count() > 0 && kHeader + count() * sizeof(uint16_t) <= lowest() && lowest() < size &&
           lowest() % kGrain == 0;
  }
  struct Item {
    size_t at, size;  // in the page
    std::string_view text;
  };
  // Of a leaf; of a branch. Nothing: it is not all inside the page, or it is of another kind.
  std::optional<Item> item_here(size_t at) const { return item_with(at, kLeafKeyAt); }
  std::optional<Item> separator(size_t at) const { return item_with(at, kBranchKeyAt); }
  std::optional<Item> item_with(size_t at, size_t head) const {
    if (!holds(at, head) || bytes[at + kItemTypeAt] != kHere) return {};
    const size_t length = u16(at), item_size = rounded(head + length);
    if (at + item_size > size) return {};
    return Item{at, item_size, text(at + head, length)};
  }
  // What begins there has a head of so many bytes inside the page.
  bool holds(size_t at, size_t head) const {
    return at >= lowest() && at % kGrain == 0 && at + head <= size;
  }
  std::string_view text(size_t at, size_t length) const {
    return {reinterpret_cast<const char*>(bytes + at), length};
  }
};

void PlainCheck::Tiles::begin(size_t lowest, size_t page_size) {
  if (has_edges_) std::fill(edges_.begin(), edges_.end(), 0);
  has_edges_ = false;
  used_ = 0;
  lowest_ = lowest;
  page_size_ = first_ = last_ = page_size;
}

void PlainCheck::Tiles::add(size_t at, size_t size) {
  used_ += size;
  if (at + size == first_) {
    first_ = at;
    return;
  }
  turn(first_);
  turn(last_);
  first_ = at;
  last_ = at + size;
}

void PlainCheck::Tiles::turn(size_t at) {
  edges_[at / kGrain / 64] ^= uint64_t{1} << at / kGrain % 64;
  has_edges_ = true;
}

bool PlainCheck::Tiles::are_whole() {
  if (!has_edges_) return first_ == lowest_;
  for (const size_t end : {first_, last_, lowest_, page_size_}) turn(end);
  return used_ == page_size_ - lowest_ &&
         std::all_of(edges_.begin(), edges_.end(), [](uint64_t bits) { return bits == 0; });
}

struct PlainCheck::Tree {
  bool is_list = false;
  bool is_served = false;
  EntryTotals totals{};
  std::optional<std::string_view> last{};  // key
  std::string_view separator{};            // no key behind it is smaller
  uint32_t leaf = 0, next_leaf = 0;        // the last one, and its neighbour
  const char* coming = nullptr;            // the page that is looked at next, where that is known
};

PlainCheck::PlainCheck(std::string_view file, uint32_t page_size, IdOf id_of, SizeOf size_of,
                       Host host)
    : file_(file),
      page_size_(page_size),
      id_of_(std::move(id_of)),
      size_of_(std::move(size_of)),
      host_(host),
      taken_(file.size() / page_size),
      tiles_(page_size) {}

std::optional<std::vector<EntryTotals>> PlainCheck::run(size_t ids) {
  std::vector<EntryTotals> totals(ids);
  const auto check = [&](std::string_view name, uint32_t meta) {
    const auto id = id_of_(name);
    Tree tree{.is_list = false, .is_served = id.has_value()};
    if (!database(meta, tree)) return false;
    if (id) totals[*id] = tree.totals;
    return true;
  };
  if (taken_.empty()) return {};
  const Page first{0, reinterpret_cast<const uint8_t*>(file_.data()), page_size_};
  if (first.u32(kFlagsAt) == kSubdbs) {
    Tree list{.is_list = true};
    if (!database(0, list)) return {};
    for (const auto& [name, meta] : listed_) {
      if (!check(name, meta)) return {};
    }
  } else if (!check("", 0)) {
    return {};
  }
  if (!free_pages(first.u32(kFreeAt)) || taken_count_ != taken_.size()) return {};
  return totals;
}

std::optional<PlainCheck::Page> PlainCheck::take(uint32_t number) {
  constexpr uint64_t kTellEvery = 1 << 20;
  if (number >= taken_.size() || taken_[number]) return {};
  taken_[number] = true;
  if (++taken_count_ * page_size_ % kTellEvery == 0)
    host_.progress(taken_count_ * page_size_, file_.size());
  const auto* all = reinterpret_cast<const uint8_t*>(file_.data());
  const Page page{number, all + uint64_t{number} * page_size_, page_size_};
  if (page.u32(kNumberAt) != number) return {};
  return page;
}

bool PlainCheck::database(uint32_t number, Tree& tree) {
  const auto meta = take(number);
  if (!meta || meta->bytes[kTypeAt] != kBtreeMeta || meta->u32(kMagicAt) != kBtreeMagic ||
      meta->u32(kVersionAt) < kOldest || meta->u32(kVersionAt) > kNewest ||
      meta->u32(kPageSizeAt) != page_size_ || meta->bytes[kEncryptionAt] != 0 ||
      meta->bytes[kMetaFlagsAt] != 0 || meta->u32(kPartsAt) != 0 ||
      meta->u32(kMinKeyAt) != kUsualMinKey || meta->u32(kRecordSizeAt) != 0) {
    return false;
  }
  // A sub-database has that flag as well as their list; its free pages are the file's.
  const bool is_own = number == 0, has_flag = !is_own || tree.is_list;
  const uint32_t root = meta->u32(kRootAt);
  if (meta->u32(kFlagsAt) != (has_flag ? kSubdbs : 0) || root >= taken_.size() ||
      (is_own ? root != 1 : meta->u32(kFreeAt) != 0)) {
    return false;
  }
  const auto level = static_cast<uint8_t>(file_[uint64_t{root} * page_size_ + kLevelAt]);
  return below(tree, root, level) && tree.next_leaf == 0;
}

bool PlainCheck::below(Tree& tree, uint32_t number, unsigned level) {
  const auto page = take(number);
  if (!page || level == 0 || !page->is(level > 1 ? kBranch : kLeaf, level)) return false;
  if (!page->has_bounds()) return false;
  return level > 1 ? branch(tree, *page, level) : leaf(tree, *page);
}

bool PlainCheck::branch(Tree& tree, const Page& page, unsigned level) {
  if (page.u32(kPreviousAt) != 0) return false;  // a count of records: that is not plain
  tiles_.begin(page.lowest(), page.size);
  for (size_t i = 0; i < page.count(); ++i) {
    const auto item = page.separator(page.item(i));
    if (!item) return false;
    tiles_.add(item->at, item->size);
  }
  if (!tiles_.are_whole()) return false;
  for (size_t i = 0; i < page.count(); ++i) {
    const auto item = page.separator(page.item(i));
    tree.coming = i + 1 < page.count() ? page_below(page, page.item(i + 1)) : nullptr;
    if (i > 0) {  // the first one stands for all that is smaller
      tree.separator = item->text;
      if (*tree.last >= tree.separator) return false;
    }
    if (!below(tree, page.u32(item->at + kPageAt), level - 1)) return false;
  }
  return true;
}

// Where the page begins that a branch's item leads to, or nowhere.
const char* PlainCheck::page_below(const Page& branch, size_t item) const {
  const uint32_t number = branch.u32(item + kPageAt);
  return number < taken_.size() ? file_.data() + uint64_t{number} * page_size_ : nullptr;
}

bool PlainCheck::leaf(Tree& tree, const Page& page) {
  const size_t count = page.count();
  if (count % 2 != 0 || page.u32(kPreviousAt) != tree.leaf) return false;
  if (tree.leaf != 0 && tree.next_leaf != page.number) return false;
  tree.leaf = page.number;
  tree.next_leaf = page.u32(kNextAt);
  tiles_.begin(page.lowest(), page.size);
  // The next leaf comes from memory while this one is looked at, a bit with each entry: all at once
  // would be waited for.
  constexpr size_t kLine = 64;
  const char* coming = tree.coming;
  const char* const coming_end = coming == nullptr ? nullptr : coming + page.size;
  const size_t a_bit = (2 * page.size / count / kLine + 1) * kLine;
  for (size_t i = 0; i < count; i += 2) {
    const char* const to = coming + std::min<size_t>(a_bit, coming_end - coming);
    for (; coming < to; coming += kLine) __builtin_prefetch(coming, 0, 2);
    const auto item = page.item_here(page.item(i));
    if (!item) return false;
    const auto key = item->text;
    if (i == 0 && key < tree.separator) return false;
    if (tree.last && *tree.last >= key) return false;
    tree.last = key;
    tiles_.add(item->at, item->size);
    if (const auto value = page.item_here(page.item(i + 1))) {
      tiles_.add(value->at, value->size);
      if (!entry(tree, key, value->text, value->text.size())) return false;
    } else if (!long_entry(tree, key, page, page.item(i + 1))) {
      return false;
    }
  }
  return tiles_.are_whole();
}

bool PlainCheck::long_entry(Tree& tree, std::string_view key, const Page& page, size_t at) {
  if (!page.holds(at, kLongItemSize) || page.bytes[at + kItemTypeAt] != kLong) return false;
  tiles_.add(at, kLongItemSize);
  const uint64_t length = page.u32(at + kLongSizeAt);
  const bool is_wanted = tree.is_served && size_of_;
  return !tree.is_list &&
         long_value(page.u32(at + kPageAt), length, is_wanted ? &whole_ : nullptr) &&
         entry(tree, key, whole_, length);
}

// `stored` is the value, of that length; or anything, where nobody wants to know more of it.
bool PlainCheck::entry(Tree& tree, std::string_view key, std::string_view stored, uint64_t length) {
  if (tree.is_list) {
    if (length != sizeof(uint32_t)) return false;
    listed_.emplace_back(key, listed_page(stored.data()));
  }
  if (!tree.is_served) return true;
  if (size_of_) {
    const auto served = size_of_(key, stored);
    if (!served) return false;
    length = *served;
  }
  tree.totals.add(key.size(), length);
  return true;
}

bool PlainCheck::long_value(uint32_t number, uint64_t size, std::string* whole) {
  if (whole != nullptr) whole->clear();
  uint32_t before = 0;
  for (uint64_t have = 0; have < size;) {
    const auto part = take(number);
    if (!part || !part->is(kOverflow, 0) || part->u32(kPreviousAt) != before) return false;
    const size_t length = part->u16(kLengthAt);
    if (part->count() != 1 || length == 0 || kHeader + length > part->size) return false;
    have += length;
    if (have > size) return false;
    if (whole != nullptr) whole->append(part->text(kHeader, length));
    before = std::exchange(number, part->u32(kNextAt));
  }
  return size > 0 && number == 0;
}

bool PlainCheck::free_pages(uint32_t first) {
  for (uint32_t number = first; number != 0;) {
    const auto page = take(number);
    if (!page || !page->is(kFreePage, 0)) return false;
    number = page->u32(kNextAt);
  }
  return true;
}

}  // namespace goromdb::bdb

// SPDX-License-Identifier: MIT
#include "tree_walk.h"

#include <goromdb/page_walk.hpp>

#include <algorithm>
#include <future>
#include <utility>

namespace goromdb::lmdb {
namespace {

constexpr uint64_t kTellEvery = 1 << 20;

[[noreturn]] void corrupt(uint64_t page, const std::string& what) {
  throw Failure(GOROMDB_E_CORRUPT, "page " + std::to_string(page) + " " + what);
}

template <class Integer>
int compare_integers(std::string_view a, std::string_view b) {
  const auto x = load<Integer>(a.data()), y = load<Integer>(b.data());
  return x < y ? -1 : x > y ? 1 : 0;
}

// From the last byte to the first.
int compare_reversed(std::string_view a, std::string_view b) {
  const size_t common = std::min(a.size(), b.size());
  for (size_t i = 1; i <= common; ++i) {
    const auto x = static_cast<uint8_t>(a[a.size() - i]), y = static_cast<uint8_t>(b[b.size() - i]);
    if (x != y) return x < y ? -1 : 1;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

// As liblmdb orders the keys of a database with these flags.
int compare(uint16_t flags, std::string_view a, std::string_view b) {
  if ((flags & MDB_REVERSEKEY) != 0) return compare_reversed(a, b);
  if ((flags & MDB_INTEGERKEY) == 0) return a.compare(b);
  return a.size() == sizeof(uint64_t) ? compare_integers<uint64_t>(a, b)
                                      : compare_integers<uint32_t>(a, b);
}

}  // namespace

struct TreeWalk::Node {
  std::string_view key;
  const uint8_t* value;  // may be outside of the page: see value_size and flags
  uint32_t value_size;
  uint16_t flags;

  // The page that a branch leads to.
  uint64_t child() const { return value_size | uint64_t{flags} << 32; }
  // Of the value, in a leaf.
  size_t size_here() const { return flags == kBigValue ? sizeof(uint64_t) : value_size; }
};

struct TreeWalk::Page {
  uint64_t number;
  const uint8_t* bytes;
  size_t size;
  uint16_t kind;   // kBranch, kLeaf or kLeaf | kFixed
  uint16_t count;  // of nodes

  const uint8_t* node_at(uint16_t i) const {
    const auto lower = load<uint16_t>(bytes + kLowerAt);
    const auto at = load<uint16_t>(bytes + kPageHeader + i * sizeof(uint16_t));
    if (at < lower || at + kNodeHeader > size) corrupt(number, "has a node outside of it");
    return bytes + at;
  }
  Node node(uint16_t i) const {
    const uint8_t* at = node_at(i);
    const auto key_size = load<uint16_t>(at + kKeySizeAt);
    const uint8_t* value = at + kNodeHeader + key_size;
    if (value > bytes + size) corrupt(number, "has a key that does not end in it");
    return {{reinterpret_cast<const char*>(at + kNodeHeader), key_size},
            value,
            load<uint32_t>(at),
            load<uint16_t>(at + kNodeFlagsAt)};
  }
  bool holds(const uint8_t* value, size_t value_size) const {
    return value_size <= static_cast<size_t>(bytes + size - value);
  }
  void check_bounds() const {
    const auto lower = load<uint16_t>(bytes + kLowerAt), upper = load<uint16_t>(bytes + kUpperAt);
    if (lower < kPageHeader || lower % 2 != 0 || lower > upper || upper > size) {
      corrupt(number, "has bounds that cannot be");
    }
  }
};

struct TreeWalk::Tree {
  Kind kind;
  Db record;
  std::vector<Named>* named = nullptr;  // of kMain
  PlaceIndex* index = nullptr;

  Db found{};  // counted on the way
  EntryTotals totals{};
  uint64_t free_pages = 0;
  uint64_t first_size = 0;  // of the first duplicate
  std::string_view last{};
  bool has_last = false, last_is_separator = false;
  size_t integer_size = 0;
};

TreeWalk::TreeWalk(const Mapping& file, const Header& header, Host host)
    : file_(file), header_(header), host_(host), seen_(header.last_page + 1) {}

EntryTotals TreeWalk::main(std::vector<Named>& named, PlaceIndex* index) {
  Tree tree{Kind::kMain, header_.main, &named, index};
  walk(tree);
  return tree.totals;
}

EntryTotals TreeWalk::named(const Named& database, PlaceIndex* index) {
  Tree tree{Kind::kNamed, database.db, nullptr, index};
  walk(tree);
  return tree.totals;
}

uint64_t TreeWalk::free_pages() {
  Tree tree{Kind::kFree, header_.free};
  walk(tree);
  return tree.free_pages;
}

void TreeWalk::walk(Tree& tree) {
  if (tree.record.is_empty()) return;
  below(tree, tree.record.root, 1);
  const Db &record = tree.record, &found = tree.found;
  if (found.entries != record.entries || found.branch_pages != record.branch_pages ||
      found.leaf_pages != record.leaf_pages || found.overflow_pages != record.overflow_pages) {
    corrupt(record.root, "begins a tree of " + std::to_string(found.entries) + " entries in " +
                             std::to_string(found.pages()) + " pages, and its record counts " +
                             std::to_string(record.entries) + " in " +
                             std::to_string(record.pages()));
  }
}

void TreeWalk::claim(uint64_t number, uint64_t count) {
  for (uint64_t i = number; i < number + count; ++i) {
    if (seen_[i]) corrupt(i, "is used twice");
    seen_[i] = true;
  }
  done_ += count * header_.page_size;
  if (!tells_ || done_ - told_ < kTellEvery) return;
  told_ = done_;
  host_.progress(std::min<uint64_t>(done_, file_.size()), file_.size());
}

TreeWalk::Page TreeWalk::page_at(uint64_t number) {
  if (number < 2 || number > header_.last_page) {
    corrupt(number, "is pointed at and is none of the " + std::to_string(header_.last_page + 1));
  }
  if (number >= file_.size() / header_.page_size) {
    corrupt(number, "lies behind the end of the file: it is cut");
  }
  claim(number, 1);
  const uint8_t* bytes = file_.data() + number * header_.page_size;
  if (load<uint64_t>(bytes) != number) {
    corrupt(number, "has the number " + std::to_string(load<uint64_t>(bytes)));
  }
  const auto kind = static_cast<uint16_t>(load<uint16_t>(bytes + kPageFlagsAt) & kKindMask);
  const Page page{number, bytes, header_.page_size, kind,
                  static_cast<uint16_t>((load<uint16_t>(bytes + kLowerAt) - kPageHeader) / 2)};
  return page;
}

void TreeWalk::below(Tree& tree, uint64_t number, unsigned depth) {
  const Page page = page_at(number);
  const bool is_leaf = depth == tree.record.depth;
  const bool is_fixed = tree.kind == Kind::kOneKey && (tree.record.flags & MDB_DUPFIXED) != 0;
  const uint16_t expected = !is_leaf ? kBranch : is_fixed ? kLeaf | kFixed : kLeaf;
  if (page.kind != expected) corrupt(number, "is of another kind than its place in the tree");
  page.check_bounds();
  if (!is_leaf) {
    branch(tree, page, depth);
  } else if (is_fixed) {
    check_fixed(tree, page);
    ++tree.found.leaf_pages;
  } else {
    leaf(tree, page);
  }
}

void TreeWalk::branch(Tree& tree, const Page& page, unsigned depth) {
  ++tree.found.branch_pages;
  // liblmdb itself asserts two, but not in the list of free pages.
  if (page.count < (tree.kind == Kind::kFree ? 1 : 2)) corrupt(page.number, "has too few nodes");
  size_t used = 0;
  for (uint16_t i = 0; i < page.count; ++i) {
    used += kNodeHeader + page.node(i).key.size();
    if (used > page.size) corrupt(page.number, "has nodes that overlap");
  }
  if (is_worth_two_threads(tree, page, depth)) {
    halves(tree, page, depth);
  } else {
    children(tree, page, depth, 0, page.count);
  }
}

void TreeWalk::children(Tree& tree, const Page& page, unsigned depth, uint16_t begin,
                        uint16_t end) {
  for (uint16_t i = begin; i < end; ++i) {
    const Node node = page.node(i);
    if (i > 0) check_order(tree, page, node.key, true);  // the first stands for all that is smaller
    coming_ = i + 1 < end ? begin_of(page.node(static_cast<uint16_t>(i + 1)).child()) : nullptr;
    below(tree, node.child(), depth + 1);
  }
}

// A page with some branches below it. Not a small tree of a large file: whoever takes a half has a
// list of all pages.
bool TreeWalk::is_worth_two_threads(const Tree& tree, const Page& page, unsigned depth) const {
  constexpr uint16_t kSome = 4;  // a root may have a full one and a small one, so a child is split
  constexpr unsigned kMostSplits = 16;
  return host_.threads() > 1 && !halved_ && splits_ < kMostSplits && tree.index == nullptr &&
         (tree.kind == Kind::kMain || tree.kind == Kind::kNamed) && page.count >= kSome &&
         depth + 2u <= tree.record.depth && tree.record.pages() >= header_.last_page / 4;
}

// The same as children() of all of the page, the second half on a thread of its own. Each half
// begins or ends at the key between them, so that all keys are in order, and has pages that the
// other has not.
void TreeWalk::halves(Tree& tree, const Page& page, unsigned depth) {
  const auto middle = static_cast<uint16_t>(page.count / 2);
  std::vector<Named> named;
  Tree second{tree.kind, tree.record, &named};
  TreeWalk other(file_, header_, host_);
  other.tells_ = false;
  other.halved_ = halved_ = true;
  ++splits_;
  auto beside = std::async([&] { other.children(second, page, depth, middle, page.count); });
  children(tree, page, depth, 0, middle);
  awaited(beside, host_, std::min<uint64_t>(done_, file_.size()), file_.size());
  halved_ = false;
  check_order(tree, page, page.node(middle).key, true);
  tree.last = second.last;
  tree.last_is_separator = second.last_is_separator;
  tree.found.entries += second.found.entries;
  tree.found.branch_pages += second.found.branch_pages;
  tree.found.leaf_pages += second.found.leaf_pages;
  tree.found.overflow_pages += second.found.overflow_pages;
  tree.totals.add(second.totals);
  for (auto& each : named) add_named(tree, std::move(each));
  for (uint64_t i = 0; i < seen_.size(); ++i) {
    if (other.seen_[i]) claim(i, 1);
  }
}

// Where a page begins that is to be walked next; nowhere: there is none.
const uint8_t* TreeWalk::begin_of(uint64_t number) const {
  const bool is_there = number < file_.size() / header_.page_size;
  return is_there ? file_.data() + number * header_.page_size : nullptr;
}

void TreeWalk::leaf(Tree& tree, const Page& of) {
  const Page page = of;  // at hand, not behind a reference: this is most of the work
  ++tree.found.leaf_pages;
  if (page.count == 0 && tree.kind != Kind::kFree) corrupt(page.number, "has no nodes");
  // Of most entries there is no more to know than what is looked at here.
  const bool are_usual = (tree.kind == Kind::kMain || tree.kind == Kind::kNamed) &&
                         tree.index == nullptr &&
                         (tree.record.flags & (MDB_REVERSEKEY | MDB_INTEGERKEY)) == 0;
  ComingPage coming(std::exchange(coming_, nullptr), page.size, page.count);
  EntryTotals found;
  std::string_view last;
  size_t used = 0;
  for (uint16_t i = 0; i < page.count; ++i) {
    coming.a_bit();
    const Node node = page.node(i);
    // Pages of duplicates in nodes that overlap would be walked again and again.
    used += kNodeHeader + node.key.size() + node.size_here();
    if (used > page.size) corrupt(page.number, "has nodes that overlap");
    if (are_usual && i > 0 && node.flags == 0 && page.holds(node.value, node.value_size) &&
        is_below(last, node.key)) {
      found.add(node.key.size(), node.value_size);
    } else {
      if (i > 0) tree.last = last;
      check_order(tree, page, node.key, false);
      entry(tree, page, node);
    }
    last = node.key;
  }
  if (page.count > 0) tree.last = last;
  tree.found.entries += found.entries;
  tree.totals.add(found);
}

void TreeWalk::entry(Tree& tree, const Page& page, const Node& node) {
  if (!page.holds(node.value, node.size_here())) {
    corrupt(page.number, "has a value that does not end in it");
  }
  const bool sorts_duplicates = (tree.record.flags & MDB_DUPSORT) != 0;
  uint64_t entries = 1, value_size = node.value_size;
  if (tree.kind == Kind::kOneKey) {
    if (node.flags != 0) corrupt(page.number, "has a duplicate with flags");
    if (tree.found.entries == 0) tree.first_size = node.key.size();
  } else if (node.flags == kTree && tree.kind == Kind::kMain && !sorts_duplicates &&
             (tree.record.flags & MDB_INTEGERKEY) == 0) {
    if (node.value_size != Db::kSize) corrupt(page.number, "has a database without a record");
    ++tree.found.entries;
    const Named named{std::string(node.key), Db::read(node.value)};
    check_record(named.db, header_, file_.size(),
                 "page " + std::to_string(page.number) + ": a named database");
    add_named(tree, named);
    return;
  } else if ((node.flags & kDuplicates) != 0 && sorts_duplicates && tree.kind != Kind::kFree) {
    entries = duplicates(tree, page, node, value_size);
  } else if (node.flags == kBigValue) {
    const uint8_t* value = big_value(tree, page, node);
    if (tree.kind == Kind::kFree) tree.free_pages += load<uint64_t>(value);
  } else if (node.flags != 0) {
    corrupt(page.number, "has a node with flags that cannot be: " + std::to_string(node.flags));
  } else if (tree.kind == Kind::kFree) {
    if (node.value_size < sizeof(uint64_t)) corrupt(page.number, "has an empty list");
    tree.free_pages += load<uint64_t>(node.value);
  }
  tree.found.entries += entries;
  tree.totals.add(node.key.size(), value_size);
  if (tree.index != nullptr && !sorts_duplicates) {
    const auto* key = reinterpret_cast<const uint8_t*>(node.key.data());
    tree.index->add(tree.record.root, node.key,
                    static_cast<uint64_t>(key - kNodeHeader - file_.data()));
  }
}

void TreeWalk::add_named(Tree& tree, Named named) {
  if (tree.named->size() == kMostNamed) {
    throw Failure(GOROMDB_E_UNSUPPORTED,
                  "it has more than " + std::to_string(kMostNamed) +
                      " named databases; make the name a part of the keys instead");
  }
  tree.named->push_back(std::move(named));
}

// Where a value lies that has pages of its own.
const uint8_t* TreeWalk::big_value(Tree& tree, const Page& page, const Node& node) {
  const auto number = load<uint64_t>(node.value);
  const uint64_t needed = (kPageHeader - 1 + uint64_t{node.value_size}) / header_.page_size + 1;
  if (number < 2 || number > header_.last_page || needed > header_.last_page + 1 - number) {
    corrupt(page.number, "has a value in pages that are not there");
  }
  const uint64_t begin = number * header_.page_size;
  if (begin + kPageHeader + std::max<uint64_t>(node.value_size, sizeof(uint64_t)) > file_.size()) {
    corrupt(page.number, "has a value that lies behind the end of the file: it is cut");
  }
  const uint8_t* bytes = file_.data() + begin;
  const auto count = load<uint32_t>(bytes + kOverflowPagesAt);
  if (load<uint64_t>(bytes) != number ||
      (load<uint16_t>(bytes + kPageFlagsAt) & kKindMask) != kOverflow || count < needed ||
      count > header_.last_page + 1 - number) {
    corrupt(number, "is not the value that page " + std::to_string(page.number) + " has there");
  }
  claim(number, count);
  tree.found.overflow_pages += count;
  return bytes + kPageHeader;
}

// A leaf of values of one size, without nodes.
void TreeWalk::check_fixed(Tree& tree, const Page& page) const {
  const uint64_t size = tree.record.fixed_size;
  if (page.count == 0 || kPageHeader + page.count * size > page.size) {
    corrupt(page.number, "has duplicates that do not end in it");
  }
  if (tree.found.entries == 0) tree.first_size = size;
  tree.found.entries += page.count;
}

// How many there are, and the size of the first. They lie in a page inside the node or in a tree.
uint64_t TreeWalk::duplicates(const Tree& tree, const Page& page, const Node& node,
                              uint64_t& first_size) {
  Tree inner{Kind::kOneKey, {}};
  if (node.flags == (kDuplicates | kTree)) {
    if (node.value_size != Db::kSize) corrupt(page.number, "has duplicates without a record");
    inner.record = Db::read(node.value);
    check_record(inner.record, header_, file_.size(),
                 "page " + std::to_string(page.number) + ": a tree of duplicates");
    if (inner.record.is_empty() || ((inner.record.flags ^ tree.record.flags) & MDB_DUPFIXED) != 0) {
      corrupt(page.number, "has a tree of duplicates that is of another kind");
    }
    walk(inner);
    first_size = inner.first_size;
    return inner.found.entries;
  }
  if (node.flags != kDuplicates || node.value_size < kPageHeader) {
    corrupt(page.number, "has duplicates that are neither a page nor a tree");
  }
  inner.record.flags = tree.record.flags & MDB_DUPFIXED;
  inner.record.fixed_size = load<uint16_t>(node.value + 8);
  const Page sub{page.number, node.value, node.value_size,
                 static_cast<uint16_t>(load<uint16_t>(node.value + kPageFlagsAt) & kKindMask),
                 static_cast<uint16_t>((load<uint16_t>(node.value + kLowerAt) - kPageHeader) / 2)};
  const uint16_t expected = inner.record.flags != 0 ? kLeaf | kFixed : kLeaf;
  if (sub.kind != expected) corrupt(page.number, "has duplicates of another kind");
  sub.check_bounds();
  if (sub.kind == kLeaf) {
    leaf(inner, sub);
  } else {
    check_fixed(inner, sub);
  }
  first_size = inner.first_size;
  return inner.found.entries;
}

// liblmdb finds a key only where the order of all keys says.
void TreeWalk::check_order(Tree& tree, const Page& page, std::string_view key,
                           bool is_separator) const {
  if (tree.kind == Kind::kOneKey) return;  // only the first is served
  if ((tree.record.flags & MDB_INTEGERKEY) != 0) {
    if (tree.integer_size == 0) tree.integer_size = key.size();
    if (key.size() != tree.integer_size || (key.size() != 4 && key.size() != 8)) {
      corrupt(page.number, "has an integer of " + std::to_string(key.size()) + " bytes");
    }
  } else if (key.empty()) {
    corrupt(page.number, "has an empty key");
  }
  if (tree.has_last) {
    const int order = compare(tree.record.flags, tree.last, key);
    if (order > 0 || (order == 0 && (is_separator || !tree.last_is_separator))) {
      corrupt(page.number,
              "has keys out of order, or in the order of a program that brings its own "
              "(mdb_set_compare), which cannot be read");
    }
  }
  tree.last = key;
  tree.has_last = true;
  tree.last_is_separator = is_separator;
}

}  // namespace goromdb::lmdb

// SPDX-License-Identifier: MIT
#include "key_chance.h"

#include <unistd.h>

#include <bit>
#include <cerrno>
#include <utility>
#include <vector>

#include "format.h"

namespace goromdb::bdb {
namespace {

constexpr unsigned kDeepest = 255;

[[noreturn]] void corrupt(uint32_t page, const char* what) {
  throw Failure(GOROMDB_E_CORRUPT, "page " + std::to_string(page) + " " + what);
}

}  // namespace

struct KeyChance::Page {
  uint32_t number;
  bool swapped;
  size_t header;
  std::string bytes;

  uint8_t u8(size_t at) const {
    if (at >= bytes.size()) corrupt(number, "has an item outside of it");
    return static_cast<uint8_t>(bytes[at]);
  }
  uint16_t u16(size_t at) const {
    const auto low = u8(swapped ? at + 1 : at), high = u8(swapped ? at : at + 1);
    return static_cast<uint16_t>(low | high << 8);
  }
  uint32_t u32(size_t at) const {
    const uint32_t first = u16(at), second = u16(at + 2);
    return swapped ? first << 16 | second : second << 16 | first;
  }
  uint8_t type() const { return u8(kTypeAt); }
  // Never written: a bucket into which nothing was put.
  bool is_hole() const { return type() == kFreePage && u32(kNumberAt) == 0; }
  bool is_hash() const { return type() == kHash || type() == kHashUnsorted; }
  uint16_t count() const { return u16(kCountAt); }
  size_t item(size_t i) const { return u16(header + i * sizeof(uint16_t)); }
  // Nothing: the key does not lie in this page.
  std::optional<std::string_view> key(size_t i) const {
    if (item_type(i) != kHere) return {};
    const size_t at = item(i);
    const size_t begin = at + (is_hash()         ? kHashKeyAt
                               : type() == kLeaf ? kLeafKeyAt
                                                 : kBranchKeyAt);
    const size_t end = !is_hash() ? begin + u16(at) : i == 0 ? bytes.size() : item(i - 1);
    if (end < begin || end > bytes.size()) corrupt(number, "has a key that does not end in it");
    return std::string_view(bytes).substr(begin, end - begin);
  }
  uint8_t item_type(size_t i) const {
    return is_hash() ? u8(item(i)) : u8(item(i) + kItemTypeAt) & kDeletedMask;
  }
  // The items among which there may be keys with the prefix: of a branch, those that lead to them.
  std::vector<size_t> items(std::string_view prefix) const {
    std::vector<size_t> some;
    const bool is_leaf = type() != kBranch;
    for (size_t i = 0; i < count(); i += is_leaf ? 2 : 1) {  // a leaf: a key, a value
      if (is_leaf) {
        if (i > 0 && item(i) == item(i - 2)) continue;  // a duplicate in a btree
        const auto own = prefix.empty() ? std::nullopt : key(i);
        if (own && !own->starts_with(prefix)) continue;
      } else if (!prefix.empty()) {
        // The first one leads to all keys before the second one's.
        const auto from = i > 0 ? key(i).value_or(std::string_view()) : std::string_view();
        const auto to = i + 1u < count() ? key(i + 1) : std::nullopt;
        if (from > prefix && !from.starts_with(prefix)) break;
        if (to && *to <= prefix) continue;
      }
      some.push_back(i);
    }
    return some;
  }
};

KeyChance::Page KeyChance::read(uint32_t number) const {
  const size_t size = header_.page_size;
  if (number >= file_.size() / size) corrupt(number, "is pointed at and is not in the file");
  Page page{number, header_.swapped, header_.checksums ? kHeaderWithSum : kHeader,
            std::string(size, '\0')};
  for (size_t have = 0; have < size;) {
    const ssize_t n = ::pread(file_.fd(), page.bytes.data() + have, size - have,
                              static_cast<off_t>(uint64_t{number} * size + have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Failure(GOROMDB_E_IO, "page " + std::to_string(number) + " cannot be read");
    have += static_cast<size_t>(n);
  }
  if (page.u32(kNumberAt) != number && !page.is_hole())
    corrupt(number, "bears another page's number");
  return page;
}

Tree KeyChance::tree_at(uint32_t meta) const {
  const Page page = read(meta);
  if (page.type() == kHashMeta) return {Tree::kHash, meta};
  if (page.type() != kBtreeMeta) corrupt(meta, "does not begin a database");
  const auto flags = page.u32(kFlagsAt);
  if ((flags & kRecno) != 0) return {};
  return {(flags & kCompressed) != 0 ? Tree::kCompressed : Tree::kBtree, page.u32(kRootAt)};
}

std::string KeyChance::key_of(const Page& page, size_t item) const {
  if (const auto key = page.key(item)) return std::string(*key);
  if (page.item_type(item) != kLong) corrupt(page.number, "has a key of an unknown kind");
  const size_t at = page.item(item);
  return long_key(page.u32(at + kPageAt), page.u32(at + kLongSizeAt));
}

std::string KeyChance::long_key(uint32_t page, uint32_t size) const {
  if (size > file_.size()) corrupt(page, "begins a key that is longer than the file");
  std::string key;
  while (key.size() < size) {
    const Page part = read(page);
    const size_t length = part.u16(kLengthAt);
    if (part.type() != kOverflow || length == 0 || part.header + length > part.bytes.size()) {
      corrupt(page, "is no part of a long key");
    }
    key.append(part.bytes, part.header, length);
    page = part.u32(kNextAt);
  }
  key.resize(size);
  return key;
}

// One item of each page on the way down.
std::optional<Candidate<std::string>> KeyChance::in_btree(const Tree& tree, std::string_view prefix,
                                                          std::mt19937_64& chance) const {
  Candidate<std::string> out;
  uint32_t number = tree.root;
  for (unsigned depth = 0; depth < kDeepest; ++depth) {
    const Page page = read(number);
    if (page.type() != kLeaf && page.type() != kBranch) {
      corrupt(number, "is neither a branch nor a leaf");
    }
    const auto items = page.items(prefix);
    if (items.empty()) return {};
    out.ways *= static_cast<double>(items.size());
    const size_t chosen = items[chance() % items.size()];
    if (page.type() == kBranch) {
      number = page.u32(page.item(chosen) + kPageAt);
      continue;
    }
    out.found = key_of(page, chosen);
    if (!out.found.starts_with(prefix)) return {};
    return out;
  }
  corrupt(number, "lies deeper than a tree is");
}

// One of the keys in one of the buckets, each of which is a chain of pages.
std::optional<Candidate<std::string>> KeyChance::in_hash(const Tree& tree, std::string_view prefix,
                                                         std::mt19937_64& chance) const {
  const Page meta = read(tree.root);
  const auto bucket = static_cast<uint32_t>(chance() % (uint64_t{meta.u32(kLastBucketAt)} + 1));
  const auto doubling = static_cast<size_t>(std::bit_width(bucket));
  if (doubling >= kSpares) corrupt(tree.root, "counts too many buckets");
  uint32_t number = bucket + meta.u32(kSparesAt + doubling * sizeof(uint32_t));
  std::optional<std::string> key;
  uint64_t keys = 0, pages = 0;
  do {
    const Page page = read(number);
    if (page.is_hole()) break;
    if (!page.is_hash()) corrupt(number, "is no part of a bucket");
    if (++pages > file_.size() / header_.page_size) corrupt(number, "is part of a circle");
    for (const size_t item : page.items(prefix)) {
      if (chance() % ++keys == 0) key = key_of(page, item);
    }
    number = page.u32(kNextAt);
  } while (number != 0);
  if (!key || !key->starts_with(prefix)) return {};
  return Candidate<std::string>{std::move(*key), static_cast<double>(keys)};
}

std::optional<std::string> KeyChance::any_key(const Tree& tree, std::string_view prefix,
                                              uint64_t random) const {
  auto chosen = choose_by_chance(random, [&](std::mt19937_64& chance) {
    return tree.kind == Tree::kHash ? in_hash(tree, prefix, chance)
                                    : in_btree(tree, prefix, chance);
  });
  if (!chosen) return std::nullopt;
  return std::move(chosen->found);
}

}  // namespace goromdb::bdb

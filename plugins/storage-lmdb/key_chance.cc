// SPDX-License-Identifier: MIT
#include "key_chance.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace goromdb::lmdb {
namespace {

[[noreturn]] void corrupt(uint64_t page, const char* what) {
  throw Failure(GOROMDB_E_CORRUPT, "page " + std::to_string(page) + " " + what);
}

}  // namespace

struct KeyChance::Page {
  uint64_t number;
  std::string bytes;

  template <class T>
  T at(size_t offset) const {
    return load<T>(bytes.data() + offset);
  }
  bool is(uint16_t kind) const { return (at<uint16_t>(kPageFlagsAt) & kKindMask) == kind; }
  uint16_t count() const {
    return static_cast<uint16_t>((at<uint16_t>(kLowerAt) - kPageHeader) / 2);
  }
  // Where the node `i` begins; the header of it and its key are inside of the page.
  size_t node(size_t i) const {
    const size_t begin = at<uint16_t>(kPageHeader + i * sizeof(uint16_t));
    if (begin < at<uint16_t>(kLowerAt) || begin + kNodeHeader > bytes.size() ||
        begin + kNodeHeader + at<uint16_t>(begin + kKeySizeAt) > bytes.size()) {
      corrupt(number, "has a node outside of it");
    }
    return begin;
  }
};

KeyChance::Page KeyChance::read(uint64_t number) const {
  if (number >= file_.size() / page_size_) corrupt(number, "is pointed at and is not in the file");
  Page page{number, std::string(page_size_, '\0')};
  for (size_t have = 0; have < page_size_;) {
    const ssize_t n = ::pread(file_.fd(), page.bytes.data() + have, page_size_ - have,
                              static_cast<off_t>(number * page_size_ + have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Failure(GOROMDB_E_IO, "page " + std::to_string(number) + " cannot be read");
    have += static_cast<size_t>(n);
  }
  const auto lower = page.at<uint16_t>(kLowerAt);
  if (page.at<uint64_t>(0) != number || (!page.is(kBranch) && !page.is(kLeaf))) {
    corrupt(number, "is neither a branch nor a leaf");
  }
  if (lower < kPageHeader + 2 || lower > page_size_) corrupt(number, "has bounds that cannot be");
  return page;
}

// One node of each page on the way down.
std::optional<Candidate<std::string>> KeyChance::candidate(const Db& tree, bool has_databases,
                                                           std::mt19937_64& chance) const {
  Candidate<std::string> out;
  uint64_t number = tree.root;
  for (unsigned depth = 1; depth <= kDeepest; ++depth) {
    const Page page = read(number);
    out.ways *= page.count();
    const size_t node = page.node(chance() % page.count());
    const auto flags = page.at<uint16_t>(node + kNodeFlagsAt);
    if (page.is(kLeaf)) {
      if (has_databases && flags == kTree) return std::nullopt;
      out.found = page.bytes.substr(node + kNodeHeader, page.at<uint16_t>(node + kKeySizeAt));
      return out;
    }
    number = page.at<uint32_t>(node) | uint64_t{flags} << 32;
  }
  corrupt(number, "lies deeper than a tree is");
}

std::optional<std::string> KeyChance::any_key(const Db& tree, bool has_databases,
                                              uint64_t random) const {
  if (tree.is_empty()) return std::nullopt;
  auto chosen = choose_by_chance(
      random, [&](std::mt19937_64& chance) { return candidate(tree, has_databases, chance); });
  if (!chosen) return std::nullopt;
  return std::move(chosen->found);
}

}  // namespace goromdb::lmdb

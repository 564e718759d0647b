// SPDX-License-Identifier: MIT
// Walks the trees of an LMDB file without liblmdb and trusts nothing: what liblmdb will find in a
// tree that was walked neither leads it out of the file nor in circles nor into an assertion. One
// thread.
//
// Checked for each page: that it is in the file and nowhere else in the trees, its number, kind and
// depth, that its nodes are inside; for each node: key, value and flags, the order of keys over all
// pages and between branches and leaves; for each tree: that its record counts what is there.
#pragma once

#include "format.h"
#include "header.h"

#include <string_view>
#include <vector>

namespace goromdb::lmdb {

// More databases than that are refused: liblmdb looks through all of them to open one.
constexpr size_t kMostNamed = 16384;

class TreeWalk {
 public:
  TreeWalk(const Mapping& file, const Header& header, Host host);

  // All throw E_CORRUPT, E_UNSUPPORTED or, when the server stops, E_CANCELLED. A page belongs to
  // one tree: walk each once. The named databases that are found are appended to `named`, not
  // walked.
  // What they count: keys with their first values, not the named databases in the main one.
  EntryTotals main(std::vector<Named>& named);
  EntryTotals named(const Named& database);
  // How many pages are listed as free.
  uint64_t free_pages();

 private:
  enum class Kind { kFree, kMain, kNamed, kOneKey };  // the last: of duplicates
  struct Tree;
  struct Node;
  struct Page;

  void walk(Tree& tree);
  void below(Tree& tree, uint64_t number, unsigned depth);
  void branch(Tree& tree, const Page& page, unsigned depth);
  void fetch(uint64_t number) const;
  void leaf(Tree& tree, const Page& page);
  void entry(Tree& tree, const Page& page, const Node& node);
  const uint8_t* big_value(Tree& tree, const Page& page, const Node& node);
  void check_fixed(Tree& tree, const Page& page) const;
  uint64_t duplicates(const Tree& tree, const Page& page, const Node& node, uint64_t& first_size);
  void check_order(Tree& tree, const Page& page, std::string_view key, bool is_separator) const;
  Page page_at(uint64_t number);
  void claim(uint64_t number, uint64_t count);

  const Mapping& file_;
  const Header& header_;
  const Host host_;
  std::vector<bool> seen_;
  uint64_t done_ = 0, told_ = 0;  // bytes
};

}  // namespace goromdb::lmdb

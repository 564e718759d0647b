// SPDX-License-Identifier: MIT
// Walks the trees of an LMDB file without liblmdb and trusts nothing: what liblmdb will find in a
// tree that was walked neither leads it out of the file nor in circles nor into an assertion. One
// thread, and another for half of a large tree where the host lends one and there is no index.
//
// Checked for each page: that it is in the file and nowhere else in the trees, its number, kind and
// depth, that its nodes are inside; for each node: key, value and flags, the order of keys over all
// pages and between branches and leaves; for each tree: that its record counts what is there.
#pragma once

#include "format.h"
#include "header.h"

#include <goromdb/place_index.hpp>

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
  // What they count: keys with their first values, not the named databases in the main one. The
  // same keys are added to `index`, if there is one: as the places of their nodes, in the tree that
  // the number of its root stands for. Not those of a tree that may have duplicates.
  EntryTotals main(std::vector<Named>& named, PlaceIndex* index = nullptr);
  EntryTotals named(const Named& database, PlaceIndex* index = nullptr);
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
  void children(Tree& tree, const Page& page, unsigned depth, uint16_t begin, uint16_t end);
  bool is_worth_two_threads(const Tree& tree, const Page& page, unsigned depth) const;
  void halves(Tree& tree, const Page& page, unsigned depth);
  const uint8_t* begin_of(uint64_t number) const;
  void leaf(Tree& tree, const Page& page);
  void entry(Tree& tree, const Page& page, const Node& node);
  const uint8_t* big_value(Tree& tree, const Page& page, const Node& node);
  void check_fixed(Tree& tree, const Page& page) const;
  uint64_t duplicates(const Tree& tree, const Page& page, const Node& node, uint64_t& first_size);
  static void add_named(Tree& tree, Named named);
  void check_order(Tree& tree, const Page& page, std::string_view key, bool is_separator) const;
  Page page_at(uint64_t number);
  void claim(uint64_t number, uint64_t count);

  const Mapping& file_;
  const Header& header_;
  const Host host_;
  std::vector<bool> seen_;
  bool halved_ = false;              // another thread has a half at this time
  unsigned splits_ = 0;              // so far; each takes a list of all pages
  bool tells_ = true;                // the host, of progress; on the thread of the call alone
  uint64_t done_ = 0, told_ = 0;     // bytes
  const uint8_t* coming_ = nullptr;  // the page that is walked next, where that is known
};

}  // namespace goromdb::lmdb

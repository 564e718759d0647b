// SPDX-License-Identifier: MIT
// Keys by chance. libdb can only look for a key that one has: so the pages on the way to one are
// read here, each with a system call, with every bound checked. Any thread.
#pragma once

#include "file_header.h"

#include <goromdb/chance.hpp>
#include <goromdb/data_file.hpp>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace goromdb::bdb {

// What the first page of a database says.
struct Tree {
  enum Kind { kRecno, kBtree, kCompressed, kHash } kind = kRecno;
  uint32_t root = 0;  // of a hash: its first page

  // In the order of the bytes of its keys.
  bool is_sorted() const { return kind == kBtree || kind == kCompressed; }
};

class KeyChance {
 public:
  // `file` outlives it.
  KeyChance(const DataFile& file, const FileHeader& header) : file_(file), header_(header) {}

  // Of the database whose first page is `meta`, 0 for the file's own. Throws Failure.
  Tree tree_at(uint32_t meta) const;
  // A key with this prefix that `random` chooses, each about as likely; of a btree or a hash.
  // Nothing: chance met none. Throws Failure.
  std::optional<std::string> any_key(const Tree& tree, std::string_view prefix,
                                     uint64_t random) const;

 private:
  struct Page;
  Page read(uint32_t number) const;
  std::string long_key(uint32_t page, uint32_t size) const;
  std::optional<Candidate<std::string>> in_btree(const Tree& tree, std::string_view prefix,
                                                 std::mt19937_64& chance) const;
  std::optional<Candidate<std::string>> in_hash(const Tree& tree, std::string_view prefix,
                                                std::mt19937_64& chance) const;
  std::string key_of(const Page& page, size_t item) const;

  const DataFile& file_;
  const FileHeader header_;
};

}  // namespace goromdb::bdb

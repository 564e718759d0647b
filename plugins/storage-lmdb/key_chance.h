// SPDX-License-Identifier: MIT
// Keys by chance. liblmdb can only look for a key that one has: so the pages on the way to one are
// read here, each with a system call, with every bound checked. Any thread.
#pragma once

#include "header.h"

#include <goromdb/chance.hpp>
#include <goromdb/data_file.hpp>

#include <optional>
#include <random>
#include <string>

namespace goromdb::lmdb {

class KeyChance {
 public:
  // `file` outlives it.
  KeyChance(const DataFile& file, const Header& header)
      : file_(file), page_size_(header.page_size) {}

  // A key that `random` chooses, each about as likely. With `has_databases` the tree is the main
  // one, and entries that are named databases are no keys. Nothing: it is empty, or chance met
  // nothing but databases. Throws Failure.
  std::optional<std::string> any_key(const Db& tree, bool has_databases, uint64_t random) const;

 private:
  struct Page;
  Page read(uint64_t number) const;
  // Nothing: it came upon a database.
  std::optional<Candidate<std::string>> candidate(const Db& tree, bool has_databases,
                                                  std::mt19937_64& chance) const;

  const DataFile& file_;
  const uint32_t page_size_;
};

}  // namespace goromdb::lmdb

// SPDX-License-Identifier: MIT
// Makes an LMDB file of entries that come in the order of (namespace, key). One thread.
#pragma once

#include "environment.h"

#include <goromdb/sdk.hpp>

#include <string>

namespace goromdb::lmdb {

class LmdbBuilder {
 public:
  // `database`: where keys without a namespace go; empty: the main one. Throws E_IO when there is
  // something at `path`.
  LmdbBuilder(const std::string& path, std::string database);

  // Throws E_CONFIG for what LMDB cannot keep.
  void put(std::string_view ns, std::string_view key, std::string_view value, uint32_t flags);
  void finish();

 private:
  void enter(const std::string& database);
  void begin(uint64_t bytes);
  void commit();

  const std::string database_;
  EnvPtr env_;
  TxnPtr txn_;
  MDB_dbi dbi_ = 0;
  std::string current_;  // the database of dbi_, when there is one
  std::string last_ns_;
  uint64_t map_size_ = 0, room_ = 0;  // bytes that may still be put before a commit
  size_t databases_ = 0;
};

}  // namespace goromdb::lmdb

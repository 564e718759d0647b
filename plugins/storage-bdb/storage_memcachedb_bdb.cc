// SPDX-License-Identifier: MIT
// The plugin storage-memcachedb-bdb.
#include "bdb_store.h"

namespace goromdb::bdb {
namespace {

class MemcachedbBdb : public BdbStore {
 public:
  static constexpr const char* kName = "memcachedb-bdb";
  static constexpr const char* kDoc =
      "Berkeley DB files as MemcacheDB writes them; the same as bdb with encoding memcachedb";
  static constexpr auto kOptions = options("memcachedb");
  using BdbStore::BdbStore;
};

}  // namespace
}  // namespace goromdb::bdb

GOROMDB_STORAGE_PLUGIN(goromdb::bdb::MemcachedbBdb)

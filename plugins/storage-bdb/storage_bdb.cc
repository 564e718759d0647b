// SPDX-License-Identifier: MIT
// The plugin storage-bdb.
#include "bdb_store.h"

namespace goromdb::bdb {
namespace {

class Bdb : public BdbStore {
 public:
  static constexpr const char* kName = "bdb";
  static constexpr const char* kDoc =
      "Berkeley DB files of libdb 5.3 and older (btree, hash, recno); sub-databases are namespaces";
  static constexpr auto kOptions = options("raw");
  using BdbStore::BdbStore;
  static bool recognise(std::string_view head, uint64_t) {
    return format_of(head).starts_with("a Berkeley DB ");
  }
};

}  // namespace
}  // namespace goromdb::bdb

GOROMDB_STORAGE_PLUGIN(goromdb::bdb::Bdb)

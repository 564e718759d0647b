// SPDX-License-Identifier: MIT
// The plugin storage-boltdb.
#include "bolt_store.h"

namespace goromdb::bolt {
namespace {

class BoltDb : public BoltStore {
 public:
  static constexpr const char* kName = "boltdb";
  using BoltStore::BoltStore;
};

}  // namespace
}  // namespace goromdb::bolt

GOROMDB_STORAGE_PLUGIN(goromdb::bolt::BoltDb)

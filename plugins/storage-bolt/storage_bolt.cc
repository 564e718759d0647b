// SPDX-License-Identifier: MIT
// The plugin storage-bolt.
#include "bolt_store.h"

namespace goromdb::bolt {
namespace {

class Bolt : public BoltStore {
 public:
  static constexpr const char* kName = "bolt";
  using BoltStore::BoltStore;
  static bool recognise(std::string_view head, uint64_t) {
    return format_of(head).starts_with("a Bolt file");
  }
};

}  // namespace
}  // namespace goromdb::bolt

GOROMDB_STORAGE_PLUGIN(goromdb::bolt::Bolt)

// SPDX-License-Identifier: MIT
// Keys that say where they are looked for: "DATABASE/NAMESPACE:KEY", with the separators of the
// listener's options. Constant after the start; any thread.
#pragma once

#include <goromdb/sdk.hpp>

#include <string>

namespace goromdb::memcached {

class Prefixes {
 public:
  Prefixes() = default;
  // Empty: keys have no such prefix. Throws a Failure for separators that no key could have.
  Prefixes(std::string_view database_separator, std::string_view namespace_separator);

  bool used() const { return !database_separator_.empty() || !namespace_separator_.empty(); }

  // The key, as it is looked for, of what the wire has; adds to io.scopes what it needs, which is
  // one scope at most. The bytes of the wire are key_on_wire() of it.
  goromdb_key read(std::string_view wire, goromdb_parse& io) const;

 private:
  std::string database_separator_, namespace_separator_;
};

// `scopes`: of the batch; NULL where no key has a scope.
inline std::string_view key_on_wire(const goromdb_key& key, const goromdb_scope* scopes) {
  const uint32_t before = key.ns == 0 ? 0 : scopes[key.ns - 1].tag;
  return {static_cast<const char*>(key.ptr) - before, key.len + before};
}

}  // namespace goromdb::memcached

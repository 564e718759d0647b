// SPDX-License-Identifier: MIT
// Writes a btree file: one database, or a sub-database for each namespace. One thread's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "environment.h"
#include "reader.h"

namespace goromdb::bdb {

class BdbBuilder {
 public:
  // E_IO when there is something at `path`.
  BdbBuilder(const Layout& layout, const char* path);
  // Namespaces come in ascending order; keys may come in any, and give the smallest file in theirs.
  void put(std::string_view ns, std::string_view key, std::string_view value, uint32_t flags);
  void finish();

 private:
  void enter(const std::string& ns);

  const Layout& layout_;
  const std::string path_;
  Environment env_;
  DbHandle database_;  // that of ns_
  std::string ns_;
  std::string joined_;  // a prefix and a key
};

}  // namespace goromdb::bdb

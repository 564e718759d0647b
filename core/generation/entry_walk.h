// SPDX-License-Identifier: MIT
// All entries of an open generation, by its storage's cursors: what the tools read files with, and
// the guard those that a storage has not walked itself.
#pragma once

#include <goromdb/plugin.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/arena.h"
#include "core/base/error.h"

namespace goromdb {

// Borrowed: whoever hands it out says until when.
struct Entry {
  std::string_view ns, key, value;  // ns empty: no namespace
  uint32_t flags = 0;               // memcached's
};

// Whether a storage's verify() has come past every entry: then it has counted and measured them.
bool has_counted_all(const goromdb_generation_info& info);

// 0 for the empty name; GOROMDB_NOT_FOUND where there is no such namespace.
goromdb_status find_namespace(const goromdb_storage_ops& ops, goromdb_reader* reader,
                              std::string_view name, uint32_t& id);

// One thread. The reader outlives it.
class EntryWalk {
 public:
  static constexpr uint32_t kBatch = 256;

  // For a storage that has cursors.
  EntryWalk(const goromdb_storage_ops& ops, goromdb_reader* reader) : ops_(ops), reader_(reader) {}
  ~EntryWalk();
  EntryWalk(const EntryWalk&) = delete;
  EntryWalk& operator=(const EntryWalk&) = delete;

  // The entries of a namespace, or ("") those without one; unset: those without one, then each
  // namespace's. Once, before next(). Errors are the storage's, as PluginError::as_error().
  Result<void> begin(const std::optional<std::string>& ns);
  // The next ones, all of one namespace, good until the next call; none behind the last.
  Result<std::span<const Entry>> next();

 private:
  Result<void> enter(const std::string& ns);
  // The namespace behind ns_, or false.
  Result<bool> next_namespace();

  const goromdb_storage_ops& ops_;
  goromdb_reader* const reader_;
  bool all_ = false;
  std::string ns_;                  // where it is
  std::vector<std::string> names_;  // that come next, the last one first
  bool names_end_ = false;          // there are no more than these
  goromdb_cursor* cursor_ = nullptr;
  goromdb_arena arena_;
  std::vector<Entry> entries_;
};

}  // namespace goromdb

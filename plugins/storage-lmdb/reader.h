// SPDX-License-Identifier: MIT
// Look-ups and walks in one transaction. Each reader belongs to one thread at a time; its values
// lie in the environment's map and outlive it.
#pragma once

#include "environment.h"
#include "key_chance.h"

#include <goromdb/data_file.hpp>
#include <goromdb/place_index.hpp>
#include <goromdb/sdk.hpp>

#include <optional>

namespace goromdb::lmdb {

// The databases of a generation: the first holds the keys without a namespace, the others are
// namespaces, sorted by name; a namespace's id is its place.
struct Catalog {
  std::vector<std::string> names;
  std::vector<Db> records;
  // How many entries of the main database are named ones; unset: not all of them have been found.
  std::optional<uint64_t> in_main;

  // 0 when there is none.
  uint32_t id_of(std::string_view name) const;
  // That of the first one behind `name`.
  uint32_t id_behind(std::string_view name) const;
  uint32_t size() const { return static_cast<uint32_t>(names.size()); }
  // The keys of a database, as its record says, which counts duplicates each.
  std::optional<uint64_t> keys_of(uint32_t id) const;
  // Whether all of them are in the order of the bytes of their keys.
  bool is_sorted() const;
  bool may_have_duplicates(uint32_t id) const {
    return id < size() && (records[id].flags & MDB_DUPSORT) != 0;
  }
};

// An index over the nodes of all trees but those that may have duplicates. `map` is of the file.
struct NodeIndex {
  NodeIndex(Mapping whole, uint32_t page);

  Mapping map;
  uint32_t page_size;
  PlaceIndex places;
};

class LmdbCursor {
 public:
  // Behind `key`, or at it when it is `included`.
  LmdbCursor(const Handle& handle, CursorPtr cursor, After key, bool included = false);
  goromdb_status next(std::span<goromdb_key> keys, goromdb_value* values, uint32_t& got,
                      goromdb_arena*);

 private:
  const Handle& handle_;
  const CursorPtr cursor_;
  MDB_cursor_op step_ = MDB_FIRST;  // to the next entry
  MDB_val key_{}, value_{};
  bool is_at_next_ = false;
};

class LmdbReader {
 public:
  // `index` may be null.
  LmdbReader(const Environment& environment, const Catalog& catalog, const KeyChance& chance,
             const NodeIndex* index)
      : environment_(environment),
        catalog_(catalog),
        chance_(chance),
        index_(index),
        txn_(environment.begin()) {}

  void get(uint32_t, std::span<const goromdb_key> keys, goromdb_value* out,
           goromdb_arena*) noexcept;
  goromdb_status ns_lookup(std::string_view name, uint32_t& id) const;
  goromdb_status ns_list(After after, std::span<goromdb_slice> names, uint32_t& got,
                         goromdb_arena*) const;
  std::unique_ptr<LmdbCursor> cursor(uint32_t ns, After after);
  std::unique_ptr<LmdbCursor> random_cursor(uint32_t ns, uint64_t random);
  std::optional<uint64_t> ns_count(uint32_t ns) const { return catalog_.keys_of(ns); }

 private:
  void ask_library(const goromdb_key& key, goromdb_value& out) noexcept;
  int find(const goromdb_key& key, MDB_val& value) noexcept;
  bool is_database(const Handle& handle, std::string_view key) noexcept;
  // Of the namespace's database. Throws Failure, also when there is none.
  CursorPtr open_cursor(uint32_t ns) const;

  const Environment& environment_;
  const Catalog& catalog_;
  const KeyChance& chance_;
  const NodeIndex* const index_;
  const TxnPtr txn_;
  CursorPtr probe_;  // kept, so that it is closed when a look-up is left at a lost page
};

}  // namespace goromdb::lmdb

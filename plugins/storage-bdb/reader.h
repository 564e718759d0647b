// SPDX-License-Identifier: MIT
// Look-ups and walks in an opened file.
#pragma once

#include <goromdb/sdk.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entry_copy.h"
#include "environment.h"
#include "key_chance.h"

namespace goromdb::bdb {

// How a store reads its files; from its options.
struct Layout {
  std::string subdb;         // with the keys that have no namespace; empty: the file's own database
  bool prefixes = false;     // a namespace is the beginning of a key, else a sub-database
  bool memcachedb = false;   // values are MemcacheDB's items
  uint64_t cache_bytes = 0;  // 0: what the file needs
  bool copies = false;       // entries are copied into memory and looked up there
};

// What an opened file is; the same for all of its readers.
struct Contents {
  std::string path;
  int fd = -1;  // of the file, open as long as this
  // Of the databases: [0] that of the keys without a namespace, then the namespaces in order. An
  // empty name is the file's own database.
  std::vector<std::string> names{""};
  bool has_plain = true;  // there is a database [0]
  std::vector<Tree> trees;
  std::vector<uint64_t> entries;  // once verified or copied; empty: not yet
  bool is_cached = false;  // libdb reads some of the pages into its cache, as they are asked for
  std::optional<EntryCopy> copy;  // where keys are looked up, if there is one; walks go to libdb
  std::optional<KeyChance> chance;

  const char* name(uint32_t id) const { return names[id].empty() ? nullptr : names[id].c_str(); }
  // The first namespace behind this name, and the one of this name, or 0.
  uint32_t id_behind(std::string_view name) const;
  uint32_t id_of(std::string_view name) const;
};

// An entry where libdb has it: good until the next one.
struct Entry {
  std::string_view key;  // without the prefix
  std::string_view value;
  uint32_t flags = 0;
};
// What a stored value is for clients; nothing when it should be an item of this key and is none.
std::optional<Entry> decoded(const Layout& layout, std::string_view key, std::string_view stored);

// An environment and the file's databases in it, opened when they are asked for. One thread's.
class Databases {
 public:
  Databases(const Contents& contents, uint64_t cache_bytes);
  Environment& env() { return env_; }
  // NULL: there is none. Throws Failure.
  const DbHandle* get(uint32_t id);
  void close(uint32_t id) { handles_[id] = {}; }
  // Runs `body`, which calls libdb. Throws what it throws, and Failure (E_IO) when a page of the
  // map has gone: libdb was left in the midst of a call then, and nothing of it is called again.
  template <class Body>
  void call(const Host& host, Body&& body);
  bool was_left() const { return was_left_; }

 private:
  const Contents& contents_;
  Environment env_;
  std::vector<DbHandle> handles_;  // of contents_.names
  bool was_left_ = false;
};
using DatabasesPtr = std::shared_ptr<Databases>;

// Lets go of them. Those that libdb was left in stay in memory: it is not to close them.
void let_go(DatabasesPtr& databases);

// One thread's.
class BdbCursor {
 public:
  // `databases` may be NULL, or have no database `id`: a walk over nothing.
  BdbCursor(const Host& host, const Layout& layout, DatabasesPtr databases, uint32_t id,
            std::string prefix, After after);
  ~BdbCursor();
  // Begins at an entry by chance. Throws Failure.
  void begin_anywhere(const Contents& contents, uint32_t id, uint64_t random);
  // The next one, or nothing behind the last. Throws Failure when it cannot be read.
  std::optional<Entry> step();
  // Copies of them, in the arena.
  goromdb_status next(std::span<goromdb_key> keys, goromdb_value* values, uint32_t& got,
                      goromdb_arena* arena);

 private:
  // So that the destructor runs where the other one throws.
  BdbCursor(const Host& host, const Layout& layout, DatabasesPtr databases, std::string prefix);

  const Host host_;
  const Layout& layout_;
  DatabasesPtr databases_;  // the reader may have made new ones meanwhile
  const std::string prefix_;
  DBTYPE type_ = DB_UNKNOWN;
  void begin_at_number(uint64_t random);
  // Throws when `code` is no success.
  void check(int code);
  // libdb's code.
  int get(DBT& key, DBT& value, uint32_t move);

  CursorHandle cursor_;  // NULL: there is nothing to walk over
  uint32_t move_ = DB_FIRST;
  std::string number_;  // a recno's key
};

// A loop's own: nothing is shared with another one. An environment that broke over a damaged page
// is made anew before the next look-up, so that only the keys on the page fail. So is one whose map
// has lost pages because the file was cut: then libdb knows how long the file is.
class BdbReader {
 public:
  BdbReader(const Host& host, const Layout& layout, const Contents& contents);
  ~BdbReader() { let_go(databases_); }

  void get(uint32_t, std::span<const goromdb_key> keys, goromdb_value* out,
           goromdb_arena* arena) noexcept;
  goromdb_status ns_lookup(std::string_view name, uint32_t& id);
  goromdb_status ns_list(After after, std::span<goromdb_slice> names, uint32_t& got,
                         goromdb_arena*) const;
  std::unique_ptr<BdbCursor> cursor(uint32_t ns, After after);
  std::unique_ptr<BdbCursor> random_cursor(uint32_t ns, uint64_t random);
  std::optional<uint64_t> ns_count(uint32_t ns) const;
  // It is opened again when it is asked for. For who asks for all, one after the other: libdb
  // compares each that it opens with all that are open.
  void close(uint32_t ns) { databases_->close(database_id(ns)); }

 private:
  // What an id means. NULL: there is no such database, or the reader did not give the id.
  const DbHandle* database(uint32_t ns) { return databases_->get(database_id(ns)); }
  uint32_t database_id(uint32_t ns) const;
  std::string_view prefix(uint32_t ns) const;
  // The same, with the id of its database.
  std::unique_ptr<BdbCursor> cursor(uint32_t ns, After after, uint32_t& id);
  // Makes a broken environment anew. Throws Failure.
  void mend();
  // The file has been cut.
  void look_at_size();
  void get_copied(std::span<const goromdb_key> keys, goromdb_value* out);
  void get_stored(std::span<const goromdb_key> keys, goromdb_value* out, goromdb_arena* arena);
  goromdb_value find(const goromdb_key& key, goromdb_arena* arena);
  // The key as the database has it: behind its prefix. Good while `joined` is.
  std::string_view whole_key(const goromdb_key& key, std::string& joined) const;

  const Host host_;
  const Layout& layout_;
  const Contents& contents_;
  DatabasesPtr databases_;  // NULL: they could not be opened anew
  bool has_warned_ = false;
  int64_t size_ = -1;                                  // of the file, where it has been cut
  uint32_t openings_ = 0;                              // since then
  std::vector<std::string_view> prefixes_;             // of the next get
  std::array<std::string, EntryCopy::kBatch> joined_;  // a prefix and a key each
};

}  // namespace goromdb::bdb

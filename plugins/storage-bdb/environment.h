// SPDX-License-Identifier: MIT
// libdb as this plugin uses it: an environment in this process's memory, without a folder, a log or
// a lock, and handles in it. One thread at a time uses an environment and all that is in it; two
// environments share nothing, so that no reader waits for another.
#pragma once

#include <db.h>
#include <goromdb/sdk.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace goromdb::bdb {

// What a return code of libdb means, other than success: the machine's trouble, or the file's.
goromdb_status status_of(int code);

class Environment {
 public:
  // Files are mapped where libdb can; `cache_bytes` are for the others. E_NO_MEMORY and E_IO.
  explicit Environment(uint64_t cache_bytes);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  DB_ENV* get() const { return env_.get(); }
  // libdb has given up on it: all that is done in it fails. A page with a wrong checksum is enough.
  bool is_broken() const;
  // Throws when `code` is no success: `what` failed; the message goes on with libdb's complaint.
  void check(int code, const char* what);
  // For a handle that is open for reading. In a hash libdb makes a page that is asked for and is
  // not there, and writes it, though the file is open for reading: it grows to where a damaged
  // number points.
  void keep_to_the_file(DB* db, const std::string& path);

 private:
  struct Close {
    // A broken one keeps its memory when it is closed.
    void operator()(DB_ENV* env) const {
      env->set_flags(env, DB_PANIC_ENVIRONMENT, 0);
      env->close(env, 0);
    }
  };

  std::string complaint_;  // libdb's first since the last one was taken
  bool only_reads_ = false;
  std::unique_ptr<DB_ENV, Close> env_;
};

struct CloseCursor {
  void operator()(DBC* cursor) const { cursor->close(cursor); }
};
using CursorHandle = std::unique_ptr<DBC, CloseCursor>;

// An open database: the whole of a file, or a sub-database. The environment outlives it.
class DbHandle {
 public:
  // Nothing is open yet.
  DbHandle() = default;
  // Read-only, of whatever kind it is; `subdb` NULL: the file's own.
  static DbHandle open(Environment& env, const std::string& path, const char* subdb);
  // A new btree: a file, or a sub-database in a file that may be there.
  static DbHandle create(Environment& env, const std::string& path, const char* subdb);

  explicit operator bool() const { return db_ != nullptr; }
  DB* get() const { return db_.get(); }
  DBTYPE type() const { return type_; }
  bool is_recno() const { return type_ == DB_RECNO; }
  CursorHandle cursor(Environment& env) const;
  // Writes what is still in memory.
  void close(Environment& env);

 private:
  struct Close {
    void operator()(DB* db) const { db->close(db, DB_NOSYNC); }
  };
  static DbHandle make(Environment& env);

  std::unique_ptr<DB, Close> db_;
  DBTYPE type_ = DB_UNKNOWN;
};

// Looks at the structure of the whole file; throws E_CORRUPT with the first thing that is wrong.
// `progress` is told per cent, and ends it by throwing; the environment is of no use then.
void verify_structure(Environment& env, const std::string& path,
                      const std::function<void(int)>& progress);

inline DBT dbt(std::string_view bytes) {
  DBT out{};
  out.data = const_cast<char*>(bytes.data());
  out.size = static_cast<uint32_t>(bytes.size());
  return out;
}
inline std::string_view view(const DBT& bytes) {
  return {static_cast<const char*>(bytes.data), bytes.size};
}

}  // namespace goromdb::bdb

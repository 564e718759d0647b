// SPDX-License-Identifier: MIT
// liblmdb's half: an environment on a file that does not change, its databases, and transactions
// that read. Nothing is written, locked or made beside the file.
#pragma once

#include "format.h"

#include <goromdb/sdk.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb::lmdb {

struct EnvClose {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};
struct TxnAbort {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};
struct CursorClose {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
using EnvPtr = std::unique_ptr<MDB_env, EnvClose>;
using TxnPtr = std::unique_ptr<MDB_txn, TxnAbort>;
using CursorPtr = std::unique_ptr<MDB_cursor, CursorClose>;

// What a code of liblmdb means for a file that is read; for one key it is the key's status.
goromdb_status status_of(int code) noexcept;
// Throws, unless the code is a success.
void check(int code, const char* what);

inline MDB_val value_of(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}
using goromdb::view;
inline std::string_view view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

// One of the environment's databases.
struct Handle {
  MDB_dbi dbi = 0;
  uint32_t integer_size = 0;  // of each key when they are integers; 0: there is none
  bool has_integers = false;
  bool has_databases = false;  // the main one: some entries are no values
};

// Built once, before any transaction that reads; then transactions may be begun and used by
// different threads, each by one.
class Environment {
 public:
  // `databases`: names, empty for the main one. `has_databases`: the main one may have entries that
  // are databases. liblmdb must not see a tree that was not walked.
  Environment(const std::string& path, uint64_t size, const std::vector<std::string>& databases,
              bool has_databases);

  const Handle& handle(size_t i) const { return handles_[i]; }
  TxnPtr begin() const;

 private:
  EnvPtr env_;
  std::vector<Handle> handles_;
};

}  // namespace goromdb::lmdb

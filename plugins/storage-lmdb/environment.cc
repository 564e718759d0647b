// SPDX-License-Identifier: MIT
#include "environment.h"

#include <cerrno>

namespace goromdb::lmdb {

goromdb_status status_of(int code) noexcept {
  switch (code) {
    case MDB_SUCCESS:
      return GOROMDB_OK;
    case MDB_NOTFOUND:
    case MDB_BAD_VALSIZE:  // an empty key
      return GOROMDB_NOT_FOUND;
    case ENOMEM:
      return GOROMDB_E_NO_MEMORY;
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
      return GOROMDB_E_UNSUPPORTED;
    default:
      return code > 0 ? GOROMDB_E_IO : GOROMDB_E_CORRUPT;  // errno, or liblmdb's own
  }
}

void check(int code, const char* what) {
  if (code == MDB_SUCCESS) return;
  goromdb_status status = status_of(code);
  if (status > 0) status = GOROMDB_E_CORRUPT;
  throw Failure(status, std::string(what) + ": " + mdb_strerror(code));
}

Environment::Environment(const std::string& path, uint64_t size,
                         const std::vector<std::string>& databases, bool has_databases) {
  MDB_env* env = nullptr;
  check(mdb_env_create(&env), "liblmdb cannot be used");
  env_.reset(env);
  check(mdb_env_set_maxdbs(env, static_cast<MDB_dbi>(databases.size())),
        "the number of databases cannot be set");
  check(mdb_env_set_mapsize(env, size), "the size of the map cannot be set");
  constexpr unsigned kFlags = MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD;
  check(mdb_env_open(env, path.c_str(), kFlags, 0), "liblmdb cannot open it");

  // Handles of a transaction become the environment's when it commits.
  TxnPtr txn = begin();
  for (const auto& name : databases) {
    Handle handle;
    check(mdb_dbi_open(txn.get(), name.empty() ? nullptr : name.c_str(), 0, &handle.dbi),
          "a named database cannot be opened");
    unsigned flags = 0;
    check(mdb_dbi_flags(txn.get(), handle.dbi, &flags), "a named database has no flags");
    handle.has_databases =
        has_databases && name.empty() && (flags & (MDB_DUPSORT | MDB_INTEGERKEY)) == 0;
    handle.has_integers = (flags & MDB_INTEGERKEY) != 0 && (flags & MDB_REVERSEKEY) == 0;
    if (handle.has_integers) {
      MDB_cursor* cursor = nullptr;
      check(mdb_cursor_open(txn.get(), handle.dbi, &cursor), "a database cannot be read");
      const CursorPtr owner(cursor);
      MDB_val key, value;
      const int found = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
      if (found != MDB_NOTFOUND) check(found, "a database cannot be read");
      handle.integer_size = found == MDB_SUCCESS ? static_cast<uint32_t>(key.mv_size) : 0;
    }
    handles_.push_back(handle);
  }
  check(mdb_txn_commit(txn.release()), "databases cannot be opened");
}

TxnPtr Environment::begin() const {
  MDB_txn* txn = nullptr;
  check(mdb_txn_begin(env_.get(), nullptr, MDB_RDONLY, &txn), "it cannot be read");
  return TxnPtr(txn);
}

}  // namespace goromdb::lmdb

// SPDX-License-Identifier: MIT
#include "builder.h"

#include "tree_walk.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace goromdb::lmdb {
namespace {

constexpr uint64_t kSlice = uint64_t{32} << 20;  // of a transaction
constexpr MDB_dbi kOpenAtOnce = 2;

// The most that a slice of this many bytes takes in pages: the worst is a value that is one byte
// too long for its page, and each page of the tree above is written anew by each transaction.
uint64_t pages_for(uint64_t slice) { return 4 * slice + (uint64_t{1} << 20); }

uint64_t weight(std::string_view key, std::string_view value) {
  return key.size() + value.size() + kNodeHeader + sizeof(uint16_t) + 1;
}

[[noreturn]] void refuse(const std::string& what) { throw Failure(GOROMDB_E_CONFIG, what); }

void create_new(const char* path) {
  const int fd = ::open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) throw Failure(GOROMDB_E_IO, std::string("cannot be made: ") + std::strerror(errno));
  ::close(fd);
}

}  // namespace

LmdbBuilder::LmdbBuilder(const std::string& path, std::string database)
    : database_(std::move(database)) {
  create_new(path.c_str());
  MDB_env* env = nullptr;
  check(mdb_env_create(&env), "liblmdb cannot be used");
  env_.reset(env);
  check(mdb_env_set_maxdbs(env, kOpenAtOnce), "the number of databases cannot be set");
  // The caller syncs; nobody else knows of the file.
  check(mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC | MDB_NOTLS, 0644),
        "liblmdb cannot make it");
  begin(0);
  enter(database_);
}

void LmdbBuilder::put(std::string_view ns, std::string_view key, std::string_view value,
                      uint32_t flags) {
  const auto longest = static_cast<size_t>(mdb_env_get_maxkeysize(env_.get()));
  if (flags != 0) refuse("LMDB has no place for flags; leave them out");
  if (key.empty() || key.size() > longest) {
    refuse("a key has " + std::to_string(key.size()) + " bytes; LMDB keeps keys of 1 to " +
           std::to_string(longest));
  }
  if (value.size() > UINT32_MAX) refuse("a value is too long; LMDB keeps up to 4294967295 bytes");
  if (ns.size() > longest || ns.find('\0') != ns.npos) {
    refuse("a namespace's name is longer than " + std::to_string(longest) +
           " bytes or holds a zero byte, which LMDB does not keep");
  }
  if (!ns.empty() && ns == database_) {
    refuse("the namespace " + database_ + " is the database of the keys without one");
  }
  if (ns < last_ns_) refuse("entries come in the order of their namespaces");
  if (ns != last_ns_) {
    last_ns_ = ns;
    enter(last_ns_);
  }
  const uint64_t bytes = weight(key, value);
  if (bytes > room_) {
    commit();
    begin(bytes);
  }
  room_ -= bytes;
  MDB_val k = value_of(key), v = value_of(value);
  const int code = mdb_put(txn_.get(), dbi_, &k, &v, MDB_APPEND);
  if (code == MDB_KEYEXIST) refuse("a key comes twice, or keys do not come in ascending order");
  check(code, "an entry cannot be written");
}

void LmdbBuilder::finish() {
  commit();
  env_.reset();
}

// Opens another database, a new one. Handles are few: the last one's is closed.
void LmdbBuilder::enter(const std::string& database) {
  if (!current_.empty()) {
    commit();
    mdb_dbi_close(env_.get(), dbi_);
    begin(0);
  }
  current_ = database;
  if (database.empty()) {
    check(mdb_dbi_open(txn_.get(), nullptr, 0, &dbi_), "the main database cannot be opened");
    return;
  }
  if (++databases_ > kMostNamed) {
    refuse("there are more than " + std::to_string(kMostNamed) +
           " namespaces; make the name a part of the keys instead");
  }
  const int code = mdb_dbi_open(txn_.get(), database.c_str(), MDB_CREATE, &dbi_);
  if (code == MDB_INCOMPATIBLE) {
    refuse("a namespace and a key without one have the same name; LMDB keeps both in one place");
  }
  check(code, "a named database cannot be made");
}

// With room for at least `bytes`. The map grows with the file: readers map what its header says.
void LmdbBuilder::begin(uint64_t bytes) {
  room_ = std::max(kSlice, bytes);
  MDB_envinfo info;
  MDB_stat stat;
  check(mdb_env_info(env_.get(), &info), "the environment cannot be looked at");
  check(mdb_env_stat(env_.get(), &stat), "the environment cannot be looked at");
  const uint64_t needed = (info.me_last_pgno + 1) * stat.ms_psize + pages_for(room_);
  if (needed > map_size_) {
    map_size_ = std::max(needed, 2 * map_size_);
    check(mdb_env_set_mapsize(env_.get(), map_size_), "the map cannot grow");
  }
  MDB_txn* txn = nullptr;
  check(mdb_txn_begin(env_.get(), nullptr, 0, &txn), "it cannot be written");
  txn_.reset(txn);
}

void LmdbBuilder::commit() {
  const int code = mdb_txn_commit(txn_.release());
  // liblmdb takes a write that was cut short for a fault of the disk.
  check(code, code == EIO ? "it cannot be written (is there space?)" : "it cannot be written");
}

}  // namespace goromdb::lmdb

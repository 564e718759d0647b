// SPDX-License-Identifier: MIT
// Files for the tests of this room, written by liblmdb itself.
#pragma once

#include "environment.h"
#include "format.h"

#include <database.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace goromdb::lmdb {

constexpr size_t kMapSize = size_t{64} << 20;

// Writes one file; each commit() is a transaction.
class File {
 public:
  explicit File(const std::string& path, unsigned flags = MDB_NOSUBDIR,
                size_t map_size = kMapSize) {
    MDB_env* env = nullptr;
    check(mdb_env_create(&env), "create");
    env_.reset(env);
    check(mdb_env_set_maxdbs(env, 2000), "maxdbs");
    check(mdb_env_set_mapsize(env, map_size), "mapsize");
    check(mdb_env_open(env, path.c_str(), flags | MDB_NOLOCK | MDB_NOSYNC, 0644), "open");
    begin();
  }
  ~File() {
    if (txn_) commit();
  }

  void make(const std::string& name, unsigned flags) { dbi(name, flags); }
  void put(const std::string& name, std::string_view key, std::string_view value) {
    MDB_val k = value_of(key), v = value_of(value);
    check(mdb_put(txn_.get(), dbi(name, 0), &k, &v, 0), "put");
  }
  void remove(const std::string& name, std::string_view key) {
    MDB_val k = value_of(key);
    check(mdb_del(txn_.get(), dbi(name, 0), &k, nullptr), "del");
  }
  void clear(const std::string& name) { check(mdb_drop(txn_.get(), dbi(name, 0), 0), "drop"); }
  void commit() { check(mdb_txn_commit(txn_.release()), "commit"); }
  void begin() {
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env_.get(), nullptr, 0, &txn), "begin");
    txn_.reset(txn);
  }
  MDB_env* env() { return env_.get(); }

 private:
  MDB_dbi dbi(const std::string& name, unsigned flags) {
    const auto known = dbis_.find(name);
    if (known != dbis_.end()) return known->second;
    MDB_dbi dbi = 0;
    check(mdb_dbi_open(txn_.get(), name.empty() ? nullptr : name.c_str(),
                       flags | (name.empty() ? 0 : MDB_CREATE), &dbi),
          "dbi");
    return dbis_[name] = dbi;
  }

  EnvPtr env_;
  TxnPtr txn_;
  std::map<std::string, MDB_dbi> dbis_;
};

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

template <class T>
void store(std::string& bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

inline std::string name_of(uint64_t i) {
  return std::string("key").append(std::to_string(100000 + i));
}

// A file with all that the format has: two levels of pages, values in pages of their own, named
// databases, duplicates in a page and in trees, of one size and of several, integers, free pages.
inline void write_everything(const std::string& path) {
  File file(path);
  for (int round = 0; round < 2; ++round) {
    for (uint64_t i = 0; i < 600; ++i) {
      file.put("", name_of(i), std::string(i % 90, static_cast<char>('a' + round)));
    }
    file.put("", "long", std::string(20000, 'l'));
    file.commit();
    file.begin();
  }
  for (uint64_t i = 100; i < 200; ++i) file.remove("", name_of(i));
  for (uint64_t i = 0; i < 300; ++i) file.put("plain", name_of(i), "value " + name_of(i));
  file.put("plain", "large", std::string(9000, 'L'));
  file.make("many", MDB_DUPSORT);
  for (uint64_t i = 0; i < 400; ++i) file.put("many", "tree", name_of(i + 9));
  for (uint64_t i = 0; i < 5; ++i) file.put("many", "page", name_of(i));
  file.put("many", "one", "alone");
  file.make("fixed", MDB_DUPSORT | MDB_DUPFIXED);
  for (uint64_t i = 0; i < 900; ++i) file.put("fixed", "tree", std::to_string(100000 + i));
  for (uint64_t i = 0; i < 5; ++i) file.put("fixed", "page", std::to_string(100000 + i));
  file.make("integers", MDB_INTEGERKEY);
  file.make("reversed", MDB_REVERSEKEY);
  for (uint64_t i = 0; i < 500; ++i) {
    file.put("integers", {reinterpret_cast<const char*>(&i), sizeof i}, std::to_string(i));
    file.put("reversed", name_of(i), std::to_string(i));
  }
}

}  // namespace goromdb::lmdb

// SPDX-License-Identifier: MIT
// What a library's own get costs: random keys of the rows, one after the other, in a loop. A server
// that uses the library cannot be faster than this and the kernel's floor. Prints us a get; every
// value is compared in length.
//   rawget lmdb|bdb FILE ROWS GETS

#include <db.h>
#include <fmt/format.h>
#include <lmdb.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "choice.h"
#include "rows.h"

namespace {

using goromdb::bench::Choice;
using goromdb::bench::Order;
using goromdb::bench::Rows;

// The length of a key's value.
using Get = std::function<size_t(std::string_view)>;

void must(int status, const char* what) {
  if (status != 0) throw std::runtime_error(fmt::format("{}: error {}", what, status));
}

double us_a_get(const Rows& rows, size_t gets, const Get& get) {
  Choice choice(Order::kUniform, rows.size(), 42);
  std::vector<size_t> wanted(gets);
  for (size_t& row : wanted) row = choice.next();
  const auto pass = [&] {
    const std::clock_t began = std::clock();
    for (const size_t row : wanted) {
      if (get(rows.key(row)) != rows.value(row).size()) throw std::runtime_error("a wrong value");
    }
    const double seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    return seconds * 1e6 / static_cast<double>(gets);
  };
  pass();  // the file comes into memory
  return pass();
}

double lmdb(const char* file, const Rows& rows, size_t gets) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  must(mdb_env_create(&env), "mdb_env_create");
  must(mdb_env_open(env, file, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK, 0), file);
  must(mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn), "mdb_txn_begin");
  must(mdb_dbi_open(txn, nullptr, 0, &dbi), "mdb_dbi_open");
  const double us = us_a_get(rows, gets, [&](std::string_view key) {
    MDB_val name{key.size(), const_cast<char*>(key.data())}, value{};
    must(mdb_get(txn, dbi, &name, &value), "mdb_get");
    return value.mv_size;
  });
  mdb_txn_abort(txn);
  mdb_env_close(env);
  return us;
}

double bdb(const char* file, const Rows& rows, size_t gets) {
  DB* db = nullptr;
  must(db_create(&db, nullptr, 0), "db_create");
  must(db->set_cachesize(db, 0, 256 << 20, 1), "set_cachesize");
  must(db->open(db, nullptr, file, nullptr, DB_UNKNOWN, DB_RDONLY, 0), file);
  std::vector<char> buffer(1 << 20);
  const double us = us_a_get(rows, gets, [&](std::string_view key) {
    DBT name{}, value{};
    name.data = const_cast<char*>(key.data());
    name.size = static_cast<uint32_t>(key.size());
    value.data = buffer.data();
    value.ulen = static_cast<uint32_t>(buffer.size());
    value.flags = DB_DBT_USERMEM;
    must(db->get(db, nullptr, &name, &value, 0), "get");
    return size_t{value.size};
  });
  db->close(db, 0);
  return us;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string library = argc == 5 ? argv[1] : "";
  if (library != "lmdb" && library != "bdb") {
    fmt::print(stderr, "usage: rawget lmdb|bdb FILE ROWS GETS\n");
    return 2;
  }
  try {
    const Rows rows(argv[3]);
    const size_t gets = std::stoul(argv[4]);
    fmt::print("{:.4f}\n",
               library == "lmdb" ? lmdb(argv[2], rows, gets) : bdb(argv[2], rows, gets));
  } catch (const std::exception& error) {
    fmt::print(stderr, "rawget: {}\n", error.what());
    return 1;
  }
}

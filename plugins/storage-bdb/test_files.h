// SPDX-License-Identifier: MIT
// Files for the tests of this room, written by libdb itself, as any other program does.
#pragma once

#include <db.h>
#include <doctest/doctest.h>
#include <database.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace goromdb::bdb {

using Entries = std::vector<std::pair<std::string, std::string>>;

struct Written {
  DBTYPE type = DB_BTREE;
  const char* subdb = nullptr;
  uint32_t flags = 0;
  int byte_order = 1234;
  uint32_t page_size = 4096;
  uint32_t record_size = 0;  // of a recno whose records have one length
  bool compressed = false;   // the keys of a btree
};

inline void must(int code) {
  if (code != 0) throw std::runtime_error(db_strerror(code));
}

// Adds `entries` to a new file, or a database to one; deletes the keys `deleted` from it.
inline void write(const std::string& path, const Entries& entries, const Written& how = {},
                  const std::vector<std::string>& deleted = {}) {
  DB* db = nullptr;
  must(db_create(&db, nullptr, 0));
  must(db->set_flags(db, how.flags));
  must(db->set_lorder(db, how.byte_order));
  must(db->set_pagesize(db, how.page_size));
  if (how.record_size != 0) must(db->set_re_len(db, how.record_size));
  if (how.compressed) must(db->set_bt_compress(db, nullptr, nullptr));
  must(db->open(db, nullptr, path.c_str(), how.subdb, how.type, DB_CREATE, 0644));
  db_recno_t record = 0;
  const auto dbt_of = [&](const std::string& name) {
    DBT key{};
    record = static_cast<db_recno_t>(std::atoi(name.c_str()));
    key.data = how.type == DB_RECNO ? static_cast<void*>(&record) : const_cast<char*>(name.data());
    key.size = static_cast<uint32_t>(how.type == DB_RECNO ? sizeof record : name.size());
    return key;
  };
  for (const auto& [name, text] : entries) {
    DBT key = dbt_of(name), value{};
    value.data = const_cast<char*>(text.data());
    value.size = static_cast<uint32_t>(text.size());
    must(db->put(db, nullptr, &key, &value, 0));
  }
  for (const auto& name : deleted) {
    DBT key = dbt_of(name);
    must(db->del(db, nullptr, &key, 0));
  }
  must(db->close(db, 0));
}

// For option `index`: the test that asks for it runs twice, with entries where libdb has them, and
// copied.
inline const char* index_of_this_run() {
  const char* index = "";
  SUBCASE("index: none") { index = "none"; }
  SUBCASE("index: hash") { index = "hash"; }
  return index;
}

inline Entries some_entries(int n) {
  Entries entries;
  for (int i = 0; i < n; ++i) {
    entries.emplace_back("key" + std::to_string(i),
                         std::string(i * 37 % 6000, static_cast<char>(i)));
  }
  return entries;
}

inline std::string bytes_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace goromdb::bdb

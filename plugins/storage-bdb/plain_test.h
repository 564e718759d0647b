// SPDX-License-Identifier: MIT
// For the tests of plain_check: files and their bytes, what it finds in them, and what libdb does.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "environment.h"
#include "file_header.h"
#include "format.h"
#include "plain_check.h"
#include "test_files.h"

namespace goromdb::bdb {

using test::FakeHost;

using Found = std::optional<std::vector<EntryTotals>>;

inline uint32_t number_at(std::string_view bytes, size_t at) {
  uint32_t number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}
inline uint16_t short_at(std::string_view bytes, size_t at) {
  uint16_t number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}
inline void put(std::string& bytes, size_t at, uint32_t number) {
  std::memcpy(bytes.data() + at, &number, sizeof number);
}
inline void put_short(std::string& bytes, size_t at, uint16_t number) {
  std::memcpy(bytes.data() + at, &number, sizeof number);
}

// Where a page of the kind begins.
inline size_t page_of(std::string_view bytes, uint8_t type, size_t page_size = 4096) {
  for (size_t at = page_size; at < bytes.size(); at += page_size) {
    if (static_cast<uint8_t>(bytes[at + kTypeAt]) == type) return at;
  }
  FAIL("there is no such page");
  return 0;
}

// What read_header() would find, without its complaints.
inline FileHeader header_of(std::string_view bytes, uint32_t page_size) {
  FileHeader header;
  header.page_size = page_size;
  if (bytes.size() < kMetaSize) return header;
  const uint32_t magic = __builtin_bswap32(number_at(bytes, kMagicAt));
  header.swapped = magic == kBtreeMagic || magic == kHashMagic;
  header.hash = bytes[kTypeAt] == kHashMeta;
  header.checksums = (bytes[kMetaFlagsAt] & kChecksummed) != 0;
  const uint32_t flags = number_at(bytes, kFlagsAt);
  header.has_subdbs =
      !header.hash && ((header.swapped ? __builtin_bswap32(flags) : flags) & kSubdbs) != 0;
  return header;
}

// The file's own database is 0, of sub-databases "served" is 0 and no other is served.
inline Found check(std::string_view bytes, const FileHeader& header, bool has_items = false,
                   uint32_t threads = 1) {
  FakeHost host;
  host.lend_threads(threads);
  const auto id_of = [](std::string_view name) {
    return name.empty() || name == "served" ? std::optional<uint32_t>(0) : std::nullopt;
  };
  return PlainCheck(bytes, header, id_of, has_items, Host(host.table())).run(1);
}
inline Found check(std::string_view bytes, uint32_t page_size, bool has_items = false) {
  return check(bytes, header_of(bytes, page_size), has_items);
}
// Two threads find what one finds. Nothing, too, where the first page alone says that it is no such
// file.
inline Found check_file(const std::string& path) {
  try {
    const auto header = read_header(DataFile(path.c_str()));
    const auto bytes = bytes_of(path);
    const auto one = check(bytes, header), two = check(bytes, header, {}, 2);
    REQUIRE(one.has_value() == two.has_value());
    if (one) CHECK(one->front().entries == two->front().entries);
    if (one) CHECK(one->front().bytes == two->front().bytes);
    return one;
  } catch (const Failure&) {
    return {};
  }
}

// What libdb's cursor goes through, of duplicates the first, and finds again; a number as its text.
inline EntryTotals counted(const std::string& path, const char* subdb = nullptr) {
  EntryTotals totals;
  Environment env(1 << 20);
  const auto db = DbHandle::open(env, path, subdb);
  const auto cursor = db.cursor(env);
  DBT key{}, value{}, again{};
  bool is_found_again = true;
  while (cursor->get(cursor.get(), &key, &value, DB_NEXT_NODUP) == 0) {
    const auto text = view(key);
    totals.add(db.is_recno() ? std::to_string(number_at(text, 0)).size() : text.size(), value.size);
    is_found_again &= db.get()->get(db.get(), nullptr, &key, &again, 0) == 0;
  }
  CHECK(is_found_again);
  return totals;
}

// Whether libdb finds each key that its cursor goes through, with its value.
inline bool finds_all(const std::string& path, const char* subdb = nullptr) {
  Environment env(1 << 20);
  const auto db = DbHandle::open(env, path, subdb);
  const auto cursor = db.cursor(env);
  DBT key{}, value{};
  while (cursor->get(cursor.get(), &key, &value, DB_NEXT) == 0) {
    const std::string name(view(key)), text(view(value));
    DBT wanted{}, found{};
    wanted.data = const_cast<char*>(name.data());
    wanted.size = static_cast<uint32_t>(name.size());
    if (db.get()->get(db.get(), nullptr, &wanted, &found, 0) != 0 || view(found) != text)
      return false;
  }
  return true;
}

// What libdb's own look finds; empty: nothing.
inline std::string fault_of(const std::string& path) {
  try {
    Environment env(1 << 20);
    verify_structure(env, path, [](int) {});
    return "";
  } catch (const Failure& e) {
    return e.what();
  }
}

inline void check_same(const Found& found, const EntryTotals& libdb) {
  REQUIRE(found.has_value());
  CHECK(found->front().entries == libdb.entries);
  CHECK(found->front().bytes == libdb.bytes);
  CHECK(found->front().largest_key == libdb.largest_key);
  CHECK(found->front().largest_value == libdb.largest_value);
}

inline Entries shuffled(Entries entries) {
  std::shuffle(entries.begin(), entries.end(), std::mt19937(7));
  return entries;
}

}  // namespace goromdb::bdb

// SPDX-License-Identifier: MIT
// What lies where in an LMDB file of data version 1, 64 bits, in this machine's byte order. Written
// down from the declarations of liblmdb 0.9.24 (MDB_page, MDB_node, MDB_db, MDB_meta in mdb.c).
// Nothing here checks bounds. Any thread.
#pragma once

#include <lmdb.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace goromdb::lmdb {

// Fields are not always aligned: a page of duplicates lies behind a key of any length.
template <class T>
T load(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// A page: number, (size of fixed keys), flags, bounds of the free space, offsets of the nodes.
constexpr size_t kPageHeader = 16;
constexpr size_t kPageFlagsAt = 10;
constexpr size_t kLowerAt = 12;
constexpr size_t kUpperAt = 14;
constexpr size_t kOverflowPagesAt = 12;  // u32, in place of the bounds

constexpr uint16_t kBranch = 0x01;
constexpr uint16_t kLeaf = 0x02;
constexpr uint16_t kOverflow = 0x04;
constexpr uint16_t kMeta = 0x08;
constexpr uint16_t kFixed = 0x20;                                             // P_LEAF2
constexpr uint16_t kSubPage = 0x40;                                           // P_SUBP
constexpr uint16_t kKindMask = kBranch | kLeaf | kOverflow | kMeta | kFixed;  // the rest: writers'

// A node: size of the value (leaf) or number of the page below (branch), flags, size of the key,
// then the key and the value.
constexpr size_t kNodeHeader = 8;
constexpr size_t kNodeFlagsAt = 4;
constexpr size_t kKeySizeAt = 6;

constexpr uint16_t kBigValue = 0x01;    // the value is a page number: it lies there
constexpr uint16_t kTree = 0x02;        // the value is a Db record
constexpr uint16_t kDuplicates = 0x04;  // the value is a page, or a tree, of values
constexpr uint16_t kNodeFlags = kBigValue | kTree | kDuplicates;

constexpr uint64_t kNoPage = UINT64_MAX;
constexpr uint16_t kDeepest = 32;  // what liblmdb's cursors hold

// The record of a tree.
struct Db {
  static constexpr size_t kSize = 48;

  uint32_t fixed_size = 0;
  uint16_t flags = 0;  // MDB_DUPSORT and so on
  uint16_t depth = 0;
  uint64_t branch_pages = 0, leaf_pages = 0, overflow_pages = 0;
  uint64_t entries = 0;  // with all duplicates
  uint64_t root = kNoPage;

  static Db read(const uint8_t* at) {
    return {load<uint32_t>(at),      load<uint16_t>(at + 4),  load<uint16_t>(at + 6),
            load<uint64_t>(at + 8),  load<uint64_t>(at + 16), load<uint64_t>(at + 24),
            load<uint64_t>(at + 32), load<uint64_t>(at + 40)};
  }
  uint64_t pages() const { return branch_pages + leaf_pages + overflow_pages; }
  bool is_empty() const { return root == kNoPage; }
};

// A named database.
struct Named {
  std::string name;
  Db db;
};

// A meta page, behind the page's header.
constexpr uint32_t kMagic = 0xBEEFC0DE;
constexpr size_t kMagicAt = kPageHeader;
constexpr size_t kVersionAt = kMagicAt + 4;
constexpr size_t kFreeDbAt = kMagicAt + 24;  // its first field is the size of a page
constexpr size_t kMainDbAt = kFreeDbAt + Db::kSize;
constexpr size_t kLastPageAt = kMainDbAt + Db::kSize;
constexpr size_t kTxnAt = kLastPageAt + 8;
constexpr size_t kMetaEnd = kTxnAt + 8;

}  // namespace goromdb::lmdb

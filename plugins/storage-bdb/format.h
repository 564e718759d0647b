// SPDX-License-Identifier: MIT
// What lies where in a file of libdb 5.3. Written down from its dbinc/db_page.h: DBMETA33,
// BTMETA33, HMETA33, PAGE, BINTERNAL, BKEYDATA, BOVERFLOW, HKEYDATA, HOFFPAGE,
// HOFFDUP. Numbers are in the byte order of the machine that made the file. Nothing here checks
// bounds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace goromdb::bdb {

constexpr uint32_t kBtreeMagic = 0x00053162, kHashMagic = 0x00061561, kQueueMagic = 0x00042253,
                   kHeapMagic = 0x00074582;
constexpr uint32_t kOldest = 8, kNewest = 9;  // versions of btree and hash

// The first page of any database.
constexpr size_t kMetaSize = 72, kMagicAt = 12, kVersionAt = 16, kPageSizeAt = 20,
                 kEncryptionAt = 24, kMetaFlagsAt = 26, kFreeAt = 28, kLastPageAt = 32,
                 kPartsAt = 36, kFlagsAt = 48;
constexpr uint8_t kChecksummed = 0x01;  // in kMetaFlagsAt
constexpr size_t kMetaSumAt = 492, kSummedOfMeta = 512, kSumSize = 4;
// Of a btree; its flags are in kFlagsAt.
constexpr size_t kMinKeyAt = 76, kRecordSizeAt = 80, kRootAt = 88;
constexpr uint32_t kDuplicates = 0x01, kRecno = 0x02, kCountsRecords = 0x04, kOneSize = 0x08,
                   kRenumbers = 0x10, kSubdbs = 0x20, kSortedDuplicates = 0x40, kCompressed = 0x80;
// Of a hash; its flags are there, too. The masks are of the bits of a key's hash that are its
// bucket, and of those where that is not in use; a certain word's hash shows which function it is.
// Bucket N begins at page N and what is spared for its doubling: 0, 1, 2 and 3, 4 to 7, ...
constexpr size_t kLastBucketAt = 72, kHighMaskAt = 76, kLowMaskAt = 80, kKeysAt = 88,
                 kWordsHashAt = 92, kSparesAt = 96, kSpares = 32;
constexpr uint32_t kHashDuplicates = 0x01, kHashSubdb = 0x02, kHashSortedDuplicates = 0x04;
constexpr char kHashedWord[] = "%$sniglet^&";  // with the zero behind it
// The function of files of these versions: FNV-1 that begins with 0.
constexpr uint32_t kHashBegin = 0, kHashFactor = 16777619;

// All other pages: log position, number, neighbours, count of items (in a part of a long value, of
// references), lowest item (there, how long the part is), level, type; with checksums six bytes
// more, the last four of which are it; then where each item begins.
constexpr size_t kNumberAt = 8, kPreviousAt = 12, kNextAt = 16, kCountAt = 20, kLowestAt = 22,
                 kLengthAt = 22, kLevelAt = 24, kTypeAt = 25, kSumAt = 28, kHeader = 26,
                 kHeaderWithSum = 32;
constexpr uint8_t kFreePage = 0, kHashUnsorted = 2, kBranch = 3, kRecnoBranch = 4, kLeaf = 5,
                  kRecnoLeaf = 6, kOverflow = 7, kHashMeta = 8, kBtreeMeta = 9, kHash = 13;

// An item: length, type; then the bytes of a leaf's; or a page, a count and a key of a branch; or
// the first page and the length of a long one, which a branch has in place of a key, too. Of a
// branch of a recno: a page and a count, no more. Where records are counted, the root counts all of
// them as its neighbour. In a hash: type, key; it ends where the one before it begins. In a btree
// each fills four, eight, ... bytes.
constexpr size_t kHashKeyAt = 1, kItemTypeAt = 2, kLeafKeyAt = 3, kPageAt = 4, kLongSizeAt = 8,
                 kLongItemSize = 12, kCountOfRecordsAt = 8, kBranchKeyAt = 12, kRecnoPageAt = 0,
                 kRecnoCountAt = 4, kRecnoBranchItemSize = 8, kGrain = 4;
constexpr uint8_t kHere = 1, kLong = 3, kDeletedMask = 0x7f;

// The duplicates of a key. In a hash a set, in which each has its length before and behind it. Or a
// tree, of which a leaf has an item as of a long value, without a length, and a hash the type and
// the first page; if sorted, its leaves are of a type of their own, else it is as a recno's.
constexpr uint8_t kTree = 2, kHashSet = 2, kHashTree = 4, kSortedLeaf = 12;
constexpr size_t kSetLengthSize = 2, kHashTreeItemSize = 8;

// Of a compressed btree (bt_compress.c's default functions, db_compint.c) a leaf's value is a
// chunk: the size of the key's value and the value; then of each key behind it how many bytes it
// begins with as the one before, how many others it has, the size of its value, those others, the
// value. Numbers have one to four bytes, as many as their first bits say (0, 10, 110, 1110),
// big-endian in every file, and begin where those with a byte less end.
constexpr std::array<uint32_t, 4> kNumbersBegin = {0, 0x80, 0x4080, 0x204080};

// The value of the list of sub-databases: where one begins, in four bytes, big-endian in every
// file.
inline uint32_t listed_page(const void* value) {
  uint32_t number;
  std::memcpy(&number, value, sizeof number);
  return __builtin_bswap32(number);
}

}  // namespace goromdb::bdb

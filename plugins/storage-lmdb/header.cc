// SPDX-License-Identifier: MIT
#include "header.h"

#include <bit>

namespace goromdb::lmdb {
namespace {

constexpr uint32_t kSmallestPage = 256, kLargestPage = 32768;
constexpr const char* kDumpAndLoad =
    "; mdb_dump of the LMDB that wrote it and mdb_load of LMDB 0.9 make a file that can be read";

[[noreturn]] void corrupt(const std::string& what) { throw Failure(GOROMDB_E_CORRUPT, what); }
[[noreturn]] void unsupported(const std::string& what) {
  throw Failure(GOROMDB_E_UNSUPPORTED, what + kDumpAndLoad);
}

std::string_view head_of(const Mapping& file) {
  return {reinterpret_cast<const char*>(file.data()), std::min<size_t>(file.size(), 4096)};
}

// Why a file without the magic number in its place is refused.
[[noreturn]] void refuse_stranger(const Mapping& file) {
  const auto head = head_of(file);
  const auto has = [&](size_t at, uint32_t magic) {
    return head.size() >= at + 4 && load<uint32_t>(head.data() + at) == magic;
  };
  constexpr size_t kIn32Bits = 12, kIn1Dot0 = 24;
  const uint32_t swapped = __builtin_bswap32(kMagic);
  if (has(kIn32Bits, kMagic)) unsupported("it is an LMDB file of a 32-bit machine");
  if (has(kIn32Bits, swapped) || has(kMagicAt, swapped)) {
    unsupported("it is an LMDB file of a machine of the other byte order");
  }
  if (has(kIn1Dot0, kMagic)) unsupported("it is an LMDB file of LMDB 1.0 or 0.9.90");
  corrupt("it is no LMDB file" + kind_hint(head));
}

struct Meta {
  Header header;
  uint64_t txn;
};

Meta read_meta(const Mapping& file, uint64_t at, const std::string& name) {
  if (at + kMetaEnd > file.size()) {
    corrupt("it is cut: it has " + std::to_string(file.size()) + " bytes, and " + name +
            " begins at byte " + std::to_string(at));
  }
  const uint8_t* page = file.data() + at;
  if (load<uint32_t>(page + kMagicAt) != kMagic) {
    if (at == 0) refuse_stranger(file);
    corrupt(name + " has no magic number");
  }
  const auto version = load<uint32_t>(page + kVersionAt);
  if (version != 1) {
    unsupported("it has data version " + std::to_string(version) +
                ", and liblmdb 0.9 reads version 1");
  }
  if ((load<uint16_t>(page + kPageFlagsAt) & kMeta) == 0) corrupt(name + " is not marked as one");
  Meta meta;
  meta.header.free = Db::read(page + kFreeDbAt);
  meta.header.main = Db::read(page + kMainDbAt);
  meta.header.page_size = meta.header.free.fixed_size;
  meta.header.last_page = load<uint64_t>(page + kLastPageAt);
  meta.txn = load<uint64_t>(page + kTxnAt);
  const auto size = meta.header.page_size;
  if (!std::has_single_bit(size) || size < kSmallestPage || size > kLargestPage) {
    corrupt(name + " says that a page has " + std::to_string(size) + " bytes");
  }
  return meta;
}

}  // namespace

void check_record(const Db& db, const Header& header, uint64_t file_size, const std::string& what) {
  constexpr uint16_t kKnown = MDB_REVERSEKEY | MDB_DUPSORT | MDB_INTEGERKEY | MDB_DUPFIXED |
                              MDB_INTEGERDUP | MDB_REVERSEDUP;
  if ((db.flags & ~kKnown) != 0) {
    corrupt(what + " has unknown flags: " + std::to_string(db.flags));
  }
  if (db.is_empty()) {
    if (db.entries != 0) {
      corrupt(what + " has no pages and " + std::to_string(db.entries) + " entries");
    }
    return;
  }
  if (db.depth == 0 || db.depth > kDeepest) {
    corrupt(what + " is " + std::to_string(db.depth) + " pages deep");
  }
  if (db.root < 2 || db.root > header.last_page) {
    corrupt(what + " begins at page " + std::to_string(db.root) + " of " +
            std::to_string(header.last_page + 1));
  }
  if (db.root >= file_size / header.page_size) {
    corrupt(what + " begins at page " + std::to_string(db.root) +
            ", behind the end of the file: it is cut");
  }
  const uint64_t most = header.last_page + 1;
  if (db.branch_pages > most || db.leaf_pages > most || db.overflow_pages > most) {
    corrupt(what + " counts more pages than the file has");
  }
}

Header read_header(const Mapping& file) {
  if (file.size() == 0) corrupt("it is empty");
  // Too short for its magic number: let it say so.
  if (file.size() < kMetaEnd) refuse_stranger(file);
  const Meta first = read_meta(file, 0, "the first meta page");
  const Meta second = read_meta(file, first.header.page_size, "the second meta page");
  if (first.header.page_size != second.header.page_size) {
    corrupt("its two meta pages do not agree on the size of a page");
  }
  Header header = second.txn > first.txn ? second.header : first.header;
  const uint64_t size = file.size(), pages = size / header.page_size;
  // liblmdb maps as much as the header claims. Pages that were freed before they were written are
  // counted but are not there; they are few.
  if (header.last_page < 1 || header.last_page > 2 * pages + 65536) {
    corrupt("its header counts " + std::to_string(header.last_page) + " pages, and it has " +
            std::to_string(pages));
  }
  check_record(header.main, header, size, "the main database");
  header.free.flags = MDB_INTEGERKEY;  // the field holds flags of the environment
  check_record(header.free, header, size, "the list of free pages");
  return header;
}

}  // namespace goromdb::lmdb

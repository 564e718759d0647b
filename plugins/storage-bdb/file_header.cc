// SPDX-License-Identifier: MIT
#include "file_header.h"

#include <bit>
#include <cstring>
#include <string>

#include "format.h"

namespace goromdb::bdb {
namespace {

constexpr uint32_t kSmallestPage = 512, kLargestPage = 65536;

class Head {
 public:
  explicit Head(const std::string& bytes) : bytes_(bytes) {}
  void swap() { swapped_ = true; }
  uint8_t u8(size_t at) const { return static_cast<uint8_t>(bytes_[at]); }
  uint32_t u32(size_t at) const {
    uint32_t n;
    std::memcpy(&n, bytes_.data() + at, sizeof n);
    return swapped_ ? __builtin_bswap32(n) : n;
  }

 private:
  const std::string& bytes_;
  bool swapped_ = false;
};

[[noreturn]] void corrupt(const std::string& what) { throw Failure(GOROMDB_E_CORRUPT, what); }
[[noreturn]] void unsupported(const std::string& what) {
  throw Failure(GOROMDB_E_UNSUPPORTED, what);
}

bool is_known(uint32_t magic) {
  return magic == kBtreeMagic || magic == kHashMagic || magic == kQueueMagic || magic == kHeapMagic;
}

void check_version(uint32_t version, const char* kind) {
  if (version >= kOldest && version <= kNewest) return;
  const auto says = "it is a Berkeley DB " + std::string(kind) + " file of version " +
                    std::to_string(version) + ", and libdb 5.3 reads 8 and 9; ";
  unsupported(says + (version > kNewest
                          ? "dump it with the db_dump that made it and load that with db5.3_load"
                          : "make it anew, or upgrade a copy with db5.3_upgrade"));
}

}  // namespace

FileHeader read_header(const DataFile& file) {
  const std::string bytes = file.head();
  if (bytes.empty()) corrupt("it is empty");
  Head head(bytes);
  FileHeader header;
  uint32_t magic = 0;
  if (bytes.size() >= kMetaSize) {
    magic = head.u32(kMagicAt);
    if (!is_known(magic) && is_known(__builtin_bswap32(magic))) {
      magic = __builtin_bswap32(magic);
      header.swapped = true;
      head.swap();
    }
  }
  if (!is_known(magic)) corrupt("it is no Berkeley DB file" + kind_hint(bytes));
  if (magic == kQueueMagic || magic == kHeapMagic) {
    unsupported(std::string("it is a Berkeley DB ") + (magic == kQueueMagic ? "queue" : "heap") +
                " file, and btree, hash and recno files are served; load its entries into one");
  }
  header.hash = magic == kHashMagic;
  check_version(head.u32(kVersionAt), header.hash ? "hash" : "btree");
  if (head.u8(kEncryptionAt) != 0) {
    unsupported("it is encrypted, which is not supported; dump it and load it without a password");
  }
  if (head.u8(kTypeAt) != (header.hash ? kHashMeta : kBtreeMeta)) {
    corrupt("its first page does not describe a database; it is damaged");
  }
  header.page_size = head.u32(kPageSizeAt);
  if (!std::has_single_bit(header.page_size) || header.page_size < kSmallestPage ||
      header.page_size > kLargestPage) {
    corrupt("its pages would have " + std::to_string(header.page_size) +
            " bytes; its first page is damaged");
  }
  if (head.u32(kPartsAt) != 0) {
    unsupported("it is a part of a database that is spread over several files; load it into one");
  }
  // libdb ends the process over a file that is longer.
  const uint64_t needed = (uint64_t{head.u32(kLastPageAt)} + 1) * header.page_size;
  if (file.size() != needed) {
    corrupt("it has " + std::to_string(file.size()) + " bytes and not the " +
            std::to_string(needed) + " of its pages of " + std::to_string(header.page_size) +
            (file.size() < needed ? "; it is cut short" : "; something was appended") +
            ", or was copied while it was being written");
  }
  header.checksums = (head.u8(kMetaFlagsAt) & kChecksummed) != 0;
  header.has_subdbs = !header.hash && (head.u32(kFlagsAt) & kSubdbs) != 0;
  return header;
}

}  // namespace goromdb::bdb

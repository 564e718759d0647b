// SPDX-License-Identifier: MIT
// What the plugins `bdb` and `memcachedb-bdb` share: options, opening of a file, verifying.
#pragma once

#include <goromdb/data_file.hpp>
#include <goromdb/sdk.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "builder.h"
#include "file_header.h"
#include "reader.h"

namespace goromdb::bdb {

class BdbGeneration {
 public:
  BdbGeneration(const Host& host, const Layout& layout, const std::string& path);

  void info(goromdb_generation_info& info) const;
  // A look at a file of plain btrees that needs no libdb. Of all others, libdb's own look at the
  // structure, then a walk over all entries, if they were not copied.
  void verify();
  goromdb_status warm(uint64_t offset, uint64_t budget, uint64_t& next) const {
    return file_.warm(offset, budget, next);
  }
  // Each reader's map of the file, as libdb made it. What lies in a cache of libdb's is not told.
  std::vector<goromdb_slice> memory() const {
    return contents_.copy ? contents_.copy->memory() : mappings_of(file_);
  }
  std::unique_ptr<BdbReader> reader(uint32_t);

 private:
  void list_subdbs();
  // What each database holds, where the file was found sound.
  std::optional<std::vector<EntryTotals>> check_plain() const;
  void open_all() const;
  // Goes through all entries that are served: counts them, and copies them if there is a `copy`.
  void read_all(EntryCopy* copy);
  void read(BdbReader& reader, uint32_t ns, EntryTotals& totals, EntryCopy* copy) const;

  const Host host_;
  const DataFile file_;
  const FileHeader header_;
  Layout layout_;
  Contents contents_;
  std::optional<EntryTotals> totals_;  // once verified or copied
};

class BdbStore {
 public:
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kLicense = "MIT";
  static constexpr uint32_t kTraits = GOROMDB_TRAIT_BUILDS_SORTED;

  BdbStore(Host host, const Options& options);
  std::unique_ptr<BdbGeneration> open(const char* path, uint64_t) const;
  std::unique_ptr<BdbBuilder> build(const char* path, uint64_t) const;

 protected:
  static constexpr std::array<goromdb_option, 5> options(const char* encoding) {
    return {{
        {sizeof(goromdb_option), GOROMDB_OPT_STRING, "subdb", nullptr,
         "the sub-database with the keys that have no namespace; unset: the file's own database",
         nullptr, 0, 0},
        {sizeof(goromdb_option), GOROMDB_OPT_ENUM, "namespaces", "subdb",
         "subdb: a namespace is a sub-database; prefix: it is the beginning of a key, as the Go "
         "program had it",
         "subdb|prefix", 0, 0},
        {sizeof(goromdb_option), GOROMDB_OPT_ENUM, "encoding", encoding,
         "raw: values as they are; memcachedb: MemcacheDB's items, with their flags",
         "raw|memcachedb", 0, 0},
        {sizeof(goromdb_option), GOROMDB_OPT_SIZE, "cache", nullptr,
         "of each loop and generation, for files that cannot be mapped: hash, checksums, the other "
         "byte order; unset: the whole file, up to 256MiB",
         nullptr, 1 << 20, int64_t{1} << 40},
        {sizeof(goromdb_option), GOROMDB_OPT_ENUM, "index", "none",
         "hash: all entries are copied into memory when a file is opened, with an index of their "
         "keys, so that look-ups are faster",
         "none|hash", 0, 0},
    }};
  }

 private:
  const Host host_;
  Layout layout_;
};

}  // namespace goromdb::bdb

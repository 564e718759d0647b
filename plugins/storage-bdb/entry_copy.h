// SPDX-License-Identifier: MIT
// All entries of a file in memory, with an index over their keys: what option `index: hash` looks
// keys up in, without libdb.
//
// An entry is a head of 16 bytes (length of the key, length of the value, its database, flags), the
// key, the value; nothing is aligned. With its place in the index that is about 27 bytes beside its
// own, huge pages where the kernel has some.
//
// Filled by one thread, then immutable: any number of threads may search. The values live as long
// as it does. Running out of memory throws std::bad_alloc.
#pragma once

#include <goromdb/flat_index.hpp>
#include <goromdb/memory.hpp>
#include <goromdb/sdk.hpp>

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace goromdb::bdb {

class EntryCopy {
 public:
  static constexpr uint32_t kBatch = FlatIndex::kBatch;

  struct Key {
    uint32_t database;
    std::string_view name;
  };

  // `expected` bytes are set aside (not touched) so that a file of that size mostly fits.
  explicit EntryCopy(uint64_t expected);

  // Until finish(): each key of a database once. Throws Failure beyond 16 TiB.
  void add(const Key& key, std::string_view value, uint32_t flags);
  // Throws Failure when a key came twice, or when the server is stopping.
  void finish(const Host& host);

  // After finish(): at most kBatch keys; `out` is OK or NOT_FOUND for each.
  void get(std::span<const Key> keys, goromdb_value* out) const noexcept;
  size_t memory_bytes() const { return memory_.size() + (index_ ? index_->memory_bytes() : 0); }
  std::vector<goromdb_slice> memory() const {
    return {{memory_.data(), memory_.size()}, slice(index_->memory())};
  }

 private:
  struct Head {
    uint32_t key_size, value_size, database, flags;
  };
  struct Record {
    Key key;
    std::string_view value;
    uint32_t flags;
    uint64_t next;  // the offset behind it
  };
  static constexpr uint64_t kFirst = 8;  // the offset 0 is no record

  Record at(uint64_t offset) const;
  bool has_key(uint64_t offset, const Key& key) const;
  uint64_t hash(const Key& key) const { return FlatIndex::hash(key.database, key.name, seed_); }

  const uint64_t seed_;
  AnonymousMemory memory_;
  MemoryWatch watch_;
  uint64_t used_ = kFirst;
  uint64_t count_ = 0;
  std::optional<FlatIndex> index_;
};

}  // namespace goromdb::bdb

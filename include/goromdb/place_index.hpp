// SPDX-License-Identifier: MIT
// A hash index over the entries of a mapped file, for storages whose format has another way to a
// key: a look-up then costs what it costs in storage-json, and no data are copied.
//
// The place of an entry is the byte of the file at which it begins. The storage adds the entries
// while it walks the file and checks it. What lies at a place has therefore been checked, and the
// file does not change: it is read without a check of its bounds.
//
// A file may hold several trees (buckets, databases), each with a number; no page holds entries of
// two of them. Equal keys in two trees are two entries.
//
// Built by one thread, then immutable: any number of threads may search. Header-only, not part of
// the ABI. Memory: 10.7 bytes a key, and 8 a page where there are several trees; while it is
// built, 16 bytes a key more. Running out of it throws std::bad_alloc.
#pragma once

#include <goromdb/flat_index.hpp>
#include <goromdb/sdk.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb {

// The option of a storage that can have such an index: `index`, none or hash.
constexpr goromdb_option kIndexOption = {
    sizeof(goromdb_option),
    GOROMDB_OPT_ENUM,
    "index",
    "none",
    "hash: an index of all keys is made when a file is opened, so that look-ups are faster",
    "none|hash",
    0,
    0};
inline bool wants_index(const Host& host, const Options& options) {
  return options.str("index") == "hash" && !host.only_verifies();
}

// What a place leads to: both lie in the mapping.
struct PlacedEntry {
  std::string_view key, value;
};

class PlaceIndex {
 public:
  static constexpr uint64_t kNoTree = UINT64_MAX;  // has no entries
  static constexpr unsigned kOnePage = 63;         // shift of a page that is larger than any file

  // Of a file of `size` bytes in pages of 2^page_shift. Throws Failure for one that is too large.
  PlaceIndex(uint64_t size, unsigned page_shift)
      : seed_(FlatIndex::random_seed()),
        page_shift_(page_shift),
        owners_(((size >> page_shift) + 1) * 8) {
    if (size > FlatIndex::kMaxOffset) {
      throw Failure(GOROMDB_E_TOO_BIG,
                    "it is larger than the 16 TiB that index: hash can serve; use index: none");
    }
  }

  // Until finish(): an entry of a tree, each key of it once. `place` > 0, inside of the file.
  void add(uint64_t tree, std::string_view key, uint64_t place) {
    if ((count_ + 1) * sizeof(Found) > found_.size()) {
      found_.resize(std::max(kFirstRoom, found_.size() * 2));
    }
    found()[count_] = {hash(tree, key), place};
    if (count_++ == 0) only_tree_ = tree;
    has_many_trees_ |= tree != only_tree_;
    owner(place) = tree;
  }

  // After the last add(). Throws Failure when the server is stopping.
  void finish(const Host& host) {
    index_.emplace(count_);
    uint64_t next = 0;
    const auto pull = [&](uint64_t& key_hash, uint64_t& place) {
      if (next == count_) return false;
      if (next % kProgressEvery == 0) host.progress(next, count_);
      key_hash = found()[next].hash;
      place = found()[next++].place;
      return true;
    };
    const auto never = [](uint64_t, uint64_t) { return false; };
    index_->insert_all(pull, never, [](uint64_t, uint64_t) {});
    found_ = AnonymousMemory();
    if (!has_many_trees_) owners_ = AnonymousMemory();
  }

  // Answers a batch. `Entries` knows the format:
  //   uint64_t tree(uint32_t ns) const          the tree that a namespace's id stands for, or none
  //   const void* head(uint64_t place) const    what has to be read first
  //   const void* rest(uint64_t place) const    optional: where the rest lies, as the head says;
  //                                             the head then lies in one line of the cache
  //   PlacedEntry at(uint64_t place) const
  template <class Entries>
  void get(const Entries& entries, std::span<const goromdb_key> keys,
           goromdb_value* out) const noexcept {
    while (!keys.empty()) {
      const auto n = static_cast<uint32_t>(std::min<size_t>(keys.size(), FlatIndex::kBatch));
      uint64_t trees[FlatIndex::kBatch], hashes[FlatIndex::kBatch], places[FlatIndex::kBatch];
      for (uint32_t i = 0; i < n; ++i) {
        trees[i] = entries.tree(keys[i].ns);
        hashes[i] = hash(trees[i], view(keys[i]));
        out[i] = {};
        out[i].status = GOROMDB_NOT_FOUND;
      }
      index_->find_batch(
          hashes, n, places,
          [&](uint64_t place) {
            if constexpr (has_rest<Entries>) {
              __builtin_prefetch(entries.head(place));
            } else {
              fetch(entries.head(place));
            }
          },
          [&]([[maybe_unused]] uint64_t place) {
            if constexpr (has_rest<Entries>) fetch(entries.rest(place));
          },
          [&](uint32_t i, uint64_t place) {
            const PlacedEntry entry = entries.at(place);
            if (entry.key != view(keys[i]) || !is_of(trees[i], place)) return false;
            out[i].ptr = entry.value.data();
            out[i].len = static_cast<uint32_t>(entry.value.size());
            out[i].status = GOROMDB_OK;
            return true;
          });
      keys = keys.subspan(n);
      out += n;
    }
  }

  uint64_t size() const { return count_; }
  size_t memory_bytes() const {
    return owners_.size() + found_.size() + (index_ ? index_->memory_bytes() : 0);
  }
  // After finish(): what get() reads of it, for a generation's memory(). [STO-19]
  void add_memory(std::vector<goromdb_slice>& parts) const {
    parts.push_back(slice(index_->memory()));
    if (owners_.size() > 0) parts.push_back({owners_.data(), owners_.size()});
  }

 private:
  struct Found {
    uint64_t hash, place;
  };
  static constexpr size_t kFirstRoom = size_t{64} << 10;
  static constexpr uint64_t kProgressEvery = uint64_t{1} << 16;

  template <class Entries>
  static constexpr bool has_rest = requires(const Entries& entries) {
    entries.rest(uint64_t{});
  };
  static void fetch(const void* at) {
    __builtin_prefetch(at);
    __builtin_prefetch(static_cast<const char*>(at) + 64);  // a small value that straddles the line
  }
  uint64_t hash(uint64_t tree, std::string_view key) const {
    return FlatIndex::hash(tree, key, seed_);
  }
  Found* found() const { return reinterpret_cast<Found*>(found_.data()); }
  uint64_t& owner(uint64_t place) const {
    return reinterpret_cast<uint64_t*>(owners_.data())[place >> page_shift_];
  }
  bool is_of(uint64_t tree, uint64_t place) const {
    return tree == (has_many_trees_ ? owner(place) : only_tree_);
  }

  const uint64_t seed_;
  const unsigned page_shift_;
  AnonymousMemory found_;   // while it is built
  AnonymousMemory owners_;  // of each page the tree
  uint64_t count_ = 0;
  uint64_t only_tree_ = kNoTree;
  bool has_many_trees_ = false;
  std::optional<FlatIndex> index_;
};

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// Bolt files as a storage of the plugin ABI: store, generation, reader, cursor, builder. See
// goromdb/sdk.hpp for who calls what on which thread.
#pragma once

#include "builder.h"
#include "namespaces.h"
#include "search.h"
#include "verify.h"
#include "walk.h"

#include <goromdb/data_file.hpp>
#include <goromdb/place_index.hpp>
#include <goromdb/sdk.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace goromdb::bolt {

class BoltGeneration;

class BoltCursor {
 public:
  // Without a tree: a walk over nothing.
  BoltCursor(const BoltGeneration& generation, const std::optional<Tree>& tree, After after);
  // From a key that `random` chooses.
  BoltCursor(const BoltGeneration& generation, const std::optional<Tree>& tree, uint64_t random);
  goromdb_status next(std::span<goromdb_key> keys, goromdb_value* values, uint32_t& got,
                      goromdb_arena*);

 private:
  const BoltGeneration& generation_;
  std::optional<Walk> walk_;
};

class BoltReader {
 public:
  explicit BoltReader(const BoltGeneration& generation);
  void get(uint32_t, std::span<const goromdb_key> keys, goromdb_value* out,
           goromdb_arena*) noexcept;
  goromdb_status ns_lookup(std::string_view name, uint32_t& id);
  goromdb_status ns_list(After after, std::span<goromdb_slice> names, uint32_t& got,
                         goromdb_arena* arena);
  std::unique_ptr<BoltCursor> cursor(uint32_t ns, After after);
  std::unique_ptr<BoltCursor> random_cursor(uint32_t ns, uint64_t random);
  std::optional<uint64_t> ns_count(uint32_t ns) const;

 private:
  struct Bucket {
    Tree tree;
    Page root;
    // In the index; kNoTree: it is not in it. A bucket inside of another one's page is a few
    // elements, which are searched as they are.
    uint64_t indexed = PlaceIndex::kNoTree;
  };
  struct Entries;  // for the index
  const Bucket* bucket(uint32_t ns) const noexcept {
    return ns < buckets_.size() && (ns != 0 || has_plain_) ? &buckets_[ns] : nullptr;
  }
  Bucket opened(const Tree& tree);
  template <class From>
  std::unique_ptr<BoltCursor> cursor_from(uint32_t ns, From from);
  void forget_many() noexcept;

  const BoltGeneration& generation_;
  const PlaceIndex* const index_;  // null: there is none
  bool all_indexed_;               // each bucket that has been opened
  const bool has_plain_;
  // By id: the bucket of the keys without a namespace, then those that were asked for, kept as long
  // as they are not too many.
  std::vector<Bucket> buckets_;
  std::unordered_map<std::string, uint32_t, SeededHash, std::equal_to<>> ids_;
  size_t name_bytes_ = 0;
  // What ns_list() gave last. Who walks over all asks for these next, and knows where they are.
  std::unordered_map<std::string, Tree, SeededHash, std::equal_to<>> listed_;
  std::array<Seek, kLanes> seeks_;
  std::array<uint32_t, kLanes> which_;  // key of the batch each of them looks for
};

class BoltGeneration {
 public:
  // `bucket` is that of the keys without a namespace. With an index the file is verified here.
  BoltGeneration(const char* path, std::string_view bucket, Host host, bool with_index);
  BoltGeneration(const BoltGeneration&) = delete;
  BoltGeneration& operator=(const BoltGeneration&) = delete;

  void info(goromdb_generation_info& info) const;
  void verify();
  goromdb_status warm(uint64_t offset, uint64_t budget, uint64_t& next) const {
    return file_.warm(offset, budget, next);
  }
  std::vector<goromdb_slice> memory() const {
    std::vector<goromdb_slice> parts{mapping_.memory()};
    if (index_) index_->add_memory(parts);
    return parts;
  }
  std::unique_ptr<BoltReader> reader(uint32_t) { return std::make_unique<BoltReader>(*this); }

  const Image& image() const { return image_; }
  const Namespaces& namespaces() const { return namespaces_; }
  const Host& host() const { return host_; }
  const std::string& name() const { return name_; }  // for messages
  // Of all buckets that have pages of their own; null: there is none.
  const PlaceIndex* index() const { return index_ ? &*index_ : nullptr; }
  // The keys of a bucket that has branches, once the file is verified.
  std::optional<uint64_t> keys_of(const Tree& tree) const;

 private:
  void lock() const;
  void check_bucket(std::string_view bucket) const;
  void walk();

  const Host host_;
  const std::string name_;
  const DataFile file_;  // stays open: the lock is its own, and warm() reads it
  const Mapping mapping_;
  const Image image_;
  const Namespaces namespaces_;
  std::optional<Totals> totals_;  // once verified
  std::optional<PlaceIndex> index_;
};

class BoltBuilder {
 public:
  BoltBuilder(const char* path, std::string_view bucket);
  void put(std::string_view ns, std::string_view key, std::string_view value, uint32_t flags);
  void finish();

 private:
  const std::string name_;
  std::optional<Builder> builder_;
};

// Its plugins add kName: `bolt` and, for configurations of the Go program, `boltdb`.
class BoltStore {
 public:
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kLicense = "MIT";
  static constexpr const char* kDoc =
      "Bolt and bbolt files, read where they lie; buckets are namespaces";
  static constexpr uint32_t kTraits = GOROMDB_TRAIT_BOUNDS_CHECKED | GOROMDB_TRAIT_BUILDS_SORTED;
  static constexpr goromdb_option kOptions[] = {
      {sizeof(goromdb_option), GOROMDB_OPT_STRING, "bucket", "default",
       "the bucket that holds the keys without a namespace; a nested one by its path, a/b", nullptr,
       0, 0},
      kIndexOption,
  };

  BoltStore(Host host, const Options& options);
  std::unique_ptr<BoltGeneration> open(const char* path, uint64_t);
  std::unique_ptr<BoltBuilder> build(const char* path, uint64_t);

 private:
  const Host host_;
  const std::string bucket_;
  const bool with_index_;
};

}  // namespace goromdb::bolt

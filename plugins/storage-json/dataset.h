// SPDX-License-Identifier: MIT
// A loaded data file: records, an index over them, and the names of its namespaces.
//
// A DatasetBuilder takes the entries in the file's order; the last of equal keys wins. A Dataset is
// immutable: any number of threads may read it, its values live as long as it does.
#pragma once

#include "record_arena.h"
#include "stretches.h"
#include "syntax_error.h"

#include <goromdb/flat_index.hpp>
#include <goromdb/sdk.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb {

// Where names of namespaces are looked for.
enum class Names {
  kAmongKeys,  // with the keys that have no namespace: of a key and a namespace the later one wins
  kApart,      // a key and a namespace may have the same name
};

struct Duplicates {
  uint64_t count = 0;
  std::string first;  // the name
};

class Dataset {
 public:
  void get(std::span<const goromdb_key> keys, goromdb_value* out) const noexcept;

  uint64_t entries() const { return entries_; }
  uint64_t bytes() const { return bytes_; }
  uint64_t resident_bytes() const;
  std::vector<goromdb_slice> memory() const {
    return {slice(arena_.memory()), slice(index_.memory())};
  }
  // Ids are 1 .. namespaces(), in the order of the file.
  uint32_t namespaces() const { return static_cast<uint32_t>(names_.size()); }
  uint32_t namespace_id(std::string_view name) const;  // 0: there is none
  std::string_view namespace_name(uint32_t id) const { return arena_.at(names_[id - 1]).key; }
  const Duplicates& duplicates() const { return duplicates_; }

  // A walk over a namespace in the order of the file, from where `at` says: 0 is its beginning. The
  // next entry, and `at` is behind it; false at the end. Looks at a few records only, whatever
  // lies between two entries.
  bool next(uint32_t ns, uint64_t& at, RecordArena::Record& entry) const;
  // What to hand to next() to go on behind a key; 0: it is not there.
  uint64_t behind(uint32_t ns, std::string_view key) const;
  // What to hand to next() to begin at an entry that `random` chooses, each as likely.
  uint64_t any(uint32_t ns, uint64_t random) const;
  // The entries of a namespace.
  uint64_t count(uint32_t ns) const;

 private:
  friend class DatasetBuilder;
  Dataset(RecordArena arena, std::vector<uint64_t> names, uint32_t ns_of_names);

  void add_all(const Host& host, uint32_t pass);
  void number_namespaces();
  void find_stretches(const Host& host);
  uint64_t any_in_stretch(uint32_t ns, std::span<const uint64_t> stretches,
                          std::mt19937_64& chance) const;
  bool same_key(uint64_t offset, uint32_t ns, std::string_view key) const;
  uint64_t hash(uint32_t ns, std::string_view key) const;
  void replaced(uint64_t older);

  RecordArena arena_;
  std::vector<uint64_t> names_;  // offset of the record of each namespace
  std::vector<Range> ranges_;    // by id; the first is that of the keys without a namespace
  Stretches stretches_;
  bool mixed_ = false;              // some namespace has others between its entries
  std::vector<uint32_t> final_id_;  // while it is built: of each id that the builder gave; 0: dead
  uint32_t ns_of_names_;
  uint64_t seed_;
  FlatIndex index_;
  uint64_t entries_ = 0;
  uint64_t bytes_ = 0;
  Duplicates duplicates_;
};

class DatasetBuilder {
 public:
  DatasetBuilder(Names names, size_t expected_bytes);

  // A new entry in two steps, so that its bytes are decoded where they stay: begin() says where key
  // and value go, `most` bytes together; end() takes their true lengths. A begin() without an end()
  // leaves nothing behind. `at` is the place in the text that the SyntaxError names which is thrown
  // when the key, the value or the name is too long.
  char* begin(uint32_t ns, uint32_t flags, size_t most) {
    return arena_.begin(ns, flags, false, most);
  }
  void end(size_t key_size, size_t value_size, const char* at);
  void add(uint32_t ns, uint32_t flags, std::string_view key, std::string_view value,
           const char* at);
  // A new namespace, and what to hand to add() for it; takes the place of an earlier one.
  uint32_t add_namespace(std::string_view name, const char* at);
  // Resolves repeated keys and indexes the rest; throws a Failure when the server is stopping.
  Dataset finish(const Host& host) &&;

 private:
  RecordArena arena_;
  std::vector<uint64_t> names_;
  uint32_t ns_of_names_;
};

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "bolt_store.h"

#include <sys/file.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

namespace goromdb::bolt {
namespace {

constexpr std::string_view kUsualBucket = "default";
constexpr size_t kMostCachedBytes = 16 << 20;

// A name from a file, fit for a message.
std::string printable(std::string_view name) {
  constexpr size_t kMost = 40;
  std::string out(name.substr(0, kMost));
  for (char& c : out) {
    if (c < ' ' || c > '~' || c == '"') c = '?';
  }
  return '"' + out + (name.size() > kMost ? "...\"" : "\"");
}

goromdb_value found(std::string_view value) {
  return {value.data(), static_cast<uint32_t>(value.size()), 0, 0, GOROMDB_OK, 0};
}
goromdb_value without(goromdb_status status) { return {nullptr, 0, 0, 0, status, 0}; }

}  // namespace

BoltStore::BoltStore(Host host, const Options& options)
    : host_(host), bucket_(options.str("bucket")), with_index_(wants_index(host, options)) {
  if (bucket_.empty()) {
    throw Failure(GOROMDB_E_CONFIG,
                  "bucket is empty; name the bucket of the keys without a namespace");
  }
}

std::unique_ptr<BoltGeneration> BoltStore::open(const char* path, uint64_t) {
  return about_file(
      path, [&] { return std::make_unique<BoltGeneration>(path, bucket_, host_, with_index_); });
}

std::unique_ptr<BoltBuilder> BoltStore::build(const char* path, uint64_t) {
  return std::make_unique<BoltBuilder>(path, bucket_);
}

BoltGeneration::BoltGeneration(const char* path, std::string_view bucket, Host host,
                               bool with_index)
    : host_(host),
      name_(end_of(path)),
      file_(path),
      mapping_(file_),
      image_(std::span(mapping_.data(), mapping_.size())),
      namespaces_(image_, bucket) {
  lock();
  check_bucket(bucket);
  if (!image_.warning().empty()) {
    host_.log(GOROMDB_LOG_WARN, name_ + ": " + image_.warning());
  }
  if (!with_index) return;
  index_.emplace(image_.bytes(), static_cast<unsigned>(std::countr_zero(image_.page_size())));
  walk();
  index_->finish(host_);
}

// Keeps a careful writer out as long as the file is served. One that has it open already is not
// waited for.
void BoltGeneration::lock() const {
  if (::flock(file_.fd(), LOCK_SH | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK) {
    host_.log(GOROMDB_LOG_WARN,
              name_ + ": a program has it open for writing; close that program, or drop a copy");
  } else {
    host_.log(GOROMDB_LOG_DEBUG, name_ + ": cannot be locked: " + std::strerror(errno));
  }
}

// The usual bucket may be missing: then all keys are in namespaces.
void BoltGeneration::check_bucket(std::string_view bucket) const {
  if (const auto& plain = namespaces_.plain()) {
    Page page;
    if (Fault fault = image_.root_of(*plain, page)) fail(*plain, fault);
    return;
  }
  if (bucket == kUsualBucket) return;
  std::string there;
  // Keys that lie between the buckets, where none may be, are passed over as well: no more of them
  // than the file has room for.
  Budget budget(image_.bytes(), [&] { host_.progress(0, image_.bytes()); });
  Walk walk(image_, image_.root(), std::nullopt, &budget);
  Element element;
  for (int i = 0; i < 4 && walk.next_bucket(element); ++i) {
    there += (i == 0 ? " " : ", ") + (i < 3 ? printable(element.key) : "...");
  }
  throw Failure(GOROMDB_E_CONFIG, "it has no bucket " + printable(bucket) +
                                      "; set the option bucket to one that it has: " +
                                      (there.empty() ? "it has none" : there.substr(1)));
}

void BoltGeneration::info(goromdb_generation_info& info) const {
  info.caps = GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION | GOROMDB_CAP_WALKS_SORTED;
  EntryTotals::tell(totals_, info);
  // The pages are the page cache's.
  info.resident_bytes = index_ ? index_->memory_bytes() : GOROMDB_UNKNOWN;
  info.namespaces = totals_ ? totals_->namespaces : UINT32_MAX;
}

std::optional<uint64_t> BoltGeneration::keys_of(const Tree& tree) const {
  if (!totals_) return std::nullopt;
  const auto& buckets = totals_->branched;
  const auto its =
      std::lower_bound(buckets.begin(), buckets.end(), std::pair(tree.root, uint64_t{0}));
  if (its == buckets.end() || its->first != tree.root) return std::nullopt;
  return its->second;
}

void BoltGeneration::verify() {
  if (index_) return;  // open() has walked it
  about_file(name_, [&] { walk(); });
}

void BoltGeneration::walk() {
  {
    const ReadAhead ahead(mapping_, host_.threads());
    totals_ = bolt::verify(namespaces_, host_, index_ ? &*index_ : nullptr);
  }
  if (totals_->shadowed > 0) {
    host_.log(GOROMDB_LOG_WARN,
              name_ + ": buckets that no name leads to, since another one has the same path: " +
                  std::to_string(totals_->shadowed) + "; use no slashes in the names of buckets");
  }
}

BoltReader::BoltReader(const BoltGeneration& generation)
    : generation_(generation),
      index_(generation.index()),
      all_indexed_(index_ != nullptr),
      has_plain_(generation.namespaces().plain().has_value()) {
  buckets_.push_back(has_plain_ ? opened(*generation.namespaces().plain()) : Bucket());
}

BoltReader::Bucket BoltReader::opened(const Tree& tree) {
  Bucket bucket{tree, {}};
  if (Fault fault = generation_.image().root_of(tree, bucket.root)) fail(tree, fault);
  if (index_ != nullptr && tree.root != 0) bucket.indexed = tree.root;
  all_indexed_ &= bucket.indexed != PlaceIndex::kNoTree;
  return bucket;
}

struct BoltReader::Entries : Elements {
  const BoltReader& reader;

  uint64_t tree(uint32_t ns) const noexcept {
    const Bucket* in = reader.bucket(ns);
    return in != nullptr ? in->indexed : PlaceIndex::kNoTree;
  }
};

void BoltReader::get(uint32_t, std::span<const goromdb_key> keys, goromdb_value* out,
                     goromdb_arena*) noexcept {
  if (index_ != nullptr) index_->get(Entries{{generation_.image()}, *this}, keys, out);
  for (size_t next = 0; next < keys.size() && !all_indexed_;) {
    size_t n = 0;
    for (; n < kLanes && next < keys.size(); ++next) {
      const Bucket* in = bucket(keys[next].ns);
      if (in != nullptr && in->indexed != PlaceIndex::kNoTree) continue;
      if (in == nullptr) {
        out[next] = without(GOROMDB_NOT_FOUND);
        continue;
      }
      seeks_[n].start(in->root, view(keys[next]));
      which_[n++] = static_cast<uint32_t>(next);
    }
    search(generation_.image(), std::span(seeks_.data(), n));
    for (size_t i = 0; i < n; ++i) {
      const Seek& seek = seeks_[i];
      if (seek.fault != nullptr) {
        out[which_[i]] = without(GOROMDB_E_CORRUPT);
      } else if (!seek.found || (seek.flags & kIsBucket) != 0) {
        out[which_[i]] = without(GOROMDB_NOT_FOUND);
      } else {
        out[which_[i]] = found(seek.value);
      }
    }
  }
  forget_many();
}

goromdb_status BoltReader::ns_lookup(std::string_view name, uint32_t& id) {
  if (const auto known = ids_.find(name); known != ids_.end()) {
    id = known->second;
    return GOROMDB_OK;
  }
  const auto listed = listed_.find(name);
  const std::optional<Tree> tree =
      listed != listed_.end() ? listed->second : generation_.namespaces().find(name);
  if (!tree) return GOROMDB_NOT_FOUND;
  buckets_.push_back(opened(*tree));
  id = static_cast<uint32_t>(buckets_.size() - 1);
  ids_.emplace(name, id);
  name_bytes_ += name.size() + sizeof(Bucket);
  return GOROMDB_OK;
}

// Ids are good until the call that calls this has returned.
void BoltReader::forget_many() noexcept {
  if (name_bytes_ <= kMostCachedBytes) return;
  ids_.clear();
  buckets_.resize(1);
  name_bytes_ = 0;
}

goromdb_status BoltReader::ns_list(After after, std::span<goromdb_slice> names, uint32_t& got,
                                   goromdb_arena* arena) {
  return about_file(generation_.name(), [&] {
    listed_.clear();
    BucketWalk walk(generation_.namespaces(), after);
    while (got < names.size()) {
      if (!walk.next()) return GOROMDB_END;
      if (!walk.is_listed()) continue;
      const std::string& path = walk.path();
      void* room = generation_.host().arena_alloc(arena, path.size());
      if (room == nullptr) throw std::bad_alloc();
      std::memcpy(room, path.data(), path.size());
      names[got++] = {room, path.size()};
      listed_.emplace(path, walk.tree());
    }
    return GOROMDB_OK;
  });
}

std::unique_ptr<BoltCursor> BoltReader::cursor(uint32_t ns, After after) {
  return cursor_from(ns, after);
}

std::unique_ptr<BoltCursor> BoltReader::random_cursor(uint32_t ns, uint64_t random) {
  return cursor_from(ns, random);
}

template <class From>
std::unique_ptr<BoltCursor> BoltReader::cursor_from(uint32_t ns, From from) {
  const Bucket* in = bucket(ns);
  if (in == nullptr && ns != 0) {
    throw Failure(GOROMDB_E_CONFIG, generation_.name() + ": there is no such namespace");
  }
  auto cursor = std::make_unique<BoltCursor>(
      generation_, in != nullptr ? std::optional(in->tree) : std::nullopt, from);
  forget_many();
  return cursor;
}

std::optional<uint64_t> BoltReader::ns_count(uint32_t ns) const {
  const Bucket* in = bucket(ns);
  if (in == nullptr) return ns == 0 ? std::optional<uint64_t>(0) : std::nullopt;
  if (!in->root.leaf) return generation_.keys_of(in->tree);
  uint64_t keys = 0;
  for (uint32_t i = 0; i < in->root.count; ++i) keys += (in->root.flags(i) & kIsBucket) == 0;
  return keys;
}

BoltCursor::BoltCursor(const BoltGeneration& generation, const std::optional<Tree>& tree,
                       After after)
    : generation_(generation) {
  if (!tree) return;
  about_file(generation.name(), [&] { walk_.emplace(generation.image(), *tree, after); });
}

BoltCursor::BoltCursor(const BoltGeneration& generation, const std::optional<Tree>& tree,
                       uint64_t random)
    : BoltCursor(generation, tree, After()) {
  if (!tree) return;
  about_file(generation.name(), [&] {
    if (auto walk = walk_from_any(generation.image(), *tree, random)) {
      walk_.emplace(std::move(*walk));
    }
  });
}

goromdb_status BoltCursor::next(std::span<goromdb_key> keys, goromdb_value* values, uint32_t& got,
                                goromdb_arena*) {
  return about_file(generation_.name(), [&] {
    Element element;
    while (got < keys.size()) {
      if (!walk_ || !walk_->next(element)) return GOROMDB_END;
      if (element.is_bucket) continue;
      keys[got] = {element.key.data(), static_cast<uint32_t>(element.key.size()), 0};
      values[got++] = found(element.value);
    }
    return GOROMDB_OK;
  });
}

BoltBuilder::BoltBuilder(const char* path, std::string_view bucket) : name_(end_of(path)) {
  about_file(name_, [&] { builder_.emplace(path, bucket); });
}

void BoltBuilder::put(std::string_view ns, std::string_view key, std::string_view value,
                      uint32_t flags) {
  about_file(name_, [&] { builder_->put(ns, key, value, flags); });
}

void BoltBuilder::finish() {
  about_file(name_, [&] { builder_->finish(); });
}

}  // namespace goromdb::bolt

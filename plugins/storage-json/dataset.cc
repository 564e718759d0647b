// SPDX-License-Identifier: MIT
// Building in two passes over the records, because only the first tells which namespaces live.
#include "dataset.h"

#include <algorithm>
#include <cstring>

namespace goromdb {
namespace {

// No namespace has this id, so names that are kept apart clash with no key.
constexpr uint32_t kNsOfNames = UINT32_MAX;
constexpr uint32_t kMaxNamespaces = kNsOfNames - 1;
constexpr uint64_t kProgressEvery = uint64_t{1} << 16;  // records

enum Pass : uint32_t { kTopLevel, kInsideNamespaces };

bool is_entry(const RecordArena::Record& record, uint32_t ns) {
  return record.ns == ns && !record.is_namespace && !record.dead;
}

}  // namespace

Dataset::Dataset(RecordArena arena, std::vector<uint64_t> names, uint32_t ns_of_names)
    : arena_(std::move(arena)),
      names_(std::move(names)),
      ranges_(1),
      ns_of_names_(ns_of_names),
      seed_(FlatIndex::random_seed()),
      index_(arena_.count()) {}

uint64_t Dataset::hash(uint32_t ns, std::string_view key) const {
  return FlatIndex::hash(ns, key, seed_);
}

bool Dataset::same_key(uint64_t offset, uint32_t ns, std::string_view key) const {
  const RecordArena::Record record = arena_.at(offset);
  return record.ns == ns && record.key == key;
}

void Dataset::replaced(uint64_t older) {
  const RecordArena::Record record = arena_.at(older);
  if (duplicates_.count++ == 0) duplicates_.first = record.key;
  arena_.mark_dead(older);
  if (record.is_namespace) return;
  --entries_;
  --ranges_[record.ns].entries;
  bytes_ -= record.key.size() + record.value.size();
}

// Indexes the records that belong to the pass.
void Dataset::add_all(const Host& host, uint32_t pass) {
  uint64_t at = RecordArena::kFirst, seen = 0;
  const auto pull = [&](uint64_t& key_hash, uint64_t& offset) {
    while (at < arena_.end_offset()) {
      if (++seen % kProgressEvery == 0) host.progress(at, arena_.end_offset());
      RecordArena::Record record = arena_.at(at);
      offset = std::exchange(at, record.next);
      const bool top_level = record.ns == 0 || record.is_namespace;
      if (top_level != (pass == kTopLevel)) continue;
      if (!top_level) {
        record.ns = final_id_[record.ns - 1];
        if (record.ns == 0) {
          arena_.mark_dead(offset);
          continue;
        }
        arena_.set_ns(offset, record.ns);
      }
      if (!record.is_namespace) {
        Range& its = ranges_[record.ns];
        if (its.end != offset) {
          mixed_ |= its.end != 0;
          its.begin = std::min(its.begin, offset);
        }
        its.end = record.next;
        ++its.entries;
        ++entries_;
        bytes_ += record.key.size() + record.value.size();
      }
      key_hash = hash(record.ns, record.key);
      return true;
    }
    return false;
  };
  index_.insert_all(
      pull,
      [&](uint64_t older, uint64_t newer) {
        const RecordArena::Record record = arena_.at(newer);
        return same_key(older, record.ns, record.key);
      },
      [&](uint64_t older, uint64_t) { replaced(older); });
}

// Closes the gaps that replaced namespaces have left in the ids.
void Dataset::number_namespaces() {
  final_id_.resize(names_.size());
  std::vector<uint64_t> living;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (arena_.at(names_[i]).dead) continue;
    living.push_back(names_[i]);
    final_id_[i] = static_cast<uint32_t>(living.size());
    arena_.set_namespace_id(names_[i], final_id_[i]);
  }
  living.shrink_to_fit();
  ranges_.resize(1 + living.size());
  names_ = std::move(living);
}

// Nothing to be found where all namespaces lie in one piece each and hardly a key comes twice.
void Dataset::find_stretches(const Host& host) {
  if (mixed_ || duplicates_.count > Stretches::kMostPassed) {
    stretches_ = Stretches(arena_, ranges_, host);
  }
}

uint64_t Dataset::resident_bytes() const {
  return arena_.memory_bytes() + index_.memory_bytes() + names_.capacity() * sizeof names_[0] +
         ranges_.capacity() * sizeof ranges_[0] + stretches_.memory_bytes();
}

uint32_t Dataset::namespace_id(std::string_view name) const {
  const uint64_t offset = index_.find(hash(ns_of_names_, name), [&](uint64_t candidate) {
    return same_key(candidate, ns_of_names_, name);
  });
  if (offset == 0 || !arena_.at(offset).is_namespace) return 0;
  uint32_t id;
  std::memcpy(&id, arena_.at(offset).value.data(), sizeof id);
  return id;
}

bool Dataset::next(uint32_t ns, uint64_t& at, RecordArena::Record& entry) const {
  if (ns > namespaces()) return false;
  const Range& its = ranges_[ns];
  at = std::max(at, its.begin);
  for (uint64_t passed = 0; at < its.end; ++passed) {
    if (passed > Stretches::kMostPassed && !stretches_.skip(ns, at)) return false;
    entry = arena_.at(at);
    at = entry.next;
    if (is_entry(entry, ns)) return true;
  }
  return false;
}

uint64_t Dataset::any(uint32_t ns, uint64_t random) const {
  if (count(ns) == 0) return RecordArena::kFirst;
  constexpr int kTries = 1000;
  std::mt19937_64 chance(random);
  const Range& its = ranges_[ns];
  const auto stretches = stretches_.of(ns);
  for (int i = 0; i < kTries; ++i) {
    if (!stretches.empty()) {
      if (const uint64_t at = any_in_stretch(ns, stretches, chance); at != 0) return at;
    } else {
      const uint64_t at = arena_.any(its.begin, its.end, chance);
      if (at != 0 && is_entry(arena_.at(at), ns)) return at;
    }
  }
  return its.begin;
}

// Each entry of any stretch is as likely; 0: chance hit none, as in a stretch that is short.
uint64_t Dataset::any_in_stretch(uint32_t ns, std::span<const uint64_t> stretches,
                                 std::mt19937_64& chance) const {
  const uint64_t i = chance() % stretches.size();
  const uint64_t end = i + 1 < stretches.size() ? stretches[i + 1] : ranges_[ns].end;
  uint64_t at = stretches[i], behind = at;
  for (uint64_t more = chance() % Stretches::kMostEntries + 1; more > 0; --more) {
    at = behind;
    RecordArena::Record entry;
    if (!next(ns, behind, entry) || behind > end) return 0;
  }
  return at;
}

uint64_t Dataset::count(uint32_t ns) const { return ns > namespaces() ? 0 : ranges_[ns].entries; }

uint64_t Dataset::behind(uint32_t ns, std::string_view key) const {
  const uint64_t offset =
      index_.find(hash(ns, key), [&](uint64_t candidate) { return same_key(candidate, ns, key); });
  return offset == 0 ? 0 : arena_.at(offset).next;
}

void Dataset::get(std::span<const goromdb_key> keys, goromdb_value* out) const noexcept {
  while (!keys.empty()) {
    const auto n = static_cast<uint32_t>(std::min<size_t>(keys.size(), FlatIndex::kBatch));
    uint64_t hashes[FlatIndex::kBatch], offsets[FlatIndex::kBatch];
    for (uint32_t i = 0; i < n; ++i) hashes[i] = hash(keys[i].ns, view(keys[i]));
    index_.find_batch(
        hashes, n, offsets, [&](uint64_t offset) { arena_.prefetch(offset); },
        [&](uint32_t i, uint64_t offset) { return same_key(offset, keys[i].ns, view(keys[i])); });
    for (uint32_t i = 0; i < n; ++i) {
      out[i] = {};
      out[i].status = GOROMDB_NOT_FOUND;
      if (offsets[i] == 0) continue;
      const RecordArena::Record record = arena_.at(offsets[i]);
      if (record.is_namespace) continue;
      out[i].ptr = record.value.data();
      out[i].len = static_cast<uint32_t>(record.value.size());
      out[i].flags = record.flags;
      out[i].status = GOROMDB_OK;
    }
    keys = keys.subspan(n);
    out += n;
  }
}

DatasetBuilder::DatasetBuilder(Names names, size_t expected_bytes)
    : arena_(expected_bytes), ns_of_names_(names == Names::kApart ? kNsOfNames : 0) {}

void DatasetBuilder::end(size_t key_size, size_t value_size, const char* at) {
  if (key_size > RecordArena::kMaxKey) {
    throw SyntaxError{at, "a key is longer than 16777215 bytes", GOROMDB_E_TOO_BIG};
  }
  if (value_size > RecordArena::kMaxValue) {
    throw SyntaxError{at, "a value is longer than 4294967295 bytes", GOROMDB_E_TOO_BIG};
  }
  arena_.end(key_size, value_size);
}

void DatasetBuilder::add(uint32_t ns, uint32_t flags, std::string_view key, std::string_view value,
                         const char* at) {
  char* const to = begin(ns, flags, key.size() + value.size());
  value.copy(key.copy(to, key.size()) + to, value.size());
  end(key.size(), value.size(), at);
}

uint32_t DatasetBuilder::add_namespace(std::string_view name, const char* at) {
  const auto id = static_cast<uint32_t>(names_.size() + 1);
  if (name.size() > RecordArena::kMaxKey) {
    throw SyntaxError{at, "the name of a namespace is longer than 16777215 bytes",
                      GOROMDB_E_TOO_BIG};
  }
  if (id > kMaxNamespaces) {
    throw SyntaxError{at, "more than 4294967294 namespaces", GOROMDB_E_TOO_BIG};
  }
  char* const to = arena_.begin(ns_of_names_, 0, true, name.size() + sizeof id);
  std::memcpy(to + name.copy(to, name.size()), &id, sizeof id);
  names_.push_back(arena_.end(name.size(), sizeof id));
  return id;
}

Dataset DatasetBuilder::finish(const Host& host) && {
  arena_.shrink();
  Dataset data(std::move(arena_), std::move(names_), ns_of_names_);
  data.add_all(host, kTopLevel);
  if (!data.names_.empty()) {
    data.number_namespaces();
    data.add_all(host, kInsideNamespaces);
    data.final_id_ = {};
  }
  data.find_stretches(host);
  return data;
}

}  // namespace goromdb

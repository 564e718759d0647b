// SPDX-License-Identifier: MIT
#include "reader.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace goromdb::lmdb {
namespace {

constexpr uint32_t kMostValue = UINT32_MAX;

// Whether the entry with this key, where it lies in its page, is a named database.
bool is_database(const MDB_val& key) {
  const auto* node = static_cast<const uint8_t*>(key.mv_data) - kNodeHeader;
  return load<uint16_t>(node + kNodeFlagsAt) == kTree;
}

goromdb_value found(const MDB_val& value) {
  static_assert(kMostValue == UINT32_MAX, "liblmdb's values have 32 bits of length");
  return {value.mv_data, static_cast<uint32_t>(value.mv_size), 0, 0, GOROMDB_OK, 0};
}

// The nodes that an index knows. They were walked when it was made: what they say is so.
struct Nodes {
  const Catalog& catalog;
  const NodeIndex& index;

  uint64_t tree(uint32_t ns) const noexcept {
    if (ns >= catalog.size() || catalog.may_have_duplicates(ns)) return PlaceIndex::kNoTree;
    static_assert(PlaceIndex::kNoTree == kNoPage);  // the root of a tree without entries
    return catalog.records[ns].root;
  }
  const void* head(uint64_t place) const noexcept { return index.map.data() + place; }
  PlacedEntry at(uint64_t place) const noexcept {
    const uint8_t* node = index.map.data() + place;
    const auto key_size = load<uint16_t>(node + kKeySizeAt);
    const auto* key = node + kNodeHeader;
    const uint8_t* value = key + key_size;
    if (load<uint16_t>(node + kNodeFlagsAt) == kBigValue) {
      value = index.map.data() + load<uint64_t>(value) * index.page_size + kPageHeader;
    }
    return {{reinterpret_cast<const char*>(key), key_size},
            {reinterpret_cast<const char*>(value), load<uint32_t>(node)}};
  }
};

}  // namespace

NodeIndex::NodeIndex(Mapping whole, uint32_t page)
    : map(std::move(whole)),
      page_size(page),
      places(map.size(), static_cast<unsigned>(std::countr_zero(page))) {}

uint32_t Catalog::id_behind(std::string_view name) const {
  return static_cast<uint32_t>(std::upper_bound(names.begin() + 1, names.end(), name) -
                               names.begin());
}

uint32_t Catalog::id_of(std::string_view name) const {
  const uint32_t before = id_behind(name) - 1;
  return before > 0 && names[before] == name ? before : 0;
}

std::optional<uint64_t> Catalog::keys_of(uint32_t id) const {
  if (id >= size() || (records[id].flags & MDB_DUPSORT) != 0) return std::nullopt;
  if (!names[id].empty()) return records[id].entries;
  return in_main ? std::optional(records[id].entries - *in_main) : std::nullopt;
}

bool Catalog::is_sorted() const {
  return std::none_of(records.begin(), records.end(), [](const Db& db) {
    return (db.flags & (MDB_REVERSEKEY | MDB_INTEGERKEY)) != 0;
  });
}

// ---- look-ups

void LmdbReader::get(uint32_t, std::span<const goromdb_key> keys, goromdb_value* out,
                     goromdb_arena*) noexcept {
  if (index_ != nullptr) index_->places.get(Nodes{catalog_, *index_}, keys, out);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (index_ == nullptr || catalog_.may_have_duplicates(keys[i].ns)) ask_library(keys[i], out[i]);
  }
}

void LmdbReader::ask_library(const goromdb_key& key, goromdb_value& out) noexcept {
  MDB_val value;
  const int code = find(key, value);
  out = code == MDB_SUCCESS ? found(value) : goromdb_value{{}, 0, 0, 0, status_of(code), 0};
  if (code == MDB_SUCCESS || code == MDB_NOTFOUND) return;
  // An error blocks a transaction; the other keys need a fresh one.
  mdb_txn_reset(txn_.get());
  mdb_txn_renew(txn_.get());
}

int LmdbReader::find(const goromdb_key& key, MDB_val& value) noexcept {
  if (key.len == 0 || key.ns >= catalog_.size()) return MDB_NOTFOUND;
  const Handle& handle = environment_.handle(key.ns);
  MDB_val wanted = value_of(view(key));
  uint64_t aligned = 0;
  if (handle.has_integers) {
    // liblmdb reads as many bytes of its key as this one has, and both as integers.
    if (key.len != handle.integer_size) return MDB_NOTFOUND;
    std::memcpy(&aligned, key.ptr, key.len);
    wanted.mv_data = &aligned;
  }
  const int code = mdb_get(txn_.get(), handle.dbi, &wanted, &value);
  if (code == MDB_SUCCESS && handle.has_databases && value.mv_size == Db::kSize &&
      is_database(handle, view(key))) {
    return MDB_NOTFOUND;
  }
  return code;
}

// Only for values of a record's size: mdb_get() does not say where the key lies.
bool LmdbReader::is_database(const Handle& handle, std::string_view key) noexcept {
  MDB_cursor* cursor = nullptr;
  if (mdb_cursor_open(txn_.get(), handle.dbi, &cursor) != MDB_SUCCESS) return true;
  probe_.reset(cursor);
  MDB_val at = value_of(key), value;
  return mdb_cursor_get(cursor, &at, &value, MDB_SET_KEY) != MDB_SUCCESS || lmdb::is_database(at);
}

// ---- namespaces

goromdb_status LmdbReader::ns_lookup(std::string_view name, uint32_t& id) const {
  id = catalog_.id_of(name);
  return id != 0 ? GOROMDB_OK : GOROMDB_NOT_FOUND;
}

goromdb_status LmdbReader::ns_list(After after, std::span<goromdb_slice> names, uint32_t& got,
                                   goromdb_arena*) const {
  uint32_t id = after ? catalog_.id_behind(*after) : 1;
  while (got < names.size() && id < catalog_.size()) names[got++] = slice(catalog_.names[id++]);
  return id < catalog_.size() ? GOROMDB_OK : GOROMDB_END;
}

// ---- walks

CursorPtr LmdbReader::open_cursor(uint32_t ns) const {
  if (ns >= catalog_.size()) {
    throw Failure(GOROMDB_E_UNSUPPORTED, "there is no such namespace to walk through");
  }
  MDB_cursor* cursor = nullptr;
  check(mdb_cursor_open(txn_.get(), environment_.handle(ns).dbi, &cursor), "a walk cannot begin");
  return CursorPtr(cursor);
}

std::unique_ptr<LmdbCursor> LmdbReader::cursor(uint32_t ns, After after) {
  auto cursor = open_cursor(ns);
  return std::make_unique<LmdbCursor>(environment_.handle(ns), std::move(cursor), after);
}

std::unique_ptr<LmdbCursor> LmdbReader::random_cursor(uint32_t ns, uint64_t random) {
  auto cursor = open_cursor(ns);
  const Handle& handle = environment_.handle(ns);
  const auto key = chance_.any_key(catalog_.records[ns], handle.has_databases, random);
  return std::make_unique<LmdbCursor>(handle, std::move(cursor), key ? After(*key) : After(), true);
}

LmdbCursor::LmdbCursor(const Handle& handle, CursorPtr cursor, After key, bool included)
    : handle_(handle), cursor_(std::move(cursor)) {
  if (!key || key->empty()) return;
  uint64_t aligned = 0;
  key_ = value_of(*key);
  if (handle_.has_integers) {
    if (key->size() != handle_.integer_size) {
      throw Failure(GOROMDB_E_UNSUPPORTED,
                    "the key to go on behind is no integer of this database");
    }
    std::memcpy(&aligned, key->data(), key->size());
    key_.mv_data = &aligned;
  }
  const int code = mdb_cursor_get(cursor_.get(), &key_, &value_, MDB_SET_RANGE);
  step_ = MDB_NEXT_NODUP;
  if (code == MDB_NOTFOUND) {
    step_ = MDB_GET_CURRENT;  // behind the last
    return;
  }
  check(code, "a walk cannot go on");
  is_at_next_ = included || lmdb::view(key_) != *key;
}

goromdb_status LmdbCursor::next(std::span<goromdb_key> keys, goromdb_value* values, uint32_t& got,
                                goromdb_arena*) {
  while (got < keys.size()) {
    if (!std::exchange(is_at_next_, false)) {
      if (step_ == MDB_GET_CURRENT) return GOROMDB_END;
      const int code = mdb_cursor_get(cursor_.get(), &key_, &value_, step_);
      if (code == MDB_NOTFOUND) {
        step_ = MDB_GET_CURRENT;
        return GOROMDB_END;
      }
      check(code, "an entry cannot be read");
      step_ = MDB_NEXT_NODUP;
    }
    if (handle_.has_databases && is_database(key_)) continue;
    keys[got] = {key_.mv_data, static_cast<uint32_t>(key_.mv_size), 0};
    values[got++] = found(value_);
  }
  return GOROMDB_OK;
}

}  // namespace goromdb::lmdb

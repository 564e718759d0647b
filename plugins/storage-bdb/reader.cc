// SPDX-License-Identifier: MIT
#include "reader.h"

#include "memcachedb_item.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace goromdb::bdb {
namespace {

goromdb_value without_value(goromdb_status status) { return {{}, 0, 0, 0, status, 0}; }

bool is_absent(int code) { return code == DB_NOTFOUND || code == DB_KEYEMPTY; }

// A recno's key is the decimal number of its record, from 1, without zeros in front.
std::optional<db_recno_t> record_number(std::string_view key) {
  db_recno_t number = 0;
  const char* const end = key.data() + key.size();
  const auto [stop, error] = std::from_chars(key.data(), end, number);
  if (error != std::errc() || stop != end || key.front() == '0') return {};
  return number;
}

// libdb's pointer to no bytes may be NULL; ours is not.
const void* copied(const Host& host, std::string_view bytes, goromdb_arena* arena) {
  void* copy = host.arena_alloc(arena, std::max<size_t>(bytes.size(), 1));
  if (copy != nullptr && !bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
  return copy;
}

// What an entry is for clients; nothing when it should be an item of this key and is none.
std::optional<Entry> decoded(const Layout& layout, std::string_view key, std::string_view stored) {
  if (!layout.memcachedb) return Entry{key, stored, 0};
  const auto item = parse_item(stored);
  if (!item || item->key != key) return {};
  return Entry{key, item->value, item->flags};
}

goromdb_value value_of(const Host& host, const Entry& entry, goromdb_arena* arena) {
  const void* bytes = copied(host, entry.value, arena);
  if (bytes == nullptr) return without_value(GOROMDB_E_NO_MEMORY);
  return {bytes, static_cast<uint32_t>(entry.value.size()), entry.flags, 0, GOROMDB_OK, 0};
}

}  // namespace

uint32_t Contents::id_behind(std::string_view name) const {
  return static_cast<uint32_t>(std::upper_bound(names.begin() + 1, names.end(), name) -
                               names.begin());
}

uint32_t Contents::id_of(std::string_view name) const {
  const uint32_t before = id_behind(name) - 1;
  return before > 0 && names[before] == name ? before : 0;
}

// ---- look-ups

BdbReader::BdbReader(const Host& host, const Layout& layout, const Contents& contents)
    : host_(host),
      layout_(layout),
      contents_(contents),
      env_(layout.cache_bytes),
      handles_(contents.names.size()) {
  if (contents.has_plain) handles_[0] = DbHandle::open(env_, contents.path, contents.name(0));
}

void BdbReader::get(uint32_t, std::span<const goromdb_key> keys, goromdb_value* out,
                    goromdb_arena* arena) noexcept {
  for (size_t i = 0; i < keys.size(); ++i) {
    try {
      out[i] = find(keys[i], arena);
    } catch (const std::bad_alloc&) {
      out[i] = without_value(GOROMDB_E_NO_MEMORY);
    }
  }
  prefixes_.clear();
}

const DbHandle* BdbReader::database(uint32_t ns) const {
  if (layout_.prefixes) ns = ns <= prefixes_.size() ? 0 : UINT32_MAX;
  return ns < handles_.size() && handles_[ns] ? &handles_[ns] : nullptr;
}

goromdb_value BdbReader::find(const goromdb_key& key, goromdb_arena* arena) {
  const DbHandle* database = this->database(key.ns);
  if (database == nullptr) return without_value(GOROMDB_NOT_FOUND);
  auto name = goromdb::view(key);
  if (layout_.prefixes && key.ns > 0) {
    name = joined_.assign(prefixes_[key.ns - 1]).append(name);
  }
  DBT wanted = dbt(name), stored{};
  db_recno_t record = 0;
  if (database->is_recno()) {
    const auto number = record_number(name);
    if (!number) return without_value(GOROMDB_NOT_FOUND);
    record = *number;
    wanted.data = &record;
    wanted.size = sizeof record;
  }
  DB* const db = database->get();
  const int code = db->get(db, nullptr, &wanted, &stored, 0);
  if (is_absent(code)) return without_value(GOROMDB_NOT_FOUND);
  if (code != 0) return without_value(status_of(code));
  const auto entry = decoded(layout_, name, view(stored));
  return entry ? value_of(host_, *entry, arena) : without_value(GOROMDB_E_CORRUPT);
}

// ---- namespaces

goromdb_status BdbReader::ns_lookup(std::string_view name, uint32_t& id) {
  if (layout_.prefixes) {
    prefixes_.push_back(name);
    id = static_cast<uint32_t>(prefixes_.size());
    return GOROMDB_OK;
  }
  id = contents_.id_of(name);
  if (id == 0) return GOROMDB_NOT_FOUND;
  if (!handles_[id]) handles_[id] = DbHandle::open(env_, contents_.path, contents_.name(id));
  return GOROMDB_OK;
}

goromdb_status BdbReader::ns_list(After after, std::span<goromdb_slice> names, uint32_t& got,
                                  goromdb_arena*) const {
  uint32_t id = after ? contents_.id_behind(*after) : 1;
  const auto end = static_cast<uint32_t>(contents_.names.size());
  while (got < names.size() && id < end) names[got++] = slice(contents_.names[id++]);
  return id < end ? GOROMDB_OK : GOROMDB_END;
}

// ---- walks

std::unique_ptr<BdbCursor> BdbReader::cursor(uint32_t ns, After after) {
  const DbHandle* database = this->database(ns);
  std::string prefix(layout_.prefixes && database != nullptr && ns > 0 ? prefixes_[ns - 1] : "");
  prefixes_.clear();
  if (database == nullptr && ns != 0) {
    throw Failure(GOROMDB_E_UNSUPPORTED, "there is no such namespace to walk through");
  }
  return std::make_unique<BdbCursor>(host_, layout_, database != nullptr && database->is_recno(),
                                     database != nullptr ? database->cursor(env_) : CursorHandle(),
                                     std::move(prefix), after);
}

BdbCursor::BdbCursor(const Host& host, const Layout& layout, bool is_recno, CursorHandle cursor,
                     std::string prefix, After after)
    : host_(host),
      layout_(layout),
      is_recno_(is_recno),
      cursor_(std::move(cursor)),
      prefix_(std::move(prefix)) {
  if (!after || !cursor_) return;
  const std::string name = prefix_ + std::string(*after);
  DBT key = dbt(name), value{};
  db_recno_t record = 0;
  if (is_recno_) {
    record = record_number(name).value_or(0);
    key.data = &record;
    key.size = sizeof record;
  }
  if (cursor_->get(cursor_.get(), &key, &value, DB_SET) != 0) {
    throw Failure(GOROMDB_E_UNSUPPORTED, "the key to go on behind is not there");
  }
  move_ = DB_NEXT_NODUP;
}

std::optional<Entry> BdbCursor::step() {
  while (cursor_) {
    DBT key{}, stored{};
    const int code = cursor_->get(cursor_.get(), &key, &stored, move_);
    if (is_absent(code)) break;
    if (code != 0) {
      throw Failure(status_of(code), std::string("an entry cannot be read: ") + db_strerror(code));
    }
    move_ = DB_NEXT_NODUP;
    auto name = view(key);
    if (is_recno_) {
      db_recno_t record;
      std::memcpy(&record, key.data, sizeof record);
      name = number_ = std::to_string(record);
    }
    if (!name.starts_with(prefix_)) continue;
    auto entry = decoded(layout_, name, view(stored));
    if (!entry) {
      throw Failure(GOROMDB_E_CORRUPT,
                    "the value of " + std::string(name.substr(0, 64)) +
                        " is no MemcacheDB item of that key; encoding: raw serves values as they "
                        "are");
    }
    entry->key.remove_prefix(prefix_.size());
    return entry;
  }
  return {};
}

goromdb_status BdbCursor::next(std::span<goromdb_key> keys, goromdb_value* values, uint32_t& got,
                               goromdb_arena* arena) {
  while (got < keys.size()) {
    const auto entry = step();
    if (!entry) return GOROMDB_END;
    const void* key = copied(host_, entry->key, arena);
    values[got] = value_of(host_, *entry, arena);
    if (key == nullptr || values[got].status != GOROMDB_OK) throw std::bad_alloc();
    keys[got++] = {key, static_cast<uint32_t>(entry->key.size()), 0};
  }
  return GOROMDB_OK;
}

}  // namespace goromdb::bdb

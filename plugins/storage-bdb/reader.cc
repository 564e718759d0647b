// SPDX-License-Identifier: MIT
#include "reader.h"

#include <goromdb/data_file.hpp>

#include "memcachedb_item.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <mutex>
#include <random>
#include <utility>

namespace goromdb::bdb {
namespace {

// How often an environment is made anew for a file of one size: each that libdb was left in stays
// in memory.
constexpr uint32_t kMostOpenings = 16;

[[noreturn]] void fail_with_lost_page() {
  throw Failure(GOROMDB_E_IO, "a page of the file is not there any more");
}

// `body` may throw; true: it came to its end.
template <class Body>
bool guarded(const Host& host, Body&& body) {
  std::exception_ptr thrown;
  const bool came_back = host.guarded([&] {
    try {
      body();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  if (came_back && thrown != nullptr) std::rethrow_exception(thrown);
  return came_back;
}

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

std::optional<Entry> decoded(const Layout& layout, std::string_view key, std::string_view stored) {
  if (!layout.memcachedb) return Entry{key, stored, 0};
  const auto item = parse_item(stored);
  if (!item || item->key != key) return {};
  return Entry{key, item->value, item->flags};
}

// ---- look-ups

Databases::Databases(const Contents& contents, uint64_t cache_bytes)
    : contents_(contents), env_(cache_bytes), handles_(contents.names.size()) {
  get(0);  // a file whose own keys cannot be read is noticed at once
}

const DbHandle* Databases::get(uint32_t id) {
  if (id >= handles_.size() || (id == 0 && !contents_.has_plain)) return nullptr;
  if (!handles_[id]) handles_[id] = DbHandle::open(env_, contents_.path, contents_.name(id));
  return &handles_[id];
}

template <class Body>
void Databases::call(const Host& host, Body&& body) {
  if (was_left_) fail_with_lost_page();
  if (guarded(host, body)) return;
  was_left_ = true;
  fail_with_lost_page();
}

void let_go(DatabasesPtr& databases) {
  if (databases != nullptr && databases->was_left()) {
    static std::mutex mutex;
    static auto& kept = *new std::vector<DatabasesPtr>;
    std::lock_guard lock(mutex);
    kept.push_back(databases);
  }
  databases.reset();
}

BdbReader::BdbReader(const Host& host, const Layout& layout, const Contents& contents)
    : host_(host),
      layout_(layout),
      contents_(contents),
      databases_(std::make_shared<Databases>(contents, layout.cache_bytes)) {}

void BdbReader::mend() {
  const bool is_broken = databases_ && !databases_->was_left() && databases_->env().is_broken();
  if (databases_ && !is_broken && !databases_->was_left()) return;
  if (is_broken && !has_warned_) {
    host_.log(GOROMDB_LOG_WARN,
              end_of(contents_.path) +
                  ": libdb gave up over a damaged page; the keys on it fail, the others are read "
                  "on; publish the file again");
    has_warned_ = true;
  }
  let_go(databases_);
  if (!is_broken && ++openings_ > kMostOpenings) fail_with_lost_page();
  const bool is_open = guarded(
      host_, [&] { databases_ = std::make_shared<Databases>(contents_, layout_.cache_bytes); });
  if (!is_open) fail_with_lost_page();
}

void BdbReader::look_at_size() {
  struct stat st;
  if (::fstat(contents_.fd, &st) != 0 || std::exchange(size_, st.st_size) == st.st_size) return;
  openings_ = 0;
  let_go(databases_);
}

void BdbReader::get(uint32_t flags, std::span<const goromdb_key> keys, goromdb_value* out,
                    goromdb_arena* arena) noexcept {
  try {
    const bool is_damaged = (flags & GOROMDB_GET_DAMAGED) != 0 && !contents_.copy;
    if (is_damaged && contents_.is_cached) {  // libdb fills pages that have gone with zeros
      std::fill_n(out, keys.size(), without_value(GOROMDB_E_IO));
    } else {
      if (is_damaged) look_at_size();
      contents_.copy ? get_copied(keys, out) : get_stored(keys, out, arena);
    }
  } catch (const std::bad_alloc&) {
    std::fill_n(out, keys.size(), without_value(GOROMDB_E_NO_MEMORY));
  }
  prefixes_.clear();
}

void BdbReader::get_copied(std::span<const goromdb_key> keys, goromdb_value* out) {
  while (!keys.empty()) {
    const size_t n = std::min<size_t>(keys.size(), EntryCopy::kBatch);
    EntryCopy::Key wanted[EntryCopy::kBatch];
    for (size_t i = 0; i < n; ++i) {
      wanted[i] = {database_id(keys[i].ns), whole_key(keys[i], joined_[i])};
    }
    contents_.copy->get({wanted, n}, out);
    keys = keys.subspan(n);
    out += n;
  }
}

void BdbReader::get_stored(std::span<const goromdb_key> keys, goromdb_value* out,
                           goromdb_arena* arena) {
  bool looks_whole = false;
  for (size_t i = 0; i < keys.size(); ++i) {
    try {
      if (!looks_whole) mend();
      out[i] = find(keys[i], arena);
    } catch (const Failure& e) {
      out[i] = without_value(e.code());
    } catch (const std::bad_alloc&) {
      out[i] = without_value(GOROMDB_E_NO_MEMORY);
    }
    looks_whole = out[i].status >= 0;
  }
}

uint32_t BdbReader::database_id(uint32_t ns) const {
  if (!layout_.prefixes) return ns;
  return ns <= prefixes_.size() ? 0 : UINT32_MAX;
}

std::string_view BdbReader::prefix(uint32_t ns) const {
  const bool is_known = layout_.prefixes && ns > 0 && ns <= prefixes_.size();
  return is_known ? prefixes_[ns - 1] : std::string_view();
}

std::string_view BdbReader::whole_key(const goromdb_key& key, std::string& joined) const {
  const auto before = prefix(key.ns);
  if (before.empty()) return goromdb::view(key);
  return joined.assign(before).append(goromdb::view(key));
}

goromdb_value BdbReader::find(const goromdb_key& key, goromdb_arena* arena) {
  const DbHandle* database = nullptr;
  databases_->call(host_, [&] { database = this->database(key.ns); });
  if (database == nullptr) return without_value(GOROMDB_NOT_FOUND);
  const auto name = whole_key(key, joined_.front());
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
  int code = 0;
  databases_->call(host_, [&] { code = db->get(db, nullptr, &wanted, &stored, 0); });
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
  if (contents_.copy) return GOROMDB_OK;
  mend();
  databases_->call(host_, [&] { databases_->get(id); });
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
  uint32_t id;
  return cursor(ns, after, id);
}

std::unique_ptr<BdbCursor> BdbReader::random_cursor(uint32_t ns, uint64_t random) {
  uint32_t id;
  auto cursor = this->cursor(ns, After(), id);
  cursor->begin_anywhere(contents_, id, random);
  return cursor;
}

std::optional<uint64_t> BdbReader::ns_count(uint32_t ns) const {
  const uint32_t id = database_id(ns);
  const bool is_part = layout_.prefixes && ns > 0;
  if (is_part || id >= contents_.entries.size()) return std::nullopt;
  return contents_.entries[id];
}

std::unique_ptr<BdbCursor> BdbReader::cursor(uint32_t ns, After after, uint32_t& id) {
  mend();
  id = database_id(ns);
  std::string before(prefix(ns));
  prefixes_.clear();
  const DbHandle* database = nullptr;
  databases_->call(host_, [&] { database = databases_->get(id); });
  if (ns != 0 && database == nullptr) {
    throw Failure(GOROMDB_E_UNSUPPORTED, "there is no such namespace to walk through");
  }
  return std::make_unique<BdbCursor>(host_, layout_, databases_, id, std::move(before), after);
}

BdbCursor::BdbCursor(const Host& host, const Layout& layout, DatabasesPtr databases,
                     std::string prefix)
    : host_(host), layout_(layout), databases_(std::move(databases)), prefix_(std::move(prefix)) {}

BdbCursor::BdbCursor(const Host& host, const Layout& layout, DatabasesPtr databases, uint32_t id,
                     std::string prefix, After after)
    : BdbCursor(host, layout, std::move(databases), std::move(prefix)) {
  const DbHandle* database = databases_->get(id);
  if (database == nullptr) return;
  type_ = database->type();
  cursor_ = database->cursor(databases_->env());
  if (!after) {
    // A btree is in the order of its keys: those with the prefix lie together.
    if (type_ == DB_BTREE && !prefix_.empty()) move_ = DB_SET_RANGE;
    return;
  }
  const std::string name = prefix_ + std::string(*after);
  DBT key = dbt(name), value{};
  db_recno_t record = 0;
  if (type_ == DB_RECNO) {
    record = record_number(name).value_or(0);
    key.data = &record;
    key.size = sizeof record;
  }
  // In a btree it need not be there: there is a place where it would be.
  const bool has_place = type_ == DB_BTREE;
  const int code = get(key, value, has_place ? DB_SET_RANGE : DB_SET);
  if (!is_absent(code)) check(code);
  if (code != 0 && !has_place) {
    throw Failure(GOROMDB_E_UNSUPPORTED, "the key to go on behind is not there");
  }
  if (code != 0) cursor_.reset();
  move_ = has_place && code == 0 && view(key) != name ? DB_CURRENT : DB_NEXT_NODUP;
}

BdbCursor::~BdbCursor() {
  if (databases_ && databases_->was_left()) (void)cursor_.release();
  cursor_.reset();
  let_go(databases_);
}

int BdbCursor::get(DBT& key, DBT& value, uint32_t move) {
  int code = 0;
  databases_->call(host_, [&] { code = cursor_->get(cursor_.get(), &key, &value, move); });
  return code;
}

void BdbCursor::check(int code) {
  // Led astray by a damaged page, it may even open the file for writing.
  if (code == EACCES || code == EPERM || code == EROFS) {
    throw Failure(GOROMDB_E_CORRUPT, "an entry cannot be read: libdb wants to write to the file");
  }
  databases_->env().check(code, "an entry cannot be read");
}

void BdbCursor::begin_anywhere(const Contents& contents, uint32_t id, uint64_t random) {
  if (!cursor_) return;
  if (type_ == DB_RECNO) return begin_at_number(random);
  if (contents.trees[id].kind == Tree::kCompressed) {
    throw Failure(GOROMDB_E_UNSUPPORTED, "of compressed keys none is found by chance");
  }
  const auto name = contents.chance->any_key(contents.trees[id], prefix_, random);
  if (!name) return;  // from the first
  DBT key = dbt(*name), value{};
  const int code = get(key, value, DB_SET);
  if (!is_absent(code)) check(code);
  if (code == 0) move_ = DB_CURRENT;
}

// Numbers without a record are tried in vain; where there is hardly a record, the walk begins at
// the first.
void BdbCursor::begin_at_number(uint64_t random) {
  constexpr int kTries = 256;
  std::mt19937_64 chance(random);
  DBT key{}, value{};
  int code = get(key, value, DB_LAST);
  if (!is_absent(code)) check(code);
  if (code != 0) return;
  db_recno_t last;
  std::memcpy(&last, key.data, sizeof last);
  for (int i = 0; i < kTries; ++i) {
    auto record = static_cast<db_recno_t>(1 + chance() % last);
    key = {};
    key.data = &record;
    key.size = sizeof record;
    code = get(key, value, DB_SET);
    if (!is_absent(code)) check(code);
    if (code != 0 || !std::to_string(record).starts_with(prefix_)) continue;
    move_ = DB_CURRENT;
    return;
  }
}

std::optional<Entry> BdbCursor::step() {
  while (cursor_) {
    DBT key = dbt(prefix_), stored{};
    const int code = get(key, stored, move_);
    if (is_absent(code)) break;
    check(code);
    move_ = DB_NEXT_NODUP;
    auto name = view(key);
    if (type_ == DB_RECNO) {
      db_recno_t record;
      std::memcpy(&record, key.data, sizeof record);
      name = number_ = std::to_string(record);
    }
    if (!name.starts_with(prefix_)) {
      if (type_ == DB_BTREE) break;
      continue;
    }
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
  constexpr size_t kMostCopied = size_t{1} << 20;  // of values, but for the last one
  for (size_t copied_bytes = 0; got < keys.size() && copied_bytes < kMostCopied;) {
    const auto entry = step();
    if (!entry) return GOROMDB_END;
    const void* key = copied(host_, entry->key, arena);
    values[got] = value_of(host_, *entry, arena);
    if (key == nullptr || values[got].status != GOROMDB_OK) throw std::bad_alloc();
    copied_bytes += values[got].len;
    keys[got++] = {key, static_cast<uint32_t>(entry->key.size()), 0};
  }
  return GOROMDB_OK;
}

}  // namespace goromdb::bdb

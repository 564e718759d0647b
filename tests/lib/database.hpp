// SPDX-License-Identifier: MIT
// A data file on disk, made and opened through a storage plugin's C table as the core does it: for
// the unit tests of the rooms, each of which is linked with the one plugin that it tests.
#pragma once

#include <goromdb/plugin.h>

#include <stdlib.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fake_host.hpp"

namespace goromdb::test {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "goromdb-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline std::string written(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return path;
}

// The mappings of a file in this process: how many, and how much of them is resident.
struct Mapped {
  size_t count = 0, resident = 0;
};
inline Mapped mapped(const std::string& path) {
  Mapped all;
  bool is_its = false;
  std::ifstream smaps("/proc/self/smaps");
  for (std::string line; std::getline(smaps, line);) {
    if (const auto colon = line.find(':'); line.find('-') < colon && line.find(' ') < colon) {
      is_its = line.ends_with(" " + path);  // "begin-end rwxp offset device inode path"
      all.count += is_its ? 1 : 0;
    } else if (is_its && line.starts_with("Rss:")) {
      all.resident += std::stoul(line.substr(4)) * 1024;
    }
  }
  return all;
}

using Settings = std::map<std::string, std::string>;

// An option that all databases of this run are given, as in index=hash: a room's tests are run
// again with each that its meson.build lists.
inline Settings run_settings() {
  const char* text = std::getenv("GOROMDB_TEST_OPTION");
  const std::string_view option = text == nullptr ? "" : text;
  const auto equals = option.find('=');
  if (equals == option.npos) return {};
  return {{std::string(option.substr(0, equals)), std::string(option.substr(equals + 1))}};
}
// For tests of what is so before a file has been walked, which an index does at once.
inline const Settings kNoIndex{{"index", "none"}};
inline const Settings kWithIndex{{"index", "hash"}};

// What a file holds: namespace -> key -> value and flags.
struct Item {
  std::string value;
  uint32_t flags = 0;
  bool operator==(const Item&) const = default;
};
using Items = std::map<std::string, std::map<std::string, Item>>;

// A store, and one generation and reader of it when the file could be opened.
class Database {
 public:
  explicit Database(const Settings& settings = {}, uint64_t hints = 0) {
    host.hint(hints);
    OptionValues options(plugin_);
    for (const auto& [name, value] : run_settings()) options.set(name, value);
    for (const auto& [name, value] : settings) options.set(name, value);
    goromdb_error error = new_error();
    if (ops().create(host.table(), options.data(), options.size(), &store_, &error) != GOROMDB_OK) {
      throw std::runtime_error(error.msg);
    }
  }
  explicit Database(std::string_view text, const Settings& settings = {}) : Database(settings) {
    open(written(dir_.file("data.db"), text));
  }
  ~Database() {
    close();
    ops().destroy(store_);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  goromdb_status open(const std::string& path) {
    close();
    goromdb_error error = new_error();
    status = ops().open(store_, path.c_str(), 1, &generation_, &error);
    message = error.msg;
    if (status == GOROMDB_OK) ops().reader_open(generation_, 0, &reader_, &error);
    return status;
  }
  goromdb_status open_text(std::string_view text) {
    return open(written(dir_.file("data.db"), text));
  }

  void close() {
    if (reader_ != nullptr) ops().reader_close(std::exchange(reader_, nullptr));
    if (generation_ != nullptr) ops().close(std::exchange(generation_, nullptr));
  }

  // The values are good until the next call.
  std::vector<goromdb_value> get_all(const std::vector<std::pair<uint32_t, std::string>>& keys,
                                     uint32_t flags = 0) {
    std::vector<goromdb_key> wanted;
    for (const auto& [ns, key] : keys) {
      wanted.push_back({key.data(), static_cast<uint32_t>(key.size()), ns});
    }
    goromdb_value dirt;
    std::memset(&dirt, 0xA5, sizeof dirt);
    std::vector<goromdb_value> values(keys.size(), dirt);
    arena_ = std::make_unique<goromdb_arena>();
    ops().get(reader_, flags, wanted.data(), static_cast<uint32_t>(wanted.size()), values.data(),
              arena_.get());
    return values;
  }
  std::optional<std::string> get(const std::string& key, uint32_t ns = 0) {
    return text_of(get_all({{ns, key}}).front());
  }
  std::optional<std::string> get(const std::string& key, const std::string& ns) {
    return get(key, ns_id(ns));
  }
  static std::optional<std::string> text_of(const goromdb_value& value) {
    if (value.status != GOROMDB_OK) return std::nullopt;
    return std::string(static_cast<const char*>(value.ptr), value.len);
  }

  // UINT32_MAX when there is no such namespace: an id that nobody has.
  uint32_t ns_id(const std::string& name) {
    uint32_t id = 0;
    const bool is_there =
        has(ops().ns_lookup) && ops().ns_lookup(reader_, slice(name), &id) == GOROMDB_OK;
    return is_there ? id : UINT32_MAX;
  }
  // Through ns_list, `page` at a time.
  std::vector<std::string> ns_names(uint32_t page = 16) {
    std::vector<std::string> all;
    std::vector<goromdb_slice> names(page);
    for (goromdb_status found = GOROMDB_OK; found == GOROMDB_OK;) {
      goromdb_arena arena;
      goromdb_error error = new_error();
      uint32_t got = 0;
      const auto last = all.empty() ? std::string() : all.back();
      found = ops().ns_list(reader_, all.empty() ? goromdb_slice{} : slice(last), page,
                            names.data(), &got, &arena, &error);
      if (found < 0) throw std::runtime_error(error.msg);
      if (found == GOROMDB_OK && got == 0) throw std::runtime_error("ns_list makes no progress");
      for (uint32_t i = 0; i < got; ++i) all.emplace_back(view(names[i]));
    }
    return all;
  }
  // A walk over one namespace, `page` entries a call; each `page` with a cursor of its own when
  // `afresh`. Throws on a failure and on an entry that comes twice.
  std::map<std::string, Item> walk(const std::string& ns = {}, uint32_t page = 16,
                                   bool afresh = false) {
    std::map<std::string, Item> all;
    std::optional<std::string> last;
    for (goromdb_status found = GOROMDB_OK; found == GOROMDB_OK;) {
      goromdb_cursor* cursor = nullptr;
      goromdb_error error = new_error();
      const uint32_t id = ns.empty() ? 0 : ns_id(ns);
      auto opened =
          ops().cursor_open(reader_, id, last ? slice(*last) : goromdb_slice{}, &cursor, &error);
      if (opened != GOROMDB_OK) throw std::runtime_error(error.msg);
      const auto closed = [&](goromdb_cursor* c) { ops().cursor_close(c); };
      const std::unique_ptr<goromdb_cursor, decltype(closed)> owner(cursor, closed);
      do {
        goromdb_arena arena;
        std::vector<goromdb_key> keys(page);
        std::vector<goromdb_value> values(page);
        uint32_t got = 0;
        found = ops().cursor_next(cursor, page, keys.data(), values.data(), &got, &arena, &error);
        if (found < 0) throw std::runtime_error(error.msg);
        if (found == GOROMDB_OK && got == 0) throw std::runtime_error("a walk without progress");
        for (uint32_t i = 0; i < got; ++i) {
          last = std::string(view(keys[i]));
          if (values[i].status != GOROMDB_OK) throw std::runtime_error("a value that failed");
          const Item item{*text_of(values[i]), values[i].flags};
          if (!all.emplace(*last, item).second) throw std::runtime_error(*last + " comes twice");
        }
      } while (found == GOROMDB_OK && !afresh);
    }
    return all;
  }
  // The keys of a namespace in the order of a walk: from the front, or from where `random` says.
  // Throws what the storage says.
  std::vector<std::string> keys(const std::string& ns = {}, std::optional<uint64_t> random = {}) {
    goromdb_cursor* cursor = nullptr;
    goromdb_error error = new_error();
    const uint32_t id = ns.empty() ? 0 : ns_id(ns);
    const auto opened = random ? ops().cursor_open_random(reader_, id, *random, &cursor, &error)
                               : ops().cursor_open(reader_, id, {}, &cursor, &error);
    if (opened != GOROMDB_OK) throw std::runtime_error(error.msg);
    return keys_of(cursor);
  }
  // The same for the keys without a namespace, behind `key`.
  std::vector<std::string> keys_behind(const std::string& key) {
    goromdb_cursor* cursor = nullptr;
    cursor_behind(key, &cursor);
    return keys_of(cursor);
  }
  // The key that a walk from where `random` says begins at; nothing: there are none.
  std::optional<std::string> any_key(const std::string& ns, uint64_t random) {
    goromdb_cursor* cursor = nullptr;
    goromdb_error error = new_error();
    const uint32_t id = ns.empty() ? 0 : ns_id(ns);
    if (ops().cursor_open_random(reader_, id, random, &cursor, &error) != GOROMDB_OK) {
      throw std::runtime_error(error.msg);
    }
    goromdb_arena arena;
    goromdb_key key;
    goromdb_value value;
    uint32_t got = 0;
    const auto found = ops().cursor_next(cursor, 1, &key, &value, &got, &arena, &error);
    ops().cursor_close(cursor);
    if (found < 0) throw std::runtime_error(error.msg);
    return got == 0 ? std::nullopt : std::optional(std::string(view(key)));
  }
  // What ns_count says; nothing: it would take a walk.
  std::optional<uint64_t> count(const std::string& ns = {}) {
    uint64_t entries = 0;
    const auto counted = ops().ns_count(reader_, ns.empty() ? 0 : ns_id(ns), &entries);
    if (counted < 0) throw std::runtime_error("ns_count fails");
    return counted == GOROMDB_OK ? std::optional(entries) : std::nullopt;
  }
  // The second step of a walk that does `between` behind the first.
  template <class Between>
  goromdb_status walk_around(Between&& between) {
    goromdb_cursor* cursor = nullptr;
    goromdb_error error = new_error();
    if (ops().cursor_open(reader_, 0, {}, &cursor, &error) != GOROMDB_OK) return error.code;
    goromdb_arena arena;
    goromdb_key key;
    goromdb_value value;
    uint32_t got = 0;
    ops().cursor_next(cursor, 1, &key, &value, &got, &arena, &error);
    between();
    const auto stepped = ops().cursor_next(cursor, 1, &key, &value, &got, &arena, &error);
    ops().cursor_close(cursor);
    return stepped;
  }
  // Opens a walk of the keys without a namespace behind `key`; throws what the storage says.
  void cursor_behind(const std::string& key, goromdb_cursor** cursor) {
    goromdb_error error = new_error();
    if (ops().cursor_open(reader_, 0, slice(key), cursor, &error) == GOROMDB_OK) return;
    throw std::runtime_error(error.msg);
  }
  // All that is in the file.
  Items items() {
    Items all;
    if (auto plain = walk(); !plain.empty()) all[""] = plain;
    for (const auto& ns : has(ops().ns_list) ? ns_names() : std::vector<std::string>()) {
      all[ns] = walk(ns);
    }
    return all;
  }
  // Makes a file of them and opens it; false, with `message`, when the builder refuses.
  bool build(const Items& items) {
    const std::string path = dir_.file("built.db");
    std::filesystem::remove_all(path);
    goromdb_error error = new_error();
    goromdb_builder* builder = nullptr;
    status = ops().build_open(store_, path.c_str(), GOROMDB_UNKNOWN, &builder, &error);
    if (status == GOROMDB_OK) {
      for (const auto& [ns, entries] : items) {
        for (const auto& [key, item] : entries) {
          if (status != GOROMDB_OK) break;
          status = ops().build_put(builder, slice(ns), slice(key), slice(item.value), item.flags,
                                   &error);
        }
      }
      if (status == GOROMDB_OK) status = ops().build_finish(builder, &error);
      ops().build_close(builder);
    }
    message = error.msg;
    return status == GOROMDB_OK && open(path) == GOROMDB_OK;
  }
  // verify(), with its message.
  goromdb_status verify() {
    if (!has(ops().verify)) return GOROMDB_OK;
    goromdb_error error = new_error();
    status = ops().verify(generation_, &error);
    message = error.msg;
    return status;
  }
  // Warms all of a file of `size` bytes, `budget` bytes a call; the calls that it took, or 0 when
  // one of them broke a rule.
  size_t warm(uint64_t size, uint64_t budget) {
    uint64_t at = 0;
    for (size_t calls = 1;; ++calls) {
      goromdb_error error = new_error();
      uint64_t next = UINT64_MAX;
      const auto warmed = ops().warm(generation_, at, budget, &next, &error);
      if (next <= at || next - at > budget || next > size) return 0;
      if (warmed == GOROMDB_END) return next == size ? calls : 0;
      if (warmed != GOROMDB_OK) return 0;
      at = next;
    }
  }
  // Behind the end there is nothing to warm.
  bool warms_nothing_at(uint64_t offset) {
    goromdb_error error = new_error();
    uint64_t next = 0;
    return ops().warm(generation_, offset, 4096, &next, &error) == GOROMDB_END && next == offset;
  }
  // The whole of STO-11 for the open file, which lies at `path`: warming reaches every byte in
  // steps of any size and makes nothing of the file resident.
  bool warms_whole(const std::string& path) {
    const auto size = std::filesystem::file_size(path);
    const auto before = mapped(path).resident;
    for (const uint64_t budget :
         {uint64_t{1000}, uint64_t{4096}, uint64_t{1} << 20, size, 2 * size}) {
      if (warm(size, budget) != (size + budget - 1) / budget) return false;
    }
    return warms_nothing_at(size) && warms_nothing_at(size + 1) && mapped(path).resident <= before;
  }
  // What the storage says that look-ups read. [STO-19]
  std::vector<goromdb_slice> memory() {
    std::vector<goromdb_slice> parts;
    for (goromdb_slice part{};
         ops().memory(generation_, static_cast<uint32_t>(parts.size()), &part) == GOROMDB_OK;) {
      parts.push_back(part);
    }
    return parts;
  }
  size_t memory_bytes() {
    size_t bytes = 0;
    for (const auto& part : memory()) bytes += part.len;
    return bytes;
  }
  // Whether the value of the key lies in one of them.
  bool is_in_memory(const std::string& key) {
    goromdb_arena arena;
    const goromdb_key wanted{key.data(), static_cast<uint32_t>(key.size()), 0};
    goromdb_value value{};
    ops().get(reader_, 0, &wanted, 1, &value, &arena);
    if (value.status != GOROMDB_OK) return false;
    const auto* begin = static_cast<const char*>(value.ptr);
    for (const auto& part : memory()) {
      const auto* from = static_cast<const char*>(part.ptr);
      if (begin >= from && begin + value.len <= from + part.len) return true;
    }
    return false;
  }
  goromdb_generation_info info() {
    goromdb_generation_info info{};
    info.struct_size = sizeof info;
    ops().info(generation_, &info);
    return info;
  }
  bool says(std::string_view part) const { return message.find(part) != std::string::npos; }
  bool in_one_line() const { return !message.empty() && message.find('\n') == std::string::npos; }
  const TempDir& dir() const { return dir_; }

  FakeHost host;
  goromdb_status status = GOROMDB_OK;
  std::string message;

 private:
  const goromdb_storage_ops& ops() const { return *plugin_->storage; }
  template <class Operation>
  static bool has(Operation operation) {
    return operation != nullptr;
  }
  // Closes it.
  std::vector<std::string> keys_of(goromdb_cursor* cursor) {
    goromdb_error error = new_error();
    const auto closed = [&](goromdb_cursor* c) { ops().cursor_close(c); };
    const std::unique_ptr<goromdb_cursor, decltype(closed)> owner(cursor, closed);
    std::vector<std::string> all;
    for (goromdb_status found = GOROMDB_OK; found == GOROMDB_OK;) {
      constexpr uint32_t kPage = 7;
      goromdb_arena arena;
      goromdb_key keys[kPage];
      goromdb_value values[kPage];
      uint32_t got = 0;
      found = ops().cursor_next(cursor, kPage, keys, values, &got, &arena, &error);
      if (found < 0) throw std::runtime_error(error.msg);
      if (found == GOROMDB_OK && got == 0) throw std::runtime_error("a walk without progress");
      for (uint32_t i = 0; i < got; ++i) all.emplace_back(view(keys[i]));
    }
    return all;
  }
  static goromdb_error new_error() {
    goromdb_error error{};
    error.struct_size = sizeof error;
    return error;
  }

  const goromdb_plugin* plugin_ = goromdb_plugin_v0();
  TempDir dir_;
  goromdb_store* store_ = nullptr;
  goromdb_generation* generation_ = nullptr;
  goromdb_reader* reader_ = nullptr;
  std::unique_ptr<goromdb_arena> arena_;  // of the last get_all()
};

// Whether a file is verified and counted, with index: hash, without an index being made for it, by
// a host that says that it does no more.
inline bool is_verified_without_index(const std::string& path) {
  Database db(kWithIndex, GOROMDB_HINT_ONLY_VERIFIES);
  const auto has_index = [&] { return db.info().resident_bytes != GOROMDB_UNKNOWN; };
  return db.open(path) == GOROMDB_OK && !has_index() && db.verify() == GOROMDB_OK && !has_index() &&
         db.info().entries != GOROMDB_UNKNOWN;
}

}  // namespace goromdb::test

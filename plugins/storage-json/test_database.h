// SPDX-License-Identifier: MIT
// A data file on disk, opened through the plugin's C table as the core does it.
#pragma once

#include <goromdb/plugin.h>

#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
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
    std::string name = (std::filesystem::temp_directory_path() / "storage-json-XXXXXX").string();
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

using Settings = std::map<std::string, std::string>;

// A store, and one generation and reader of it when the file could be opened.
class Database {
 public:
  explicit Database(const Settings& settings = {}) {
    OptionValues options(plugin_);
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

  std::vector<goromdb_value> get_all(const std::vector<std::pair<uint32_t, std::string>>& keys) {
    std::vector<goromdb_key> wanted;
    for (const auto& [ns, key] : keys) {
      wanted.push_back({key.data(), static_cast<uint32_t>(key.size()), ns});
    }
    goromdb_value dirt;
    std::memset(&dirt, 0xA5, sizeof dirt);
    std::vector<goromdb_value> values(keys.size(), dirt);
    goromdb_arena arena;
    ops().get(reader_, 0, wanted.data(), static_cast<uint32_t>(wanted.size()), values.data(),
              &arena);
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
    return ops().ns_lookup(generation_, slice(name), &id) == GOROMDB_OK ? id : UINT32_MAX;
  }
  std::optional<std::string> ns_name(uint32_t id) {
    goromdb_slice name{};
    if (ops().ns_name(generation_, id, &name) != GOROMDB_OK) return std::nullopt;
    return std::string(view(name));
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
};

}  // namespace goromdb::test

// SPDX-License-Identifier: MIT
// A loaded plugin: found, checked against docs/abi.md, never unloaded. Main thread.
#pragma once

#include <goromdb/plugin.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/base/error.h"
#include "core/base/file.h"

namespace goromdb {

// "storage" or "protocol"; the prefix of the file's name is "storage-" or "proto-".
std::string_view name_of_kind(uint16_t kind);

class Plugin {
 public:
  static Result<std::shared_ptr<Plugin>> load(const std::string& path);

  const std::string& path() const { return path_; }
  // Whether what was loaded still lies at path(). Failure: another file does, or none, or it was
  // written to. Any thread.
  Result<void> check_in_place() const;
  std::string name() const { return descriptor_.name; }
  uint16_t kind() const { return descriptor_.kind; }
  // Copies of the plugin's tables, zero beyond what it knows: a member that is not NULL may be
  // called.
  const goromdb_plugin& descriptor() const { return descriptor_; }
  const goromdb_storage_ops& storage() const { return storage_; }
  const goromdb_protocol_ops& protocol() const { return protocol_; }
  const std::vector<goromdb_option>& options() const { return options_; }

 private:
  std::string path_;
  FileIdentity identity_;
  goromdb_plugin descriptor_{};
  goromdb_storage_ops storage_{};
  goromdb_protocol_ops protocol_{};
  std::vector<goromdb_option> options_;
};

// Where plugins are looked for, in this order.
class PluginFinder {
 public:
  // `configured` folders first, then the built-in one: plugins/ beside the program, or the
  // installed one.
  explicit PluginFinder(const std::vector<std::string>& configured);

  // By name, without its kind, or by path. The Error names the folders and the nearest name.
  Result<std::shared_ptr<Plugin>> find(uint16_t kind, const std::string& name) const;
  // Every file that looks like a plugin, the ones that shadow others only once, by kind and name.
  std::vector<std::string> list() const;
  const std::vector<std::string>& folders() const { return folders_; }

 private:
  std::vector<std::string> folders_;
};

// Option values in the plugin's order, with the memory behind them.
class OptionValues {
 public:
  static Result<OptionValues> parse(const Plugin& plugin,
                                    const std::vector<OptionSetting>& settings);
  const goromdb_option_value* data() const { return values_.data(); }
  uint32_t size() const { return static_cast<uint32_t>(values_.size()); }

 private:
  std::vector<goromdb_option_value> values_;
  std::vector<std::unique_ptr<std::string>> texts_;
};

std::string_view name_of_option_type(int32_t type);

}  // namespace goromdb

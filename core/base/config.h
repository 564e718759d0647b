// SPDX-License-Identifier: MIT
// goromdb.yaml as plain structs; config/goromdb.yaml lists every key. Main
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/log.h"

namespace goromdb {

// Where a setting was written: "goromdb.yaml:12:5", or "-storage" on a command line. Errors begin
// with it.
using Place = std::string;

// A plugin's own option, not yet checked against what the plugin declares.
struct OptionSetting {
  std::string name, value;
  Place name_place, value_place;
  bool if_known = false;  // ignored by a plugin that has no such option
};

// Whether a new file is opened in another process first.
enum class GuardMode { kAuto, kAlways, kNever };  // kAuto: unless the storage is bounds-checked

// How a data set is brought into memory before it is served.
enum class WarmMode { kOff, kTouch, kPopulate, kLock };

struct WarmConfig {
  WarmMode mode = WarmMode::kTouch;
  int64_t bytes_per_s = 0;  // that are read of its file; 0 = no limit
};

// Which share of a busy CPU the threads that take data sets in are given.
enum class LoadPriority { kLow, kIdle, kNormal };

struct LoadConfig {
  LoadPriority priority = LoadPriority::kLow;
  int64_t threads = 1;  // that may work on one data set at once
};

// A key that a new data set must have.
struct WantedKey {
  std::string ns, key;  // ns empty: a key without a namespace
};

struct DatabaseConfig {
  std::string name, storage, file,
      basedir;  // paths are absolute or relative to the working directory
  SumKind verify = SumKind::kMd5;
  int64_t poll_interval_ms = 5000;
  int64_t settle_ms = 1000;  // verify: none takes a file that stood still for so long
  // What a new data set must have; see core/generation/data_checks.h.
  int64_t min_entries = 1;
  int64_t max_shrink_percent = 100;  // fewer entries than the one before; 100 = any number
  std::vector<WantedKey> must_have;
  int64_t must_open_within_ms = 0;  // 0 = any time
  bool only_newer = false;          // by the file's mtime
  int64_t keep = 0;                 // data sets that were served before
  GuardMode guard = GuardMode::kAuto;
  int64_t guard_timeout_ms = 300'000;  // how long the other process may make no progress
  // What it may take in all; 0 = by the file's size: core/guard/guard_limits.h.
  int64_t guard_total_ms = 0, guard_cpu_ms = 0;
  int64_t guard_memory = 0;  // bytes
  WarmConfig warm;
  std::vector<OptionSetting> options;
  LoadConfig load;  // the server's
  // Of the group that it is in; empty: in none.
  std::string group, group_record;
  Place place, storage_place, file_place, basedir_place, warm_place;
};

// Databases that change together; see core/reload/group.h.
struct GroupConfig {
  std::string name;
  std::vector<uint32_t> databases;  // indices into Config::databases
  std::string manifest, record;     // paths
  Place place;
};

struct ListenerConfig {
  std::string protocol, listen;
  std::vector<uint32_t> databases;  // indices into Config::databases
  std::vector<OptionSetting> options;
  Place place, protocol_place, listen_place;
};

struct ServerConfig {
  int64_t threads = 0;  // event loops; never 0 after loading
  std::vector<std::string> plugin_path;
  int64_t max_connections = 10'000;
  int64_t idle_timeout_ms = 0;  // 0 = never
  int64_t drain_timeout_ms = 30'000;
  int64_t stop_timeout_ms = 10'000;
  LoadConfig load;
  spdlog::level::level_enum log_level = spdlog::level::info;
  LogFormat log_format = LogFormat::kText;
};

struct Config {
  std::string source;  // the file, or "the command line"
  ServerConfig server;
  std::vector<DatabaseConfig> databases;
  std::vector<GroupConfig> groups;
  std::vector<ListenerConfig> listeners;
};

// The Go program's flags.
struct Flags {
  std::string addr = ":11211", proto = "memcached", handler = "simple", storage = "json";
  std::string file = "/tmp/goromdb", bucket = "default", basedir, verify = "md5";
  bool gzipped = false;
};

// An Error's message is one line that begins with the place.
Result<Config> load_config(const std::string& path);
Result<Config> config_from_flags(const Flags& flags);

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "core/base/config.h"

#include <fcntl.h>
#include <sched.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "core/base/file.h"
#include "core/base/units.h"

namespace goromdb {
namespace {

// Thrown and caught in this file only: yaml-cpp throws as well, and one way out keeps the readers
// flat.
struct BadConfig {
  std::string message;
};

int64_t cpu_count() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

// Reads one YAML document and knows where everything stands in it.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)), base_(parent_folder(file_)) {}

  Place place(const YAML::Mark& mark) const {
    return fmt::format("{}:{}:{}", file_, mark.line + 1, mark.column + 1);
  }
  Place place(const YAML::Node& node) const { return place(node.Mark()); }

  [[noreturn]] void bad(const YAML::Node& node, const std::string& message) const {
    throw BadConfig{fmt::format("{}: {}", place(node), message)};
  }

  using Keys = std::map<std::string, std::function<void(const YAML::Node& key, const YAML::Node&)>>;

  // Calls the reader of each key that is there; refuses unknown and repeated ones.
  void map(const YAML::Node& node, const std::string& what, const Keys& keys) const {
    each_entry(
        node, what,
        [&](const std::string& name, const YAML::Node& key, const YAML::Node& value) {
          auto found = keys.find(name);
          if (found == keys.end()) {
            std::vector<std::string> names;
            for (const auto& [known, reader] : keys) names.push_back(known);
            bad(key,
                fmt::format("unknown key \"{}\" in {}{}", name, what, suggestion(name, names)));
          }
          found->second(key, value);
        },
        "options");
  }

  // A value that is null has no place of its own; only the entry `nullable` may have it.
  void each_entry(const YAML::Node& node, const std::string& what,
                  const std::function<void(const std::string&, const YAML::Node& key,
                                           const YAML::Node& value)>& each,
                  std::string_view nullable = {}) const {
    if (!node.IsMap()) bad(node, fmt::format("{} must be a map of `key: value` lines", what));
    std::map<std::string, Place> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar())
        bad(entry.first, fmt::format("a key of {} must be a name", what));
      const auto& name = entry.first.Scalar();
      if (auto [first, is_new] = seen.emplace(name, place(entry.first)); !is_new) {
        bad(entry.first,
            fmt::format("duplicate key \"{}\" in {}: it stands at {} already; keep one", name, what,
                        first->second));
      }
      if (entry.second.IsNull() && name != nullable) {
        bad(entry.first, fmt::format("\"{}\" has no value; give it one or remove the line", name));
      }
      each(name, entry.first, entry.second);
    }
  }

  std::string text(const YAML::Node& node, const std::string& what) const {
    if (!node.IsScalar() || node.Scalar().empty()) bad(node, fmt::format("{} must be text", what));
    if (node.Scalar().find('\0') != std::string::npos) {
      bad(node, fmt::format("{} has a NUL byte in it; write it without", what));
    }
    return node.Scalar();
  }
  std::string path(const YAML::Node& node, const std::string& what) const {
    return path(text(node, what));
  }
  std::string path(const std::string& text) const { return join_path(base_, text); }
  std::string folder(const YAML::Node& node, const std::string& what) const {
    auto folder = path(node, what);
    struct stat st;
    const int error = ::stat(folder.c_str(), &st) != 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    if (error != 0) {
      bad(node, fmt::format("cannot use the folder {}: {}; make it or remove it from here", folder,
                            std::strerror(error)));
    }
    return folder;
  }
  int64_t integer(const YAML::Node& node, const std::string& what, int64_t min, int64_t max) const {
    auto n = node.IsScalar() ? parse_integer(node.Scalar()) : std::nullopt;
    if (!n || *n < min || *n > max) {
      bad(node, fmt::format("{} must be a whole number from {} to {}", what, min, max));
    }
    return *n;
  }
  int64_t duration_ms(const YAML::Node& node, const std::string& what, int64_t min_ms) const {
    auto n = node.IsScalar() ? parse_duration_ms(node.Scalar()) : std::nullopt;
    if (!n) bad(node, fmt::format("{} must be a duration such as 500ms, 5s or 2m", what));
    if (*n < min_ms) {
      bad(node, fmt::format("{} must be at least {}", what, format_duration_ms(min_ms)));
    }
    return *n;
  }
  int64_t bytes_per_s(const YAML::Node& node, const std::string& what, int64_t least) const {
    auto n = node.IsScalar() ? parse_size(node.Scalar()) : std::nullopt;
    if (!n || (*n != 0 && *n < least)) {
      bad(node,
          fmt::format("{} must be a number of bytes a second such as 64MiB, at least {}, or 0 "
                      "for no limit",
                      what, format_size(static_cast<uint64_t>(least))));
    }
    return *n;
  }
  int64_t percent(const YAML::Node& node, const std::string& what) const {
    const std::string_view text = node.IsScalar() ? std::string_view(node.Scalar()) : "";
    auto n = text.ends_with('%') ? parse_integer(text.substr(0, text.size() - 1)) : std::nullopt;
    if (!n || *n < 0 || *n > 100) {
      bad(node, fmt::format("{} must be a share from 0% to 100%, such as 20%", what));
    }
    return *n;
  }
  bool is_auto(const YAML::Node& node) const { return node.IsScalar() && node.Scalar() == "auto"; }
  int64_t size(const YAML::Node& node, const std::string& what, int64_t least) const {
    auto n = node.IsScalar() ? parse_size(node.Scalar()) : std::nullopt;
    if (!n || *n < least) {
      bad(node, fmt::format("{} must be a size such as 64MiB, at least {}", what,
                            format_size(static_cast<uint64_t>(least))));
    }
    return *n;
  }
  template <class T>
  T choice(const YAML::Node& node, const std::string& what,
           const std::vector<std::pair<std::string, T>>& choices) const {
    std::vector<std::string> names;
    for (const auto& [name, value] : choices) {
      if (node.IsScalar() && node.Scalar() == name) return value;
      names.push_back(name);
    }
    bad(node, fmt::format("{} must be one of {}", what, join(names, ", ")));
  }
  std::vector<YAML::Node> list(const YAML::Node& node, const std::string& what) const {
    if (!node.IsSequence()) bad(node, fmt::format("{} must be a list", what));
    return {node.begin(), node.end()};
  }
  std::vector<OptionSetting> options(const YAML::Node& node) const {
    std::vector<OptionSetting> settings;
    if (node.IsNull()) return settings;
    each_entry(node, "options",
               [&](const std::string& name, const YAML::Node& key, const YAML::Node& value) {
                 if (!value.IsScalar())
                   bad(value, fmt::format("option \"{}\" must be a single value", name));
                 settings.push_back({name, value.Scalar(), place(key), place(value), false});
               });
    return settings;
  }

 private:
  std::string file_, base_;
};

const std::vector<std::pair<std::string, SumKind>> kSums = {
    {"md5", SumKind::kMd5}, {"sha256", SumKind::kSha256}, {"none", SumKind::kNone}};

void read_server(const Reader& r, const YAML::Node& node, ServerConfig& server) {
  using Node = YAML::Node;
  r.map(node, "server",
        {{"threads",
          [&](const Node&, const Node& v) {
            if (v.IsScalar() && v.Scalar() == "auto") return;
            server.threads = r.integer(v, "threads (or auto)", 1, 1024);
          }},
         {"plugin_path",
          [&](const Node&, const Node& v) {
            for (const auto& each : r.list(v, "plugin_path")) {
              server.plugin_path.push_back(r.folder(each, "a folder of plugin_path"));
            }
          }},
         {"max_connections",
          [&](const Node&, const Node& v) {
            server.max_connections = r.integer(v, "max_connections", 1, 10'000'000);
          }},
         {"idle_timeout",
          [&](const Node&, const Node& v) {
            server.idle_timeout_ms = r.duration_ms(v, "idle_timeout", 0);
          }},
         {"drain_timeout",
          [&](const Node&, const Node& v) {
            server.drain_timeout_ms = r.duration_ms(v, "drain_timeout", 1);
          }},
         {"stop_timeout",
          [&](const Node&, const Node& v) {
            server.stop_timeout_ms = r.duration_ms(v, "stop_timeout", 0);
          }},
         {"load_priority",
          [&](const Node&, const Node& v) {
            server.load.priority = r.choice<LoadPriority>(v, "load_priority",
                                                          {{"low", LoadPriority::kLow},
                                                           {"idle", LoadPriority::kIdle},
                                                           {"normal", LoadPriority::kNormal}});
          }},
         {"load_threads",
          [&](const Node&, const Node& v) {
            server.load.threads = r.integer(v, "load_threads", 1, 64);
          }},
         {"log", [&](const Node&, const Node& v) {
            r.map(v, "log",
                  {{"level",
                    [&](const Node&, const Node& level) {
                      server.log_level =
                          r.choice<spdlog::level::level_enum>(level, "level",
                                                              {{"debug", spdlog::level::debug},
                                                               {"info", spdlog::level::info},
                                                               {"warn", spdlog::level::warn},
                                                               {"error", spdlog::level::err}});
                    }},
                   {"format", [&](const Node&, const Node& format) {
                      server.log_format = r.choice<LogFormat>(
                          format, "format",
                          {{"text", LogFormat::kText}, {"json", LogFormat::kJson}});
                    }}});
          }}});
}

std::vector<WantedKey> read_wanted_keys(const Reader& r, const YAML::Node& node) {
  using Node = YAML::Node;
  std::vector<WantedKey> keys;
  for (const auto& each : r.list(node, "must_have")) {
    WantedKey wanted;
    if (each.IsMap()) {
      r.map(each, "a key of must_have",
            {{"namespace", [&](const Node&, const Node& v) { wanted.ns = r.text(v, "namespace"); }},
             {"key", [&](const Node&, const Node& v) { wanted.key = r.text(v, "key"); }}});
      if (wanted.key.empty()) r.bad(each, "a key of must_have has no key; add `key: NAME`");
    } else {
      wanted.key = r.text(each, "a key of must_have");
    }
    keys.push_back(std::move(wanted));
  }
  return keys;
}

DatabaseConfig read_database(const Reader& r, const std::string& name, const YAML::Node& key,
                             const YAML::Node& node) {
  using Node = YAML::Node;
  DatabaseConfig db;
  db.name = name;
  db.place = r.place(key);
  r.map(node, fmt::format("database \"{}\"", name),
        {{"storage",
          [&](const Node&, const Node& v) {
            db.storage = r.text(v, "storage");
            // A path is relative to the config, a name is looked up.
            if (db.storage.find('/') != std::string::npos) db.storage = r.path(v, "storage");
            db.storage_place = r.place(v);
          }},
         {"file",
          [&](const Node&, const Node& v) {
            db.file = r.path(v, "file");
            db.file_place = r.place(v);
          }},
         {"basedir",
          [&](const Node&, const Node& v) {
            db.basedir = r.path(v, "basedir");
            db.basedir_place = r.place(v);
          }},
         {"verify", [&](const Node&, const Node& v) { db.verify = r.choice(v, "verify", kSums); }},
         {"poll_interval",
          [&](const Node&, const Node& v) {
            db.poll_interval_ms = r.duration_ms(v, "poll_interval", 10);
          }},
         {"settle",
          [&](const Node&, const Node& v) { db.settle_ms = r.duration_ms(v, "settle", 1); }},
         {"min_entries",
          [&](const Node&, const Node& v) {
            db.min_entries = r.integer(v, "min_entries", 0, INT64_MAX);
          }},
         {"max_shrink",
          [&](const Node&, const Node& v) { db.max_shrink_percent = r.percent(v, "max_shrink"); }},
         {"must_have", [&](const Node&, const Node& v) { db.must_have = read_wanted_keys(r, v); }},
         {"must_open_within",
          [&](const Node&, const Node& v) {
            db.must_open_within_ms = r.duration_ms(v, "must_open_within", 0);
          }},
         {"only_newer",
          [&](const Node&, const Node& v) {
            db.only_newer = r.choice<bool>(v, "only_newer", {{"true", true}, {"false", false}});
          }},
         {"keep", [&](const Node&, const Node& v) { db.keep = r.integer(v, "keep", 0, 1000); }},
         {"guard",
          [&](const Node&, const Node& v) {
            db.guard = r.choice<GuardMode>(v, "guard",
                                           {{"auto", GuardMode::kAuto},
                                            {"always", GuardMode::kAlways},
                                            {"never", GuardMode::kNever}});
          }},
         {"guard_timeout",
          [&](const Node&, const Node& v) {
            db.guard_timeout_ms = r.duration_ms(v, "guard_timeout", 1);
          }},
         {"guard_total",
          [&](const Node&, const Node& v) {
            if (r.is_auto(v)) return;
            db.guard_total_ms = r.duration_ms(v, "guard_total (or auto)", 1);
          }},
         {"guard_cpu",
          [&](const Node&, const Node& v) {
            if (r.is_auto(v)) return;
            db.guard_cpu_ms = r.duration_ms(v, "guard_cpu (or auto)", 1000);
          }},
         {"guard_memory",
          [&](const Node&, const Node& v) {
            constexpr int64_t kLeast = int64_t{32} << 20;  // the program and its libraries
            if (r.is_auto(v)) return;
            db.guard_memory = r.size(v, "guard_memory (or auto)", kLeast);
          }},
         {"warm",
          [&](const Node&, const Node& v) {
            db.warm.mode = r.choice<WarmMode>(v, "warm",
                                              {{"off", WarmMode::kOff},
                                               {"touch", WarmMode::kTouch},
                                               {"populate", WarmMode::kPopulate},
                                               {"lock", WarmMode::kLock}});
            db.warm_place = r.place(v);
          }},
         {"warm_rate",
          [&](const Node&, const Node& v) {
            constexpr int64_t kLeast = int64_t{64} << 10;
            db.warm.bytes_per_s = r.bytes_per_s(v, "warm_rate", kLeast);
          }},
         {"options", [&](const Node&, const Node& v) { db.options = r.options(v); }}});
  if (db.storage.empty()) {
    r.bad(key, fmt::format("database \"{}\" has no storage; add `storage: NAME`, where `goromdb "
                           "plugins` lists the names",
                           name));
  }
  if (db.file.empty()) {
    r.bad(key,
          fmt::format("database \"{}\" has no file; add `file: PATH`, the data file to watch for",
                      name));
  }
  return db;
}

// A list of them, as indices; each once.
std::vector<uint32_t> read_database_names(const Reader& r, const YAML::Node& list,
                                          const std::vector<DatabaseConfig>& databases) {
  std::vector<std::string> names;
  for (const auto& db : databases) names.push_back(db.name);
  std::vector<uint32_t> indices;
  for (const auto& each : r.list(list, "databases")) {
    const auto name = r.text(each, "a database's name");
    auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      r.bad(each, fmt::format("there is no database \"{}\"{}", name, suggestion(name, names)));
    }
    auto index = static_cast<uint32_t>(found - names.begin());
    if (std::count(indices.begin(), indices.end(), index) != 0) {
      r.bad(each, fmt::format("duplicate database \"{}\"; name it once", name));
    }
    indices.push_back(index);
  }
  return indices;
}

ListenerConfig read_listener(const Reader& r, const YAML::Node& node,
                             const std::vector<DatabaseConfig>& databases) {
  using Node = YAML::Node;
  ListenerConfig listener;
  listener.place = r.place(node);
  bool names_databases = false;
  r.map(node, "a listener",
        {{"protocol",
          [&](const Node&, const Node& v) {
            listener.protocol = r.text(v, "protocol");
            if (listener.protocol.find('/') != std::string::npos) {
              listener.protocol = r.path(v, "protocol");
            }
            listener.protocol_place = r.place(v);
          }},
         {"listen",
          [&](const Node&, const Node& v) {
            listener.listen = r.text(v, "listen");
            constexpr std::string_view kUnix = "unix:";
            if (listener.listen.starts_with(kUnix)) {
              const auto path = listener.listen.substr(kUnix.size());
              if (path.empty()) r.bad(v, "a unix socket needs a path; write unix:/path/to.sock");
              listener.listen = fmt::format("{}{}", kUnix, r.path(path));
            }
            listener.listen_place = r.place(v);
          }},
         {"databases",
          [&](const Node&, const Node& v) {
            names_databases = true;
            listener.databases = read_database_names(r, v, databases);
            if (listener.databases.empty()) {
              r.bad(v, "databases is empty; name at least one, the first is the default");
            }
          }},
         {"options", [&](const Node&, const Node& v) { listener.options = r.options(v); }}});
  if (listener.protocol.empty()) {
    r.bad(node,
          "a listener has no protocol; add `protocol: NAME`, where `goromdb plugins` lists the "
          "names");
  }
  if (listener.listen.empty()) {
    r.bad(node, "a listener has no address; add `listen: HOST:PORT` or `listen: unix:PATH`");
  }
  if (!names_databases) {
    for (uint32_t i = 0; i < databases.size(); ++i) listener.databases.push_back(i);
  }
  return listener;
}

// It appears in logs, metrics and keys.
bool usable_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

GroupConfig read_group(const Reader& r, const std::string& name, const YAML::Node& key,
                       const YAML::Node& list, std::vector<DatabaseConfig>& databases) {
  GroupConfig group;
  group.name = name;
  group.place = r.place(key);
  if (!usable_name(name)) {
    r.bad(key, "a group's name has letters, digits, \"_\", \"-\" and \".\" only");
  }
  group.databases = read_database_names(r, list, databases);
  if (group.databases.size() < 2) {
    r.bad(list, fmt::format("group \"{}\" has fewer than two databases; add those that are to "
                            "change together",
                            name));
  }
  for (const uint32_t index : group.databases) {
    auto& db = databases[index];
    if (!db.group.empty()) {
      r.bad(list, fmt::format("database \"{}\" is in group \"{}\" already; put it in one", db.name,
                              db.group));
    }
    if (db.verify == SumKind::kNone) {
      r.bad(list, fmt::format("database \"{}\" has `verify: none`, and a group knows its data by "
                              "their sums; set it to md5 or sha256",
                              db.name));
    }
    db.group = name;
  }
  return group;
}

Config read_config(const Reader& r, const YAML::Node& root) {
  using Node = YAML::Node;
  Config config;
  Node groups, listeners;
  bool has_groups = false, has_listeners = false;
  r.map(root, "the config",
        {{"server", [&](const Node&, const Node& v) { read_server(r, v, config.server); }},
         {"databases",
          [&](const Node&, const Node& v) {
            r.each_entry(
                v, "databases", [&](const std::string& name, const Node& key, const Node& db) {
                  if (!usable_name(name)) {
                    r.bad(key,
                          "a database's name has letters, digits, \"_\", \"-\" and \".\" only");
                  }
                  config.databases.push_back(read_database(r, name, key, db));
                });
          }},
         {"groups",
          [&](const Node&, const Node& v) {
            has_groups = true;
            groups.reset(v);
          }},
         {"listeners", [&](const Node&, const Node& v) {
            has_listeners = true;
            listeners.reset(v);
          }}});
  if (has_groups) {
    r.each_entry(groups, "groups", [&](const std::string& name, const Node& key, const Node& list) {
      config.groups.push_back(read_group(r, name, key, list, config.databases));
    });
  }
  if (config.databases.empty()) r.bad(root, "no databases; add `databases:` with at least one");
  if (!has_listeners) r.bad(root, "no listeners; add `listeners:` with at least one");
  for (const auto& each : r.list(listeners, "listeners")) {
    config.listeners.push_back(read_listener(r, each, config.databases));
  }
  if (config.listeners.empty()) r.bad(listeners, "no listeners; add at least one to the list");
  return config;
}

// One spelling for each file and folder, also for those that are not there yet.
std::string real(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  auto whole = fs::weakly_canonical(fs::absolute(path, ignored), ignored);
  return (whole.has_filename() ? whole : whole.parent_path()).string();
}

// The same for a name that is watched: a move takes a link, not what it leads to.
std::string real_name(const std::string& path) {
  return (std::filesystem::path(real(parent_folder(path))) / std::filesystem::path(path).filename())
      .string();
}

// Whether `name` is the store `basedir`, or is or lies in what the server moves and deletes there.
bool in_store(const std::string& name, const std::string& basedir) {
  const auto inside = std::filesystem::path(name).lexically_relative(basedir);
  const auto first = inside.begin()->string();
  return first == "." || first == "data00" || first == "data01" || first == "kept" ||
         first == "guard.scratch" || first.starts_with("current") || first.starts_with("status") ||
         first.starts_with("refused");
}

void check_outside_stores(const Config& config, const Place& place, const std::string& path) {
  for (const auto& db : config.databases) {
    if (!in_store(real_name(path), real(db.basedir))) continue;
    throw BadConfig{fmt::format(
        "{}: {} is in the store {} of database \"{}\", where the server moves and deletes files; "
        "watch for a file with another name or in another folder",
        place, path, db.basedir, db.name)};
  }
}

// A file that is watched is taken away: it must be nobody's store, and nobody else's sum.
void check_watched(const Config& config, const DatabaseConfig& db) {
  check_outside_stores(config, db.file_place, db.file);
  if (db.verify != SumKind::kNone) {
    check_outside_stores(config, db.file_place, sum_path(db.file, db.verify));
  }
  for (const auto& other : config.databases) {
    if (other.verify == SumKind::kNone) continue;
    const auto sum = sum_path(other.file, other.verify);
    if (real_name(db.file) != real_name(sum)) continue;
    throw BadConfig{
        fmt::format("{}: {} is the sum file of database \"{}\"; watch for a file with another name",
                    db.file_place, db.file, other.name)};
  }
}

// So must the manifest, which is taken away as well.
void complete_group(Config& config, GroupConfig& group) {
  const auto& first = config.databases[group.databases.front()];
  const auto file_name = fmt::format("{}.group", group.name);
  group.manifest =
      (std::filesystem::path(parent_folder(first.file)) / file_name).lexically_normal().string();
  group.record = (std::filesystem::path(first.basedir) / ("current.group." + group.name)).string();
  for (const uint32_t index : group.databases) config.databases[index].group_record = group.record;
  check_outside_stores(config, group.place, group.manifest);
  for (const auto& db : config.databases) {
    for (const auto& path : {db.file, sum_path(db.file, db.verify)}) {
      if (real_name(path) != real_name(group.manifest)) continue;
      throw BadConfig{fmt::format(
          "{}: the manifest of group \"{}\" would be {}, a file of database \"{}\"; give "
          "the group another name",
          group.place, group.name, group.manifest, db.name)};
    }
  }
}

// What no single setting shows: names for what is shared, defaults that depend on others.
void complete(Config& config) {
  if (config.server.threads == 0) config.server.threads = cpu_count();
  std::map<std::string, std::string> files, basedirs, addresses;
  for (auto& db : config.databases) {
    db.load = config.server.load;
    if (db.basedir.empty()) {
      db.basedir = parent_folder(db.file);
      db.basedir_place = db.file_place;
    }
    if (db.file.ends_with('/') || real(db.file) == real(db.basedir)) {
      throw BadConfig{
          fmt::format("{}: {} is a folder; name the file to watch for", db.file_place, db.file)};
    }
    if (auto [other, fresh] = files.emplace(real(db.file), db.name); !fresh) {
      throw BadConfig{
          fmt::format("{}: databases \"{}\" and \"{}\" share the file {}; give each its own",
                      db.file_place, other->second, db.name, db.file)};
    }
    if (auto [other, fresh] = basedirs.emplace(real(db.basedir), db.name); !fresh) {
      throw BadConfig{fmt::format(
          "{}: databases \"{}\" and \"{}\" share the basedir {}; set `basedir` of one of them",
          db.basedir_place, other->second, db.name, db.basedir)};
    }
  }
  for (const auto& db : config.databases) check_watched(config, db);
  for (auto& group : config.groups) complete_group(config, group);
  for (const auto& listener : config.listeners) {
    if (listener.listen.ends_with(":0")) continue;  // the kernel chooses a port for each
    auto [other, fresh] = addresses.emplace(listener.listen, listener.place);
    if (!fresh) {
      throw BadConfig{fmt::format("{}: duplicate address {}: the listener at {} has it already",
                                  listener.listen_place, listener.listen, other->second)};
    }
  }
}

}  // namespace

Result<Config> load_config(const std::string& path) {
  constexpr size_t kLimit = size_t{16} << 20;
  struct stat st;
  if (::stat(path.c_str(), &st) == 0 && !S_ISREG(st.st_mode)) {
    return fail(
        fmt::format("{}:1:1: this is {}, not a config file", path, irregularity(st.st_mode)));
  }
  std::string content;
  {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
      return fail(fmt::format("{}:1:1: cannot read the config: {}; name it with --config FILE",
                              path, std::strerror(errno)));
    }
    auto read = read_blocks(fd, path, [&](std::string_view block) -> Result<void> {
      content += block;
      return content.size() <= kLimit ? Result<void>{} : fail("it is larger than 16 MiB");
    });
    if (!read) return fail(fmt::format("{}:1:1: {}", path, read.error().message));
  }
  Reader reader(path);
  try {
    const auto documents = YAML::LoadAll(content);
    if (documents.size() > 1) {
      return fail(fmt::format("{}: a second document begins before here; keep one",
                              reader.place(documents[1])));
    }
    const YAML::Node root = documents.empty() ? YAML::Node() : documents[0];
    if (root.IsNull()) {
      return fail(
          fmt::format("{}:1:1: the config is empty; add `databases:` and `listeners:`", path));
    }
    Config config = read_config(reader, root);
    config.source = path;
    complete(config);
    return config;
  } catch (const BadConfig& e) {
    return fail(one_line(e.message));
  } catch (const YAML::DeepRecursion& e) {
    return fail(
        fmt::format("{}: nested too deeply; a config has five levels or so", reader.place(e.mark)));
  } catch (const YAML::Exception& e) {
    return fail(fmt::format("{}: not valid YAML: {}", reader.place(e.mark), one_line(e.msg)));
  }
}

Result<Config> config_from_flags(const Flags& flags) {
  Config config;
  config.source = "the command line";
  DatabaseConfig db;
  db.name = "default";
  db.storage = flags.storage;
  db.file = flags.file;
  db.basedir = flags.basedir;
  db.place = db.storage_place = "-storage";
  db.file_place = "-file";
  db.basedir_place = flags.basedir.empty() ? "-file" : "-basedir";
  auto sum = std::find_if(kSums.begin(), kSums.end(),
                          [&](const auto& each) { return each.first == flags.verify; });
  if (sum == kSums.end()) {
    return fail(
        one_line(fmt::format("-verify: must be md5, sha256 or none, not \"{}\"", flags.verify)));
  }
  db.verify = sum->second;
  if (flags.file.empty()) return fail("-file: is empty; name the data file to watch for");
  if (flags.gzipped) db.options.push_back({"gzipped", "true", "-gzipped", "-gzipped", true});
  db.options.push_back({"bucket", flags.bucket, "-bucket", "-bucket", true});
  // The Go program's handlers differ in namespaces only, which every storage here has by itself.
  if (flags.handler != "simple" && flags.handler != "ns") {
    return fail(one_line(fmt::format("-handler: must be simple or ns, not \"{}\"", flags.handler)));
  }
  config.databases.push_back(std::move(db));

  ListenerConfig listener;
  listener.protocol = flags.proto;
  listener.listen = flags.addr;
  listener.databases = {0};
  listener.place = listener.listen_place = "-addr";
  listener.protocol_place = "-proto";
  config.listeners.push_back(std::move(listener));
  try {
    complete(config);
  } catch (const BadConfig& e) {
    return fail(one_line(e.message));
  }
  return config;
}

}  // namespace goromdb

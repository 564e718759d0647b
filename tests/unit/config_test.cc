// SPDX-License-Identifier: MIT
#include "core/base/config.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/temp_folder.hpp"

using namespace goromdb;
using test::message_of;
using test::TempFolder;

namespace {

const std::string kDatabases =
    "databases:\n"
    "  words:\n"
    "    storage: json\n"
    "    file: in/data.json\n";
const std::string kListeners =
    "listeners:\n"
    "  - protocol: memcached\n"
    "    listen: :11211\n";

Result<Config> load(const TempFolder& folder, const std::string& yaml) {
  return load_config(folder.write("goromdb.yaml", yaml));
}

// The error without the folder in front: "goromdb.yaml:3:5: ...".
std::string error_of(const std::string& yaml) {
  TempFolder folder;
  auto message = message_of(load(folder, yaml));
  for (size_t at; (at = message.find(folder.path() + "/")) != std::string::npos;) {
    message.erase(at, folder.path().size() + 1);
  }
  return message;
}

struct Wrong {
  std::string yaml, error;  // the error's beginning
};

void check_errors(const std::vector<Wrong>& cases) {
  for (const auto& each : cases) {
    CAPTURE(each.yaml);
    const auto error = error_of(each.yaml);
    CHECK(error.substr(0, each.error.size()) == each.error);
    CHECK(error.find('\n') == std::string::npos);
  }
}

}  // namespace

TEST_CASE("the shortest config gets every default") {
  TempFolder folder;
  auto config = load(folder, kDatabases + kListeners);
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  CHECK(config->source == folder / "goromdb.yaml");
  CHECK(config->server.threads >= 1);
  CHECK(config->server.plugin_path.empty());
  CHECK(config->server.max_connections == 10'000);
  CHECK(config->server.idle_timeout_ms == 0);
  CHECK(config->server.drain_timeout_ms == 30000);
  CHECK(config->server.log_level == spdlog::level::info);
  CHECK(config->server.log_format == LogFormat::kText);

  REQUIRE(config->databases.size() == 1);
  const auto& db = config->databases[0];
  CHECK(db.name == "words");
  CHECK(db.storage == "json");
  CHECK(db.file == folder / "in/data.json");
  CHECK(db.basedir == folder / "in");
  CHECK(db.verify == SumKind::kMd5);
  CHECK(db.poll_interval_ms == 5000);
  CHECK(db.settle_ms == 1000);
  CHECK(db.min_entries == 1);
  CHECK(db.guard == GuardMode::kAuto);
  CHECK(db.guard_timeout_ms == 300'000);
  CHECK(db.guard_total_ms == 0);
  CHECK(db.guard_cpu_ms == 0);
  CHECK(db.guard_memory == 0);
  CHECK(db.options.empty());
  CHECK(db.load.threads == 1);

  REQUIRE(config->listeners.size() == 1);
  CHECK(config->listeners[0].protocol == "memcached");
  CHECK(config->listeners[0].listen == ":11211");
  CHECK(config->listeners[0].databases == std::vector<uint32_t>{0});
  CHECK(config->listeners[0].options.empty());
}

TEST_CASE("every key is read") {
  TempFolder folder;
  std::filesystem::create_directory(folder / "plugins");
  auto config = load(folder,
                     "listeners:\n"
                     "  - protocol: ./p/proto-own.so\n"
                     "    listen: unix:run/sock\n"
                     "    databases: [b, a]\n"
                     "    options: {touch: refuse}\n"
                     "server:\n"
                     "  threads: 3\n"
                     "  plugin_path: [plugins, /]\n"
                     "  max_connections: 7\n"
                     "  idle_timeout: 2m\n"
                     "  drain_timeout: 250ms\n"
                     "  load_priority: idle\n"
                     "  load_threads: 2\n"
                     "  log: {level: debug, format: json}\n"
                     "databases:\n"
                     "  a:\n"
                     "    storage: /opt/storage-own.so\n"
                     "    file: /data/a.json\n"
                     "    basedir: store/a\n"
                     "    verify: sha256\n"
                     "    poll_interval: 500ms\n"
                     "    settle: 2s\n"
                     "    min_entries: 0\n"
                     "    guard: always\n"
                     "    guard_timeout: 2m\n"
                     "    guard_total: 1h\n"
                     "    guard_cpu: 30s\n"
                     "    guard_memory: 2GiB\n"
                     "    options: {nested: text, limit: 64MiB}\n"
                     "  b: {storage: json, file: ../b.json, verify: none}\n");
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  const auto& server = config->server;
  CHECK(server.threads == 3);
  CHECK(server.plugin_path == std::vector<std::string>{folder / "plugins", "/"});
  CHECK(server.max_connections == 7);
  CHECK(server.idle_timeout_ms == 120'000);
  CHECK(server.drain_timeout_ms == 250);
  CHECK(server.log_level == spdlog::level::debug);
  CHECK(server.log_format == LogFormat::kJson);

  REQUIRE(config->databases.size() == 2);
  const auto& a = config->databases[0];
  CHECK(a.storage == "/opt/storage-own.so");
  CHECK(a.file == "/data/a.json");
  CHECK(a.basedir == folder / "store/a");
  CHECK(a.verify == SumKind::kSha256);
  CHECK(a.poll_interval_ms == 500);
  CHECK(a.settle_ms == 2000);
  CHECK(a.min_entries == 0);
  CHECK(a.guard == GuardMode::kAlways);
  CHECK(a.load.priority == LoadPriority::kIdle);
  CHECK(a.load.threads == 2);
  CHECK(a.guard_timeout_ms == 120'000);
  CHECK(a.guard_total_ms == 3'600'000);
  CHECK(a.guard_cpu_ms == 30'000);
  CHECK(a.guard_memory == int64_t{2} << 30);
  REQUIRE(a.options.size() == 2);
  CHECK(a.options[0].name == "nested");
  CHECK(a.options[0].value == "text");
  CHECK(a.options[0].name_place == folder / "goromdb.yaml:29:15");
  CHECK(a.options[0].value_place == folder / "goromdb.yaml:29:23");
  CHECK(a.options[1].value == "64MiB");
  const auto& b = config->databases[1];
  CHECK(b.verify == SumKind::kNone);
  CHECK(b.file == parent_folder(folder.path()) + "/b.json");
  CHECK(b.basedir == parent_folder(folder.path()));

  REQUIRE(config->listeners.size() == 1);
  const auto& listener = config->listeners[0];
  CHECK(listener.protocol == folder / "p/proto-own.so");
  CHECK(listener.listen == "unix:" + (folder / "run/sock"));
  CHECK(listener.databases == std::vector<uint32_t>{1, 0});
  CHECK(listener.options.size() == 1);
}

TEST_CASE("places of settings are where their values stand") {
  TempFolder folder;
  auto config = load(folder, kDatabases + kListeners);
  REQUIRE(config.has_value());
  const auto& db = config->databases[0];
  CHECK(db.place == folder / "goromdb.yaml:2:3");
  CHECK(db.storage_place == folder / "goromdb.yaml:3:14");
  CHECK(db.file_place == folder / "goromdb.yaml:4:11");
  CHECK(db.basedir_place == db.file_place);
  CHECK(config->listeners[0].place == folder / "goromdb.yaml:6:5");
  CHECK(config->listeners[0].protocol_place == folder / "goromdb.yaml:6:15");
  CHECK(config->listeners[0].listen_place == folder / "goromdb.yaml:7:13");
}

TEST_CASE("a listener without `databases` serves all of them in their order") {
  TempFolder folder;
  auto config = load(folder,
                     "databases:\n"
                     "  z: {storage: json, file: z/data}\n"
                     "  a: {storage: json, file: a/data}\n" +
                         kListeners);
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  CHECK(config->databases[0].name == "z");
  CHECK(config->listeners[0].databases == std::vector<uint32_t>{0, 1});
}

TEST_CASE("unknown keys are refused with the nearest right one") {
  check_errors({
      {kDatabases + kListeners + "lisners: []\n",
       R"(goromdb.yaml:8:1: unknown key "lisners" in the config; did you mean "listeners"?)"},
      {"server:\n  thread: 2\n" + kDatabases + kListeners,
       R"(goromdb.yaml:2:3: unknown key "thread" in server; did you mean "threads"?)"},
      {"server:\n  log: {levle: info}\n" + kDatabases + kListeners,
       R"(goromdb.yaml:2:9: unknown key "levle" in log; did you mean "level"?)"},
      {kDatabases + "    base_dir: store\n" + kListeners,
       R"(goromdb.yaml:5:5: unknown key "base_dir" in database "words"; did you mean "basedir"?)"},
      {kDatabases + kListeners + "    adress: x\n",
       R"(goromdb.yaml:8:5: unknown key "adress" in a listener; known: databases, listen, options, protocol)"},
  });
}

TEST_CASE("duplicate names are refused where the second one stands") {
  check_errors({
      {kDatabases + "    file: other\n" + kListeners,
       R"(goromdb.yaml:5:5: duplicate key "file" in database "words": it stands at goromdb.yaml:4:5 already)"},
      {kDatabases + "  words: {storage: json, file: b}\n" + kListeners,
       R"(goromdb.yaml:5:3: duplicate key "words" in databases: it stands at goromdb.yaml:2:3 already)"},
      {kDatabases + kDatabases + kListeners, R"(goromdb.yaml:5:1: duplicate key "databases")"},
      {kDatabases + "    options: {a: 1, a: 2}\n" + kListeners,
       R"(goromdb.yaml:5:21: duplicate key "a" in options)"},
      {kDatabases + kListeners + "    databases: [words, words]\n",
       R"(goromdb.yaml:8:24: duplicate database "words"; name it once)"},
      {kDatabases + kListeners + "  - protocol: redis\n    listen: :11211\n",
       R"(goromdb.yaml:9:13: duplicate address :11211: the listener at goromdb.yaml:6:5 has it already)"},
  });
}

TEST_CASE("wrong types and values are refused where they stand") {
  const std::string head = "server:\n  ", tail = "\n" + kDatabases + kListeners;
  check_errors({
      {head + "threads: many" + tail,
       "goromdb.yaml:2:12: threads (or auto) must be a whole number from 1 to 1024"},
      {head + "threads: 0" + tail, "goromdb.yaml:2:12: threads (or auto) must be"},
      {head + "threads: 1025" + tail, "goromdb.yaml:2:12: threads (or auto) must be"},
      {head + "threads: [1]" + tail, "goromdb.yaml:2:12: threads (or auto) must be"},
      {head + "max_connections: 0" + tail, "goromdb.yaml:2:20: max_connections must be"},
      {head + "max_connections: 1e3" + tail, "goromdb.yaml:2:20: max_connections must be"},
      {head + "idle_timeout: 5" + tail,
       "goromdb.yaml:2:17: idle_timeout must be a duration such as 500ms, 5s or 2m"},
      {head + "idle_timeout: {}" + tail, "goromdb.yaml:2:17: idle_timeout must be a duration"},
      {head + "drain_timeout: 0s" + tail, "goromdb.yaml:2:18: drain_timeout must be at least 1ms"},
      {head + "drain_timeout: soon" + tail, "goromdb.yaml:2:18: drain_timeout must be a duration"},
      {head + "stop_timeout: [1s]" + tail, "goromdb.yaml:2:17: stop_timeout must be a duration"},
      {head + "load_priority: high" + tail,
       "goromdb.yaml:2:18: load_priority must be one of low, idle, normal"},
      {head + "load_threads: 0" + tail,
       "goromdb.yaml:2:17: load_threads must be a whole number from 1 to 64"},
      {head + "load_threads: auto" + tail, "goromdb.yaml:2:17: load_threads must be a whole"},
      {head + "plugin_path: plugins" + tail, "goromdb.yaml:2:16: plugin_path must be a list"},
      {head + "plugin_path: [[]]" + tail,
       "goromdb.yaml:2:17: a folder of plugin_path must be text"},
      {head + "plugin_path: ['']" + tail,
       "goromdb.yaml:2:17: a folder of plugin_path must be text"},
      {head + "plugin_path: [/, nowhere]" + tail,
       "goromdb.yaml:2:20: cannot use the folder nowhere: No such file or directory; make it or"},
      {head + "plugin_path: [goromdb.yaml]" + tail,
       "goromdb.yaml:2:17: cannot use the folder goromdb.yaml: Not a directory"},
      {head + "log: debug" + tail, "goromdb.yaml:2:8: log must be a map"},
      {head + "log: {level: loud}" + tail,
       "goromdb.yaml:2:16: level must be one of debug, info, warn, error"},
      {head + "log: {format: xml}" + tail, "goromdb.yaml:2:17: format must be one of text, json"},
      {"server: 4\n" + kDatabases + kListeners, "goromdb.yaml:1:9: server must be a map"},
      {"server: []\n" + kDatabases + kListeners, "goromdb.yaml:1:9: server must be a map"},
      {kDatabases + "    verify: sha1\n" + kListeners,
       "goromdb.yaml:5:13: verify must be one of md5, sha256, none"},
      {kDatabases + "    poll_interval: 5ms\n" + kListeners,
       "goromdb.yaml:5:20: poll_interval must be at least 10ms"},
      {kDatabases + "    settle: 0s\n" + kListeners, "goromdb.yaml:5:13: settle must be at least"},
      {kDatabases + "    settle: 1\n" + kListeners, "goromdb.yaml:5:13: settle must be a duration"},
      {kDatabases + "    guard_timeout: long\n" + kListeners,
       "goromdb.yaml:5:20: guard_timeout must be a duration"},
      {kDatabases + "    guard: true\n" + kListeners,
       "goromdb.yaml:5:12: guard must be one of auto, always, never"},
      {kDatabases + "    guard_timeout: 0s\n" + kListeners,
       "goromdb.yaml:5:20: guard_timeout must be at least 1ms"},
      {kDatabases + "    guard_total: 5\n" + kListeners,
       "goromdb.yaml:5:18: guard_total (or auto) must be a duration"},
      {kDatabases + "    guard_cpu: 1ms\n" + kListeners,
       "goromdb.yaml:5:16: guard_cpu (or auto) must be at least 1s"},
      {kDatabases + "    guard_memory: 1MiB\n" + kListeners,
       "goromdb.yaml:5:19: guard_memory (or auto) must be a size such as 64MiB, at least 32.0 MiB"},
      {kDatabases + "    min_entries: -1\n" + kListeners, "goromdb.yaml:5:18: min_entries must be"},
      {kDatabases + "    basedir: []\n" + kListeners, "goromdb.yaml:5:14: basedir must be text"},
      {kDatabases + "    options: [a]\n" + kListeners, "goromdb.yaml:5:14: options must be a map"},
      {kDatabases + "    options: {a: [1]}\n" + kListeners,
       R"(goromdb.yaml:5:18: option "a" must be a single value)"},
      {"databases: [words]\n" + kListeners, "goromdb.yaml:1:12: databases must be a map"},
      {"databases:\n  words: data.json\n" + kListeners,
       R"(goromdb.yaml:2:10: database "words" must be a map)"},
      {"databases:\n  [a, b]: {}\n" + kListeners,
       "goromdb.yaml:2:3: a key of databases must be a name"},
      {kDatabases + "listeners: {}\n", "goromdb.yaml:5:12: listeners must be a list"},
      {kDatabases + "listeners: [memcached]\n", "goromdb.yaml:5:13: a listener must be a map"},
      {kDatabases + kListeners + "    databases: words\n",
       "goromdb.yaml:8:16: databases must be a list"},
      {kDatabases + kListeners + "    databases: []\n",
       "goromdb.yaml:8:16: databases is empty; name at least one"},
      {kDatabases + kListeners + "    databases: [word]\n",
       R"(goromdb.yaml:8:17: there is no database "word"; did you mean "words"?)"},
      {"- a list\n", "goromdb.yaml:1:1: the config must be a map"},
      {"just text\n", "goromdb.yaml:1:1: the config must be a map"},
  });
}

TEST_CASE("what a config cannot do without is asked for") {
  check_errors({
      {kListeners, "goromdb.yaml:1:1: no databases; add"},
      {kDatabases, "goromdb.yaml:1:1: no listeners; add"},
      {"databases: {}\n" + kListeners, "goromdb.yaml:1:1: no databases; add"},
      {kDatabases + "listeners: []\n", "goromdb.yaml:5:12: no listeners; add"},
      {"databases:\n  words:\n    file: data.json\n" + kListeners,
       R"(goromdb.yaml:2:3: database "words" has no storage; add)"},
      {"databases:\n  words:\n    storage: json\n" + kListeners,
       R"(goromdb.yaml:2:3: database "words" has no file; add)"},
      {kDatabases + "listeners:\n  - listen: :1\n",
       "goromdb.yaml:6:5: a listener has no protocol; add"},
      {kDatabases + "listeners:\n  - protocol: redis\n",
       "goromdb.yaml:6:5: a listener has no address; add"},
  });
}

TEST_CASE("an error names a line and a column even where YAML has nothing") {
  check_errors({
      {"", "goromdb.yaml:1:1: "},
      {"# only a comment\n", "goromdb.yaml:1:1: "},
      {"server:\n" + kDatabases + kListeners, "goromdb.yaml:1:"},
      {kDatabases + "    basedir:\n" + kListeners, "goromdb.yaml:5:"},
      {"databases:\n  options:\n" + kListeners,
       R"(goromdb.yaml:2:3: "options" has no value; give it one)"},
      {kDatabases + "    options: {options: }\n" + kListeners,
       R"(goromdb.yaml:5:15: "options" has no value; give it one)"},
      {"server:\n  options:\n" + kDatabases + kListeners,
       R"(goromdb.yaml:2:3: unknown key "options" in server)"},
      {kDatabases + "listeners:\n  - protocol: redis\n    listen: 'unix:'\n",
       "goromdb.yaml:7:13: "},
  });
}

TEST_CASE("what is no YAML is refused with its place") {
  check_errors({
      {"databases: [\n", "goromdb.yaml:2:1: not valid YAML: "},
      {"a: b: c\n", "goromdb.yaml:1:5: not valid YAML: "},
      {"a: *nowhere\n", "goromdb.yaml:1:"},
      {"\tserver: {}\n", "goromdb.yaml:1:"},
      {"databases: " + std::string(100'000, '['), "goromdb.yaml:1:"},
  });
  CHECK(test::contains(error_of("databases: " + std::string(100'000, '[')), "nested too deeply"));
}

TEST_CASE("control bytes of a quoted text are written as escapes, and NUL is refused") {
  check_errors({
      {kDatabases + "    \"fi\\nle\": x\n" + kListeners,
       R"(goromdb.yaml:5:5: unknown key "fi\x0ale" in database "words")"},
      {kDatabases + "    \"\\e[31m\": x\n" + kListeners,
       R"(goromdb.yaml:5:5: unknown key "\x1b[31m" in database "words")"},
      {"databases:\n  words: {storage: json, file: \"in/d\\0x\"}\n" + kListeners,
       "goromdb.yaml:2:32: file has a NUL byte in it"},
      {kDatabases + "    basedir: \"s\\0\"\n" + kListeners,
       "goromdb.yaml:5:14: basedir has a NUL byte in it"},
      {kDatabases + "listeners:\n  - {protocol: redis, listen: \"unix:s\\0x\"}\n",
       "goromdb.yaml:6:31: listen has a NUL byte in it"},
  });
  Flags flags;
  flags.handler = "a\nb";
  CHECK(message_of(config_from_flags(flags)) == R"(-handler: must be simple or ns, not "a\x0ab")");
}

TEST_CASE("two databases share neither a file nor a basedir, however they are written") {
  const auto two = [](const std::string& first, const std::string& second) {
    return "databases:\n  a: {storage: json, " + first + "}\n  b: {storage: json, " + second +
           "}\n" + kListeners;
  };
  check_errors({
      {two("file: in/x, basedir: s1", "file: in/x, basedir: s2"),
       R"(goromdb.yaml:3:28: databases "a" and "b" share the file in/x)"},
      {two("file: in/x, basedir: s1", "file: in/../in/./x, basedir: s2"),
       R"(goromdb.yaml:3:28: databases "a" and "b" share the file in/x)"},
      {two("file: in/x", "file: in/y"),
       R"(goromdb.yaml:3:28: databases "a" and "b" share the basedir in; set `basedir` of one)"},
      {two("file: in/x, basedir: s", "file: in/y, basedir: ./s"),
       R"(goromdb.yaml:3:43: databases "a" and "b" share the basedir s;)"},
      {two("file: in/x, basedir: s", "file: s/y"),
       R"(goromdb.yaml:3:28: databases "a" and "b" share the basedir s;)"},
      {two("file: in/x, basedir: s", "file: in/y, basedir: s/"),
       R"(goromdb.yaml:3:43: databases "a" and "b" share the basedir s)"},
  });
}

TEST_CASE(
    "a group has its members, a manifest beside the first one's file, and a record in its store") {
  const std::string databases =
      "databases:\n  a: {storage: json, file: in/x, basedir: s1}\n  b: {storage: json, file: in/y, "
      "basedir: s2}\n  c: {storage: json, file: in/z, basedir: s3, verify: none}\n";
  TempFolder folder;
  const auto config = load(folder, "groups: {shop: [b, a]}\n" + databases + kListeners);
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  REQUIRE(config->groups.size() == 1);
  const auto& group = config->groups[0];
  CHECK(group.name == "shop");
  CHECK(group.databases == std::vector<uint32_t>{1, 0});
  CHECK(group.manifest == folder / "in/shop.group");
  CHECK(group.record == folder / "s2/current.group.shop");
  for (size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    CHECK(config->databases[i].group == (i < 2 ? "shop" : ""));
    CHECK(config->databases[i].group_record == (i < 2 ? group.record : ""));
  }

  const auto with = [&](const std::string& groups) {
    return databases + "groups: " + groups + "\n" + kListeners;
  };
  check_errors({
      {with("[a, b]"), "goromdb.yaml:5:9: groups must be a map"},
      {with("{g: a}"), "goromdb.yaml:5:13: databases must be a list"},
      {with("{g: [a]}"), R"(goromdb.yaml:5:13: group "g" has fewer than two databases; add)"},
      {with("{g: [a, a]}"), R"(goromdb.yaml:5:17: duplicate database "a"; name it once)"},
      {with("{g: [a, bb]}"), R"(goromdb.yaml:5:17: there is no database "bb"; did you mean "b"?)"},
      {with("{g: [a, b], h: [b, a]}"),
       R"(goromdb.yaml:5:24: database "b" is in group "g" already; put it in one)"},
      {with("{g: [a, c]}"), R"(goromdb.yaml:5:13: database "c" has `verify: none`, and a group)"},
      {with("{g h: [a, b]}"), "goromdb.yaml:5:10: a group's name has letters, digits"},
      {"databases:\n  a: {storage: json, file: in/x, basedir: s1}\n  b: {storage: json, file: "
       "in/g.group, basedir: s2}\ngroups: {g: [a, b]}\n" +
           kListeners,
       R"(goromdb.yaml:4:10: the manifest of group "g" would be in/g.group, a file of database "b")"},
  });
}

TEST_CASE("what is watched is nobody's store") {
  const auto one = [](const std::string& settings) {
    return "databases:\n  a: {storage: json, " + settings + "}\n" + kListeners;
  };
  for (const char* file :
       {"s/data00", "s/data01", "s/data00/data.db", "s/data01/deep/x", "./in/../s//data00/x",
        "s/current", "s/current.x", "s/current/x", "s/status", "s/status.json", "s"}) {
    CAPTURE(file);
    CHECK_FALSE(error_of(one(fmt::format("file: {}, basedir: s", file))).empty());
    CHECK_FALSE(error_of(one(fmt::format("file: {}, basedir: s, verify: none", file))).empty());
    const auto another =
        one(fmt::format("file: in/x, basedir: s}}\n  b: {{storage: json, file: {}, "
                        "basedir: t",
                        file));
    CHECK(test::contains(error_of(another), "goromdb.yaml:3:28: "));
  }
  check_errors({
      {one("file: in/current"),
       R"(goromdb.yaml:2:28: in/current is in the store in of database "a", where)"},
      {one("file: in/x, basedir: in/x.md5"),
       R"(goromdb.yaml:2:28: in/x.md5 is in the store in/x.md5 of database "a", where)"},
      {one("file: in/x, basedir: s}\n  b: {storage: json, file: in/x.md5, basedir: t"),
       R"(goromdb.yaml:3:28: in/x.md5 is the sum file of database "a"; watch for)"},
      {one("file: in/x.sha256, basedir: s}\n"
           "  b: {storage: json, file: in/x, basedir: t, verify: sha256"),
       R"(goromdb.yaml:2:28: in/x.sha256 is the sum file of database "b"; watch for)"},
  });
  for (const char* settings :
       {"file: s/x, basedir: s", "file: s/data000, basedir: s", "file: s/data/data00, basedir: s",
        "file: s/my-current, basedir: s", "file: data00/x, basedir: s",
        "file: in/x, basedir: s, verify: none}\n  b: {storage: json, file: in/x.md5, basedir: t"}) {
    CAPTURE(settings);
    CHECK(error_of(one(settings)).empty());
  }
}

TEST_CASE("a link into a store leads into the store") {
  TempFolder folder;
  folder.write("s/data00/x", "");
  std::filesystem::create_symlink("s/data00", folder / "in");
  std::filesystem::create_symlink("/nowhere", folder / "s/data00/link");
  for (const char* file : {"in/data.json", "s/data00/link"}) {
    CAPTURE(file);
    auto config = load(folder, fmt::format("databases:\n  a: {{storage: json, file: {}, "
                                           "basedir: s}}\n{}",
                                           file, kListeners));
    CHECK(test::contains(message_of(config), "is in the store"));
  }
}

TEST_CASE("a link to a database's file is the same file") {
  TempFolder folder;
  folder.write("in/x", "{}");
  std::filesystem::create_symlink("in", folder / "link");
  auto config = load(folder,
                     "databases:\n"
                     "  a: {storage: json, file: in/x, basedir: s1}\n"
                     "  b: {storage: json, file: link/x, basedir: s2}\n" +
                         kListeners);
  CHECK(test::contains(message_of(config), "share the file"));
}

TEST_CASE("many listeners may have a port chosen for them") {
  CHECK(error_of(kDatabases + "listeners:\n"
                              "  - {protocol: memcached, listen: '127.0.0.1:0'}\n"
                              "  - {protocol: redis, listen: '127.0.0.1:0'}\n")
            .empty());
}

TEST_CASE("a config that cannot be read says so") {
  TempFolder folder;
  CHECK(message_of(load_config(folder / "none.yaml")) ==
        folder /
            "none.yaml:1:1: cannot read the config: No such file or directory; name it with "
            "--config FILE");
  CHECK(message_of(load_config(folder.path())) ==
        folder.path() + ":1:1: this is a folder, not a config file");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(message_of(load_config(folder / "fifo")) ==
        folder / "fifo:1:1: this is a fifo, not a config file");
  folder.write("giant.yaml", std::string((16 << 20) + 1, '#'));
  CHECK(test::contains(message_of(load_config(folder / "giant.yaml")), "larger than 16 MiB"));
}

TEST_CASE("the flags make one database and one listener") {
  Flags flags;
  flags.file = "path/to/data.db";
  auto config = config_from_flags(flags);
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  CHECK(config->source == "the command line");
  REQUIRE(config->databases.size() == 1);
  CHECK(config->databases[0].name == "default");
  CHECK(config->databases[0].storage == "json");
  CHECK(config->databases[0].basedir == "path/to");
  CHECK(config->databases[0].verify == SumKind::kMd5);
  REQUIRE(config->listeners.size() == 1);
  CHECK(config->listeners[0].listen == ":11211");
  CHECK(config->listeners[0].protocol == "memcached");
  CHECK(config->listeners[0].databases == std::vector<uint32_t>{0});
  CHECK(config->server.threads >= 1);
}

TEST_CASE("the bucket of the Go program is `default` unless a flag says another") {
  auto config = config_from_flags({});
  REQUIRE(config.has_value());
  REQUIRE(config->databases[0].options.size() == 1);
  CHECK(config->databases[0].options[0].name == "bucket");
  CHECK(config->databases[0].options[0].value == "default");
  CHECK(config->databases[0].options[0].if_known);
}

TEST_CASE("flags become options, and a wrong one is named") {
  Flags flags;
  flags.verify = "sha256";
  flags.gzipped = true;
  flags.bucket = "b";
  flags.handler = "ns";
  flags.basedir = "store";
  auto config = config_from_flags(flags);
  REQUIRE(config.has_value());
  const auto& db = config->databases[0];
  CHECK(db.verify == SumKind::kSha256);
  CHECK(db.basedir == "store");
  REQUIRE(db.options.size() == 2);
  CHECK(db.options[0].name == "gzipped");
  CHECK(db.options[0].value == "true");
  CHECK(db.options[1].name == "bucket");
  CHECK(db.options[1].value_place == "-bucket");

  flags.file.clear();
  CHECK(message_of(config_from_flags(flags)) == "-file: is empty; name the data file to watch for");
  flags.file = "in/data.db";
  flags.verify = "crc";
  CHECK(message_of(config_from_flags(flags)) ==
        "-verify: must be md5, sha256 or none, not \"crc\"");
  flags.verify = "none";
  flags.handler = "other";
  CHECK(message_of(config_from_flags(flags)) == "-handler: must be simple or ns, not \"other\"");
}

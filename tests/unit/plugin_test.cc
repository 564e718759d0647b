// SPDX-License-Identifier: MIT
#include "core/plugin/plugin.h"

#include <doctest/doctest.h>

#include "tests/unit/fake_plugin.hpp"
#include "tests/unit/temp_folder.hpp"

using namespace goromdb;
using test::contains;
using test::Env;
using test::message_of;
using test::TempFolder;

namespace {

Result<OptionValues> parse(const std::vector<std::pair<std::string, std::string>>& settings) {
  auto plugin = test::load_fake();
  REQUIRE(plugin.has_value());
  std::vector<OptionSetting> all;
  for (const auto& [name, value] : settings) all.push_back({name, value, "c:1:1", "c:1:9"});
  return OptionValues::parse(**plugin, all);
}

const goromdb_option_value& value_of(const OptionValues& values, size_t index) {
  REQUIRE(index < values.size());
  return values.data()[index];
}

std::string text_of(const goromdb_option_value& value) {
  return {static_cast<const char*>(value.str.ptr), value.str.len};
}

enum { kNested, kLimit, kPatience, kDepth, kStrict, kBucket };

}  // namespace

// ---- descriptors ----

TEST_CASE("a right plugin is loaded with its name, kind and options") {
  auto storage = test::load_fake();
  REQUIRE_MESSAGE(storage.has_value(), message_of(storage));
  CHECK((*storage)->name() == "fake");
  CHECK((*storage)->kind() == GOROMDB_KIND_STORAGE);
  CHECK((*storage)->path() == FAKE_PLUGIN);
  CHECK((*storage)->options().size() == 6);
  CHECK(((*storage)->storage().get != nullptr));
  CHECK(((*storage)->storage().ns_count == nullptr));
  CHECK(((*storage)->protocol().parse == nullptr));
  auto protocol = test::load_fake(GOROMDB_KIND_PROTOCOL);
  REQUIRE(protocol.has_value());
  CHECK((*protocol)->kind() == GOROMDB_KIND_PROTOCOL);
  CHECK(((*protocol)->protocol().turn_away == nullptr));
}

TEST_CASE("a wrong descriptor is refused with a sentence that begins with the file") {
  const std::pair<const char*, const char*> cases[] = {
      {"null", "magic number is wrong"},
      {"magic", "magic number is wrong"},
      {"major", "built for ABI 9.1, this goromdb has 0.1"},
      {"short", "the descriptor is 24 bytes long"},
      {"host", "needs a goromdb with ABI 0.99 or newer, this one has 0.1"},
      {"feature", "needs features 0x10"},
      {"name", "lacks a name, version, license or doc"},
      {"license", "lacks a name, version, license or doc"},
      {"kind", "neither a storage nor a protocol (kind 7)"},
      {"table", "neither a storage nor a protocol (kind 1)"},
      {"get", "has no get()"},
      {"old table", "has no get()"},
  };
  for (const auto& [wrong, sentence] : cases) {
    CAPTURE(wrong);
    Env env("FAKE_DESCRIPTOR", wrong);
    const auto message = message_of(test::load_fake());
    CHECK(message.starts_with(std::string(FAKE_PLUGIN) + ": "));
    CHECK(contains(message, sentence));
  }
  Env env("FAKE_DESCRIPTOR", "reply");
  CHECK(contains(message_of(test::load_fake(GOROMDB_KIND_PROTOCOL)), "has no reply()"));
}

TEST_CASE("what an older plugin's table does not reach is absent") {
  Env env("FAKE_DESCRIPTOR", "before warm");
  auto plugin = test::load_fake();
  REQUIRE(plugin.has_value());
  CHECK(((*plugin)->storage().warm == nullptr));
  CHECK(((*plugin)->storage().verify != nullptr));
}

TEST_CASE("what is no plugin is refused") {
  TempFolder folder;
  CHECK(contains(message_of(Plugin::load(folder.write("storage-x.so", "text"))),
                 "storage-x.so: cannot be loaded: "));
  CHECK_FALSE(message_of(Plugin::load(folder / "none.so")).empty());
  REQUIRE(::mkfifo((folder / "storage-fifo.so").c_str(), 0600) == 0);
  std::filesystem::create_directory(folder / "storage-folder.so");
  std::filesystem::create_symlink("storage-fifo.so", folder / "storage-link.so");
  for (const auto& [name, what] : {std::pair(folder / "storage-fifo.so", "a fifo"),
                                   std::pair(folder / "storage-folder.so", "a folder"),
                                   std::pair(folder / "storage-link.so", "a fifo"),
                                   std::pair(std::string("/dev/null"), "a device")}) {
    CHECK(message_of(Plugin::load(name)) ==
          fmt::format("{}: cannot be loaded: it is {}, not a plugin", name, what));
  }
  std::filesystem::create_symlink(FAKE_PLUGIN, folder / "storage-good.so");
  CHECK(Plugin::load(folder / "storage-good.so").has_value());
  // Loaded, but exports nothing of ours.
  CHECK(contains(message_of(Plugin::load("/lib/x86_64-linux-gnu/libm.so.6")),
                 "exports no goromdb_plugin_v0; it is not a goromdb plugin"));
}

TEST_CASE("a plugin is in place until another file lies there, or none, or it is written to") {
  TempFolder folder;
  const auto path = folder / "storage-fake.so";
  std::filesystem::copy_file(FAKE_PLUGIN, folder / "target.so");
  std::filesystem::create_symlink("target.so", path);
  auto plugin = Plugin::load(path);
  REQUIRE_MESSAGE(plugin.has_value(), message_of(plugin));
  const auto said = [&] { return message_of((*plugin)->check_in_place()); };
  const auto replaced = path + ": the plugin was replaced since this server started; restart it";
  CHECK(said() == "");
  REQUIRE(::chmod(path.c_str(), 0700) == 0);
  CHECK(said() == "");
  std::filesystem::rename(folder / "target.so", folder / "aside.so");
  CHECK(said() == replaced);
  std::filesystem::copy_file(folder / "aside.so", folder / "target.so");
  CHECK(said() == replaced);
  std::filesystem::rename(folder / "aside.so", folder / "target.so");
  CHECK(said() == "");
  test::set_mtime_ns(folder / "target.so", 1);
  CHECK(said() == replaced);
}

TEST_CASE("a plugin that anyone may write is not run as root") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: this is not root");
    return;
  }
  TempFolder folder;
  const auto path = folder / "storage-fake.so";
  std::filesystem::copy_file(FAKE_PLUGIN, path);
  REQUIRE(::chmod(path.c_str(), 0666) == 0);
  CHECK(contains(message_of(Plugin::load(path)), "chmod o-w " + path));
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
  CHECK(contains(message_of(Plugin::load(path)), "chmod o-w " + folder.path()));
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  CHECK(Plugin::load(path).has_value());
}

// ---- finder ----

TEST_CASE("a plugin is found by name in the first folder that has it") {
  TempFolder folder;
  std::filesystem::create_directories(folder / "a");
  std::filesystem::create_directories(folder / "b");
  std::filesystem::copy_file(FAKE_PLUGIN, folder / "b/storage-fake.so");
  PluginFinder finder({folder / "none", folder / "a", folder / "b"});
  auto plugin = finder.find(GOROMDB_KIND_STORAGE, "fake");
  REQUIRE_MESSAGE(plugin.has_value(), message_of(plugin));
  CHECK((*plugin)->path() == folder / "b/storage-fake.so");
  std::filesystem::copy_file(FAKE_PLUGIN, folder / "a/storage-fake.so");
  CHECK((*finder.find(GOROMDB_KIND_STORAGE, "fake"))->path() == folder / "a/storage-fake.so");

  std::vector<std::string> ours;
  for (const auto& path : finder.list()) {
    if (path.starts_with(folder.path())) ours.push_back(path);
  }
  CHECK(ours == std::vector<std::string>{folder / "a/storage-fake.so"});
}

TEST_CASE("a plugin is found by its path") {
  PluginFinder finder({});
  CHECK(finder.find(GOROMDB_KIND_STORAGE, FAKE_PLUGIN).has_value());
  CHECK(message_of(finder.find(GOROMDB_KIND_STORAGE, "/nowhere/x.so")) ==
        "there is no storage plugin at /nowhere/x.so");
}

TEST_CASE("a plugin of the other kind is refused") {
  PluginFinder finder({});
  CHECK(message_of(finder.find(GOROMDB_KIND_PROTOCOL, FAKE_PLUGIN)) ==
        std::string(FAKE_PLUGIN) + " is a storage plugin, a protocol is wanted here");
}

TEST_CASE("a name that is not found names the folders, the nearest name and the other kind") {
  TempFolder folder;
  folder.write("storage-maps.so", "");
  folder.write("proto-gopher.so", "");
  folder.write("other.so", "");
  folder.write("storage-notes.txt", "");
  PluginFinder finder({folder.path()});
  auto message = message_of(finder.find(GOROMDB_KIND_STORAGE, "mapz"));
  CHECK(contains(message, "there is no storage plugin \"mapz\"; did you mean \"maps\"?"));
  CHECK(contains(message, "looked for storage-mapz.so in " + folder.path()));
  message = message_of(finder.find(GOROMDB_KIND_STORAGE, "gopher"));
  CHECK(contains(message, "\"gopher\" (\"gopher\" is a protocol)"));
}

// ---- options ----

TEST_CASE("options that nobody set have their defaults, or none") {
  auto values = parse({});
  REQUIRE_MESSAGE(values.has_value(), message_of(values));
  REQUIRE(values->size() == 6);
  CHECK(value_of(*values, kNested).num == 0);
  CHECK(text_of(value_of(*values, kNested)) == "namespace");
  CHECK(value_of(*values, kLimit).num == 1 << 20);
  CHECK(value_of(*values, kDepth).num == -3);
  CHECK(value_of(*values, kStrict).num == 0);
  CHECK(value_of(*values, kStrict).is_set == 1);
  for (size_t unset : {kPatience, kBucket}) {
    CHECK(value_of(*values, unset).is_set == 0);
    CHECK(value_of(*values, unset).num == 0);
    CHECK(value_of(*values, unset).str.len == 0);
  }
}

TEST_CASE("options are read by their type, whatever their order") {
  auto values = parse({{"bucket", "b"},
                       {"strict", "true"},
                       {"depth", "10"},
                       {"patience", "1m"},
                       {"limit", "64KiB"},
                       {"nested", "text"}});
  REQUIRE_MESSAGE(values.has_value(), message_of(values));
  CHECK(value_of(*values, kNested).num == 1);
  CHECK(value_of(*values, kLimit).num == 65536);
  CHECK(value_of(*values, kPatience).num == 60'000);
  CHECK(value_of(*values, kDepth).num == 10);
  CHECK(value_of(*values, kStrict).num == 1);
  CHECK(text_of(value_of(*values, kBucket)) == "b");
  CHECK(text_of(value_of(*values, kLimit)) == "64KiB");
}

TEST_CASE("an option's text outlives a move of the values") {
  auto values = parse({{"bucket", "b"}});
  REQUIRE(values.has_value());
  const OptionValues moved = std::move(*values);
  CHECK(text_of(value_of(moved, kBucket)) == "b");
}

TEST_CASE("a wrong option is refused where it stands") {
  struct Case {
    const char *name, *value, *message;
  };
  const Case cases[] = {
      {"nestd", "text",
       "c:1:1: storage \"fake\" has no option \"nestd\"; did you mean \"nested\"?"},
      {"zzzzzzzzz", "x",
       "c:1:1: storage \"fake\" has no option \"zzzzzzzzz\"; known: nested, limit"},
      {"nested", "deep",
       "c:1:9: option \"nested\" must be one of its choices (namespace|text), not \"deep\""},
      {"nested", "", "c:1:9: option \"nested\" must be one of its choices"},
      {"nested", "namespace|text", "c:1:9: option \"nested\" must be one of its choices"},
      {"limit", "many", "c:1:9: option \"limit\" must be a size such as 64MiB, not \"many\""},
      {"limit", "1023", "c:1:9: option \"limit\" must be from 1024 to 1073741824, not 1023"},
      {"limit", "2GiB", "c:1:9: option \"limit\" must be from"},
      {"patience", "5", "c:1:9: option \"patience\" must be a duration such as 500ms or 5s"},
      {"patience", "2m", "c:1:9: option \"patience\" must be from 1 to 60000"},
      {"depth", "1.5", "c:1:9: option \"depth\" must be a whole number, not \"1.5\""},
      {"depth", "-11", "c:1:9: option \"depth\" must be from -10 to 10, not -11"},
      {"strict", "yes", "c:1:9: option \"strict\" must be true or false, not \"yes\""},
  };
  for (const auto& each : cases) {
    CAPTURE(each.name);
    CAPTURE(each.value);
    const auto message = message_of(parse({{each.name, each.value}}));
    CHECK(message.substr(0, std::strlen(each.message)) == each.message);
  }
}

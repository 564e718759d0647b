// SPDX-License-Identifier: MIT
#include "core/cli.h"

#include <fcntl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/base/units.h"
#include "core/guard/guard.h"
#include "core/server.h"
#include "core/version.h"
#include "tools/commands.h"

namespace goromdb {
namespace {

constexpr int kDone = 0, kFailed = 1, kWrong = 2;

int say(int status, const std::string& message) {
  print_line(message);
  return status;
}

// Go's flags have one dash or two, and end at `--` or at the first word that is none. CLI11 reads
// `-addr` as `-a ddr` and takes `-basedir=` for a flag without its value. What is no such flag, a
// flag's value, or behind them is left as it is.
std::vector<std::string> with_double_dashes(int argc, char** argv) {
  static const std::set<std::string> kWithValue = {
      "addr", "proto", "handler", "storage", "file", "bucket", "basedir", "verify", "config"};
  static const std::set<std::string> kAlone = {"gzipped", "help", "version"};
  const std::vector<std::string> words(argv + 1, argv + argc);
  std::vector<std::string> out;
  size_t i = 0;
  for (; i < words.size() && words[i].starts_with('-') && words[i] != "--"; ++i) {
    const auto word = words[i].substr(words[i].starts_with("--") ? 2 : 1);
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    if (kWithValue.contains(name)) {
      out.push_back("--" + name);
      if (equals != std::string::npos) {
        out.push_back(word.substr(equals + 1));
      } else if (i + 1 < words.size()) {
        out.push_back(words[++i]);
      }
    } else {
      out.push_back(kAlone.contains(name) ? "--" + word : words[i]);
    }
  }
  out.insert(out.end(), words.begin() + static_cast<ptrdiff_t>(i), words.end());
  return out;
}

// A descriptor that the caller has closed is not to become that of a data file or a socket, which
// messages would be written into.
void open_standard_descriptors() {
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
}

int serve(const Config& config) {
  block_signals(true);
  start_log(config.server.log_level, config.server.log_format);
  auto setup = Setup::prepare(config);
  if (!setup) return say(kWrong, setup.error().message);
  if (auto made = Setup::make_stores(config); !made) return say(kWrong, made.error().message);
  Server server(config, std::move(*setup));
  if (auto bound = server.bind(); !bound) return say(kFailed, bound.error().message);
  if (auto served = server.run(); !served) return say(kFailed, served.error().message);
  return kDone;
}

int check(const std::string& path) {
  auto config = load_config(path);
  if (!config) return say(kWrong, config.error().message);
  auto setup = Setup::prepare(*config);
  if (!setup) return say(kWrong, setup.error().message);
  fmt::print("{}", (*setup)->describe(*config));
  return kDone;
}

void print_plugin(const Plugin& plugin) {
  const auto& d = plugin.descriptor();
  fmt::print("{} {} {} (ABI {}.{}, {}) {}\n    {}\n", name_of_kind(d.kind), d.name, d.version,
             d.abi_major, d.abi_minor, d.license, plugin.path(), d.doc);
  for (const auto& option : plugin.options()) {
    fmt::print("    option {}: {}{}{}; {}\n", option.name, name_of_option_type(option.type),
               option.choices != nullptr ? fmt::format(" ({})", option.choices) : std::string(),
               option.def != nullptr ? fmt::format(", default {}", option.def) : std::string(),
               option.help != nullptr ? option.help : "");
  }
}

int plugins(const std::string& config_path) {
  std::vector<std::string> plugin_path;
  if (!config_path.empty()) {
    auto config = load_config(config_path);
    if (!config) return say(kWrong, config.error().message);
    plugin_path = config->server.plugin_path;
  }
  const PluginFinder finder(plugin_path);
  const auto found = finder.list();
  if (found.empty()) {
    return say(kFailed,
               fmt::format("goromdb: there is no plugin in {}; install them there or name another "
                           "folder in plugin_path",
                           join(finder.folders(), ", ")));
  }
  int status = kDone;
  for (const auto& path : found) {
    auto plugin = Plugin::load(path);
    if (plugin) {
      print_plugin(**plugin);
    } else {
      status = say(kWrong, plugin.error().message);
    }
  }
  return status;
}

// What is wrong with the command line, and where to read on.
std::string in_words(const CLI::App& app, int argc, char** argv, const CLI::ParseError& error) {
  const auto used = app.get_subcommands();
  if (!used.empty()) {
    return fmt::format("{}; see goromdb {} --help", error.what(), used.front()->get_name());
  }
  const std::string first = argc > 1 ? argv[1] : "-";
  if (first.starts_with('-')) return fmt::format("{}; see goromdb --help", error.what());
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands({})) names.push_back(command->get_name());
  return fmt::format("there is no command \"{}\"{}; see goromdb --help", first,
                     suggestion(first, names));
}

}  // namespace

int run_command_line(int argc, char** argv) {
  open_standard_descriptors();
  run_as_guard(argc, argv);
  CLI::App app("A read-only key-value server over batch-built data files.", "goromdb");
  app.footer(
      "Serve: goromdb --config goromdb.yaml\n"
      "or, as the Go program: goromdb -addr :11211 -storage json -file in/data.json -basedir "
      "store");
  app.set_version_flag("--version", std::string("goromdb ") + kVersion);
  std::string config_path;
  auto* config_option =
      app.add_option("--config", config_path, "serve as this file says")->type_name("FILE");

  Flags flags;
  std::vector<CLI::Option*> go_flags = {
      app.add_option("--addr", flags.addr, "address to listen on")->capture_default_str(),
      app.add_option("--proto", flags.proto, "protocol")->capture_default_str(),
      app.add_option("--handler", flags.handler, "simple or ns; both read namespaces")
          ->capture_default_str(),
      app.add_option("--storage", flags.storage, "storage")->capture_default_str(),
      app.add_option("--file", flags.file, "data file to watch for")->capture_default_str(),
      app.add_flag("--gzipped", flags.gzipped, "accepted; compression is recognised by itself"),
      app.add_option("--bucket", flags.bucket, "bucket of the keys without a namespace")
          ->capture_default_str(),
      app.add_option("--basedir", flags.basedir,
                     "folder of data00 and data01; default: the file's"),
      app.add_option("--verify", flags.verify, "md5, sha256 or none")->capture_default_str()};
  for (auto* flag : go_flags) {
    flag->excludes(config_option)->take_last()->group("The Go program's flags");
  }

  std::string check_path, plugins_config;
  auto* check_command = app.add_subcommand("check", "validate a config and print what would run");
  check_command->add_option("--config", check_path, "the config")->type_name("FILE")->required();
  auto* plugins_command = app.add_subcommand("plugins", "list the plugins that are found");
  plugins_command->add_option("--config", plugins_config, "also search its plugin_path")
      ->type_name("FILE");
  const auto run_tool = tools::add_commands(app);
  app.require_subcommand(0, 1);

  auto words = with_double_dashes(argc, argv);
  try {
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    app.parse(words);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    return say(kWrong, fmt::format("goromdb: {}", in_words(app, argc, argv, e)));
  }

  if (auto status = run_tool()) return *status;
  if (check_command->parsed()) return check(check_path);
  if (plugins_command->parsed()) return plugins(plugins_config);
  if (config_option->count() == 0 &&
      std::none_of(go_flags.begin(), go_flags.end(), [](auto* f) { return f->count() > 0; })) {
    return say(kWrong,
               "goromdb: nothing to serve; name a config with --config FILE, or see --help");
  }
  auto config = config_option->count() > 0 ? load_config(config_path) : config_from_flags(flags);
  if (!config) return say(kWrong, config.error().message);
  return serve(*config);
}

}  // namespace goromdb

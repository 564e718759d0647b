// SPDX-License-Identifier: MIT
#include <unistd.h>

#include "core/base/units.h"
#include "core/guard/guard.h"
#include "core/guard/jail.h"
#include "core/server.h"

namespace goromdb {
namespace {

tl::unexpected<Error> at(const Place& place, const Error& error) {
  return fail(fmt::format("{}: {}", place, error.message));
}

Result<void> check_folders(const DatabaseConfig& db) {
  auto check = [](const Place& place, const std::string& folder, int mode,
                  const char* next) -> Result<void> {
    struct stat st;
    if (::stat(folder.c_str(), &st) != 0) {
      return fail(fmt::format("{}: cannot use the folder {}: {}; {}", place, folder,
                              std::strerror(errno), next));
    }
    if (!S_ISDIR(st.st_mode))
      return fail(fmt::format("{}: {} is not a folder; {}", place, folder, next));
    if (::access(folder.c_str(), mode) != 0) {
      return fail(fmt::format("{}: cannot use the folder {}: {}; {}", place, folder,
                              std::strerror(errno), next));
    }
    return {};
  };
  auto watched = check(db.file_place, parent_folder(db.file), R_OK | X_OK,
                       "make it, readable for this user, before starting");
  if (!watched) return watched;
  // A basedir that is missing is made by the server: the nearest folder above it must allow that.
  std::string basedir = db.basedir;
  while (::access(basedir.c_str(), F_OK) != 0 && errno == ENOENT &&
         basedir != parent_folder(basedir)) {
    basedir = parent_folder(basedir);
  }
  return check(db.basedir_place, basedir, W_OK | X_OK,
               "choose a basedir that this user may write to");
}

}  // namespace

Result<std::unique_ptr<Setup>> Setup::prepare(const Config& config) {
  const auto loops = static_cast<uint32_t>(config.server.threads);
  std::unique_ptr<Setup> setup(new Setup(loops));
  PluginFinder finder(config.server.plugin_path);
  for (const auto& db : config.databases) {
    if (!Digest::available(db.verify)) {
      return fail(fmt::format("{}: this machine's OpenSSL has no {}; choose another `verify`",
                              db.place, title_of(db.verify)));
    }
    auto plugin = finder.find(GOROMDB_KIND_STORAGE, db.storage);
    if (!plugin) return at(db.storage_place, plugin.error());
    auto options = OptionValues::parse(**plugin, db.options);
    if (!options) return tl::unexpected(options.error());
    auto storage = Storage::create(*plugin, db.name, *options, setup->metrics_, loops);
    if (!storage) return at(db.place, storage.error());
    const bool holds = db.warm.mode == WarmMode::kPopulate || db.warm.mode == WarmMode::kLock;
    if (holds && (*storage)->ops().memory == nullptr) {
      return fail(
          fmt::format("{}: storage {} does not say which memory it reads; set `warm` to "
                      "touch or off",
                      db.warm_place, (*plugin)->name()));
    }
    setup->storages_.push_back(std::move(*storage));
    if (auto usable = check_folders(db); !usable) return tl::unexpected(usable.error());
  }
  for (const auto& listener : config.listeners) {
    auto plugin = finder.find(GOROMDB_KIND_PROTOCOL, listener.protocol);
    if (!plugin) return at(listener.protocol_place, plugin.error());
    auto options = OptionValues::parse(**plugin, listener.options);
    if (!options) return tl::unexpected(options.error());
    auto protocol = Protocol::create(*plugin, (*plugin)->name(), *options, setup->metrics_, loops);
    if (!protocol) return at(listener.place, protocol.error());
    setup->protocols_.push_back(std::move(*protocol));
    auto address = Address::parse(listener.listen);
    if (!address) return at(listener.listen_place, address.error());
    if (auto usable = address->check(); !usable) return at(listener.listen_place, usable.error());
    for (size_t i = 0; i < setup->addresses_.size(); ++i) {
      if (setup->addresses_[i].text() != address->text()) continue;
      if (!address->is_unix() && address->port() == 0) continue;  // the kernel chooses one for each
      return fail(fmt::format("{}: duplicate address {}: the listener at {} has it; use another",
                              listener.listen_place, address->text(), config.listeners[i].place));
    }
    setup->addresses_.push_back(std::move(*address));
  }
  return setup;
}

Result<void> Setup::make_stores(const Config& config) {
  for (const auto& db : config.databases) {
    if (auto made = make_folders(db.basedir); !made) {
      return fail(
          fmt::format("{}: {}; choose another basedir", db.basedir_place, made.error().message));
    }
  }
  return {};
}

std::string Setup::describe(const Config& config) const {
  std::string text = fmt::format("{} is valid. It would run {} event loop{}:\n", config.source,
                                 config.server.threads, config.server.threads == 1 ? "" : "s");
  for (size_t i = 0; i < config.databases.size(); ++i) {
    const auto& db = config.databases[i];
    const auto& plugin = storages_[i]->plugin();
    text += fmt::format(
        "  database {}: storage {} {} ({}), file {}, basedir {}, verify {}{}\n", db.name,
        plugin.name(), plugin.descriptor().version, plugin.path(), db.file, db.basedir,
        name_of(db.verify),
        is_guarded(db, plugin)
            ? fmt::format(", new files tried in another process (jail: {})", jail_of_this_machine())
            : std::string());
  }
  for (const auto& group : config.groups) {
    std::vector<std::string> names;
    for (const uint32_t index : group.databases) names.push_back(config.databases[index].name);
    text +=
        fmt::format("  group {}: {}; manifest {}\n", group.name, join(names, ", "), group.manifest);
  }
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& plugin = protocols_[i]->plugin();
    text += fmt::format("  listener {}: protocol {} {} ({}), databases", config.listeners[i].listen,
                        plugin.name(), plugin.descriptor().version, plugin.path());
    for (auto index : config.listeners[i].databases) text += " " + config.databases[index].name;
    text += "\n";
  }
  return text;
}

}  // namespace goromdb

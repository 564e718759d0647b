// SPDX-License-Identifier: MIT
#include "core/plugin/plugin.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>

#include "core/base/units.h"

#ifndef GOROMDB_PLUGIN_DIR
#error "the build defines GOROMDB_PLUGIN_DIR, the folder of the installed plugins"
#endif

namespace goromdb {
namespace {

// The part of `theirs` that both sides know, in a zeroed table of ours. [TYP-1]
template <class Table>
Table copy_table(const Table* theirs, uint32_t their_size) {
  Table ours{};
  std::memcpy(&ours, theirs, std::min<size_t>(sizeof ours, their_size));
  return ours;
}

// The descriptor as the first minor had it: up to and with `protocol`.
constexpr uint32_t kSmallestDescriptor =
    offsetof(goromdb_plugin, protocol) + sizeof(goromdb_plugin::protocol);

std::string_view prefix_of(uint16_t kind) {
  return kind == GOROMDB_KIND_STORAGE ? "storage-" : "proto-";
}

Result<void> require(const std::string& path,
                     std::initializer_list<std::pair<const char*, bool>> members) {
  for (const auto& [name, present] : members) {
    if (!present)
      return fail(fmt::format("{}: the plugin has no {}(), which is required", path, name));
  }
  return {};
}

// A link is followed. The dynamic linker would wait for a fifo's writer.
Result<FileIdentity> look_at_regular(const std::string& path) {
  struct stat st;
  if (::stat(path.c_str(), &st) != 0) return fail_errno(fmt::format("look at {}", path));
  if (auto what = irregularity(st.st_mode); !what.empty()) {
    return fail(fmt::format("{}: cannot be loaded: it is {}, not a plugin", path, what));
  }
  return state_of(st).identity;
}

// Anyone may write it: then anyone may run code in this process.
Result<void> check_permissions(const std::string& path) {
  for (const auto& each : {path, parent_folder(path)}) {
    struct stat st;
    if (::stat(each.c_str(), &st) != 0) return fail_errno(fmt::format("look at {}", each));
    const bool exposed = (st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0;
    if (exposed && ::geteuid() == 0) {
      return fail(fmt::format("{}: anyone may write to {} and this process is root; chmod o-w {}",
                              path, each, each));
    }
  }
  return {};
}

}  // namespace

std::string_view name_of_kind(uint16_t kind) {
  return kind == GOROMDB_KIND_STORAGE ? "storage" : "protocol";
}

Result<std::shared_ptr<Plugin>> Plugin::load(const std::string& path) {
  const auto identity = look_at_regular(path);
  if (!identity) return tl::unexpected(identity.error());
  if (auto safe = check_permissions(path); !safe) return tl::unexpected(safe.error());
  // RTLD_NODELETE: a plugin's threads and thread-local destructors may outlive any unloading.
  // [LOAD-2]
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) return fail(fmt::format("{}: cannot be loaded: {}", path, ::dlerror()));
  using Entry = const goromdb_plugin* (*)();
  auto entry = reinterpret_cast<Entry>(::dlsym(library, GOROMDB_ENTRY_NAME));
  if (entry == nullptr) {
    const bool newer = ::dlsym(library, "goromdb_plugin_v1") != nullptr;
    return fail(fmt::format("{}: exports no {}{}", path, GOROMDB_ENTRY_NAME,
                            newer ? ", only goromdb_plugin_v1: it needs a newer goromdb"
                                  : "; it is not a goromdb plugin"));
  }
  const goromdb_plugin* theirs = entry();
  if (theirs == nullptr || theirs->magic != GOROMDB_MAGIC) {
    return fail(fmt::format(
        "{}: the descriptor's magic number is wrong; it is not a goromdb plugin", path));
  }
  if (theirs->abi_major != GOROMDB_ABI_MAJOR) {
    return fail(fmt::format("{}: built for ABI {}.{}, this goromdb has {}.{}; build it again", path,
                            theirs->abi_major, theirs->abi_minor, GOROMDB_ABI_MAJOR,
                            GOROMDB_ABI_MINOR));
  }
  if (theirs->struct_size < kSmallestDescriptor) {
    return fail(
        fmt::format("{}: the descriptor is {} bytes long, shorter than the {} of any version", path,
                    theirs->struct_size, kSmallestDescriptor));
  }
  auto plugin = std::make_shared<Plugin>();
  plugin->path_ = path;
  plugin->identity_ = *identity;
  plugin->descriptor_ = copy_table(theirs, theirs->struct_size);
  const goromdb_plugin& d = plugin->descriptor_;
  if (d.min_host_minor > GOROMDB_ABI_MINOR) {
    return fail(fmt::format("{}: needs a goromdb with ABI {}.{} or newer, this one has {}.{}", path,
                            d.abi_major, d.min_host_minor, GOROMDB_ABI_MAJOR, GOROMDB_ABI_MINOR));
  }
  if (d.must_understand != 0) {
    return fail(
        fmt::format("{}: needs features {:#x} that this goromdb does not know; update goromdb",
                    path, d.must_understand));
  }
  if (d.name == nullptr || d.version == nullptr || d.license == nullptr || d.doc == nullptr) {
    return fail(fmt::format("{}: the descriptor lacks a name, version, license or doc", path));
  }
  if (d.option_count > 0 && (d.options == nullptr || d.option_stride < sizeof(uint32_t))) {
    return fail(
        fmt::format("{}: the descriptor counts {} options and has none", path, d.option_count));
  }
  for (uint32_t i = 0; i < d.option_count; ++i) {
    const auto* option = reinterpret_cast<const goromdb_option*>(
        reinterpret_cast<const char*>(d.options) + size_t{i} * d.option_stride);
    plugin->options_.push_back(copy_table(option, option->struct_size));
    const auto& copy = plugin->options_.back();
    if (copy.name == nullptr || (copy.type == GOROMDB_OPT_ENUM && copy.choices == nullptr)) {
      return fail(fmt::format("{}: option {} has no name, or no choices", path, i));
    }
  }
  if (d.kind == GOROMDB_KIND_STORAGE && d.storage != nullptr) {
    plugin->storage_ = copy_table(d.storage, d.storage->struct_size);
    const auto& ops = plugin->storage_;
    auto whole = require(path, {{"create", ops.create},
                                {"destroy", ops.destroy},
                                {"open", ops.open},
                                {"close", ops.close},
                                {"info", ops.info},
                                {"reader_open", ops.reader_open},
                                {"reader_close", ops.reader_close},
                                {"get", ops.get}});
    if (!whole) return tl::unexpected(whole.error());
  } else if (d.kind == GOROMDB_KIND_PROTOCOL && d.protocol != nullptr) {
    plugin->protocol_ = copy_table(d.protocol, d.protocol->struct_size);
    const auto& ops = plugin->protocol_;
    auto whole = require(path, {{"create", ops.create},
                                {"destroy", ops.destroy},
                                {"parse", ops.parse},
                                {"reply", ops.reply}});
    if (!whole) return tl::unexpected(whole.error());
  } else {
    return fail(fmt::format("{}: neither a storage nor a protocol (kind {})", path, d.kind));
  }
  return plugin;
}

Result<void> Plugin::check_in_place() const {
  struct stat st;
  const bool there = ::stat(path_.c_str(), &st) == 0;
  if (!there && errno != ENOENT && errno != ENOTDIR) {
    return fail_errno(fmt::format("look at {}", path_));
  }
  if (there && state_of(st).identity == identity_) return {};
  return fail(
      fmt::format("{}: the plugin was replaced since this server started; restart it", path_));
}

PluginFinder::PluginFinder(const std::vector<std::string>& configured) : folders_(configured) {
  std::error_code error;
  auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  auto beside = program.parent_path() / "plugins";
  folders_.push_back(!error && std::filesystem::is_directory(beside, error) ? beside.string()
                                                                            : GOROMDB_PLUGIN_DIR);
}

Result<std::shared_ptr<Plugin>> PluginFinder::find(uint16_t kind, const std::string& name) const {
  std::string path;
  if (name.find('/') != std::string::npos) {
    path = name;
    if (::access(path.c_str(), F_OK) != 0) {
      return fail(fmt::format("there is no {} plugin at {}", name_of_kind(kind), path));
    }
  }
  for (const auto& folder : folders_) {
    if (!path.empty()) break;
    auto candidate = fmt::format("{}/{}{}.so", folder, prefix_of(kind), name);
    if (::access(candidate.c_str(), F_OK) == 0) path = candidate;
  }
  if (path.empty()) {
    std::vector<std::string> names;
    bool other_kind = false;
    for (const auto& each : list()) {
      std::string stem = std::filesystem::path(each).stem().string();
      if (stem.starts_with(prefix_of(kind))) {
        names.push_back(stem.substr(prefix_of(kind).size()));
      } else if (stem.ends_with("-" + name)) {
        other_kind = true;
      }
    }
    return fail(fmt::format(
        "there is no {} plugin \"{}\"{}{}; looked for {}{}.so in {}", name_of_kind(kind), name,
        other_kind ? fmt::format(" (\"{}\" is a {})", name,
                                 name_of_kind(kind == GOROMDB_KIND_STORAGE ? GOROMDB_KIND_PROTOCOL
                                                                           : GOROMDB_KIND_STORAGE))
                   : "",
        suggestion(name, names), prefix_of(kind), name, join(folders_, ", ")));
  }
  auto plugin = Plugin::load(path);
  if (plugin && (*plugin)->kind() != kind) {
    return fail(fmt::format("{} is a {} plugin, a {} is wanted here", path,
                            name_of_kind((*plugin)->kind()), name_of_kind(kind)));
  }
  return plugin;
}

std::vector<std::string> PluginFinder::list() const {
  std::map<std::string, std::string> found;  // file name -> path
  for (const auto& folder : folders_) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      auto file = entry.path().filename().string();
      if (!file.ends_with(".so")) continue;
      if (!file.starts_with("storage-") && !file.starts_with("proto-")) continue;
      found.emplace(file, entry.path().string());
    }
  }
  std::vector<std::string> paths;
  for (const auto& [file, path] : found) paths.push_back(path);
  return paths;
}

std::string_view name_of_option_type(int32_t type) {
  switch (type) {
    case GOROMDB_OPT_BOOL:
      return "true or false";
    case GOROMDB_OPT_INT:
      return "a whole number";
    case GOROMDB_OPT_SIZE:
      return "a size such as 64MiB";
    case GOROMDB_OPT_DURATION:
      return "a duration such as 500ms or 5s";
    case GOROMDB_OPT_ENUM:
      return "one of its choices";
    default:
      return "text";
  }
}

namespace {

// The value's number, or nothing when the text is not of the option's type.
std::optional<int64_t> number_of(const goromdb_option& option, const std::string& text) {
  switch (option.type) {
    case GOROMDB_OPT_BOOL:
      return parse_bool(text);
    case GOROMDB_OPT_INT:
      return parse_integer(text);
    case GOROMDB_OPT_SIZE:
      return parse_size(text);
    case GOROMDB_OPT_DURATION:
      return parse_duration_ms(text);
    case GOROMDB_OPT_ENUM: {
      std::string_view rest = option.choices;
      for (int64_t i = 0;; ++i) {
        auto bar = rest.find('|');
        if (rest.substr(0, bar) == text) return i;
        if (bar == std::string_view::npos) return std::nullopt;
        rest.remove_prefix(bar + 1);
      }
    }
    default:
      return 0;
  }
}

}  // namespace

Result<OptionValues> OptionValues::parse(const Plugin& plugin,
                                         const std::vector<OptionSetting>& settings) {
  std::vector<std::string> names;
  for (const auto& option : plugin.options()) names.emplace_back(option.name);
  for (const auto& setting : settings) {
    if (!setting.if_known && std::count(names.begin(), names.end(), setting.name) == 0) {
      return fail(fmt::format("{}: {} \"{}\" has no option \"{}\"{}", setting.name_place,
                              name_of_kind(plugin.kind()), plugin.name(), setting.name,
                              suggestion(setting.name, names)));
    }
  }
  OptionValues out;
  for (const auto& option : plugin.options()) {
    goromdb_option_value value{};
    auto setting = std::find_if(settings.begin(), settings.end(),
                                [&](const auto& each) { return each.name == option.name; });
    if (setting != settings.end() || option.def != nullptr) {
      const bool by_user = setting != settings.end();
      out.texts_.push_back(std::make_unique<std::string>(by_user ? setting->value : option.def));
      const std::string& text = *out.texts_.back();
      const Place place = by_user ? setting->value_place : plugin.path();
      auto number = number_of(option, text);
      if (!number) {
        return fail(fmt::format(
            "{}: option \"{}\" must be {}{}, not \"{}\"", place, option.name,
            name_of_option_type(option.type),
            option.type == GOROMDB_OPT_ENUM ? fmt::format(" ({})", option.choices) : std::string(),
            text));
      }
      if ((option.min != 0 || option.max != 0) && (*number < option.min || *number > option.max)) {
        return fail(fmt::format("{}: option \"{}\" must be from {} to {}, not {}", place,
                                option.name, option.min, option.max, text));
      }
      value.num = *number;
      value.str = {text.data(), text.size()};
      value.is_set = 1;
    }
    out.values_.push_back(value);
  }
  return out;
}

}  // namespace goromdb

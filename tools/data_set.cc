// SPDX-License-Identifier: MIT
#include "tools/data_set.h"

#include <algorithm>
#include <filesystem>
#include <thread>

#include "core/base/file.h"
#include "core/base/units.h"
#include "tools/text.h"

namespace goromdb::tools {
namespace {

constexpr size_t kHead = 4096;  // of a file, that storages recognise

goromdb_slice slice(std::string_view s) { return {s.data(), s.size()}; }

// The file's first bytes, fewer when it is shorter.
Result<std::string> head_of(const Fd& fd, const std::string& file) {
  std::string head(kHead, '\0');
  size_t have = 0;
  while (have < head.size()) {
    const ssize_t n = ::read(fd.get(), head.data() + have, head.size() - have);
    if (n < 0 && errno != EINTR) return fail_errno(fmt::format("read {}", file));
    if (n == 0) break;
    if (n > 0) have += static_cast<size_t>(n);
  }
  head.resize(have);
  return head;
}

Result<std::shared_ptr<Plugin>> recognise(const PluginFinder& finder, const StorageChoice& choice,
                                          const std::string& file) {
  const auto fd = open_regular(file);
  if (!fd) return tl::unexpected(fd.error());
  const auto state = look_at(*fd, file);
  if (!state) return tl::unexpected(state.error());
  const auto head = head_of(*fd, file);
  if (!head) return tl::unexpected(head.error());
  std::vector<std::shared_ptr<Plugin>> found;
  std::vector<std::string> names, known;
  for (const auto& path : finder.list()) {
    if (!std::filesystem::path(path).filename().string().starts_with("storage-")) continue;
    auto plugin = Plugin::load(path);
    if (!plugin || (*plugin)->kind() != GOROMDB_KIND_STORAGE) continue;
    known.push_back((*plugin)->name());
    const auto& ops = (*plugin)->storage();
    const auto size = static_cast<uint64_t>(state->identity.size);
    if (ops.recognise == nullptr || ops.recognise(slice(*head), size) != GOROMDB_OK) continue;
    names.push_back((*plugin)->name());
    found.push_back(std::move(*plugin));
  }
  if (found.size() == 1) return found.front();
  if (head->empty()) return fail(fmt::format("{}: it is empty; make it anew", file));
  if (found.empty()) {
    return fail(fmt::format("{}: no storage recognises it; name one with {}: {}", file, choice.flag,
                            join(known, ", ")));
  }
  return fail(
      fmt::format("{}: it may be {}; name one with {}", file, join(names, " or "), choice.flag));
}

Result<OptionValues> option_values(const Plugin& plugin, const StorageChoice& choice) {
  std::vector<OptionSetting> settings;
  for (const auto& option : choice.options) {
    const auto equals = option.find('=');
    if (equals == option.npos || equals == 0) {
      return fail(fmt::format("{} {}: want NAME=VALUE", choice.option_flag, option));
    }
    const auto place = fmt::format("{} {}", choice.option_flag, option);
    settings.push_back({option.substr(0, equals), option.substr(equals + 1), place, place});
  }
  return OptionValues::parse(plugin, settings);
}

}  // namespace

std::string behind_links(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const auto file = std::filesystem::canonical(path, error);
  return error ? path : file.string();
}

Result<ChosenStorage> choose_storage(const StorageChoice& choice, const std::string& file) {
  const PluginFinder finder(choice.plugin_path);
  auto plugin = choice.name.empty() ? recognise(finder, choice, file)
                                    : finder.find(GOROMDB_KIND_STORAGE, choice.name);
  if (!plugin && choice.name.empty()) return tl::unexpected(plugin.error());
  if (!plugin) {
    return misuse(fmt::format("{} {}: {}", choice.flag, choice.name, plugin.error().message));
  }
  auto options = option_values(**plugin, choice);
  if (!options) return misuse(options.error().message);
  return ChosenStorage{std::move(*plugin), std::move(*options)};
}

// ---- DataSet

Result<std::unique_ptr<DataSet>> DataSet::open(const StorageChoice& choice,
                                               const std::string& path) {
  const auto file = behind_links(path);
  auto chosen = choose_storage(choice, file);
  if (!chosen) return tl::unexpected(chosen.error());
  std::unique_ptr<DataSet> data(new DataSet(file));
  auto storage = Storage::create(chosen->plugin, path, chosen->options, data->metrics_, 1);
  if (!storage) return misuse(storage.error().message);
  data->storage_ = std::move(*storage);
  data->storage_->host().allow_threads(std::thread::hardware_concurrency());
  PluginError error;
  auto status =
      data->ops().open(data->storage_->store(), file.c_str(), 1, &data->generation_, error.get());
  if (status != GOROMDB_OK) {
    data->generation_ = nullptr;
    return data->about(error.message(status));
  }
  status = data->ops().reader_open(data->generation_, 0, &data->reader_, error.get());
  if (status != GOROMDB_OK) {
    data->reader_ = nullptr;
    return data->about(error.message(status));
  }
  return data;
}

DataSet::~DataSet() {
  arena_.reset();
  if (reader_ != nullptr) ops().reader_close(reader_);
  if (generation_ != nullptr) ops().close(generation_);
}

// Storages begin their messages with the path where they open files.
tl::unexpected<Error> DataSet::about(const std::string& message) const {
  return fail(message.find(path_) == message.npos ? fmt::format("{}: {}", path_, message)
                                                  : message);
}

Result<void> DataSet::verify() {
  if (ops().verify == nullptr) return {};
  PluginError error;
  const auto status = ops().verify(generation_, error.get());
  if (status != GOROMDB_OK) return about(error.message(status));
  return {};
}

Result<goromdb_generation_info> DataSet::info() const {
  goromdb_generation_info info{};
  info.struct_size = sizeof info;
  const auto status = ops().info(generation_, &info);
  if (status != GOROMDB_OK) return about(PluginError().message(status));
  return info;
}

Result<std::unique_ptr<Walk>> DataSet::walk(std::optional<std::string> ns) {
  if (!can_walk()) {
    return fail(fmt::format("{}: the storage {} gives single values only, and cannot list them",
                            path_, plugin().name()));
  }
  std::unique_ptr<Walk> walk(new Walk(*this));
  auto begun = walk->entries_.begin(ns);
  if (!begun) return about(begun.error().message);
  return walk;
}

Result<std::span<const goromdb_value>> DataSet::get(std::string_view ns,
                                                    std::span<const Entry> keys) {
  arena_.reset();
  keys_.clear();
  values_.assign(keys.size(), {nullptr, 0, 0, 0, GOROMDB_NOT_FOUND, 0});
  uint32_t id = 0;
  const auto found = find_namespace(ops(), reader_, ns, id);
  if (found < 0) {
    return fail(fmt::format("{}: the namespace {} cannot be read", path_, printable(ns)));
  }
  if (found != GOROMDB_OK || keys.empty()) return std::span<const goromdb_value>(values_);
  for (const auto& key : keys) {
    keys_.push_back({key.key.data(), static_cast<uint32_t>(key.key.size()), id});
  }
  ops().get(reader_, 0, keys_.data(), static_cast<uint32_t>(keys_.size()), values_.data(), &arena_);
  for (size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].status == GOROMDB_OK || values_[i].status == GOROMDB_NOT_FOUND) continue;
    return fail(fmt::format(
        "{}: the value of the key \"{}\" cannot be read (status {}); goromdb verify says more",
        path_, printable(keys[i].key), values_[i].status));
  }
  return std::span<const goromdb_value>(values_);
}

// ---- Walk

Result<std::span<const Entry>> Walk::next() {
  auto batch = entries_.next();
  if (!batch) return data_.about(batch.error().message);
  return batch;
}

// ---- DataSetSource

Result<std::unique_ptr<DataSetSource>> DataSetSource::open(std::unique_ptr<DataSet> data) {
  std::unique_ptr<DataSetSource> source(new DataSetSource);
  auto info = data->info();
  if (!info) return tl::unexpected(info.error());
  source->total_ = info->entries == GOROMDB_UNKNOWN ? 0 : info->entries;
  source->data_ = std::move(data);
  auto walk = source->data_->walk(std::nullopt);
  if (!walk) return tl::unexpected(walk.error());
  source->walk_ = std::move(*walk);
  return source;
}

Result<bool> DataSetSource::next(Entry& entry) {
  if (batch_.empty()) {
    auto batch = walk_->next();
    if (!batch) return tl::unexpected(batch.error());
    batch_ = *batch;
  }
  if (batch_.empty()) return false;
  entry = batch_.front();
  batch_ = batch_.subspan(1);
  ++given_;
  return true;
}

}  // namespace goromdb::tools

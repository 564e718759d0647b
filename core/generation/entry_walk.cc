// SPDX-License-Identifier: MIT
#include "core/generation/entry_walk.h"

#include <algorithm>
#include <utility>

#include "core/base/log.h"
#include "core/plugin/plugin_host.h"

namespace goromdb {
namespace {

std::string_view view(const goromdb_slice& s) { return {static_cast<const char*>(s.ptr), s.len}; }
goromdb_slice slice(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace

bool has_counted_all(const goromdb_generation_info& info) {
  return info.entries != GOROMDB_UNKNOWN && info.bytes != GOROMDB_UNKNOWN &&
         info.namespaces != UINT32_MAX && info.largest_key + info.largest_value > 0;
}

goromdb_status find_namespace(const goromdb_storage_ops& ops, goromdb_reader* reader,
                              std::string_view name, uint32_t& id) {
  id = 0;
  if (name.empty()) return GOROMDB_OK;
  if (ops.ns_lookup == nullptr) return GOROMDB_NOT_FOUND;
  return ops.ns_lookup(reader, slice(name), &id);
}

EntryWalk::~EntryWalk() {
  if (cursor_ != nullptr) ops_.cursor_close(cursor_);
}

Result<void> EntryWalk::begin(const std::optional<std::string>& ns) {
  all_ = !ns;
  names_end_ = ops_.ns_list == nullptr;
  return enter(ns.value_or(std::string()));
}

Result<void> EntryWalk::enter(const std::string& ns) {
  if (cursor_ != nullptr) ops_.cursor_close(std::exchange(cursor_, nullptr));
  ns_ = ns;
  uint32_t id = 0;
  const auto found = find_namespace(ops_, reader_, ns, id);
  if (found == GOROMDB_NOT_FOUND) {
    return reject(fmt::format("there is no namespace \"{}\"", one_line(ns)));
  }
  PluginError error;
  if (found != GOROMDB_OK) return error.as_error(found);
  const auto status = ops_.cursor_open(reader_, id, {nullptr, 0}, &cursor_, error.get());
  if (status == GOROMDB_OK) return {};
  cursor_ = nullptr;
  return error.as_error(status);
}

Result<bool> EntryWalk::next_namespace() {
  if (names_.empty() && !names_end_) {
    goromdb_slice names[kBatch];
    uint32_t got = 0;
    PluginError error;
    const auto after = ns_.empty() ? goromdb_slice{nullptr, 0} : slice(ns_);
    const auto status = ops_.ns_list(reader_, after, kBatch, names, &got, &arena_, error.get());
    if (status < 0) return error.as_error(status);
    for (uint32_t i = 0; i < got; ++i) names_.emplace_back(view(names[i]));
    std::reverse(names_.begin(), names_.end());
    names_end_ = status == GOROMDB_END;
  }
  if (names_.empty()) return false;
  const auto name = std::move(names_.back());
  names_.pop_back();
  auto entered = enter(name);
  if (!entered) return tl::unexpected(entered.error());
  return true;
}

Result<std::span<const Entry>> EntryWalk::next() {
  goromdb_key keys[kBatch];
  goromdb_value values[kBatch];
  entries_.clear();
  while (entries_.empty()) {
    arena_.reset();
    if (cursor_ == nullptr) {
      if (!all_) return std::span<const Entry>();
      auto more = next_namespace();
      if (!more) return tl::unexpected(more.error());
      if (!*more) return std::span<const Entry>();
    }
    uint32_t got = 0;
    PluginError error;
    const auto status = ops_.cursor_next(cursor_, kBatch, keys, values, &got, &arena_, error.get());
    if (status < 0) return error.as_error(status);
    if (status == GOROMDB_OK && got == 0) return error.as_error(GOROMDB_E_INTERNAL);
    for (uint32_t i = 0; i < got; ++i) {
      entries_.push_back({ns_,
                          {static_cast<const char*>(keys[i].ptr), keys[i].len},
                          {static_cast<const char*>(values[i].ptr), values[i].len},
                          values[i].flags});
    }
    if (status == GOROMDB_END) ops_.cursor_close(std::exchange(cursor_, nullptr));
  }
  return std::span<const Entry>(entries_);
}

}  // namespace goromdb

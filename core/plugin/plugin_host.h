// SPDX-License-Identifier: MIT
// A configured instance of a plugin and the host services that it is handed.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/log.h"
#include "core/base/metrics.h"
#include "core/plugin/plugin.h"

namespace goromdb {

// Lies in front of a connection's state, which is what plugins know the connection by.
struct ConnHead {
  void (*set_label)(void* owner, std::string_view label);
  void* owner;

  static ConnHead& of(void* state) { return static_cast<ConnHead*>(state)[-1]; }
};
static_assert(sizeof(ConnHead) % 16 == 0, "the state behind it is aligned to 16");

// The goromdb_host of one instance. Lives until the instance is destroyed.
class PluginHost {
 public:
  // `object` is whose name the plugin's log lines carry, `hints` are GOROMDB_HINT_*.
  PluginHost(const std::string& object, Metrics& metrics, uint32_t loops, uint64_t hints = 0);
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  const goromdb_host* table() const { return &table_; }
  // That open() or verify() may use; 1 unless it is set. Not while one of them runs.
  void allow_threads(uint32_t most) { table_.threads = most; }
  // Called from progress(), on the thread that opens a file; true = the plugin should give up. Set
  // before the call that may report progress, on the same thread.
  void on_progress(std::function<bool(uint64_t done, uint64_t total)> callback) {
    on_progress_ = std::move(callback);
  }

 private:
  static PluginHost* self(void* ctx) { return static_cast<PluginHost*>(ctx); }

  std::shared_ptr<spdlog::logger> log_;
  Metrics& metrics_;
  goromdb_host table_{};
  std::function<bool(uint64_t, uint64_t)> on_progress_;
};

// One instance of a storage plugin: a goromdb_store. open() is called on the database's worker
// thread.
class Storage {
 public:
  static Result<std::unique_ptr<Storage>> create(std::shared_ptr<Plugin> plugin,
                                                 const std::string& object,
                                                 const OptionValues& options, Metrics& metrics,
                                                 uint32_t loops, uint64_t hints = 0);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  const goromdb_storage_ops& ops() const { return plugin_->storage(); }
  goromdb_store* store() const { return store_; }
  PluginHost& host() { return host_; }
  const Plugin& plugin() const { return *plugin_; }

 private:
  Storage(std::shared_ptr<Plugin> plugin, const std::string& object, Metrics& metrics,
          uint32_t loops, uint64_t hints)
      : plugin_(std::move(plugin)), host_(object, metrics, loops, hints) {}

  std::shared_ptr<Plugin> plugin_;
  PluginHost host_;
  goromdb_store* store_ = nullptr;
};

// One instance of a protocol plugin, shared by the loops.
class Protocol {
 public:
  static Result<std::unique_ptr<Protocol>> create(std::shared_ptr<Plugin> plugin,
                                                  const std::string& object,
                                                  const OptionValues& options, Metrics& metrics,
                                                  uint32_t loops);
  ~Protocol();
  Protocol(const Protocol&) = delete;
  Protocol& operator=(const Protocol&) = delete;

  const goromdb_protocol_ops& ops() const { return plugin_->protocol(); }
  void* self() const { return self_; }
  const Plugin& plugin() const { return *plugin_; }

 private:
  Protocol(std::shared_ptr<Plugin> plugin, const std::string& object, Metrics& metrics,
           uint32_t loops)
      : plugin_(std::move(plugin)), host_(object, metrics, loops) {}

  std::shared_ptr<Plugin> plugin_;
  PluginHost host_;
  void* self_ = nullptr;
};

// A goromdb_error to hand to a plugin, and what it said.
class PluginError {
 public:
  PluginError() { error_.struct_size = sizeof error_; }
  goromdb_error* get() { return &error_; }
  // The plugin's words, or "failed with status N" where it has none.
  std::string message(goromdb_status status) const;
  // What it says of the file that is being opened: memory and the disk are the machine's trouble
  // and may pass; the rest is the file's and will not. [ERR-2]
  tl::unexpected<Error> as_error(goromdb_status status) const;

 private:
  goromdb_error error_{};
};

}  // namespace goromdb

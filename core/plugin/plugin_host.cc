// SPDX-License-Identifier: MIT
#include "core/plugin/plugin_host.h"

#include <cstring>

#include "core/base/arena.h"
#include "core/base/sigbus.h"
#include "core/version.h"

namespace goromdb {
namespace {

spdlog::level::level_enum level_of(int32_t level) {
  switch (level) {
    case GOROMDB_LOG_DEBUG:
      return spdlog::level::debug;
    case GOROMDB_LOG_INFO:
      return spdlog::level::info;
    case GOROMDB_LOG_WARN:
      return spdlog::level::warn;
    default:
      return spdlog::level::err;
  }
}

}  // namespace

PluginHost::PluginHost(const std::string& object, Metrics& metrics, uint32_t loops, uint64_t hints)
    : log_(logger_for(object)), metrics_(metrics) {
  table_.struct_size = sizeof table_;
  table_.abi_minor = GOROMDB_ABI_MINOR;
  table_.ctx = this;
  table_.core_version = kVersion;
  table_.loop_count = loops;
  table_.log_enabled = [](void* ctx, int32_t level) -> int32_t {
    return self(ctx)->log_->should_log(level_of(level));
  };
  table_.log = [](void* ctx, int32_t level, const char* msg, size_t len) {
    self(ctx)->log_->log(level_of(level), "{}", std::string_view(msg, len));
  };
  table_.arena_alloc = [](goromdb_arena* arena, size_t n, size_t align) {
    return arena->alloc(n, align);
  };
  table_.arena_on_free = [](goromdb_arena* arena, void (*fn)(void*), void* fn_ctx) {
    arena->on_free(fn, fn_ctx);
  };
  table_.metric = [](void* ctx, const char* name, int32_t, const char*) {
    return self(ctx)->metrics_.add_metric(name);
  };
  table_.metric_add = [](void* ctx, uint32_t metric, uint32_t loop, int64_t delta) {
    self(ctx)->metrics_.add(metric, loop, delta);
  };
  table_.progress = [](void* ctx, uint64_t done, uint64_t total) -> int32_t {
    auto& callback = self(ctx)->on_progress_;
    return callback && callback(done, total) ? 1 : 0;
  };
  table_.conn_label = [](void*, void* conn, goromdb_slice label) {
    auto& head = ConnHead::of(conn);
    head.set_label(head.owner, {static_cast<const char*>(label.ptr), label.len});
  };
  table_.guarded = [](void*, void (*fn)(void*), void* arg) -> int32_t {
    return run_guarded(fn, arg) ? 0 : 1;
  };
  table_.hints = hints;
  table_.extension = [](void*, const char*) -> const void* { return nullptr; };
}

Result<std::unique_ptr<Storage>> Storage::create(std::shared_ptr<Plugin> plugin,
                                                 const std::string& object,
                                                 const OptionValues& options, Metrics& metrics,
                                                 uint32_t loops, uint64_t hints) {
  std::unique_ptr<Storage> storage(new Storage(std::move(plugin), object, metrics, loops, hints));
  PluginError error;
  auto status = storage->ops().create(storage->host_.table(), options.data(), options.size(),
                                      &storage->store_, error.get());
  if (status != GOROMDB_OK) {
    storage->store_ = nullptr;
    return fail(error.message(status));
  }
  return storage;
}

Storage::~Storage() {
  if (store_ != nullptr) ops().destroy(store_);
}

Result<std::unique_ptr<Protocol>> Protocol::create(std::shared_ptr<Plugin> plugin,
                                                   const std::string& object,
                                                   const OptionValues& options, Metrics& metrics,
                                                   uint32_t loops) {
  std::unique_ptr<Protocol> protocol(new Protocol(std::move(plugin), object, metrics, loops));
  PluginError error;
  auto status = protocol->ops().create(protocol->host_.table(), options.data(), options.size(),
                                       &protocol->self_, error.get());
  if (status != GOROMDB_OK) {
    protocol->self_ = nullptr;
    return fail(error.message(status));
  }
  return protocol;
}

Protocol::~Protocol() {
  if (self_ != nullptr) ops().destroy(self_);
}

std::string PluginError::message(goromdb_status status) const {
  std::string text(error_.msg, ::strnlen(error_.msg, sizeof error_.msg));
  return text.empty() ? fmt::format("failed with status {}", status) : text;
}

tl::unexpected<Error> PluginError::as_error(goromdb_status status) const {
  switch (status) {
    case GOROMDB_E_CANCELLED:
      return cancelled();
    case GOROMDB_E_NO_MEMORY:
      return tl::unexpected<Error>(Error{message(status), Error::Kind::kMemory});
    case GOROMDB_E_IO:
      return fail(message(status));
    default:
      return reject(message(status));
  }
}

}  // namespace goromdb

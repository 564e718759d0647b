// SPDX-License-Identifier: MIT
#include "core/facts.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/handler.h"
#include "core/loop.h"
#include "core/version.h"

namespace goromdb {

class Facts::Writer {
 public:
  explicit Writer(std::vector<std::string>& out) : out_(out) { out_.clear(); }
  template <class T>
  void operator()(std::string name, const T& value) {
    out_.push_back(std::move(name));
    out_.push_back(fmt::format("{}", value));
  }

 private:
  std::vector<std::string>& out_;
};

void Facts::show(const std::vector<std::unique_ptr<Handler>>& handlers,
                 const std::vector<std::unique_ptr<Loop>>& loops,
                 const std::atomic<int64_t>& connections) {
  handlers_ = &handlers;
  loops_ = &loops;
  connections_ = &connections;
}

void Facts::collect(std::string_view section, const Listening& listening, uint32_t database,
                    std::vector<std::string>& out) const {
  Writer writer(out);
  if (section.empty()) general(writer, listening, database);
  if (section == "settings") settings(writer, listening);
  if (section == "connections") connections(writer);
}

void Facts::general(Writer& put, const Listening& listening, uint32_t database) const {
  const auto now = std::time(nullptr);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto microseconds = [](const timeval& t) { return int64_t{t.tv_sec} * 1'000'000 + t.tv_usec; };
  put("pid", getpid());
  put("version", kVersion);
  put("uptime_s", now - started_at_);
  put("time_s", now);
  put("pointer_bits", 8 * sizeof(void*));
  put("rusage_user_us", microseconds(usage.ru_utime));
  put("rusage_system_us", microseconds(usage.ru_stime));
  put("threads", config_.server.threads);
  put("max_connections", config_.server.max_connections);
  put("connections_current", connections_->load());
  put("connections_total", metrics_.sum(kConnectionsTotal));
  put("connections_rejected", metrics_.sum(kConnectionsRejected));
  put("connections_cut", metrics_.sum(kConnectionsCut));
  put("requests_get", metrics_.sum(kRequestsGet));
  put("keys_requested", metrics_.sum(kKeysRequested));
  put("keys_hit", metrics_.sum(kKeysHit));
  put("keys_missed", metrics_.sum(kKeysMissed));
  put("keys_failed", metrics_.sum(kKeysFailed));
  put("requests_refused", metrics_.sum(kRequestsRefused));
  put("bytes_read", metrics_.sum(kBytesRead));
  put("bytes_written", metrics_.sum(kBytesWritten));
  const auto& names = metrics_.plugin_metrics();
  for (uint32_t i = 0; i < names.size(); ++i) put(names[i], metrics_.sum(kCoreCounters + i));

  if (database >= listening.config.databases.size()) return;
  const Handler& handler = *(*handlers_)[listening.config.databases[database]];
  const DatabaseStatus status = handler.status();
  put("database", handler.name());
  put("ready", status.ready ? 1 : 0);
  put("loads", status.loads);
  put("rejections", status.rejections);
  put("failures", status.failures);
  put("waits", status.waits);
  put("generation", status.generation);
  put("generation_checksum", status.checksum);
  auto known = [&](const char* name, uint64_t value) {
    if (value != GOROMDB_UNKNOWN) put(name, value);
  };
  known("generation_entries", status.info.entries);
  known("generation_bytes", status.info.bytes);
  known("generation_resident_bytes", status.info.resident_bytes);
  put("generation_namespaces", status.info.namespaces);
  put("generation_age_s", status.ready ? now - status.loaded_at_s : 0);
  put("generation_loaded_at_s", status.loaded_at_s);
  put("generation_mtime_s", status.mtime_s);
}

void Facts::settings(Writer& put, const Listening& listening) const {
  put("max_connections", config_.server.max_connections);
  put("threads", config_.server.threads);
  put("idle_timeout_s", config_.server.idle_timeout_ms / 1000);
  put("listen", listening.address.text());
}

void Facts::connections(Writer& put) const {
  std::vector<Loop::ConnectionFacts> all;
  for (const auto& loop : *loops_) loop->list_connections(all);
  for (size_t i = 0; i < all.size(); ++i) {
    put(fmt::format("{}:addr", i), all[i].peer);
    put(fmt::format("{}:listen", i), all[i].listen);
    put(fmt::format("{}:idle_s", i), all[i].idle_ms / 1000);
  }
}

}  // namespace goromdb

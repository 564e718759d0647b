// SPDX-License-Identifier: MIT
#include "core/request/facts.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "core/reload/handler.h"
#include "core/request/connection.h"
#include "core/request/walk.h"
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

namespace {

template <class Writer>
void put_connection(Writer& put, const std::string& prefix, const Loop::ConnectionFacts& facts) {
  put(prefix + "id", facts.number);
  put(prefix + "addr", facts.peer);
  put(prefix + "listen", facts.listen);
  put(prefix + "fd", facts.fd);
  put(prefix + "age_s", facts.age_ms / 1000);
  put(prefix + "idle_s", facts.idle_ms / 1000);
  if (!facts.label.empty()) put(prefix + "label", facts.label);
}

// Bytes; none where the system does not say.
template <class Writer>
void put_memory(Writer& put) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  if (statm >> size >> resident) put("resident_bytes", resident * page);
  put("peak_resident_bytes", static_cast<uint64_t>(usage.ru_maxrss) * 1024);
  put("machine_bytes", static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * page);
}

}  // namespace

void Facts::collect(std::string_view sections, const Asking& asking, uint32_t database,
                    std::vector<std::string>& out) const {
  Writer writer(out);
  const auto& listening = asking.listening;
  for (;;) {
    const auto end = std::min(sections.find('+'), sections.size());
    const auto section = sections.substr(0, end);
    if (section.empty() || section == "general") general(writer, listening, database);
    if (section == "settings") settings(writer, listening);
    if (section == "connections") connections(writer);
    if (section == "connection" && asking.connection != nullptr) {
      put_connection(writer, "", asking.connection->facts());
    }
    if (section == "databases") databases(writer, asking);
    if (section == "memory") put_memory(writer);
    if (end == sections.size()) return;
    sections.remove_prefix(end + 1);
  }
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
  put("requests_local", metrics_.sum(kRequestsLocal));
  put("requests_walk", metrics_.sum(kRequestsWalk));
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
  if (!status.last_rejection.empty()) put("last_rejection", status.last_rejection);
  put("waits", status.waits);
  put("cold_faults_minor", status.cold_faults.minor);
  put("cold_faults_major", status.cold_faults.major);
  put("generation", status.generation);
  put("generation_bad", status.bad ? 1 : 0);
  put("generation_checksum", status.checksum);
  put("generation_rolled_back_to", status.rolled_back_to);
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
  for (size_t i = 0; i < all.size(); ++i) put_connection(put, fmt::format("{}:", i), all[i]);
}

void Facts::databases(Writer& put, const Asking& asking) const {
  const auto& listening = asking.listening;
  for (size_t i = 0; i < listening.config.databases.size(); ++i) {
    const Handler& handler = *(*handlers_)[listening.config.databases[i]];
    const DatabaseStatus status = handler.status();
    const auto name = [i](const char* fact) { return fmt::format("{}:{}", i, fact); };
    auto known = [&](const char* fact, uint64_t value) {
      if (value != GOROMDB_UNKNOWN) put(name(fact), value);
    };
    put(name("name"), handler.name());
    put(name("ready"), status.ready ? 1 : 0);
    put(name("generation"), status.generation);
    put(name("bad"), status.bad ? 1 : 0);
    put(name("checksum"), status.checksum);
    known("entries", status.info.entries);
    if (auto* view = asking.loop.view_of(listening, static_cast<uint32_t>(i))) {
      known("keys", known_total(*view, {}, true, asking.arena).value_or(GOROMDB_UNKNOWN));
    }
    put(name("namespaces"), status.info.namespaces);
    known("bytes", status.info.bytes);
    known("resident_bytes", status.info.resident_bytes);
    put(name("loaded_at_s"), status.loaded_at_s);
    put(name("mtime_s"), status.mtime_s);
    put(name("loads"), status.loads);
    put(name("rejections"), status.rejections);
    put(name("failures"), status.failures);
    if (!status.last_rejection.empty()) put(name("last_rejection"), status.last_rejection);
    put(name("cold_faults_minor"), status.cold_faults.minor);
    put(name("cold_faults_major"), status.cold_faults.major);
  }
}

}  // namespace goromdb

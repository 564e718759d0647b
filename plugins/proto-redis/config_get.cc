// SPDX-License-Identifier: MIT
#include "config_get.h"

#include <algorithm>
#include <string>
#include <vector>

#include "call.h"
#include "glob.h"
#include "replies.h"
#include "server_commands.h"

namespace goromdb::redis {

namespace {

struct ConfigFacts {
  const Facts& facts;
  const Settings& settings;
  const ListenAddress listen{facts.text("listen")};
};

std::string put_bind(const ConfigFacts& c) {
  if (!c.listen.path.empty()) return "";
  return std::string(c.listen.host.empty() ? "* -::*" : c.listen.bare_host());
}
std::string put_port(const ConfigFacts& c) { return std::string(c.listen.port); }
std::string put_unixsocket(const ConfigFacts& c) { return std::string(c.listen.path); }
std::string put_databases(const ConfigFacts& c) {
  return std::to_string(std::max<size_t>(c.facts.numbered().size(), 1));
}
std::string put_timeout(const ConfigFacts& c) {
  return std::to_string(c.facts.number("idle_timeout_s"));
}
std::string put_maxclients(const ConfigFacts& c) {
  return std::to_string(c.facts.number("max_connections"));
}
std::string put_threads(const ConfigFacts& c) {
  return std::to_string(std::max<uint64_t>(c.facts.number("threads"), 1));
}
std::string put_bulk_limit(const ConfigFacts& c) {
  return std::to_string(c.settings.proto_max_bulk);
}
std::string put_slow_limit(const ConfigFacts& c) {
  return std::to_string(c.settings.slowlog_slower_than_us);
}
std::string put_replicaof(const ConfigFacts& c) {
  return c.settings.role == "replica" ? "none 0" : "";
}

// A constant, or what tells the value.
struct Parameter {
  std::string_view name, value;
  std::string (*tell)(const ConfigFacts&) = nullptr;
};

// redis 7.0's parameters, by name.
constexpr Parameter kParameters[] = {
    {"acl-pubsub-default", "resetchannels"},
    {"aclfile", ""},
    {"acllog-max-len", "128"},
    {"active-defrag-cycle-max", "25"},
    {"active-defrag-cycle-min", "1"},
    {"active-defrag-ignore-bytes", "104857600"},
    {"active-defrag-max-scan-fields", "1000"},
    {"active-defrag-threshold-lower", "10"},
    {"active-defrag-threshold-upper", "100"},
    {"active-expire-effort", "1"},
    {"activedefrag", "no"},
    {"activerehashing", "no"},
    {"always-show-logo", "no"},
    {"aof-disable-auto-gc", "no"},
    {"aof-load-truncated", "no"},
    {"aof-rewrite-incremental-fsync", "yes"},
    {"aof-timestamp-enabled", "no"},
    {"aof-use-rdb-preamble", "no"},
    {"aof_rewrite_cpulist", ""},
    {"appenddirname", "appendonlydir"},
    {"appendfilename", "appendonly.aof"},
    {"appendfsync", "everysec"},
    {"appendonly", "no"},
    {"auto-aof-rewrite-min-size", "67108864"},
    {"auto-aof-rewrite-percentage", "100"},
    {"bgsave_cpulist", ""},
    {"bind", {}, put_bind},
    {"bind-source-addr", ""},
    {"bio_cpulist", ""},
    {"busy-reply-threshold", "5000"},
    {"client-output-buffer-limit",
     "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
    {"client-query-buffer-limit", "1073741824"},
    {"cluster-allow-pubsubshard-when-down", "yes"},
    {"cluster-allow-reads-when-down", "no"},
    {"cluster-allow-replica-migration", "yes"},
    {"cluster-announce-bus-port", "0"},
    {"cluster-announce-hostname", ""},
    {"cluster-announce-ip", ""},
    {"cluster-announce-port", "0"},
    {"cluster-announce-tls-port", "0"},
    {"cluster-config-file", "nodes.conf"},
    {"cluster-enabled", "no"},
    {"cluster-link-sendbuf-limit", "0"},
    {"cluster-migration-barrier", "1"},
    {"cluster-node-timeout", "15000"},
    {"cluster-port", "0"},
    {"cluster-preferred-endpoint-type", "ip"},
    {"cluster-replica-no-failover", "no"},
    {"cluster-replica-validity-factor", "10"},
    {"cluster-require-full-coverage", "yes"},
    {"cluster-slave-no-failover", "no"},
    {"cluster-slave-validity-factor", "10"},
    {"crash-log-enabled", "no"},
    {"crash-memcheck-enabled", "no"},
    {"daemonize", "no"},
    {"databases", {}, put_databases},
    {"dbfilename", "dump.rdb"},
    {"dir", ""},
    {"disable-thp", "no"},
    {"dynamic-hz", "no"},
    {"enable-debug-command", "no"},
    {"enable-module-command", "no"},
    {"enable-protected-configs", "no"},
    {"hash-max-listpack-entries", "512"},
    {"hash-max-listpack-value", "64"},
    {"hash-max-ziplist-entries", "512"},
    {"hash-max-ziplist-value", "64"},
    {"hll-sparse-max-bytes", "3000"},
    {"hz", "10"},
    {"ignore-warnings", ""},
    {"io-threads", {}, put_threads},
    {"io-threads-do-reads", "no"},
    {"jemalloc-bg-thread", "no"},
    {"latency-monitor-threshold", "0"},
    {"latency-tracking", "no"},
    {"latency-tracking-info-percentiles", "50 99 99.9"},
    {"lazyfree-lazy-eviction", "no"},
    {"lazyfree-lazy-expire", "no"},
    {"lazyfree-lazy-server-del", "no"},
    {"lazyfree-lazy-user-del", "no"},
    {"lazyfree-lazy-user-flush", "no"},
    {"lfu-decay-time", "1"},
    {"lfu-log-factor", "10"},
    {"list-compress-depth", "0"},
    {"list-max-listpack-size", "-2"},
    {"list-max-ziplist-size", "-2"},
    {"logfile", ""},
    {"loglevel", "notice"},
    {"lua-time-limit", "5000"},
    {"masterauth", ""},
    {"masteruser", ""},
    {"maxclients", {}, put_maxclients},
    {"maxmemory", "0"},
    {"maxmemory-clients", "0"},
    {"maxmemory-eviction-tenacity", "10"},
    {"maxmemory-policy", "noeviction"},
    {"maxmemory-samples", "5"},
    {"min-replicas-max-lag", "10"},
    {"min-replicas-to-write", "0"},
    {"min-slaves-max-lag", "10"},
    {"min-slaves-to-write", "0"},
    {"no-appendfsync-on-rewrite", "no"},
    {"notify-keyspace-events", ""},
    {"oom-score-adj", "no"},
    {"oom-score-adj-values", "0 200 800"},
    {"pidfile", ""},
    {"port", {}, put_port},
    {"proc-title-template", ""},
    {"propagation-error-behavior", "ignore"},
    {"protected-mode", "no"},
    {"proto-max-bulk-len", {}, put_bulk_limit},
    {"rdb-del-sync-files", "no"},
    {"rdb-save-incremental-fsync", "yes"},
    {"rdbchecksum", "no"},
    {"rdbcompression", "no"},
    {"repl-backlog-size", "1048576"},
    {"repl-backlog-ttl", "3600"},
    {"repl-disable-tcp-nodelay", "no"},
    {"repl-diskless-load", "disabled"},
    {"repl-diskless-sync", "yes"},
    {"repl-diskless-sync-delay", "5"},
    {"repl-diskless-sync-max-replicas", "0"},
    {"repl-ping-replica-period", "10"},
    {"repl-ping-slave-period", "10"},
    {"repl-timeout", "60"},
    {"replica-announce-ip", ""},
    {"replica-announce-port", "0"},
    {"replica-announced", "yes"},
    {"replica-ignore-disk-write-errors", "no"},
    {"replica-ignore-maxmemory", "yes"},
    {"replica-lazy-flush", "no"},
    {"replica-priority", "100"},
    {"replica-read-only", "yes"},
    {"replica-serve-stale-data", "yes"},
    {"replicaof", {}, put_replicaof},
    {"requirepass", ""},
    {"sanitize-dump-payload", "no"},
    {"save", ""},
    {"server_cpulist", ""},
    {"set-max-intset-entries", "512"},
    {"set-proc-title", "no"},
    {"shutdown-on-sigint", "default"},
    {"shutdown-on-sigterm", "default"},
    {"shutdown-timeout", "10"},
    {"slave-announce-ip", ""},
    {"slave-announce-port", "0"},
    {"slave-ignore-maxmemory", "yes"},
    {"slave-lazy-flush", "no"},
    {"slave-priority", "100"},
    {"slave-read-only", "yes"},
    {"slave-serve-stale-data", "yes"},
    {"slaveof", {}, put_replicaof},
    {"slowlog-log-slower-than", {}, put_slow_limit},
    {"slowlog-max-len", "128"},
    {"socket-mark-id", "0"},
    {"stop-writes-on-bgsave-error", "no"},
    {"stream-node-max-bytes", "4096"},
    {"stream-node-max-entries", "100"},
    {"supervised", "no"},
    {"syslog-enabled", "no"},
    {"syslog-facility", "local0"},
    {"syslog-ident", "redis"},
    {"tcp-backlog", "511"},
    {"tcp-keepalive", "300"},
    {"timeout", {}, put_timeout},
    {"tls-auth-clients", "yes"},
    {"tls-ca-cert-dir", ""},
    {"tls-ca-cert-file", ""},
    {"tls-cert-file", ""},
    {"tls-ciphers", ""},
    {"tls-ciphersuites", ""},
    {"tls-client-cert-file", ""},
    {"tls-client-key-file", ""},
    {"tls-client-key-file-pass", ""},
    {"tls-cluster", "no"},
    {"tls-dh-params-file", ""},
    {"tls-key-file", ""},
    {"tls-key-file-pass", ""},
    {"tls-port", "0"},
    {"tls-prefer-server-ciphers", "no"},
    {"tls-protocols", ""},
    {"tls-replication", "no"},
    {"tls-session-cache-size", "20480"},
    {"tls-session-cache-timeout", "300"},
    {"tls-session-caching", "yes"},
    {"tracking-table-max-keys", "1000000"},
    {"unixsocket", {}, put_unixsocket},
    {"unixsocketperm", "0"},
    {"zset-max-listpack-entries", "128"},
    {"zset-max-listpack-value", "64"},
    {"zset-max-ziplist-entries", "128"},
    {"zset-max-ziplist-value", "64"},
};
static_assert(std::ranges::is_sorted(kParameters, {}, &Parameter::name));

// Each is tried against every parameter.
constexpr size_t kMostPatterns = 1024;

const Parameter* find(std::string_view name) {
  const auto found = std::ranges::find_if(
      kParameters, [&](const Parameter& parameter) { return is_word(name, parameter.name); });
  return found == std::end(kParameters) ? nullptr : found;
}

}  // namespace

void write_config(std::span<const std::string_view> patterns, const Facts& facts,
                  const Settings& settings, Resp& out) {
  struct Match {
    const Parameter& parameter;
    std::string_view name;  // as it was asked for, if that was no pattern
  };
  const ConfigFacts context{facts, settings};
  std::vector<Match> matches;
  for (const Parameter& parameter : kParameters) {
    for (std::string_view pattern : patterns) {
      if (pattern.size() > kLongestPattern) continue;
      if (!glob_match(pattern, parameter.name, Case::kIgnore)) continue;
      const bool plain = pattern.find_first_of("*?[") == pattern.npos;
      matches.push_back({parameter, plain ? pattern : parameter.name});
      break;
    }
  }
  out.map(matches.size());
  for (const auto& [parameter, name] : matches) {
    out.bulk(name);
    out.bulk(parameter.tell == nullptr ? parameter.value
                                       : std::string_view(parameter.tell(context)));
  }
}

goromdb_status write_config_get(Reply& reply) {
  std::vector<std::string_view> patterns;
  if (reply.args().left() > kMostPatterns) {
    reply.out.error("ERR too many patterns, ask for fewer at once");
    return GOROMDB_OK;
  }
  for (Args args = reply.args(); args.left() > 0;) patterns.push_back(args.next());
  write_config(patterns, Facts(reply.answer), reply.server.settings, reply.out);
  return GOROMDB_OK;
}

goromdb_status write_config_set(Reply& reply) {
  Args args = reply.args();
  if (args.left() % 2 != 0) {
    reply.out.error(kSyntaxError);
    return GOROMDB_OK;
  }
  for (; args.left() > 0; args.skip(2)) {
    const std::string_view name = args.peek();
    if (find(name) != nullptr) continue;
    reply.out.error(one_line("ERR Unknown option or number of arguments for CONFIG SET - '" +
                             std::string(name) + "'"));
    return GOROMDB_OK;
  }
  reply.out.error(kNotAllowed);
  return GOROMDB_OK;
}

goromdb_status write_config_rewrite(Reply& reply) {
  reply.out.error("ERR The server is running without a config file");
  return GOROMDB_OK;
}

void read_config_resetstat(Call& call) { call.add(GOROMDB_OP_STATS_RESET); }

}  // namespace goromdb::redis

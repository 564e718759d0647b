// SPDX-License-Identifier: MIT
#include "info.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "server_commands.h"

namespace goromdb::redis {

namespace {

// redis' way of writing bytes for people: 991.27K.
std::string human(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + "B";
  constexpr std::string_view kUnits = "KMGTPE";
  double size = static_cast<double>(bytes);
  size_t unit = 0;
  for (size /= 1024; size >= 1024 && unit + 1 < kUnits.size(); ++unit) size /= 1024;
  char text[32];
  const int n = std::snprintf(text, sizeof text, "%.2f%c", size, kUnits[unit]);
  return std::string(text, static_cast<size_t>(n));
}

std::string decimal(double number, int digits) {
  char text[64];
  const int n = std::snprintf(text, sizeof text, "%.*f", digits, number);
  return std::string(text, static_cast<size_t>(n));
}

std::string share(uint64_t part, uint64_t whole) {
  const double percent =
      whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  return decimal(percent, 2) + "%";
}

// Appends "name:value" lines.
class Lines {
 public:
  explicit Lines(std::string& out) : out_(out) {}

  void operator()(std::string_view name, std::string_view value) {
    out_.append(name).append(":").append(value).append("\r\n");
  }
  void operator()(std::string_view name, uint64_t value) {
    (*this)(name, std::string_view(std::to_string(value)));
  }
  // What is nothing here, and is the same number for each of the names.
  void zero(std::initializer_list<std::string_view> names) {
    for (std::string_view name : names) (*this)(name, "0");
  }
  void bytes(std::string_view name, uint64_t value) {
    (*this)(name, value);
    (*this)(std::string(name) + "_human", human(value));
  }

 private:
  std::string& out_;
};

struct InfoFacts {
  explicit InfoFacts(const Facts& all, const ServerFacts& own)
      : facts(all), server(own), databases(all.numbered()) {}

  bool ready() const { return facts.number("ready") != 0; }
  uint64_t started_at_s() const { return facts.number("time_s") - facts.number("uptime_s"); }
  uint64_t sum(std::string_view fact) const {
    uint64_t total = 0;
    for (const Facts& database : databases) total += database.number(fact);
    return total;
  }

  const Facts& facts;
  const ServerFacts& server;
  std::vector<Facts> databases;
};

void put_server(Lines& out, const InfoFacts& c) {
  utsname system{};
  uname(&system);
  const uint64_t uptime_s = c.facts.number("uptime_s");
  const ListenAddress listen(c.facts.text("listen"));
  out("redis_version", c.server.version);
  out("redis_git_sha1", "00000000");
  out("redis_git_dirty", "0");
  out("redis_build_id", "0");
  out("redis_mode", "standalone");
  out("os", std::string(system.sysname) + " " + system.release + " " + system.machine);
  out("arch_bits", c.facts.text("pointer_bits", "64"));
  out("monotonic_clock", "POSIX clock_gettime");
  out("multiplexing_api", "epoll");
  out("atomicvar_api", "c11-builtin");
  out("gcc_version", __VERSION__);
  out("process_id", c.facts.text("pid", "0"));
  out("process_supervised", "no");
  out("run_id", c.server.run_id);
  out("tcp_port", listen.port);
  out("server_time_usec", c.facts.number("time_s") * 1000000);
  out("uptime_in_seconds", uptime_s);
  out("uptime_in_days", uptime_s / 86400);
  out("hz", "10");
  out("configured_hz", "10");
  out("lru_clock", c.facts.number("time_s") & 0xffffff);
  out("executable", "");
  out("config_file", "");
  out("io_threads_active", c.facts.number("threads") > 1 ? "1" : "0");
}

void put_clients(Lines& out, const InfoFacts& c) {
  out("connected_clients", c.facts.text("connections_current", "0"));
  out("cluster_connections", "0");
  out("maxclients", c.facts.text("max_connections", "0"));
  out.zero({"client_recent_max_input_buffer", "client_recent_max_output_buffer", "blocked_clients",
            "tracking_clients", "clients_in_timeout_table"});
}

void put_memory(Lines& out, const InfoFacts& c) {
  const uint64_t used = c.facts.number("resident_bytes");
  const uint64_t peak = std::max(used, c.facts.number("peak_resident_bytes"));
  const uint64_t data = std::min(used, c.sum("resident_bytes"));
  out.bytes("used_memory", used);
  out.bytes("used_memory_rss", used);
  out.bytes("used_memory_peak", peak);
  out("used_memory_peak_perc", share(used, peak));
  out("used_memory_overhead", used - data);
  out("used_memory_startup", "0");
  out("used_memory_dataset", data);
  out("used_memory_dataset_perc", share(data, used));
  out("allocator_allocated", used);
  out("allocator_active", used);
  out("allocator_resident", used);
  out.bytes("total_system_memory", c.facts.number("machine_bytes"));
  out.zero({"used_memory_lua", "used_memory_vm_eval"});
  out("used_memory_lua_human", "0B");
  out.zero({"used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions",
            "number_of_libraries", "used_memory_vm_functions"});
  out.bytes("used_memory_vm_total", 0);
  out.zero({"used_memory_functions"});
  out.bytes("used_memory_scripts", 0);
  out.bytes("maxmemory", 0);
  out("maxmemory_policy", "noeviction");
  out("allocator_frag_ratio", "1.00");
  out("allocator_frag_bytes", "0");
  out("allocator_rss_ratio", "1.00");
  out("allocator_rss_bytes", "0");
  out("rss_overhead_ratio", "1.00");
  out("rss_overhead_bytes", "0");
  out("mem_fragmentation_ratio", "1.00");
  out.zero({"mem_fragmentation_bytes", "mem_not_counted_for_evict", "mem_replication_backlog",
            "mem_total_replication_buffers", "mem_clients_slaves", "mem_clients_normal",
            "mem_cluster_links", "mem_aof_buffer"});
  out("mem_allocator", "libc");
  out.zero({"active_defrag_running", "lazyfree_pending_objects", "lazyfreed_objects"});
}

// Until there is data the server loads it, in redis' terms. How far it has come is not known.
void put_loading(Lines& out, const InfoFacts& c) {
  out("loading_start_time", c.started_at_s());
  out.zero({"loading_total_bytes", "loading_rdb_used_mem", "loading_loaded_bytes"});
  out("loading_loaded_perc", "0.00");
  out("loading_eta_seconds", "1");
}

void put_persistence(Lines& out, const InfoFacts& c) {
  uint64_t loaded_at_s = c.facts.number("generation_loaded_at_s");
  if (loaded_at_s == 0) loaded_at_s = c.started_at_s();
  out("loading", c.ready() ? "0" : "1");
  out.zero({"async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"});
  out("current_fork_perc", "0.00");
  out.zero({"current_save_keys_processed", "current_save_keys_total", "rdb_changes_since_last_save",
            "rdb_bgsave_in_progress"});
  out("rdb_last_save_time", loaded_at_s);
  out("rdb_last_bgsave_status", "ok");
  out("rdb_last_bgsave_time_sec", "-1");
  out("rdb_current_bgsave_time_sec", "-1");
  out.zero({"rdb_saves", "rdb_last_cow_size", "rdb_last_load_keys_expired"});
  out("rdb_last_load_keys_loaded", c.facts.text("generation_entries", "0"));
  out.zero({"aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"});
  out("aof_last_rewrite_time_sec", "-1");
  out("aof_current_rewrite_time_sec", "-1");
  out("aof_last_bgrewrite_status", "ok");
  out.zero({"aof_rewrites", "aof_rewrites_consecutive_failures"});
  out("aof_last_write_status", "ok");
  out.zero({"aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"});
  if (!c.ready()) put_loading(out, c);
}

void put_stats(Lines& out, const InfoFacts& c) {
  uint64_t commands = 0;
  for (std::string_view kind :
       {"requests_get", "requests_refused", "requests_local", "requests_walk"}) {
    commands += c.facts.number(kind);
  }
  out("total_connections_received", c.facts.text("connections_total", "0"));
  out("total_commands_processed", commands);
  out("instantaneous_ops_per_sec", "0");
  out("total_net_input_bytes", c.facts.text("bytes_read", "0"));
  out("total_net_output_bytes", c.facts.text("bytes_written", "0"));
  out.zero({"total_net_repl_input_bytes", "total_net_repl_output_bytes"});
  for (std::string_view name :
       {"instantaneous_input_kbps", "instantaneous_output_kbps", "instantaneous_input_repl_kbps",
        "instantaneous_output_repl_kbps"}) {
    out(name, "0.00");
  }
  out("rejected_connections", c.facts.text("connections_rejected", "0"));
  out.zero({"sync_full", "sync_partial_ok", "sync_partial_err", "expired_keys"});
  out("expired_stale_perc", "0.00");
  out.zero({"expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds", "evicted_keys",
            "evicted_clients", "total_eviction_exceeded_time", "current_eviction_exceeded_time"});
  out("keyspace_hits", c.facts.text("keys_hit", "0"));
  out("keyspace_misses", c.facts.text("keys_missed", "0"));
  out.zero({"pubsub_channels", "pubsub_patterns", "pubsubshard_channels", "latest_fork_usec",
            "total_forks", "migrate_cached_sockets", "slave_expires_tracked_keys",
            "active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits",
            "active_defrag_key_misses", "total_active_defrag_time", "current_active_defrag_time",
            "tracking_total_keys", "tracking_total_items", "tracking_total_prefixes",
            "unexpected_error_replies"});
  out("total_error_replies", c.facts.text("requests_refused", "0"));
  out.zero({"dump_payload_sanitizations", "total_reads_processed", "total_writes_processed",
            "io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks",
            "reply_buffer_expands"});
}

void put_replication(Lines& out, const InfoFacts& c) {
  if (c.server.role == "replica") {
    out("role", "slave");
    out("master_host", "none");
    out("master_port", "0");
    out("master_link_status", "up");
    out.zero({"master_last_io_seconds_ago", "master_sync_in_progress", "slave_read_repl_offset",
              "slave_repl_offset"});
    out("slave_priority", "100");
    out("slave_read_only", "1");
    out("replica_announced", "1");
  } else {
    out("role", "master");
  }
  out("connected_slaves", "0");
  out("master_failover_state", "no-failover");
  out("master_replid", c.server.run_id);
  out("master_replid2", std::string(40, '0'));
  out("master_repl_offset", "0");
  out("second_repl_offset", "-1");
  out("repl_backlog_active", "0");
  out("repl_backlog_size", "1048576");
  out.zero({"repl_backlog_first_byte_offset", "repl_backlog_histlen"});
}

void put_cpu(Lines& out, const InfoFacts& c) {
  const auto seconds = [&](std::string_view fact) {
    return decimal(static_cast<double>(c.facts.number(fact)) / 1e6, 6);
  };
  out("used_cpu_sys", seconds("rusage_system_us"));
  out("used_cpu_user", seconds("rusage_user_us"));
  out("used_cpu_sys_children", "0.000000");
  out("used_cpu_user_children", "0.000000");
  out("used_cpu_sys_main_thread", "0.000000");
  out("used_cpu_user_main_thread", "0.000000");
}

void put_cluster(Lines& out, const InfoFacts&) { out("cluster_enabled", "0"); }

void put_nothing(Lines&, const InfoFacts&) {}

void put_keyspace(Lines& out, const InfoFacts& c) {
  for (size_t i = 0; i < c.databases.size(); ++i) {
    const uint64_t keys = keys_of_database(c.databases[i]);
    if (keys == 0 || c.databases[i].number("ready") == 0) continue;
    out("db" + std::to_string(i), "keys=" + std::to_string(keys) + ",expires=0,avg_ttl=0");
  }
}

// A name between commas.
std::string label(std::string_view name) {
  std::string text = printable(name);
  std::ranges::replace_if(
      text, [](char byte) { return byte == ',' || byte == '='; }, '?');
  return text;
}

void put_goromdb(Lines& out, const InfoFacts& c) {
  out("goromdb_version", c.facts.text("version"));
  out("goromdb_requests_refused", c.facts.text("requests_refused", "0"));
  out("goromdb_keys_failed", c.facts.text("keys_failed", "0"));
  out("goromdb_connections_cut", c.facts.text("connections_cut", "0"));
  out("goromdb_rolled_back_to", c.facts.text("generation_rolled_back_to", "0"));
  const uint64_t now_s = c.facts.number("time_s");
  for (size_t i = 0; i < c.databases.size(); ++i) {
    const Facts& database = c.databases[i];
    const uint64_t loaded_at_s = database.number("loaded_at_s");
    const bool ready = database.number("ready") != 0;
    std::string line = "name=" + label(database.text("name")) + ",ready=" + (ready ? "1" : "0") +
                       ",generation=" + std::string(database.text("generation", "0")) +
                       ",age=" + std::to_string(ready ? now_s - std::min(now_s, loaded_at_s) : 0) +
                       ",checksum=" + label(database.text("checksum"));
    for (std::string_view fact : {"entries", "namespaces", "bytes", "loads", "rejections",
                                  "failures", "cold_faults_minor", "cold_faults_major", "bad"}) {
      line.append(",").append(fact).append("=").append(database.text(fact));
    }
    const auto number = "goromdb_database" + std::to_string(i);
    out(number, line);
    const auto rejection = database.text("last_rejection");
    if (!rejection.empty()) out(number + "_last_rejection", printable(rejection));
  }
}

struct Section {
  std::string_view name, title;
  bool by_default;
  void (*put)(Lines&, const InfoFacts&);
  std::string_view other_name = name;
};
constexpr Section kSections[] = {
    {"server", "Server", true, put_server},
    {"clients", "Clients", true, put_clients},
    {"memory", "Memory", true, put_memory},
    {"persistence", "Persistence", true, put_persistence},
    {"stats", "Stats", true, put_stats},
    {"replication", "Replication", true, put_replication},
    {"cpu", "CPU", true, put_cpu},
    {"modules", "Modules", true, put_nothing, "module_list"},
    {"commandstats", "Commandstats", false, put_nothing},
    {"errorstats", "Errorstats", true, put_nothing},
    {"latencystats", "Latencystats", false, put_nothing},
    {"cluster", "Cluster", true, put_cluster},
    {"keyspace", "Keyspace", true, put_keyspace},
    {"goromdb", "Goromdb", true, put_goromdb},
};

using Choice = std::array<bool, std::size(kSections)>;

Choice choose(std::span<const std::string_view> asked) {
  Choice choice{};
  const auto by_default = [&] {
    for (size_t i = 0; i < choice.size(); ++i) choice[i] |= kSections[i].by_default;
  };
  if (asked.empty()) by_default();
  for (std::string_view name : asked) {
    if (is_word(name, "all") || is_word(name, "everything")) {
      choice.fill(true);
      break;
    }
    if (is_word(name, "default")) by_default();
    for (size_t i = 0; i < choice.size(); ++i) {
      choice[i] |= is_word(name, kSections[i].name) || is_word(name, kSections[i].other_name);
    }
  }
  return choice;
}

}  // namespace

ServerFacts server_facts(const Server& server) {
  static const std::string run_id = random_digits(40);
  return {.version = kRedisVersion, .role = server.settings.role, .run_id = run_id};
}

std::string info_text(std::span<const std::string_view> sections, const Facts& facts,
                      const ServerFacts& server) {
  const InfoFacts context(facts, server);
  std::string text;
  Lines lines(text);
  const Choice choice = choose(sections);
  for (size_t i = 0; i < choice.size(); ++i) {
    if (!choice[i]) continue;
    const Section& section = kSections[i];
    if (!text.empty()) text.append("\r\n");
    text.append("# ").append(section.title).append("\r\n");
    section.put(lines, context);
  }
  return text;
}

goromdb_status write_info(Reply& reply) {
  std::vector<std::string_view> sections;
  for (Args args = reply.args(); args.left() > 0;) sections.push_back(args.next());
  reply.out.verbatim(info_text(sections, Facts(reply.answer), server_facts(reply.server)));
  return GOROMDB_OK;
}

}  // namespace goromdb::redis

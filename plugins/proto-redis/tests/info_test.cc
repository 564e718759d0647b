// SPDX-License-Identifier: MIT
// INFO and CONFIG GET: the core's facts under redis' names.
#include "../info.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "../config_get.h"
#include "ask.h"

namespace goromdb::redis::test {

namespace {

const std::vector<std::string> kFacts = {
    "pid", "42", "version", "1.2.3", "uptime_s", "90000", "time_s", "1700090000", "pointer_bits",
    "64", "rusage_user_us", "1000001", "rusage_system_us", "20", "threads", "2", "max_connections",
    "1000", "connections_current", "5", "connections_total", "17", "connections_rejected", "2",
    "connections_cut", "1", "requests_get", "100", "keys_hit", "60", "keys_missed", "30",
    "keys_failed", "4", "requests_refused", "8", "requests_local", "9", "requests_walk", "10",
    "bytes_read", "11", "bytes_written", "12", "ready", "1", "generation_entries", "99",
    "generation_loaded_at_s", "1700080000", "generation_rolled_back_to", "2",
    // settings
    "idle_timeout_s", "30", "listen", "127.0.0.1:6390",
    // databases
    "0:name", "words", "0:ready", "1", "0:generation", "3", "0:bad", "0", "0:checksum", "d41d",
    "0:entries", "99", "0:namespaces", "0", "0:bytes", "1234", "0:resident_bytes", "2048",
    "0:loaded_at_s", "1700080000", "0:loads", "3", "0:rejections", "1", "0:failures", "0",
    "0:last_rejection", "in/x: cut\r\nshort", "0:cold_faults_minor", "13", "0:cold_faults_major",
    "14", "1:name", "a,b=c\r\nd", "1:ready", "0", "1:generation", "0", "1:entries", "7",
    "1:loaded_at_s", "0", "1:loads", "0",
    // memory
    "resident_bytes", "10485760", "peak_resident_bytes", "20971520", "machine_bytes", "1073741824"};

std::vector<std::string> changed(const std::string& name, const std::string& value) {
  std::vector<std::string> facts = kFacts;
  for (size_t i = 0; i < facts.size(); i += 2) {
    if (facts[i] == name) facts[i + 1] = value;
  }
  return facts;
}

// The text inside a bulk or verbatim string.
std::string text_of(const std::string& reply) {
  const size_t begin = reply.find("\r\n") + 2;
  const std::string text = reply.substr(begin, reply.size() - begin - 2);
  CHECK(std::stoul(reply.substr(1)) == text.size());
  return text;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\r\n" + text).find("\r\n" + line + "\r\n") != std::string::npos;
}

std::vector<std::string> titles(const std::string& text) {
  std::vector<std::string> titles;
  for (size_t at = 0; (at = text.find("# ", at)) != text.npos; ++at) {
    if (at > 1 && text.substr(at - 2, 2) != "\r\n") continue;
    titles.push_back(text.substr(at + 2, text.find("\r\n", at) - at - 2));
  }
  return titles;
}

}  // namespace

TEST_CASE("info_tells_the_cores_facts_under_rediss_names") {
  Room room;
  const std::string text = text_of(room.ask({"info"}, kFacts));
  for (const char* line : {"redis_version:7.2.4",
                           "redis_mode:standalone",
                           "process_id:42",
                           "tcp_port:6390",
                           "uptime_in_seconds:90000",
                           "uptime_in_days:1",
                           "io_threads_active:1",
                           "connected_clients:5",
                           "maxclients:1000",
                           "used_memory:10485760",
                           "used_memory_human:10.00M",
                           "used_memory_peak:20971520",
                           "used_memory_peak_perc:50.00%",
                           "used_memory_dataset:2048",
                           "used_memory_overhead:10483712",
                           "total_system_memory_human:1.00G",
                           "maxmemory:0",
                           "maxmemory_policy:noeviction",
                           "loading:0",
                           "rdb_last_save_time:1700080000",
                           "total_connections_received:17",
                           "total_commands_processed:127",
                           "rejected_connections:2",
                           "keyspace_hits:60",
                           "keyspace_misses:30",
                           "total_error_replies:8",
                           "role:master",
                           "connected_slaves:0",
                           "used_cpu_sys:0.000020",
                           "used_cpu_user:1.000001",
                           "cluster_enabled:0",
                           "db0:keys=99,expires=0,avg_ttl=0",
                           "goromdb_version:1.2.3",
                           "goromdb_requests_refused:8",
                           "goromdb_keys_failed:4",
                           "goromdb_connections_cut:1",
                           "goromdb_rolled_back_to:2",
                           "goromdb_database0:name=words,ready=1,generation=3,age=10000,"
                           "checksum=d41d,entries=99,namespaces=0,bytes=1234,loads=3,rejections=1,"
                           "failures=0,cold_faults_minor=13,cold_faults_major=14,bad=0",
                           "goromdb_database0_last_rejection:in/x: cut??short"}) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
}

TEST_CASE("info_tells_of_every_database_of_the_listener_that_has_keys") {
  Room room;
  const std::string text = text_of(room.ask({"INFO", "keyspace"}, kFacts));
  CHECK(text == "# Keyspace\r\ndb0:keys=99,expires=0,avg_ttl=0\r\n");
  std::vector<std::string> both = changed("1:ready", "1");
  CHECK(text_of(room.ask({"INFO", "keyspace"}, both)) ==
        "# Keyspace\r\ndb0:keys=99,expires=0,avg_ttl=0\r\ndb1:keys=7,expires=0,avg_ttl=0\r\n");
}

TEST_CASE("the_keys_of_a_database_are_counted_as_dbsize_does_where_that_is_known") {
  Room room;
  CHECK(text_of(
            room.ask({"INFO", "keyspace"}, {"0:ready", "1", "0:entries", "99", "0:keys", "12"})) ==
        "# Keyspace\r\ndb0:keys=12,expires=0,avg_ttl=0\r\n");
}

TEST_CASE("a_database_without_keys_has_no_line") {
  Room room;
  CHECK(text_of(room.ask({"INFO", "keyspace"}, changed("0:entries", "0"))) == "# Keyspace\r\n");
}

TEST_CASE("an_empty_line_stands_between_two_sections") {
  Room room;
  CHECK(room.ask({"INFO", "modules", "cluster", "errorstats"}, kFacts) ==
        bulk("# Modules\r\n\r\n# Errorstats\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n"));
}

TEST_CASE("info_is_a_verbatim_text_in_resp3") {
  Room room;
  room.three = true;
  CHECK(room.ask({"INFO", "cluster"}) == "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n");
  CHECK(room.ask({"INFO", "nothing"}) == "=4\r\ntxt:\r\n");
}

TEST_CASE("info_gives_the_sections_that_are_asked_for_once_and_in_rediss_order") {
  Room room;
  const auto sections = [&](std::vector<std::string> words) {
    return titles(text_of(room.ask(words, kFacts)));
  };
  using Titles = std::vector<std::string>;
  const Titles by_default = sections({"INFO"});
  CHECK(by_default == Titles{"Server", "Clients", "Memory", "Persistence", "Stats", "Replication",
                             "CPU", "Modules", "Errorstats", "Cluster", "Keyspace", "Goromdb"});
  CHECK(sections({"INFO", "default"}) == by_default);
  const Titles all = sections({"INFO", "ALL"});
  CHECK(all == Titles{"Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU",
                      "Modules", "Commandstats", "Errorstats", "Latencystats", "Cluster",
                      "Keyspace", "Goromdb"});
  CHECK(sections({"INFO", "everything", "cpu"}) == all);
  CHECK(sections({"INFO", "Keyspace", "cpu", "KEYSPACE"}) == Titles{"CPU", "Keyspace"});
  CHECK(sections({"INFO", "server", "unknown"}) == Titles{"Server"});
  CHECK(sections({"INFO", "module_list"}) == Titles{"Modules"});
  CHECK(room.ask({"INFO", "unknown"}, kFacts) == "$0\r\n\r\n");
}

TEST_CASE("info_says_loading_until_there_is_a_data_set_and_only_then") {
  Room room;
  const std::string text = text_of(room.ask({"INFO", "persistence"}, changed("ready", "0")));
  CHECK(has_line(text, "loading:1"));
  CHECK(has_line(text, "loading_start_time:1700000000"));
  CHECK(has_line(text, "loading_eta_seconds:1"));
  const std::string ready = text_of(room.ask({"INFO", "persistence"}, kFacts));
  CHECK(has_line(ready, "loading:0"));
  CHECK(ready.find("loading_eta_seconds") == ready.npos);
}

TEST_CASE("info_of_a_replica_says_so") {
  Room room;
  room.settings.role = "replica";
  const std::string text = text_of(room.ask({"INFO", "replication"}, kFacts));
  for (const char* line : {"role:slave", "master_link_status:up", "slave_read_only:1"}) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
  CHECK(room.ask({"ROLE"}) == "*5\r\n$5\r\nslave\r\n$4\r\nnone\r\n:0\r\n$9\r\nconnected\r\n:0\r\n");
}

TEST_CASE("no_name_breaks_a_line_of_info") {
  Room room;
  const std::string text = text_of(room.ask({"INFO", "goromdb"}, kFacts));
  CHECK(text.find("goromdb_database1:name=a?b?c??d,ready=0,generation=0,age=0,") != text.npos);
}

TEST_CASE("the_run_id_is_forty_digits_and_stays") {
  Room room;
  const std::string text = text_of(room.ask({"INFO", "server"}));
  const size_t at = text.find("run_id:") + 7;
  const std::string id = text.substr(at, text.find("\r\n", at) - at);
  CHECK(id.size() == 40);
  CHECK(id.find_first_not_of("0123456789abcdef") == id.npos);
  Room other;
  CHECK(text_of(other.ask({"INFO", "server"})).find(id) != std::string::npos);
}

TEST_CASE("a_listener_on_a_socket_has_no_port") {
  Room room;
  const auto facts = changed("listen", "unix:/run/goromdb.sock");
  CHECK(has_line(text_of(room.ask({"INFO", "server"}, facts)), "tcp_port:0"));
  CHECK(room.ask({"CONFIG", "GET", "unixsocket", "port", "bind"}, facts) ==
        "*6\r\n$4\r\nbind\r\n$0\r\n\r\n$4\r\nport\r\n$1\r\n0\r\n$10\r\nunixsocket\r\n$17\r\n"
        "/run/goromdb.sock\r\n");
}

TEST_CASE("config_get_tells_what_clients_ask_for_at_connect") {
  Room room;
  const struct {
    const char *name, *value;
  } rows[] = {{"save", ""},
              {"appendonly", "no"},
              {"databases", "2"},
              {"timeout", "30"},
              {"maxclients", "1000"},
              {"maxmemory", "0"},
              {"maxmemory-policy", "noeviction"},
              {"replica-read-only", "yes"},
              {"slave-read-only", "yes"},
              {"proto-max-bulk-len", "536870912"},
              {"slowlog-log-slower-than", "10000"},
              {"slowlog-max-len", "128"},
              {"latency-monitor-threshold", "0"},
              {"cluster-enabled", "no"},
              {"requirepass", ""},
              {"port", "6390"},
              {"bind", "127.0.0.1"},
              {"io-threads", "2"},
              {"replicaof", ""}};
  for (const auto& [name, value] : rows) {
    CAPTURE(name);
    CHECK(room.ask({"CONFIG", "GET", name}, kFacts) == "*2\r\n" + bulk(name) + bulk(value));
  }
}

TEST_CASE("config_get_takes_patterns_in_any_case_and_gives_each_parameter_once") {
  Room room;
  CHECK(room.ask({"config", "get", "MAXm?mory", "maxmemor[y]", "nope"}, kFacts) ==
        "*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n");
  CHECK(room.ask({"CONFIG", "GET", "MAXm?mory"}, kFacts) == "*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n");
  CHECK(room.ask({"CONFIG", "GET", "nope"}, kFacts) == "*0\r\n");
  CHECK(room.ask({"CONFIG", "GET", "MaxMemory", "maxmemor?"}, kFacts) ==
        "*2\r\n$9\r\nMaxMemory\r\n$1\r\n0\r\n");
  CHECK(room.ask({"CONFIG", "GET", "maxmemor?", "MAXMEMORY"}, kFacts) ==
        "*2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n");
  const std::string all = room.ask({"CONFIG", "GET", "*"}, kFacts);
  CHECK(all.starts_with("*384\r\n"));  // the 192 parameters of redis 7.0.15
  room.three = true;
  CHECK(room.ask({"CONFIG", "GET", "sav[e]"}, kFacts) == "%1\r\n$4\r\nsave\r\n$0\r\n\r\n");
  const std::vector<std::string> too_many(2000, "*a*b*c*");
  std::vector<std::string> words = {"CONFIG", "GET"};
  words.insert(words.end(), too_many.begin(), too_many.end());
  CHECK(room.ask(words, kFacts) == "-ERR too many patterns, ask for fewer at once\r\n");
}

TEST_CASE("config_get_never_tells_the_password") {
  Room room;
  room.settings.password = "secret";
  CHECK(room.ask({"CONFIG", "GET", "*"}, kFacts).find("secret") == std::string::npos);
}

TEST_CASE("config_cannot_be_changed") {
  Room room;
  CHECK(room.ask({"CONFIG", "SET", "maxclients", "1"}) == "-NOPERM this server is read-only\r\n");
  CHECK(room.ask({"CONFIG", "SET", "MAXCLIENTS", "1", "b"}) == "-ERR syntax error\r\n");
  CHECK(room.ask({"CONFIG", "SET", "no\r\npe", "1"}) ==
        "-ERR Unknown option or number of arguments for CONFIG SET - 'no  pe'\r\n");
  CHECK(room.ask({"CONFIG", "REWRITE"}) == "-ERR The server is running without a config file\r\n");
}

}  // namespace goromdb::redis::test

// SPDX-License-Identifier: MIT
// stats: the core's facts under memcached's names.
#include <doctest/doctest.h>

#include <algorithm>

#include "driver.h"

namespace goromdb::memcached::test {

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\r\n" + text).find("\r\n" + line + "\r\n") != std::string::npos;
}

}  // namespace

TEST_CASE("stats_has_every_name_that_exporters_read") {
  std::string text = talk({}, "stats\r\n").replies;
  for (std::string name : {"pid",
                           "uptime",
                           "time",
                           "version",
                           "libevent",
                           "pointer_size",
                           "rusage_user",
                           "rusage_system",
                           "max_connections",
                           "curr_connections",
                           "total_connections",
                           "rejected_connections",
                           "connection_structures",
                           "cmd_get",
                           "cmd_set",
                           "cmd_flush",
                           "cmd_touch",
                           "cmd_meta",
                           "get_hits",
                           "get_misses",
                           "get_expired",
                           "get_flushed",
                           "delete_hits",
                           "delete_misses",
                           "incr_hits",
                           "incr_misses",
                           "decr_hits",
                           "decr_misses",
                           "cas_hits",
                           "cas_misses",
                           "cas_badval",
                           "touch_hits",
                           "touch_misses",
                           "auth_cmds",
                           "auth_errors",
                           "bytes_read",
                           "bytes_written",
                           "limit_maxbytes",
                           "accepting_conns",
                           "listen_disabled_num",
                           "threads",
                           "conn_yields",
                           "curr_items",
                           "total_items",
                           "bytes",
                           "evictions",
                           "reclaimed",
                           "hash_power_level",
                           "hash_bytes",
                           "hash_is_expanding",
                           "goromdb_generation",
                           "goromdb_age",
                           "goromdb_checksum",
                           "goromdb_rolled_back_to",
                           "goromdb_entries",
                           "goromdb_bytes",
                           "goromdb_ready",
                           "goromdb_loads",
                           "goromdb_rejections",
                           "goromdb_generation_bad",
                           "goromdb_waits",
                           "goromdb_cold_faults_minor",
                           "goromdb_cold_faults_major",
                           "goromdb_connections_cut",
                           "goromdb_refused",
                           "goromdb_keys_failed",
                           "goromdb_version",
                           "goromdb_database"}) {
    CAPTURE(name);
    CHECK(("\r\n" + text).find("\r\nSTAT " + name + " ") != std::string::npos);
  }
  CHECK(text.ends_with("\r\nEND\r\n"));
}

TEST_CASE("stats_prints_the_cores_facts_under_memcacheds_names") {
  World world{.pairs = {"pid",
                        "42",
                        "uptime_s",
                        "7",
                        "pointer_bits",
                        "64",
                        "rusage_user_us",
                        "1000001",
                        "rusage_system_us",
                        "20",
                        "keys_requested",
                        "10",
                        "keys_hit",
                        "6",
                        "keys_missed",
                        "3",
                        "keys_failed",
                        "1",
                        "connections_current",
                        "5",
                        "generation",
                        "3",
                        "generation_checksum",
                        "d41d8cd9",
                        "generation_rolled_back_to",
                        "2",
                        "generation_entries",
                        "99",
                        "requests_refused",
                        "8",
                        "waits",
                        "11",
                        "cold_faults_minor",
                        "13",
                        "cold_faults_major",
                        "14",
                        "connections_cut",
                        "12",
                        "database",
                        "wo\r\nrds",
                        "json_duplicates",
                        "2",
                        "memcached_cmd_touch",
                        "4"}};
  std::string text = talk(world, "stats\r\n").replies;
  for (std::string line : {"STAT pid 42",
                           "STAT uptime 7",
                           "STAT version 1.6.45-goromdb-0.0.0-test",
                           "STAT pointer_size 64",
                           "STAT rusage_user 1.000001",
                           "STAT rusage_system 0.000020",
                           "STAT cmd_get 10",
                           "STAT get_hits 6",
                           "STAT get_misses 3",
                           "STAT goromdb_keys_failed 1",
                           "STAT curr_connections 5",
                           "STAT connection_structures 5",
                           "STAT goromdb_generation 3",
                           "STAT goromdb_checksum d41d8cd9",
                           "STAT goromdb_rolled_back_to 2",
                           "STAT curr_items 99",
                           "STAT total_items 99",
                           "STAT goromdb_entries 99",
                           "STAT goromdb_refused 8",
                           "STAT goromdb_waits 11",
                           "STAT goromdb_cold_faults_minor 13",
                           "STAT goromdb_cold_faults_major 14",
                           "STAT goromdb_connections_cut 12",
                           "STAT goromdb_database wo??rds",
                           "STAT json_duplicates 2",
                           "STAT cmd_touch 4",
                           "STAT cmd_set 0"}) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
  CHECK(text.find("STAT memcached_cmd_touch") == std::string::npos);
  CHECK(every_way(world, "stats\r\n", {text, false}) == "");
}

TEST_CASE("stats_settings_has_what_exporters_ask_for") {
  World world{.pairs = {"max_connections", "10000", "threads", "2", "listen", "127.0.0.1:11211",
                        "idle_timeout_s", "30"}};
  std::string text = talk(world, "stats settings\r\n").replies;
  for (std::string line : {"STAT maxconns 10000", "STAT tcpport 11211", "STAT inter 127.0.0.1",
                           "STAT domain_socket NULL", "STAT num_threads 2", "STAT idle_timeout 30",
                           "STAT lru_crawler no", "STAT item_size_max 4294967295",
                           "STAT binding_protocol auto-negotiate", "STAT auth_enabled_sasl no",
                           "STAT flush_enabled no", "END"}) {
    CAPTURE(line);
    CHECK(has_line(text, line));
  }
  world.pairs = {"listen", "unix:/run/a:b/goromdb.sock"};
  text = talk(world, "stats settings\r\n").replies;
  CHECK(has_line(text, "STAT tcpport 0"));
  CHECK(has_line(text, "STAT domain_socket /run/a:b/goromdb.sock"));
}

TEST_CASE("stats_conns_lists_connections_as_memcached_does") {
  World world{.pairs = {"24:addr", "127.0.0.1:5000", "24:listen", "127.0.0.1:11211", "24:age_s",
                        "9", "24:idle_s", "3", "25:addr", "unix:/tmp/s", "25:listen", "unix:/tmp/s",
                        "25:age_s", "0", "25:idle_s", "0"}};
  check_all(world, {{"stats conns\r\n",
                     "STAT 24:addr tcp:127.0.0.1:5000\r\n"
                     "STAT 24:listen_addr tcp:127.0.0.1:11211\r\n"
                     "STAT 24:state conn_read\r\n"
                     "STAT 24:secs_since_last_cmd 3\r\n"
                     "STAT 25:addr unix:/tmp/s\r\n"
                     "STAT 25:listen_addr unix:/tmp/s\r\n"
                     "STAT 25:state conn_read\r\n"
                     "STAT 25:secs_since_last_cmd 0\r\n"
                     "END\r\n"}});
}

TEST_CASE("the_other_sections_of_stats") {
  const std::string usage = "CLIENT_ERROR usage: stats detail on|off|dump\r\n";
  check_all({}, {
                    {"stats items\r\n", "END\r\n"},
                    {"stats slabs\r\n", "END\r\n"},
                    {"stats sizes\r\n", "STAT sizes_status disabled\r\nEND\r\n"},
                    {"stats reset\r\n", "RESET\r\n"},
                    {"stats cachedump 1 1\r\n", "CLIENT_ERROR stats cachedump not allowed\r\n"},
                    {"stats detail on\r\n", "OK\r\n"},
                    {"stats detail off\r\n", "OK\r\n"},
                    {"stats detail dump\r\n", "END\r\n"},
                    {"stats detail\r\n", usage},
                    {"stats detail loud\r\n", usage},
                    {"stats nonsense\r\n", "ERROR\r\n"},
                    {"stats noreply\r\n", "ERROR\r\n"},
                });
  World world;
  Connection connection(world);
  connection.feed("stats reset\r\nstats\r\n");
  CHECK(connection.ops_seen() == std::vector<uint32_t>{GOROMDB_OP_STATS_RESET, GOROMDB_OP_STATS});
}

TEST_CASE("touches_and_me_are_counted_apart") {
  World world;
  Connection connection(world);
  connection.feed(
      "touch a 0\r\ntouch missing 0 noreply\r\ngat 0 a b missing\r\nget a\r\ntouch broken 0\r\n"
      "mg a v\r\nmg a T0\r\nmg missing T0 q\r\nme a\r\nme missing\r\nmn\r\n");
  auto metric = [&](const std::string& name) {
    auto& names = connection.host().metric_names;
    auto at = std::ranges::find(names, name) - names.begin();
    return connection.host().metrics.at(static_cast<size_t>(at));
  };
  CHECK(metric("memcached_cmd_touch") == 7);
  CHECK(metric("memcached_touch_hits") == 4);
  CHECK(metric("memcached_touch_misses") == 3);
  CHECK(metric("memcached_cmd_meta") == 2);
}

}  // namespace goromdb::memcached::test

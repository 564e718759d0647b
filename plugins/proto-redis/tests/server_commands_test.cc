// SPDX-License-Identifier: MIT
// What the server says of itself without facts. Each reply that is not marked as our own was asked
// of redis-server 7.0.15.
#include "../server_commands.h"

#include <doctest/doctest.h>

#include <ctime>

#include "ask.h"

namespace goromdb::redis::test {

namespace {

using Line = std::vector<std::string>;

const std::string kRefused = "-NOPERM this server is read-only\r\n";

}  // namespace

TEST_CASE("what_a_redis_without_replicas_modules_and_users_says") {
  Room room;
  const std::string bits =
      "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive "
      "number up to 4096\r\n";
  const std::string number = "-ERR value is not an integer or out of range\r\n";
  const struct {
    Line line;
    std::string reply;
  } rows[] = {
      {{"ROLE"}, "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"},
      {{"WAIT", "0", "10"}, ":0\r\n"},
      {{"WAIT", "x", "10"}, number},
      {{"WAIT", "0", "x"}, "-ERR timeout is not an integer or out of range\r\n"},
      {{"WAIT", "0", "-1"}, "-ERR timeout is negative\r\n"},
      {{"MODULE", "LIST"}, "*0\r\n"},
      {{"LATENCY", "LATEST"}, "*0\r\n"},
      {{"LATENCY", "HISTORY", "foo"}, "*0\r\n"},
      {{"LATENCY", "RESET", "a", "b"}, ":0\r\n"},
      {{"LATENCY", "HISTOGRAM", "get"}, "*0\r\n"},
      {{"LATENCY", "GRAPH", "a\r\nb"}, "-ERR No samples available for event 'a  b'\r\n"},
      {{"ACL", "WHOAMI"}, "$7\r\ndefault\r\n"},
      {{"ACL", "USERS"}, "*1\r\n$7\r\ndefault\r\n"},
      {{"ACL", "LIST"}, "*1\r\n$34\r\nuser default on nopass ~* &* +@all\r\n"},
      {{"ACL", "GETUSER", "nobody"}, "$-1\r\n"},
      {{"ACL", "GETUSER", "DEFAULT"}, "$-1\r\n"},
      {{"ACL", "LOG"}, "*0\r\n"},
      {{"ACL", "LOG", "5"}, "*0\r\n"},
      {{"ACL", "LOG", "reset"}, "+OK\r\n"},
      {{"ACL", "LOG", "x"}, number},
      {{"ACL", "CAT", "foo"}, "-ERR Unknown category 'foo'\r\n"},
      {{"ACL", "CAT", "a", "b"},
       "-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.\r\n"},
      {{"ACL", "GENPASS", "0"}, bits},
      {{"ACL", "GENPASS", "-1"}, bits},
      {{"ACL", "GENPASS", "4097"}, bits},
      {{"ACL", "GENPASS", "x"}, number},
      {{"ACL", "DRYRUN", "default", "get", "a"}, "+OK\r\n"},
      {{"ACL", "DRYRUN", "default", "client", "list"}, "+OK\r\n"},
      {{"ACL", "DRYRUN", "nobody", "get", "a"}, "-ERR User 'nobody' not found\r\n"},
      {{"ACL", "DRYRUN", "default", "foo"}, "-ERR Command 'foo' not found\r\n"},
      {{"ACL", "DRYRUN", "default", "client", "foo"}, "-ERR Command 'client' not found\r\n"},
      {{"ACL", "DRYRUN", "default", "client"},
       "-ERR wrong number of arguments for 'client' command\r\n"},
      {{"ACL", "DRYRUN", "default", "GET", "a", "b"},
       "-ERR wrong number of arguments for 'get' command\r\n"},
      {{"FAILOVER"}, "-ERR FAILOVER requires connected replicas.\r\n"},
      {{"FAILOVER", "ABORT"}, "-ERR No failover in progress.\r\n"},
      {{"FAILOVER", "foo"}, "-ERR syntax error\r\n"},
      {{"LOLWUT", "VERSION", "x"}, number},
  };
  for (const auto& [line, reply] : rows) {
    CAPTURE(line.back());
    CHECK(room.ask(line) == reply);
  }
}

TEST_CASE("what_would_change_the_server_is_refused") {
  Room room;
  for (const Line& line : std::vector<Line>{{"SAVE"},
                                            {"BGSAVE"},
                                            {"BGREWRITEAOF"},
                                            {"MONITOR"},
                                            {"SHUTDOWN"},
                                            {"REPLICAOF", "NO", "ONE"},
                                            {"SLAVEOF", "a", "1"},
                                            {"PSYNC", "?", "-1"},
                                            {"SYNC"},
                                            {"REPLCONF", "ack", "1"},
                                            {"ACL", "SETUSER", "a"},
                                            {"ACL", "DELUSER", "default"}}) {
    CAPTURE(line[0]);
    CHECK(room.ask(line) == kRefused);
  }
  // redis' own words.
  for (const Line& line : std::vector<Line>{{"DEBUG", "SLEEP", "0"}, {"DEBUG", "HELP"}}) {
    CHECK(
        room.ask(line).starts_with("-ERR DEBUG command not allowed. If the enable-debug-command "
                                   "option is set to \"local\", "));
  }
  CHECK(room.ask({"MODULE", "LOAD", "x"}).starts_with("-ERR MODULE command not allowed. If the "));
  CHECK(room.ask({"ACL", "SAVE"}).starts_with("-ERR This Redis instance is not configured to use"));
}

TEST_CASE("acl_tells_of_one_user_who_has_a_password_or_none") {
  Room room;
  const std::string rest =
      "$8\r\ncommands\r\n$5\r\n+@all\r\n$4\r\nkeys\r\n$2\r\n~*\r\n$8\r\nchannels\r\n$2\r\n&*\r\n"
      "$9\r\nselectors\r\n*0\r\n";
  CHECK(room.ask({"ACL", "GETUSER", "default"}) ==
        "*12\r\n$5\r\nflags\r\n*2\r\n$2\r\non\r\n$6\r\nnopass\r\n$9\r\npasswords\r\n*0\r\n" + rest);
  room.settings.password = "secret";
  CHECK(room.ask({"ACL", "GETUSER", "default"}) ==
        "*12\r\n$5\r\nflags\r\n*1\r\n$2\r\non\r\n$9\r\npasswords\r\n*0\r\n" + rest);
  CHECK(room.ask({"ACL", "LIST"}) == "*1\r\n$27\r\nuser default on ~* &* +@all\r\n");
  room.three = true;
  CHECK(room.ask({"ACL", "GETUSER", "default"}).starts_with("%6\r\n$5\r\nflags\r\n~1\r\n"));
}

TEST_CASE("acl_cat_lists_categories_and_their_commands") {
  Room room;
  const std::string all = room.ask({"ACL", "CAT"});
  CHECK(all.starts_with("*21\r\n$8\r\nkeyspace\r\n$4\r\nread\r\n$5\r\nwrite\r\n$3\r\nset\r\n"));
  CHECK(all.ends_with("$11\r\ntransaction\r\n$9\r\nscripting\r\n"));
  CHECK(room.ask({"ACL", "CAT", "Transaction"}) ==
        "*5\r\n$7\r\ndiscard\r\n$4\r\nexec\r\n$5\r\nmulti\r\n$7\r\nunwatch\r\n$5\r\nwatch\r\n");
  CHECK(room.ask({"ACL", "CAT", "connection"}).find("$9\r\nclient|id\r\n") != std::string::npos);
}

TEST_CASE("acl_genpass_gives_digits_enough_for_the_bits") {
  Room room;
  for (const auto& [bits, digits] : {std::pair("1", 1), std::pair("4", 1), std::pair("5", 2),
                                     std::pair("256", 64), std::pair("4096", 1024)}) {
    CAPTURE(bits);
    CHECK(room.ask({"ACL", "GENPASS", bits}).starts_with("$" + std::to_string(digits) + "\r\n"));
  }
  const std::string one = room.ask({"ACL", "GENPASS"}), two = room.ask({"ACL", "GENPASS"});
  CHECK(one.starts_with("$64\r\n"));
  CHECK(one != two);
}

TEST_CASE("time_is_the_systems_clock") {
  Room room;
  const auto before = std::time(nullptr);
  const std::string reply = room.ask({"TIME"});
  REQUIRE(reply.starts_with("*2\r\n$10\r\n"));
  const auto told = std::stoll(reply.substr(9));
  CHECK(told >= before);
  CHECK(told <= std::time(nullptr) + 1);  // whose clock is a little behind
}

TEST_CASE("lastsave_is_when_the_data_set_was_loaded_or_else_the_servers_start") {
  Room room;
  CHECK(room.ask({"LASTSAVE"}, {"time_s", "1000", "uptime_s", "10", "generation_loaded_at_s",
                                "995"}) == ":995\r\n");
  CHECK(room.ask({"LASTSAVE"}, {"time_s", "1000", "uptime_s", "10", "generation_loaded_at_s",
                                "0"}) == ":990\r\n");
}

TEST_CASE("memory_stats_has_rediss_fields") {
  Room room;
  const std::vector<std::string> facts = {
      "0:ready", "1", "0:entries",      "4",    "0:resident_bytes",    "400",
      "1:ready", "0", "resident_bytes", "1000", "peak_resident_bytes", "2000"};
  const std::string reply = room.ask({"MEMORY", "STATS"}, facts);
  CHECK(reply.starts_with(
      "*56\r\n$14\r\npeak.allocated\r\n:2000\r\n$15\r\ntotal.allocated\r\n:1000"));
  for (const char* part :
       {"$4\r\ndb.0\r\n*6\r\n", "$10\r\nkeys.count\r\n:4\r\n",
        "$18\r\nkeys.bytes-per-key\r\n:100\r\n", "$13\r\ndataset.bytes\r\n:400\r\n",
        "$18\r\ndataset.percentage\r\n$2\r\n40\r\n", "$15\r\npeak.percentage\r\n$2\r\n50\r\n"}) {
    CAPTURE(part);
    CHECK(reply.find(part) != reply.npos);
  }
  CHECK(reply.find("db.1") == reply.npos);
  room.three = true;
  const std::string three = room.ask({"MEMORY", "STATS"}, facts);
  CHECK(three.starts_with("%28\r\n"));
  CHECK(three.find("$18\r\ndataset.percentage\r\n,40\r\n") != three.npos);
  CHECK(room.ask({"MEMORY", "STATS"}, {}).starts_with("%27\r\n"));
}

TEST_CASE("texts_for_people_are_verbatim_in_resp3") {
  Room room;
  room.three = true;
  for (const Line& line : std::vector<Line>{
           {"LATENCY", "DOCTOR"}, {"MEMORY", "DOCTOR"}, {"MEMORY", "MALLOC-STATS"}, {"LOLWUT"}}) {
    CAPTURE(line.back());
    const std::string reply = room.ask(line);
    CHECK(reply.starts_with("="));
    CHECK(reply.find("\r\ntxt:") != reply.npos);
  }
  CHECK(room.ask({"LOLWUT", "VERSION", "5"}).find("goromdb 0.0.0-test, Redis ver. 7.2.4\n") !=
        std::string::npos);
}

}  // namespace goromdb::redis::test

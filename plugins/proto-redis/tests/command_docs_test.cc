// SPDX-License-Identifier: MIT
// COMMAND, HELP and the table that they are made of.
#include "../command_docs.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "../key_positions.h"
#include "ask.h"

namespace goromdb::redis::test {

namespace {

// The key positions that follow from the specifications, as redis derives them.
KeyRange derived(const Command& command) {
  KeyRange range{};
  for (const KeySpec& spec : command.key_specs) {
    if (spec.begin_unknown || spec.find_unknown || spec.keynum || !spec.keyword.empty()) continue;
    const auto last =
        static_cast<int16_t>(spec.last_key < 0 ? spec.last_key : spec.index + spec.last_key);
    if (range.first == 0) {
      range = {spec.index, last, spec.key_step};
    } else if (range.last + 1 == spec.index) {
      range.last = last;
    }
  }
  return range;
}

}  // namespace

TEST_CASE("every_row_of_the_table_is_complete") {
  std::set<std::string> names;
  size_t rows = 0;
  for_each_row([&](uint16_t id, const Command& command) {
    const std::string name = full_name(id);
    CAPTURE(name);
    ++rows;
    CHECK(names.insert(name).second);
    CHECK(find_full_name(name) == id);
    CHECK(command.arity != 0);
    CHECK(!command.summary.empty());
    CHECK(!command.complexity.empty());
    CHECK(!command.since.empty());
    CHECK(command.summary.find_first_of("\r\n") == std::string_view::npos);
    CHECK(((command.categories & kCatFast) != 0) != ((command.categories & kCatSlow) != 0));
    const bool runs = command.write != nullptr || (command.flags & kWrite) != 0;
    CHECK((runs || !command.subcommands.empty()));
    CHECK((command.key_specs.empty() || has_keys(command) || (command.flags & kPubSub) != 0));
  });
  CHECK(rows == 345);  // redis 7.0.15 without scripting, and CLIENT SETINFO and NO-TOUCH
}

TEST_CASE("every_group_is_sorted_by_name") {
  const auto by_name = [](const Command& a, const Command& b) { return a.name < b.name; };
  for (const Group& group : groups()) {
    CAPTURE(group.name);
    CHECK(std::ranges::is_sorted(group.commands, by_name));
    for (const Command& command : group.commands) {
      CAPTURE(command.name);
      CHECK(std::ranges::is_sorted(command.subcommands, by_name));
    }
  }
}

TEST_CASE("key_positions_and_key_specifications_agree") {
  for_each_row([&](uint16_t id, const Command& command) {
    // Keys at places that nothing else tells.
    const std::string name = full_name(id);
    CAPTURE(name);
    const KeyRange range = derived(command);
    CHECK(command.keys.first == range.first);
    CHECK(command.keys.last == range.last);
    CHECK(command.keys.step == range.step);
  });
}

TEST_CASE("command_info_is_redis_own_byte_for_byte") {
  Room room;
  CHECK(room.ask({"COMMAND", "INFO", "GET", "nope"}) ==
        "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n"
        "+@read\r\n+@string\r\n+@fast\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n"
        "$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\nindex"
        "\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$7\r\n"
        "lastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n$-1\r\n");
  room.three = true;
  CHECK(
      room.ask({"COMMAND", "INFO", "zunion", "nope"}) ==
      "*2\r\n*10\r\n$6\r\nzunion\r\n:-3\r\n~2\r\n+readonly\r\n+movablekeys\r\n:0\r\n:0\r\n:0\r\n"
      "~3\r\n+@read\r\n+@sortedset\r\n+@slow\r\n~0\r\n~1\r\n%3\r\n$5\r\nflags\r\n~2\r\n+RO\r\n"
      "+access\r\n$12\r\nbegin_search\r\n%2\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n%1\r\n"
      "$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$6\r\nkeynum\r\n$4\r\nspec\r\n"
      "%3\r\n$9\r\nkeynumidx\r\n:0\r\n$8\r\nfirstkey\r\n:1\r\n$7\r\nkeystep\r\n:1\r\n~0\r\n_\r\n");
  CHECK(
      room.ask({"COMMAND", "INFO", "client|ID"}) ==
      "*1\r\n*10\r\n$9\r\nclient|id\r\n:2\r\n~3\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n"
      ":0\r\n~2\r\n+@slow\r\n+@connection\r\n~0\r\n~0\r\n~0\r\n");
}

TEST_CASE("command_without_names_tells_of_all") {
  Room room;
  const std::string count = room.ask({"COMMAND", "COUNT"});
  CHECK(count == ":232\r\n");
  CHECK(room.ask({"COMMAND"}).starts_with("*232\r\n*10\r\n"));
  CHECK(room.ask({"COMMAND", "INFO"}) == room.ask({"COMMAND"}));
  CHECK(room.ask({"COMMAND", "DOCS"}).starts_with("*464\r\n"));
  CHECK(room.ask({"COMMAND", "LIST"}).starts_with("*345\r\n"));
  room.three = true;
  CHECK(room.ask({"COMMAND", "DOCS"}).starts_with("%232\r\n"));
}

TEST_CASE("command_docs_has_rediss_shape") {
  Room room;
  CHECK(
      room.ask({"COMMAND", "DOCS", "substr", "nope"}) ==
      "*2\r\n$6\r\nsubstr\r\n*16\r\n$7\r\nsummary\r\n$26\r\nGETRANGE by its older name\r\n"
      "$5\r\nsince\r\n$5\r\n1.0.0\r\n$5\r\ngroup\r\n$6\r\nstring\r\n$10\r\ncomplexity\r\n$22\r\n"
      "O(N), N bytes "
      "returned\r\n$9\r\ndoc_flags\r\n*1\r\n+deprecated\r\n$16\r\ndeprecated_since\r\n"
      "$5\r\n2.0.0\r\n$11\r\nreplaced_by\r\n$10\r\n`GETRANGE`\r\n$9\r\narguments\r\n*3\r\n*6\r\n"
      "$4\r\nname\r\n$3\r\nkey\r\n$4\r\ntype\r\n$3\r\nkey\r\n$14\r\nkey_spec_index\r\n:0\r\n*4\r\n"
      "$4\r\nname\r\n$5\r\nstart\r\n$4\r\ntype\r\n$7\r\ninteger\r\n*4\r\n$4\r\nname\r\n$3\r\nend"
      "\r\n$4\r\ntype\r\n$7\r\ninteger\r\n");
  CHECK(room.ask({"COMMAND", "DOCS", "nope"}) == "*0\r\n");
  const std::string scan = room.ask({"COMMAND", "DOCS", "scan"});
  CHECK(scan.find(
            "*8\r\n$4\r\nname\r\n$7\r\npattern\r\n$4\r\ntype\r\n$7\r\npattern\r\n$5\r\ntoken\r\n"
            "$5\r\nMATCH\r\n$5\r\nflags\r\n*1\r\n+optional\r\n") != scan.npos);
  const std::string memory = room.ask({"COMMAND", "DOCS", "memory"});
  CHECK(memory.find("$11\r\nsubcommands\r\n*12\r\n$13\r\nmemory|doctor\r\n") != memory.npos);
}

TEST_CASE("a_long_list_of_names_is_refused") {
  Room room;
  std::vector<std::string> words(5000, "set");
  words[0] = "COMMAND";
  for (const char* what : {"INFO", "DOCS"}) {
    words[1] = what;
    CHECK(room.ask(words) == "-ERR too many names, ask for fewer at once\r\n");
  }
}

TEST_CASE("command_list_filters") {
  Room room;
  CHECK(room.ask({"COMMAND", "LIST", "FILTERBY", "PATTERN", "GETR*"}) ==
        "*1\r\n$8\r\ngetrange\r\n");
  CHECK(room.ask({"COMMAND", "LIST", "filterby", "pattern", "acl|l*"}) ==
        "*3\r\n$8\r\nacl|list\r\n$8\r\nacl|load\r\n$7\r\nacl|log\r\n");
  CHECK(room.ask({"COMMAND", "LIST", "FILTERBY", "ACLCAT", "Hash"}).starts_with("*16\r\n"));
  CHECK(room.ask({"COMMAND", "LIST", "FILTERBY", "ACLCAT", "foo"}) == "*0\r\n");
  CHECK(room.ask({"COMMAND", "LIST", "FILTERBY", "MODULE", "foo"}) == "*0\r\n");
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"FOO"},
                                             {"FILTERBY"},
                                             {"FILTERBY", "PATTERN"},
                                             {"FILTERBY", "FOO", "BAR"},
                                             {"FILTERBY", "PATTERN", "a", "b"}}) {
    std::vector<std::string> line = {"COMMAND", "LIST"};
    line.insert(line.end(), words.begin(), words.end());
    CHECK(room.ask(line) == "-ERR syntax error\r\n");
  }
}

// Each row was asked of redis-server 7.0.15.
TEST_CASE("command_getkeysandflags_finds_what_redis_finds") {
  Room room;
  const std::string reads = "RO access", changes = "RW access update", overwrites = "OW update",
                    moves = "RW access delete";
  using Keys = std::vector<std::pair<std::string, std::string>>;
  const struct {
    std::string line;
    Keys keys;
  } rows[] = {
      {"get a", {{"a", reads}}},
      {"set a b", {{"a", overwrites}}},
      {"set a b EX 1 get", {{"a", changes}}},
      {"getex a", {{"a", changes}}},
      {"msetnx a 1 b 2", {{"a", "OW insert"}, {"b", "OW insert"}}},
      {"blpop a b 0", {{"a", moves}, {"b", moves}}},
      {"rename a b", {{"a", moves}, {"b", overwrites}}},
      {"bitop and d a b", {{"d", overwrites}, {"a", reads}, {"b", reads}}},
      {"bitfield a", {{"a", reads}}},
      {"bitfield a get u8 0", {{"a", reads}}},
      {"bitfield a get u8 0 set u8 0 1", {{"a", changes}}},
      {"sort a", {{"a", reads}}},
      {"sort a STORE", {{"a", reads}}},
      {"sort a STORE b STORE c", {{"a", reads}, {"c", overwrites}}},
      {"sort a BY STORE STORE b", {{"a", reads}, {"b", overwrites}}},
      {"sort_ro a BY x", {{"a", reads}}},
      {"xread count 1 streams a b 1 2", {{"a", reads}, {"b", reads}}},
      {"xread streams a b c", {{"a", reads}}},
      {"georadius a 1 1 1 m", {{"a", reads}}},
      {"georadius a 1 1 1 m STORE b", {{"a", reads}, {"b", overwrites}}},
      {"georadius a 1 1 1 m STORE b STOREDIST c",
       {{"a", reads}, {"b", overwrites}, {"c", overwrites}}},
      {"zunionstore d 2 a b WEIGHTS 1 2", {{"d", overwrites}, {"a", reads}, {"b", reads}}},
      {"migrate h 1 k 0 10", {{"k", moves}}},
      {"migrate h 1  0 10 AUTH KEYS KEYS a", {{"a", moves}}},
      {"object encoding a", {{"a", "RO"}}},
      {"memory usage a", {{"a", "RO"}}},
  };
  for (const auto& [line, keys] : rows) {
    CAPTURE(line);
    std::vector<std::string> flagged = {"COMMAND", "GETKEYSANDFLAGS"};
    std::vector<std::string> plain = {"COMMAND", "GETKEYS"};
    for (size_t at = 0; at <= line.size();) {
      const size_t end = std::min(line.find(' ', at), line.size());
      flagged.push_back(line.substr(at, end - at));
      plain.push_back(flagged.back());
      at = end + 1;
    }
    std::string names = "*" + std::to_string(keys.size()) + "\r\n", uses = names;
    for (const auto& [key, flags] : keys) {
      names += bulk(key);
      const auto words = std::ranges::count(flags, ' ') + 1;
      uses += "*2\r\n" + bulk(key) + "*" + std::to_string(words) + "\r\n+";
      for (char byte : flags) uses += byte == ' ' ? std::string("\r\n+") : std::string(1, byte);
      uses += "\r\n";
    }
    CHECK(room.ask(plain) == names);
    CHECK(room.ask(flagged) == uses);
  }
}

TEST_CASE("command_getkeys_refuses_in_rediss_words") {
  Room room;
  const std::string invalid = "-ERR Invalid arguments specified for command\r\n";
  const struct {
    std::vector<std::string> line;
    std::string reply;
  } rows[] = {
      {{"foo", "bar"}, "-ERR Invalid command specified\r\n"},
      {{"eval", "x", "1", "a"}, "-ERR Invalid command specified\r\n"},
      {{"client", "foo"}, "-ERR Invalid command specified\r\n"},
      {{"ping", "a"}, "-ERR The command has no key arguments\r\n"},
      {{"client", "list"}, "-ERR The command has no key arguments\r\n"},
      {{"spublish", "a", "b"}, "-ERR The command has no key arguments\r\n"},
      {{"get", "a", "b"}, "-ERR Invalid number of arguments specified for command\r\n"},
      {{"object", "encoding"}, "-ERR Invalid number of arguments specified for command\r\n"},
      {{"zunionstore", "d", "x", "a"}, invalid},
      {{"zunionstore", "d", "0", "a"}, invalid},
      {{"zunionstore", "d", "-1", "a"}, invalid},
      {{"zunionstore", "d", "-9223372036854775808", "a"}, invalid},
      {{"zunionstore", "d", "5", "a"}, invalid},
      {{"zunionstore", "d", "9223372036854775807", "a"}, invalid},
      {{"xread", "foo", "a", "b"}, invalid},
      {{"migrate", "h", "1", "k", "0", "10", "KEYS", "a"}, invalid},
  };
  for (const auto& [line, reply] : rows) {
    CAPTURE(line[0]);
    std::vector<std::string> words = {"COMMAND", "GETKEYS"};
    words.insert(words.end(), line.begin(), line.end());
    CHECK(room.ask(words) == reply);
  }
}

TEST_CASE("help_of_a_container_lists_its_subcommands") {
  Room room;
  CHECK(room.ask({"SLOWLOG", "HELP"}) ==
        "*9\r\n+SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n"
        "+GET [<count>]\r\n+    The latest slow requests.\r\n"
        "+HELP\r\n+    Lists the subcommands.\r\n"
        "+LEN\r\n+    How many slow requests are kept.\r\n"
        "+RESET\r\n+    Forgets the slow requests.\r\n");
  const std::string memory = room.ask({"MEMORY", "HELP"});
  CHECK(memory.find("+USAGE <key> [SAMPLES <count>]\r\n") != memory.npos);
  const std::string client = room.ask({"CLIENT", "HELP"});
  CHECK(client.find("+REPLY (ON|OFF|SKIP)\r\n") != client.npos);
  CHECK(client.find("[ID <client-id> [<client-id> ...]]") != client.npos);
  CHECK(room.ask({"COMMAND", "HELP"}).find("+(no subcommand)\r\n") != std::string::npos);
  // Each container of the table but CLUSTER, which redis leaves out without a cluster.
  for_each_row([&](uint16_t, const Command& command) {
    if (command.subcommands.empty() || command.name == "cluster") return;
    CAPTURE(command.name);
    const std::string reply = room.ask({std::string(command.name), "HELP"});
    const auto lines = std::ranges::count(reply, '\n') - 1;
    CHECK(reply.starts_with("*" + std::to_string(lines) + "\r\n"));
    CHECK(static_cast<size_t>(lines) >= 1 + 2 * command.subcommands.size());
  });
}

}  // namespace goromdb::redis::test

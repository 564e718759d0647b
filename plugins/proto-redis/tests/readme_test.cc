// SPDX-License-Identifier: MIT
// The lists of commands in the README and in the manual page are made of the rows, and stay so.
#include <doctest/doctest.h>

#include <manual.hpp>
#include <string>
#include <vector>

#include "../commands.h"
#include "../replies.h"

namespace goromdb::redis::engine_test {

using namespace goromdb::test;

namespace {

// Which of the README's lists a row stands in.
enum class Kind { kAnswered, kForeign, kRefused, kCluster, kHelp };

Kind kind_of(const Command& command, std::string_view group) {
  if ((command.flags & kWrite) && command.read == nullptr) return Kind::kRefused;
  if (command.write == write_cluster_disabled) return Kind::kCluster;
  if (command.name == "help") return Kind::kHelp;
  if (!command.missing.empty()) return Kind::kForeign;
  for (const char* foreign : {"list", "set", "sorted-set", "stream", "hyperloglog", "geo"}) {
    if (group == foreign && (command.flags & kReadOnly)) return Kind::kForeign;
  }
  return Kind::kAnswered;
}

void append(std::string& list, const std::string& name) {
  list += (list.empty() ? "`" : ", `") + name + "`";
}

// The README's list of names as the manual page has it.
std::string page_list(const std::string& list) {
  std::string names;
  for (const char c : list) {
    if (c != '`') names += c;
  }
  return as_roff(names);
}

struct Lists {
  std::string answered, foreign, refused, cluster;
  std::string page_answered;

  void add(const Command& command, std::string_view group, const std::string& name) {
    switch (kind_of(command, group)) {
      case Kind::kAnswered:
        answered += "| `" + name + "` | " + std::string(command.summary) + " |\n";
        page_answered += page_entry(name, command.summary);
        break;
      case Kind::kForeign:
        append(foreign, name);
        break;
      case Kind::kRefused:
        append(refused, name);
        break;
      case Kind::kCluster:
        append(cluster, name);
        break;
      case Kind::kHelp:
        break;
    }
  }
};

std::string upper(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
  return copy;
}

Lists lists_of_rows() {
  Lists lists;
  for (const Group& group : groups()) {
    for (const Command& command : group.commands) {
      if (command.subcommands.empty()) lists.add(command, group.name, upper(command.name));
      for (const Command& sub : command.subcommands) {
        lists.add(sub, group.name, upper(command.name) + " " + upper(sub.name));
      }
    }
  }
  return lists;
}

}  // namespace

TEST_CASE("the README and the manual page list the commands as the table has them") {
  const Lists lists = lists_of_rows();
  const std::string readme = text_of(__FILE__, "README.md");
  const std::string page = text_of(__FILE__, "goromdb-proto-redis.7");
  check_holds(readme, lists.answered);
  check_holds(page, lists.page_answered);
  for (const std::string& list : {lists.foreign, lists.refused, lists.cluster}) {
    check_holds(readme, list);
    check_holds(page, page_list(list));
  }
}

TEST_CASE("the manual page lists the options with their defaults") {
  check_holds(text_of(__FILE__, "goromdb-proto-redis.7"),
              ".SH OPTIONS\n" + page_options(*goromdb_plugin_v0()));
}

TEST_CASE("every row can be found by its name in any case, and is told in its own words") {
  for (const Group& group : groups()) {
    for (const Command& command : group.commands) {
      CAPTURE(command.name);
      const uint16_t id = find_command(upper(command.name));
      REQUIRE(id != kNoCommand);
      CHECK(&command_at(id) == &command);
      CHECK(id_of(command) == id);
      CHECK(group_of(id) == group.name);
      CHECK(container_of(id) == nullptr);
      CHECK(!command.summary.empty());
      for (const Command& sub : command.subcommands) {
        CAPTURE(sub.name);
        const uint16_t sub_id = find_subcommand(id, upper(sub.name));
        REQUIRE(sub_id != kNoCommand);
        CHECK(&command_at(sub_id) == &sub);
        CHECK(container_of(sub_id) == &command);
        CHECK(!sub.summary.empty());
      }
    }
  }
  CHECK(find_command("") == kNoCommand);
  CHECK(find_command("ge") == kNoCommand);
  CHECK(find_command("gett") == kNoCommand);
  CHECK(find_command(std::string(1000, 'x')) == kNoCommand);
}

}  // namespace goromdb::redis::engine_test

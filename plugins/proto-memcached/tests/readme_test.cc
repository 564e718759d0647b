// SPDX-License-Identifier: MIT
// The lists of commands and options in the README and in the manual page are made of the tables,
// and stay so.
#include <doctest/doctest.h>

#include <manual.hpp>

#include "../commands.h"

namespace goromdb::memcached::test {

using namespace goromdb::test;

namespace {

std::string packets_of(const Command& command) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string list;
  for (const Packet& packet : command.packets) {
    list += list.empty() ? "" : ", ";
    list += {kDigits[packet.opcode >> 4], kDigits[packet.opcode & 15], ' '};
    list += packet.name;
  }
  return list;
}

std::string readme_row(const Command& command) {
  const std::string quote = command.name.empty() || command.syntax.empty() ? "" : "`";
  return "| " + quote + std::string(command.syntax) + quote + " | " + packets_of(command) + " | " +
         std::string(command.answer) + " |\n";
}

// With a line of its own for the packets, of a command that has both.
std::string page_row(const Command& command) {
  const std::string packets = packets_of(command);
  if (command.syntax.empty()) return page_entry(packets, command.answer);
  std::string entry = page_entry(command.syntax, command.answer);
  if (!packets.empty()) entry += ".br\nPackets: " + as_roff(packets) + "\n";
  return entry;
}

}  // namespace

TEST_CASE("the_readme_and_the_manual_page_list_every_command_with_its_answer") {
  std::string rows, page_rows;
  for (const Command& command : commands()) {
    rows += readme_row(command);
    page_rows += page_row(command);
  }
  check_holds(text_of(__FILE__, "README.md"), rows);
  check_holds(text_of(__FILE__, "goromdb-proto-memcached.7"), ".SH COMMANDS\n" + page_rows);
}

TEST_CASE("the_readme_and_the_manual_page_list_every_option_with_its_default") {
  const goromdb_plugin& plugin = *goromdb_plugin_v0();
  const std::string readme = text_of(__FILE__, "README.md");
  for (uint32_t i = 0; i < plugin.option_count; ++i) {
    const goromdb_option& option = plugin.options[i];
    const std::string def = option.def == nullptr ? "unset" : "`" + std::string(option.def) + "`";
    check_holds(readme, "| `" + std::string(option.name) + "` | " + def + " |");
  }
  check_holds(text_of(__FILE__, "goromdb-proto-memcached.7"),
              ".SH OPTIONS\n" + page_options(plugin));
}

TEST_CASE("every_row_is_found_by_its_name_and_by_its_packets") {
  for (const Command& command : commands()) {
    CAPTURE(command.name);
    CHECK(&find_command(command.name) == &command);
    CHECK(!command.answer.empty());
    for (const Packet& packet : command.packets) {
      const Opcode opcode = find_opcode(packet.opcode);
      CHECK(&opcode.command == &command);
      CHECK(opcode.quiet == packet.quiet);
      CHECK(opcode.with_key == packet.with_key);
    }
  }
}

}  // namespace goromdb::memcached::test

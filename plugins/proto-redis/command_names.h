// SPDX-License-Identifier: MIT
// The table's bits and rows by the names that clients know: flags, ACL categories, full names.
// Constant data; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "commands.h"

namespace goromdb::redis {

// By the number of their bit.
std::span<const std::string_view> flag_names();      // "write", "readonly", ...
std::span<const std::string_view> category_names();  // "keyspace", "read", ...

// The category of this name in any case; 0: there is none.
uint32_t category_of(std::string_view name);

// "get", "client|list".
std::string full_name(uint16_t id);

// The row of "get" or "client|list" in any case; kNoCommand.
uint16_t find_full_name(std::string_view name);

// Whether a command takes `words` words, its names among them.
bool takes(const Command& command, uint32_t words);

// Calls visit(id, command) for each command, with its subcommands behind it.
template <class Visit>
void for_each_row(Visit&& visit) {
  for (const Group& group : groups()) {
    for (const Command& command : group.commands) {
      const uint16_t id = find_command(command.name);
      visit(id, command);
      for (size_t i = 0; i < command.subcommands.size(); ++i) {
        visit(static_cast<uint16_t>(id + 1 + i), command.subcommands[i]);
      }
    }
  }
}

}  // namespace goromdb::redis

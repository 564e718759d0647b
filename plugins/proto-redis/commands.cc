// SPDX-License-Identifier: MIT
// The table of commands, put together from the groups' rows, and its index by name.
#include "commands.h"

#include <array>
#include <cstring>
#include <vector>

namespace goromdb::redis {

std::span<const Command> string_rows();
std::span<const Command> hash_rows();
std::span<const Command> generic_rows();
std::span<const Command> connection_rows();
std::span<const Command> transactions_rows();
std::span<const Command> pubsub_rows();
std::span<const Command> server_rows();
std::span<const Command> bitmap_rows();
std::span<const Command> list_rows();
std::span<const Command> set_rows();
std::span<const Command> sorted_set_rows();
std::span<const Command> stream_rows();
std::span<const Command> hyperloglog_rows();
std::span<const Command> geo_rows();
std::span<const Command> cluster_rows();

namespace {

// Mixes a name's length, first and last bytes, letters of either case alike. Bytes that are no
// letters may fall together with others: find() compares for real.
uint32_t hash(std::string_view name) {
  constexpr uint64_t kLowerCase = 0x2020202020202020;
  uint64_t first = 0, last = 0;
  if (name.size() >= 8) {
    std::memcpy(&first, name.data(), 8);
    std::memcpy(&last, name.data() + name.size() - 8, 8);
  } else {
    std::memcpy(&first, name.data(), name.size());
  }
  first = (first | kLowerCase) * 0x9e3779b97f4a7c15;
  last = ((last | kLowerCase) + name.size()) * 0xc2b2ae3d27d4eb4f;
  return static_cast<uint32_t>((first ^ last) >> 40);
}

class CommandTable {
 public:
  CommandTable()
      : groups_{{{"string", string_rows()},
                 {"hash", hash_rows()},
                 {"generic", generic_rows()},
                 {"connection", connection_rows()},
                 {"transactions", transactions_rows()},
                 {"pubsub", pubsub_rows()},
                 {"server", server_rows()},
                 {"bitmap", bitmap_rows()},
                 {"list", list_rows()},
                 {"set", set_rows()},
                 {"sorted-set", sorted_set_rows()},
                 {"stream", stream_rows()},
                 {"hyperloglog", hyperloglog_rows()},
                 {"geo", geo_rows()},
                 {"cluster", cluster_rows()}}} {
    slots_.fill(kNoCommand);
    for (uint16_t group = 0; group < groups_.size(); ++group) {
      for (const Command& command : groups_[group].commands) {
        const uint16_t id = add(command, group, kNoCommand);
        for (const Command& sub : command.subcommands) add(sub, group, id);
        uint32_t slot = hash(command.name) % kSlots;
        while (slots_[slot] != kNoCommand) slot = (slot + 1) % kSlots;
        slots_[slot] = id;
      }
    }
  }

  std::span<const Group> groups() const { return groups_; }
  size_t size() const { return rows_.size(); }

  struct Entry {
    const Command* command;
    uint16_t group, container;
  };
  const Entry& at(uint16_t id) const { return rows_[id]; }

  uint16_t find(std::string_view name) const {
    for (uint32_t slot = hash(name) % kSlots;; slot = (slot + 1) % kSlots) {
      const uint16_t id = slots_[slot];
      if (id == kNoCommand || is_word(name, rows_[id].command->name)) return id;
    }
  }

 private:
  static constexpr uint32_t kSlots = 1024;  // several times the number of commands

  uint16_t add(const Command& command, uint16_t group, uint16_t container) {
    rows_.push_back({&command, group, container});
    return static_cast<uint16_t>(rows_.size() - 1);
  }

  std::array<Group, 15> groups_;
  std::vector<Entry> rows_;
  std::array<uint16_t, kSlots> slots_;
};

// The rows are constants, so that this may be made before main() in any order.
const CommandTable kCommands;

}  // namespace

std::span<const Group> groups() { return kCommands.groups(); }

const Command& command_at(uint16_t id) { return *kCommands.at(id).command; }

uint16_t id_of(const Command& command) {
  for (uint16_t id = 0; id < kCommands.size(); ++id) {
    if (kCommands.at(id).command == &command) return id;
  }
  return kNoCommand;
}

std::string_view group_of(uint16_t id) { return kCommands.groups()[kCommands.at(id).group].name; }

const Command* container_of(uint16_t id) {
  const uint16_t container = kCommands.at(id).container;
  return container == kNoCommand ? nullptr : &command_at(container);
}

uint16_t find_command(std::string_view name) { return kCommands.find(name); }

uint16_t find_subcommand(uint16_t container, std::string_view name) {
  const std::span<const Command> rows = command_at(container).subcommands;
  for (size_t i = 0; i < rows.size(); ++i) {
    // Subcommands come right behind their container.
    if (is_word(name, rows[i].name)) return static_cast<uint16_t>(container + 1 + i);
  }
  return kNoCommand;
}

}  // namespace goromdb::redis

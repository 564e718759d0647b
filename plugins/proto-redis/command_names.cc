// SPDX-License-Identifier: MIT
#include "command_names.h"

#include <array>

namespace goromdb::redis {

namespace {

constexpr std::string_view kFlagNames[] = {"write",
                                           "readonly",
                                           "denyoom",
                                           "module",
                                           "admin",
                                           "pubsub",
                                           "noscript",
                                           "blocking",
                                           "loading",
                                           "stale",
                                           "skip_monitor",
                                           "skip_slowlog",
                                           "asking",
                                           "fast",
                                           "no_auth",
                                           "may_replicate",
                                           "no_async_loading",
                                           "no_multi",
                                           "movablekeys",
                                           "allow_busy",
                                           "no_mandatory_keys",
                                           "protected",
                                           "sentinel",
                                           "only_sentinel",
                                           "touches_arbitrary_keys"};
static_assert(1u << (std::size(kFlagNames) - 1) == kTouchesArbitraryKeys);

constexpr std::string_view kCategoryNames[] = {
    "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
    "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
    "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting"};
static_assert(1u << (std::size(kCategoryNames) - 1) == kCatScripting);

}  // namespace

std::span<const std::string_view> flag_names() { return kFlagNames; }
std::span<const std::string_view> category_names() { return kCategoryNames; }

uint32_t category_of(std::string_view name) {
  for (size_t i = 0; i < std::size(kCategoryNames); ++i) {
    if (is_word(name, kCategoryNames[i])) return 1u << i;
  }
  return 0;
}

std::string full_name(uint16_t id) {
  const Command* container = container_of(id);
  const std::string name(command_at(id).name);
  return container == nullptr ? name : std::string(container->name) + "|" + name;
}

uint16_t find_full_name(std::string_view name) {
  const size_t bar = name.find('|');
  const uint16_t command = find_command(name.substr(0, bar));
  if (bar == name.npos || command == kNoCommand) return command;
  return find_subcommand(command, name.substr(bar + 1));
}

bool takes(const Command& command, uint32_t words) {
  return command.arity >= 0 ? words == static_cast<uint32_t>(command.arity)
                            : words >= static_cast<uint32_t>(-command.arity);
}

}  // namespace goromdb::redis

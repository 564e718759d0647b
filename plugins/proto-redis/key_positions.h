// SPDX-License-Identifier: MIT
// Which words of a command line are keys: what COMMAND GETKEYS tells. The rows' key specifications
// say it for most commands; a few, whose keys an option names, are looked at one by one. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "commands.h"

namespace goromdb::redis {

struct KeyUse {
  size_t word;             // its place in the line
  std::string_view flags;  // what happens to it: "RW access update"
};

bool has_keys(const Command& command);

// The keys in `words`, which begin with the command's name and have a number that it takes; empty
// where redis finds its arguments invalid.
std::vector<KeyUse> keys_of(const Command& command, std::span<const std::string_view> words);

}  // namespace goromdb::redis

// SPDX-License-Identifier: MIT
// How the rows of the table of commands are written down: a Row is a Command put together by
// chained calls, so that a line of rows_GROUP.cc says no more than what is particular to its
// command. Everything here is evaluated by the compiler.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "commands.h"

namespace goromdb::redis {

// The categories that follow from the flags, as redis adds them.
constexpr uint32_t implied_categories(uint32_t flags) {
  uint32_t categories = (flags & kFast) != 0 ? kCatFast : kCatSlow;
  if ((flags & kWrite) != 0) categories |= kCatWrite;
  if ((flags & kReadOnly) != 0) categories |= kCatRead;
  if ((flags & kAdmin) != 0) categories |= kCatAdmin | kCatDangerous;
  if ((flags & kPubSub) != 0) categories |= kCatPubSub;
  if ((flags & kBlocking) != 0) categories |= kCatBlocking;
  return categories;
}

struct Row : Command {
  // `extra`: the categories that the flags do not imply.
  constexpr Row(std::string_view command, int16_t count, uint32_t bits, uint32_t extra) {
    name = command;
    arity = count;
    flags = bits;
    categories = extra | implied_categories(bits);
  }

  constexpr Row keys(int16_t first, int16_t last, int16_t step,
                     std::span<const KeySpec> specs = {}) const {
    Row row = *this;
    row.Command::keys = {first, last, step};
    row.key_specs = specs;
    return row;
  }
  constexpr Row docs(std::string_view since_version, std::string_view cost,
                     std::string_view what = {}) const {
    Row row = *this;
    row.since = since_version;
    row.complexity = cost;
    row.summary = what;
    return row;
  }
  constexpr Row takes(std::span<const Argument> described) const {
    Row row = *this;
    row.arguments = described;
    return row;
  }
  constexpr Row tips(std::string_view words) const {
    Row row = *this;
    row.Command::tips = words;
    return row;
  }
  constexpr Row deprecated(std::string_view since_version, std::string_view by) const {
    Row row = *this;
    row.deprecated_since = since_version;
    row.replaced_by = by;
    return row;
  }
  constexpr Row contains(std::span<const Command> rows) const {
    Row row = *this;
    row.subcommands = rows;
    return row;
  }

  // What this server does with the command.
  constexpr Row runs(Read to_read, Write to_write, uint32_t how = 0) const {
    Row row = *this;
    row.read = to_read;
    row.write = to_write;
    row.way = how;
    return row;
  }
  constexpr Row tells(std::string_view sections, Write to_write, uint32_t how = 0) const {
    Row row = runs(nullptr, to_write, how);
    row.facts = sections;
    return row;
  }
  constexpr Row misses(std::string_view resp2, std::string_view resp3 = {}) const {
    Row row = *this;
    row.missing = resp2;
    row.missing3 = resp3;
    return row;
  }
};

// The groups' rows, each in its rows_GROUP.cc.
std::span<const Command> bitmap_rows();
std::span<const Command> cluster_rows();
std::span<const Command> connection_rows();
std::span<const Command> generic_rows();
std::span<const Command> geo_rows();
std::span<const Command> hash_rows();
std::span<const Command> hyperloglog_rows();
std::span<const Command> list_rows();
std::span<const Command> pubsub_rows();
std::span<const Command> server_rows();
std::span<const Command> set_rows();
std::span<const Command> sorted_set_rows();
std::span<const Command> stream_rows();
std::span<const Command> string_rows();
std::span<const Command> transactions_rows();

}  // namespace goromdb::redis

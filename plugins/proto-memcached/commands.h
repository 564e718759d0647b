// SPDX-License-Identifier: MIT
// The commands of the text protocol as one table: the parser looks them up here, and the README's
// table of commands is made of the same rows. Constant data; any thread.
#pragma once

#include <goromdb/plugin.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace goromdb::memcached {

// How the words after a command's name are read.
enum class Shape : uint8_t {
  kKeys,         // key...
  kExptimeKeys,  // exptime key...
  kTouch,        // key exptime [noreply]
  kStore,        // key flags exptime length [noreply], then a data block
  kStoreCas,     // key flags exptime length cas [noreply], then a data block
  kMetaStore,    // key length flag..., then a data block
  kMetaWrite,    // key flag...
  kDelete,       // key [0] [noreply]
  kArithmetic,   // key delta [noreply]
  kVersion,      // anything
  kVerbosity,    // level [noreply]
  kSection,      // one or two words that pick a row of `sections`
  kFixed,        // anything; always the same reply
  kClose,        // anything; closes without a word
};

// What an answer to keys looks like; travels in the request's tag[0].
enum class Verb : uint64_t { kGet, kGets, kGat, kGats, kTouch };

constexpr bool wants_cas(Verb verb) { return verb == Verb::kGets || verb == Verb::kGats; }
constexpr bool touches(Verb verb) { return verb >= Verb::kGat; }

// The words that a kSection command knows, and the request they make. An empty `first` stands for
// no word at all, an empty `second` for any.
struct Section {
  std::string_view first, second;
  uint32_t op;
  std::string_view arg;  // the reply; for GOROMDB_OP_STATS the core's name of the section
};

struct Command {
  std::string_view name;
  Shape shape = Shape::kFixed;
  bool noreply = false;  // a last word `noreply` silences it
  Verb verb = Verb::kGet;
  uint32_t op = GOROMDB_OP_LOCAL;
  std::string_view reply{};  // kSection: when no section fits
  std::span<const Section> sections{};
  std::string_view syntax, answer;  // for people
};

// Every known command; the row of all others comes last and has an empty name.
std::span<const Command> commands();

// The row of `name`, or the last row.
const Command& find_command(std::string_view name);

// The first section that fits the two words, or nullptr.
const Section* find_section(std::span<const Section> sections, std::string_view first,
                            std::string_view second);

}  // namespace goromdb::memcached

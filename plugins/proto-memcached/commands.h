// SPDX-License-Identifier: MIT
// The commands of the text, the meta and the binary protocol as one table: the parsers look them up
// here, a request carries its row to its reply and to the counters of `stats`, and the README's
// table is made of the same rows. Constant data; any thread.
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
  kRange,        // first last without_first without_last most
  kMetaGet,      // key flag...
  kMetaDebug,    // key [b]
  kStore,        // key flags exptime length [noreply], then a data block
  kStoreCas,     // key flags exptime length cas [noreply], then a data block
  kMetaStore,    // key length flag..., then a data block
  kMetaWrite,    // key flag...
  kDelete,       // key [0] [noreply]
  kArithmetic,   // key delta [noreply]
  kVersion,      // anything
  kVerbosity,    // level [noreply]
  kSection,      // one or two words that pick a row of `sections`
  kCrawler,      // a word that picks a row of `sections`, and which classes
  kFixed,        // anything; always the same reply
  kClose,        // anything; closes without a word
};

// What an answer to keys looks like.
// kAdd: of a write that needs to know whether its key is there.
enum class Verb : uint8_t { kGet, kGets, kTouch, kMetaGet, kMetaDebug, kAdd };

// Which of memcached's counters the keys of a command count for, beside cmd_get. kMaybeTouch: a
// touch where the flags say so.
enum class Counter : uint8_t { kNone, kTouch, kMaybeTouch, kMeta };

// What a packet of the binary protocol holds behind its header.
enum class Body : uint8_t {
  kEmpty,
  kKey,
  kTimeAndKey,  // extras: exptime
  kStore,       // extras: flags, exptime; key; value
  kConcat,      // key, value
  kArithmetic,  // extras: delta, initial value, exptime; key
  kFlush,       // extras: a delay, or none
  kLevel,       // extras: verbosity
  kSection,     // a key, or none: the words of `sections`
  kSasl,        // key, value
  kAny
};

// Statuses of the binary protocol.
enum class Status : uint16_t {
  kOk = 0,
  kNotFound = 0x01,
  kExists = 0x02,
  kInvalid = 0x04,
  kNotStored = 0x05,
  kUnknown = 0x81,
  kInternal = 0x84,
  kTemporary = 0x86
};

// An opcode of the binary protocol that does what a command does.
struct Packet {
  uint8_t opcode;
  std::string_view name;
  bool quiet =
      false;  // a read: a miss says nothing; others: no reply at all (SETQ and its kin are told)
  bool with_key = false;  // the answer repeats the key
};

// The words that a kSection or kCrawler command knows, and the request they make. An empty `first`
// stands for no word at all, an empty `second` for any.
struct Section {
  std::string_view first, second;
  uint32_t op;
  std::string_view arg;         // the reply; for GOROMDB_OP_STATS the core's name of the section
  std::string_view packet{};    // binary, of GOROMDB_OP_LOCAL: the only statistic, `NAME VALUE`
  Status status = Status::kOk;  // binary
};

struct Command {
  std::string_view name;  // one with a blank in it is known to the binary protocol only
  Shape shape = Shape::kFixed;
  bool noreply = false;  // a last word `noreply` silences it
  Verb verb = Verb::kGet;
  Counter counter = Counter::kNone;
  uint32_t op = GOROMDB_OP_LOCAL;
  std::string_view reply{};  // kSection: when no section fits
  std::span<const Section> sections{};
  Body body = Body::kAny;
  Status status = Status::kUnknown;  // of the packets' answer, unless they are looked up
  std::span<const Packet> packets{};
  std::string_view syntax, answer;  // for people
};

// Every known command; the row of all others comes last and has an empty name.
std::span<const Command> commands();
extern const Command& kGetCommand;  // the first of them

// The row of `name`, or the last row.
const Command& find_command(std::string_view name);

// A request carries its row in tag[0].
inline uint64_t tag_of(const Command& command) { return reinterpret_cast<uintptr_t>(&command); }
inline const Command& command_of(const goromdb_request& request) {
  return *reinterpret_cast<const Command*>(static_cast<uintptr_t>(request.tag[0]));
}

struct Opcode {
  const Command& command;  // the last row where it is not known
  bool quiet, with_key;
};
Opcode find_opcode(uint8_t opcode);

// The first section that fits the two words, or nullptr.
const Section* find_section(std::span<const Section> sections, std::string_view first,
                            std::string_view second);

}  // namespace goromdb::memcached

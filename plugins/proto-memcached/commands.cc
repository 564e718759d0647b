// SPDX-License-Identifier: MIT
// The rows of the table of commands. Reads come first: the look-up is a walk from the top.
#include "commands.h"

#include <algorithm>
#include <array>

#include "texts.h"

namespace goromdb::memcached {

namespace {

constexpr uint32_t kLocal = GOROMDB_OP_LOCAL;

constexpr Section kStats[] = {
    {"", "", GOROMDB_OP_STATS, ""},
    {"settings", "", GOROMDB_OP_STATS, "settings"},
    {"conns", "", GOROMDB_OP_STATS, "connections"},
    {"items", "", kLocal, text::kEnd},
    {"slabs", "", kLocal, text::kEnd},
    {"sizes", "", kLocal, text::kSizesDisabled, "sizes_status disabled"},
    {"reset", "", GOROMDB_OP_STATS_RESET, text::kReset},
    {"cachedump", "", kLocal, text::kCachedumpNotAllowed, "", Status::kNotFound},
    {"detail", "on", kLocal, text::kOk},
    {"detail", "off", kLocal, text::kOk},
    {"detail", "dump", kLocal, text::kEnd, "detailed END\r\n"},
    {"detail", "", kLocal, text::kDetailUsage, "", Status::kNotFound},
};
constexpr Section kLruCrawler[] = {
    {"metadump", "", GOROMDB_OP_WALK, text::kMetadumpNotAllowed},
    {"mgdump", "", GOROMDB_OP_WALK, text::kKeyDumpNotAllowed},
};

constexpr Packet kGetPackets[] = {
    {0x00, "GET"}, {0x09, "GETQ", true}, {0x0c, "GETK", false, true}, {0x0d, "GETKQ", true, true}};
constexpr Packet kGatPackets[] = {
    {0x1d, "GAT"}, {0x1e, "GATQ", true}, {0x23, "GATK", false, true}, {0x24, "GATKQ", true, true}};
constexpr Packet kTouchPackets[] = {{0x1c, "TOUCH"}};
constexpr Packet kNoopPackets[] = {{0x0a, "NOOP"}};
constexpr Packet kVersionPackets[] = {{0x0b, "VERSION"}};
constexpr Packet kSetPackets[] = {{0x01, "SET"}, {0x11, "SETQ"}};
constexpr Packet kAddPackets[] = {{0x02, "ADD"}, {0x12, "ADDQ"}};
constexpr Packet kReplacePackets[] = {{0x03, "REPLACE"}, {0x13, "REPLACEQ"}};
constexpr Packet kAppendPackets[] = {{0x0e, "APPEND"}, {0x19, "APPENDQ"}};
constexpr Packet kPrependPackets[] = {{0x0f, "PREPEND"}, {0x1a, "PREPENDQ"}};
constexpr Packet kDeletePackets[] = {{0x04, "DELETE"}, {0x14, "DELETEQ", true}};
constexpr Packet kIncrPackets[] = {{0x05, "INCREMENT"}, {0x15, "INCREMENTQ", true}};
constexpr Packet kDecrPackets[] = {{0x06, "DECREMENT"}, {0x16, "DECREMENTQ", true}};
constexpr Packet kFlushPackets[] = {{0x08, "FLUSH"}, {0x18, "FLUSHQ", true}};
constexpr Packet kStatPackets[] = {{0x10, "STAT"}};
constexpr Packet kVerbosityPackets[] = {{0x1b, "VERBOSITY"}};
constexpr Packet kQuitPackets[] = {{0x07, "QUIT"}, {0x17, "QUITQ", true}};
constexpr Packet kSaslListPackets[] = {{0x20, "SASL_LIST_MECHS"}};
constexpr Packet kSaslPackets[] = {{0x21, "SASL_AUTH"}, {0x22, "SASL_STEP"}};

constexpr Command keys(std::string_view name, Shape shape, Verb verb, Counter counter,
                       std::string_view syntax, std::string_view answer) {
  return {.name = name,
          .shape = shape,
          .verb = verb,
          .counter = counter,
          .op = GOROMDB_OP_GET,
          .syntax = syntax,
          .answer = answer};
}
constexpr Command write(std::string_view name, Shape shape, std::string_view syntax,
                        std::string_view answer, std::string_view reply = text::kReadOnly) {
  return {.name = name,
          .shape = shape,
          .noreply = true,
          .op = GOROMDB_OP_REFUSED,
          .reply = reply,
          .status = Status::kNotStored,
          .syntax = syntax,
          .answer = answer};
}
constexpr Command meta_write(std::string_view name, Shape shape, std::string_view syntax,
                             std::string_view answer) {
  return {.name = name,
          .shape = shape,
          .op = GOROMDB_OP_REFUSED,
          .reply = text::kReadOnly,
          .syntax = syntax,
          .answer = answer};
}
constexpr Command fixed(std::string_view name, bool noreply, std::string_view reply,
                        std::string_view syntax, std::string_view answer) {
  return {.name = name, .noreply = noreply, .reply = reply, .syntax = syntax, .answer = answer};
}
constexpr Command closing(std::string_view name, std::string_view syntax, std::string_view answer) {
  return {.name = name,
          .shape = Shape::kClose,
          .op = GOROMDB_OP_CLOSE,
          .syntax = syntax,
          .answer = answer};
}
// Whether the key is there may matter to its answer.
constexpr Command adding(Command command) {
  command.verb = Verb::kAdd;
  return command;
}
// The same command as packets of the binary protocol.
constexpr Command with(Command command, Body body, std::span<const Packet> packets) {
  command.body = body;
  command.packets = packets;
  return command;
}
constexpr Command with(Command command, Body body, std::span<const Packet> packets, Status status) {
  command.status = status;
  return with(command, body, packets);
}

constexpr std::string_view kRefusal = "`CLIENT_ERROR read-only server`";
constexpr std::string_view kStoreRefusal =
    "`CLIENT_ERROR read-only server` after the data block; see `write_reply`";
constexpr std::string_view kMetaRefusal = "`CLIENT_ERROR read-only server`, also with the flag `q`";

constexpr auto kCommands = std::to_array<Command>({
    with(keys("get", Shape::kKeys, Verb::kGet, Counter::kNone, "get <key>*",
              "`VALUE <key> <flags> <length>` and the data for each hit, in the order asked for; "
              "`END`"),
         Body::kKey, kGetPackets),
    keys("gets", Shape::kKeys, Verb::kGets, Counter::kNone, "gets <key>*",
         "as `get`, with ` <cas>` after the length: a hash of the value, 1 to 9223372036854775807"),
    keys("mg", Shape::kMetaGet, Verb::kMetaGet, Counter::kMaybeTouch, "mg <key> <flag>*",
         "`HD`, or with `v` `VA <length>` and the data, with the flags asked for; `EN`; see below"),
    with(keys("gat", Shape::kExptimeKeys, Verb::kGet, Counter::kTouch, "gat <exptime> <key>*",
              "as `get`: nothing expires"),
         Body::kTimeAndKey, kGatPackets),
    keys("gats", Shape::kExptimeKeys, Verb::kGets, Counter::kTouch, "gats <exptime> <key>*",
         "as `gets`"),
    with({.name = "touch",
          .shape = Shape::kTouch,
          .noreply = true,
          .verb = Verb::kTouch,
          .counter = Counter::kTouch,
          .op = GOROMDB_OP_GET,
          .reply = text::kReadOnly,
          .syntax = "touch <key> <exptime> [noreply]",
          .answer = "`TOUCHED` or `NOT_FOUND`; see `touch`"},
         Body::kTimeAndKey, kTouchPackets, Status::kNotStored),
    keys("me", Shape::kMetaDebug, Verb::kMetaDebug, Counter::kMeta, "me <key> [b]",
         "`ME <key> exp=-1 la=0 cas=<cas> fetch=no cls=1 size=<bytes of key and value>`; `EN`"),
    {.name = "rget",
     .shape = Shape::kRange,
     .op = GOROMDB_OP_WALK,
     .syntax = "rget <first> <last> <without first> <without last> <most>",
     .answer = "MemcacheDB's: as `get`, the keys between the two, in order; at most `max_range`"},
    with({.name = "mn", .reply = text::kMetaNoop, .syntax = "mn", .answer = "`MN`"}, Body::kEmpty,
         kNoopPackets, Status::kOk),
    with({.name = "version",
          .shape = Shape::kVersion,
          .syntax = "version",
          .answer = "`VERSION 1.6.45-goromdb-X.Y.Z`"},
         Body::kEmpty, kVersionPackets, Status::kOk),
    with(write("set", Shape::kStore, "set <key> <flags> <exptime> <length> [noreply]",
               kStoreRefusal),
         Body::kStore, kSetPackets),
    with(adding(write("add", Shape::kStore, "add <key> <flags> <exptime> <length> [noreply]",
                      kStoreRefusal)),
         Body::kStore, kAddPackets),
    with(write("replace", Shape::kStore, "replace <key> <flags> <exptime> <length> [noreply]",
               kStoreRefusal),
         Body::kStore, kReplacePackets),
    with(write("append", Shape::kStore, "append <key> <flags> <exptime> <length> [noreply]",
               kStoreRefusal),
         Body::kConcat, kAppendPackets),
    with(write("prepend", Shape::kStore, "prepend <key> <flags> <exptime> <length> [noreply]",
               kStoreRefusal),
         Body::kConcat, kPrependPackets),
    write("cas", Shape::kStoreCas, "cas <key> <flags> <exptime> <length> <cas> [noreply]",
          kStoreRefusal),
    adding(meta_write("ms", Shape::kMetaStore, "ms <key> <length> <flag>*",
                      "`CLIENT_ERROR read-only server` after the data block, also with the flag "
                      "`q`; see `write_reply`")),
    meta_write("md", Shape::kMetaWrite, "md <key> <flag>*", kMetaRefusal),
    meta_write("ma", Shape::kMetaWrite, "ma <key> <flag>*", kMetaRefusal),
    with(write("delete", Shape::kDelete, "delete <key> [0] [noreply]", kRefusal), Body::kKey,
         kDeletePackets),
    with(write("incr", Shape::kArithmetic, "incr <key> <delta> [noreply]", kRefusal),
         Body::kArithmetic, kIncrPackets),
    with(write("decr", Shape::kArithmetic, "decr <key> <delta> [noreply]", kRefusal),
         Body::kArithmetic, kDecrPackets),
    with(write("flush_all", Shape::kFixed, "flush_all [<delay>] [noreply]",
               "`CLIENT_ERROR flush_all not allowed`", text::kFlushNotAllowed),
         Body::kFlush, kFlushPackets),
    with({.name = "stats",
          .shape = Shape::kSection,
          .reply = text::kError,
          .sections = kStats,
          .syntax = "stats [<section>]",
          .answer =
              "none, `settings`, `conns`: `STAT <name> <value>` lines and `END`; `items`, `slabs`: "
              "`END`; `sizes`: `STAT sizes_status disabled`, `END`; `reset`: `RESET`; `detail "
              "on`, `detail off`: `OK`; `detail dump`: `END`; `cachedump`: `CLIENT_ERROR stats "
              "cachedump not allowed`; "
              "others: `ERROR`"},
         Body::kSection, kStatPackets, Status::kNotFound),
    with({.name = "verbosity",
          .shape = Shape::kVerbosity,
          .noreply = true,
          .reply = text::kOk,
          .syntax = "verbosity <level> [noreply]",
          .answer = "`OK`; changes nothing"},
         Body::kLevel, kVerbosityPackets, Status::kOk),
    with(closing("quit", "quit", "closes"), Body::kEmpty, kQuitPackets, Status::kOk),
    {.name = "lru_crawler",
     .shape = Shape::kCrawler,
     .noreply = true,
     .reply = text::kError,
     .sections = kLruCrawler,
     .syntax = "lru_crawler <subcommand>",
     .answer = "`metadump all`: `ERROR metadump not allowed`; `mgdump all`: `ERROR key dump not "
               "allowed`; see `dump`; others: `ERROR`"},
    fixed("watch", false, text::kWatchNotAllowed, "watch ...",
          "`CLIENT_ERROR watch commands not allowed`"),
    fixed("shutdown", true, text::kShutdownNotEnabled, "shutdown ...",
          "`ERROR: shutdown not enabled`"),
    fixed("cache_memlimit", true, text::kError, "cache_memlimit ...", "`ERROR`"),
    fixed("slabs", true, text::kError, "slabs ...", "`ERROR`"),
    fixed("lru", true, text::kError, "lru ...", "`ERROR`"),
    fixed("extstore", true, text::kError, "extstore ...", "`ERROR`"),
    closing("POST", "POST ...", "closes: HTTP on the wrong port"),
    closing("Host:", "Host: ...", "closes: HTTP on the wrong port"),
    with({.name = "list mechanisms", .syntax = "", .answer = "as an unknown opcode: no SASL"},
         Body::kEmpty, kSaslListPackets),
    with({.name = "log in", .syntax = "", .answer = "as an unknown opcode: no SASL"}, Body::kSasl,
         kSaslPackets),
    fixed("", true, text::kError, "anything else",
          "`ERROR`; closes without a word if the last word begins with `HTTP/`"),
});

struct OpcodeRow {
  uint8_t row;
  bool quiet, with_key;
};
constexpr auto kOpcodes = [] {
  std::array<OpcodeRow, 256> rows{};
  rows.fill({kCommands.size() - 1, false, false});
  for (uint8_t row = 0; row < kCommands.size(); ++row) {
    for (const Packet& each : kCommands[row].packets) {
      rows[each.opcode] = {row, each.quiet, each.with_key};
    }
  }
  return rows;
}();

}  // namespace

constinit const Command& kGetCommand = kCommands.front();

std::span<const Command> commands() { return kCommands; }

const Command& find_command(std::string_view name) {
  return *std::find_if(kCommands.begin(), kCommands.end() - 1,
                       [name](const Command& c) { return c.name == name; });
}

Opcode find_opcode(uint8_t opcode) {
  const OpcodeRow& row = kOpcodes[opcode];
  return {kCommands[row.row], row.quiet, row.with_key};
}

const Section* find_section(std::span<const Section> sections, std::string_view first,
                            std::string_view second) {
  auto found = std::ranges::find_if(sections, [&](const Section& s) {
    return s.first == first && (s.second.empty() || s.second == second);
  });
  return found == sections.end() ? nullptr : &*found;
}

}  // namespace goromdb::memcached

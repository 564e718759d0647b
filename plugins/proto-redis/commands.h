// SPDX-License-Identifier: MIT
// The commands as one table: a row a command or subcommand. Parsing, arity errors, key positions,
// COMMAND's replies and the README's table are made of these rows. Constant data; any thread.
//
// A command goes two ways. Its `read` turns the arguments into one request, while the batch is
// parsed; a row without one makes a request without keys: GOROMDB_OP_STATS for `facts` if it names
// any, else GOROMDB_OP_LOCAL. Its `write` words the answer, when its turn has come: it sees the
// request, the answer, and with Reply::args() the arguments once more. What a command changes in
// the connection's state it changes in `write`, and its row has kEndsBatch: so the commands behind
// it are parsed when it has happened, and the replies before it are worded as they should be.
#pragma once

#include <goromdb/sdk.hpp>

#include <cstdint>
#include <span>
#include <string_view>

#include "args.h"

namespace goromdb::redis {

struct Call;   // call.h: a command while it is being parsed
struct Reply;  // reply.h: a command while it is being answered

using Read = void (*)(Call&);
// GOROMDB_OK; GOROMDB_AGAIN: the next slice of a walk; a failure closes the connection.
using Write = goromdb_status (*)(Reply&);

// Flags of a command, named as `COMMAND INFO` names them.
enum Flag : uint32_t {
  kWrite = 1u << 0,
  kReadOnly = 1u << 1,
  kDenyOom = 1u << 2,
  kModule = 1u << 3,
  kAdmin = 1u << 4,
  kPubSub = 1u << 5,
  kNoScript = 1u << 6,
  kBlocking = 1u << 7,
  kLoading = 1u << 8,  // answered before there is a data set
  kStale = 1u << 9,
  kSkipMonitor = 1u << 10,
  kSkipSlowLog = 1u << 11,
  kAsking = 1u << 12,
  kFast = 1u << 13,
  kNoAuth = 1u << 14,  // answered before AUTH
  kMayReplicate = 1u << 15,
  kNoAsyncLoading = 1u << 16,
  kNoMulti = 1u << 17,
  kMovableKeys = 1u << 18,
  kAllowBusy = 1u << 19,
  kNoMandatoryKeys = 1u << 20,
  kProtected = 1u << 21,
  kSentinel = 1u << 22,
  kOnlySentinel = 1u << 23,
  kTouchesArbitraryKeys = 1u << 24,
};

// ACL categories, in redis's order.
enum Category : uint32_t {
  kCatKeyspace = 1u << 0,
  kCatRead = 1u << 1,
  kCatWrite = 1u << 2,
  kCatSet = 1u << 3,
  kCatSortedSet = 1u << 4,
  kCatList = 1u << 5,
  kCatHash = 1u << 6,
  kCatString = 1u << 7,
  kCatBitmap = 1u << 8,
  kCatHyperLogLog = 1u << 9,
  kCatGeo = 1u << 10,
  kCatStream = 1u << 11,
  kCatPubSub = 1u << 12,
  kCatAdmin = 1u << 13,
  kCatFast = 1u << 14,
  kCatSlow = 1u << 15,
  kCatBlocking = 1u << 16,
  kCatDangerous = 1u << 17,
  kCatConnection = 1u << 18,
  kCatTransaction = 1u << 19,
  kCatScripting = 1u << 20,
};

// What this server does with a command beyond what redis's flags say.
enum Way : uint32_t {
  kEndsBatch = 1u << 0,      // changes the state, or may walk for long: see above
  kRunsQueue = 1u << 1,      // EXEC: after the replies to what came before it
  kInMulti = 1u << 2,        // runs at once inside MULTI instead of being queued
  kSubscribed = 1u << 3,     // allowed to a RESP2 connection that has subscriptions
  kAllKeys = 1u << 4,        // every argument is a key of the selected database
  kAlwaysReplies = 1u << 5,  // settles itself what CLIENT REPLY OFF and SKIP silence
};

// Positions of keys, the command's name being 0; a last one below 0 counts from the end.
struct KeyRange {
  int16_t first = 0, last = 0, step = 0;
};

// `COMMAND INFO`'s key specification.
struct KeySpec {
  std::string_view flags;  // separated by spaces: "RO access"
  // begin_search
  int16_t index = 0;           // type index, or
  std::string_view keyword{};  // type keyword, looked for from start_from
  int16_t start_from = 0;
  bool begin_unknown = false;
  // find_keys: a range, or a number of keys
  int16_t last_key = 0, key_step = 1, limit = 0;
  bool keynum = false;
  int16_t keynum_index = 0, keynum_first = 0, keynum_step = 0;
  bool find_unknown = false;
  std::string_view notes{};
};

// An argument as `COMMAND DOCS` describes it.
struct Argument {
  std::string_view name;
  std::string_view
      type;  // "string", "integer", "key", "pattern", "oneof", "block", "pure-token"...
  std::string_view token{};
  std::string_view flags{};               // separated by spaces: "optional multiple"
  int8_t key_spec = -1;                   // of a key
  std::span<const Argument> arguments{};  // of "oneof" and "block"
  std::string_view since{};
};

struct Command {
  std::string_view name;  // in lower case; a subcommand's without its container's
  int16_t arity = 0;      // arguments, all names among them; below 0: at least as many
  uint32_t flags = 0;     // Flag
  KeyRange keys{};
  uint32_t categories = 0;  // Category
  std::string_view since{}, complexity{}, summary{};
  std::string_view tips{};  // separated by spaces
  std::span<const KeySpec> key_specs{};
  std::span<const Argument> arguments{};
  std::string_view deprecated_since{}, replaced_by{};
  std::span<const Command> subcommands{};

  uint32_t way = 0;          // Way
  std::string_view facts{};  // sections, joined with '+', that write() wants in answer.pairs
  // Of a read of a type that there is none of here: the reply for a key that is not there, in
  // RESP2 and, where it differs, in RESP3.
  std::string_view missing{}, missing3{};
  Read read = nullptr;
  Write write = nullptr;
};

// The commands of a group, sorted by name. Each group has a file, rows_GROUP.cc.
struct Group {
  std::string_view name;  // as COMMAND DOCS says it: "string", "sorted-set", ...
  std::span<const Command> commands;
};
std::span<const Group> groups();

// The number of a row, subcommands included, and back. Below 65,535.
inline constexpr uint16_t kNoCommand = UINT16_MAX;
const Command& command_at(uint16_t id);
uint16_t id_of(const Command& command);  // one of the table's rows
std::string_view group_of(uint16_t id);
// The container of a subcommand; nullptr for a command.
const Command* container_of(uint16_t id);

// The command of this name in any case; kNoCommand.
uint16_t find_command(std::string_view name);
// The subcommand of a container; kNoCommand.
uint16_t find_subcommand(uint16_t container, std::string_view name);

}  // namespace goromdb::redis

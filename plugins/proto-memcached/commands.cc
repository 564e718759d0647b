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
    {"sizes", "", kLocal, text::kSizesDisabled},
    {"reset", "", GOROMDB_OP_STATS_RESET, text::kReset},
    {"cachedump", "", kLocal, text::kCachedumpNotAllowed},
    {"detail", "on", kLocal, text::kOk},
    {"detail", "off", kLocal, text::kOk},
    {"detail", "dump", kLocal, text::kEnd},
    {"detail", "", kLocal, text::kDetailUsage},
};
constexpr Section kLruCrawler[] = {
    {"metadump", "", kLocal, text::kMetadumpNotAllowed},
    {"mgdump", "", kLocal, text::kKeyDumpNotAllowed},
};

constexpr Command keys(std::string_view name, Shape shape, Verb verb, std::string_view syntax,
                       std::string_view answer) {
  return {.name = name,
          .shape = shape,
          .verb = verb,
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
          .syntax = syntax,
          .answer = answer};
}
constexpr Command meta(std::string_view name, Shape shape, std::string_view syntax,
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

constexpr std::string_view kRefusal = "`CLIENT_ERROR read-only server`";
constexpr std::string_view kStoreRefusal =
    "`CLIENT_ERROR read-only server` after the data block; see `write_reply`";

constexpr auto kCommands = std::to_array<Command>({
    keys("get", Shape::kKeys, Verb::kGet, "get <key>*",
         "`VALUE <key> <flags> <length>` and the data for each hit, in the order asked for; `END`"),
    keys("gets", Shape::kKeys, Verb::kGets, "gets <key>*",
         "as `get`, with ` <cas>` after the length: a hash of the value, never 0"),
    keys("gat", Shape::kExptimeKeys, Verb::kGat, "gat <exptime> <key>*",
         "as `get`: nothing expires"),
    keys("gats", Shape::kExptimeKeys, Verb::kGats, "gats <exptime> <key>*", "as `gets`"),
    {.name = "touch",
     .shape = Shape::kTouch,
     .noreply = true,
     .verb = Verb::kTouch,
     .op = GOROMDB_OP_GET,
     .reply = text::kReadOnly,
     .syntax = "touch <key> <exptime> [noreply]",
     .answer = "`TOUCHED` or `NOT_FOUND`; see `touch`"},
    {.name = "version",
     .shape = Shape::kVersion,
     .syntax = "version",
     .answer = "`VERSION 1.6.45-goromdb-X.Y.Z`"},
    write("set", Shape::kStore, "set <key> <flags> <exptime> <length> [noreply]", kStoreRefusal),
    write("add", Shape::kStore, "add <key> <flags> <exptime> <length> [noreply]", kStoreRefusal),
    write("replace", Shape::kStore, "replace <key> <flags> <exptime> <length> [noreply]",
          kStoreRefusal),
    write("append", Shape::kStore, "append <key> <flags> <exptime> <length> [noreply]",
          kStoreRefusal),
    write("prepend", Shape::kStore, "prepend <key> <flags> <exptime> <length> [noreply]",
          kStoreRefusal),
    write("cas", Shape::kStoreCas, "cas <key> <flags> <exptime> <length> <cas> [noreply]",
          kStoreRefusal),
    meta("ms", Shape::kMetaStore, "ms <key> <length> <flag>*",
         "`CLIENT_ERROR read-only server` after the data block, also with the flag `q`"),
    meta("md", Shape::kMetaWrite, "md <key> <flag>*",
         "`CLIENT_ERROR read-only server`, also with the flag `q`"),
    meta("ma", Shape::kMetaWrite, "ma <key> <flag>*",
         "`CLIENT_ERROR read-only server`, also with the flag `q`"),
    write("delete", Shape::kDelete, "delete <key> [0] [noreply]", kRefusal),
    write("incr", Shape::kArithmetic, "incr <key> <delta> [noreply]", kRefusal),
    write("decr", Shape::kArithmetic, "decr <key> <delta> [noreply]", kRefusal),
    write("flush_all", Shape::kFixed, "flush_all [<delay>] [noreply]",
          "`CLIENT_ERROR flush_all not allowed`", text::kFlushNotAllowed),
    {.name = "stats",
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
    {.name = "verbosity",
     .shape = Shape::kVerbosity,
     .noreply = true,
     .reply = text::kOk,
     .syntax = "verbosity <level> [noreply]",
     .answer = "`OK`; changes nothing"},
    closing("quit", "quit", "closes"),
    {.name = "lru_crawler",
     .shape = Shape::kSection,
     .noreply = true,
     .reply = text::kError,
     .sections = kLruCrawler,
     .syntax = "lru_crawler <subcommand>",
     .answer = "`metadump`: `ERROR metadump not allowed`; `mgdump`: `ERROR key dump not allowed`; "
               "others: `ERROR`"},
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
    fixed("", true, text::kError, "anything else",
          "`ERROR`; closes without a word if the last word begins with `HTTP/`"),
});

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command& find_command(std::string_view name) {
  return *std::find_if(kCommands.begin(), kCommands.end() - 1,
                       [name](const Command& c) { return c.name == name; });
}

const Section* find_section(std::span<const Section> sections, std::string_view first,
                            std::string_view second) {
  auto found = std::ranges::find_if(sections, [&](const Section& s) {
    return s.first == first && (s.second.empty() || s.second == second);
  });
  return found == sections.end() ? nullptr : &*found;
}

}  // namespace goromdb::memcached

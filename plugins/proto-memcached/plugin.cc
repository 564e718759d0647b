// SPDX-License-Identifier: MIT
// The memcached protocols as a goromdb plugin: its options, and which half of it does what.
#include <goromdb/sdk.hpp>

#include <array>

#include "binary.h"
#include "commands.h"
#include "dump.h"
#include "meta.h"
#include "parser.h"
#include "range.h"
#include "replies.h"
#include "stats.h"
#include "texts.h"

namespace goromdb::memcached {

namespace {

constexpr goromdb_option option(int32_t type, const char* name, const char* def, const char* help,
                                const char* choices, int64_t min, int64_t max) {
  return {sizeof(goromdb_option), type, name, def, help, choices, min, max};
}

// Clients take the server for a memcached of this version; the part after the hyphen is for people.
constexpr std::string_view kMemcachedVersion = "1.6.45-goromdb-";

class Protocol {
 public:
  using Conn = memcached::Conn;

  static constexpr const char* kName = "memcached";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kLicense = "MIT";
  static constexpr const char* kDoc = "the memcached protocols (text, meta, binary), for reading";
  static constexpr auto kOptions = std::to_array<goromdb_option>({
      option(GOROMDB_OPT_SIZE, "max_line", "1MiB",
             "longest line of a get, gets, gat or gats; a longer one closes the connection",
             nullptr, kMaxCommandLine, 64 << 20),
      option(GOROMDB_OPT_INT, "max_keys", "16384",
             "most keys in one request; more close the connection", nullptr, 1, 1 << 20),
      option(GOROMDB_OPT_INT, "max_range", "100", "most entries that one rget may ask for", nullptr,
             1, 65535),
      option(GOROMDB_OPT_SIZE, "max_refused_value", "64MiB",
             "largest data block of a refused write that is skipped; a larger one closes the "
             "connection",
             nullptr, 0, kMaxDeclaredLength),
      option(GOROMDB_OPT_ENUM, "touch", "answer",
             "touch: answer whether the key is there, or refuse it as a write", "answer|refuse", 0,
             0),
      option(GOROMDB_OPT_ENUM, "write_reply", "refuse",
             "set, add, replace, append, prepend, cas, ms: refuse with an error, or say NOT_STORED "
             "(cas: NOT_FOUND), which makes no client drop its connection; an add of a key that is "
             "not there is refused",
             "refuse|not_stored", 0, 0),
      option(GOROMDB_OPT_BOOL, "dump", "false",
             "let lru_crawler metadump and mgdump list every key, as a client may ask for all of "
             "them",
             nullptr, 0, 0),
      option(
          GOROMDB_OPT_STRING, "database_separator", nullptr,
          "a key that begins with the name of one of the listener's databases and this is looked "
          "for there, such as / for words/hoge; unset: every key in the first database",
          nullptr, 0, 0),
      option(GOROMDB_OPT_STRING, "namespace_separator", nullptr,
             "what stands before this in a key is the namespace where the rest is looked for, such "
             "as : for users:anna; unset: no key names a namespace",
             nullptr, 0, 0),
  });

  Protocol(Host host, const Options& options)
      : host_(host),
        cmd_touch_(host.counter(kCmdTouch, "keys of touch, gat and gats")),
        touch_hits_(host.counter(kTouchHits, "keys of touch, gat and gats that were there")),
        touch_misses_(
            host.counter(kTouchMisses, "keys of touch, gat and gats that were not there")),
        cmd_meta_(host.counter(kCmdMeta, "keys of me")) {
    settings_.max_line = static_cast<size_t>(options.num("max_line"));
    settings_.max_keys = static_cast<uint32_t>(options.num("max_keys"));
    settings_.max_range = static_cast<uint32_t>(options.num("max_range"));
    settings_.max_refused_value = static_cast<uint64_t>(options.num("max_refused_value"));
    settings_.refuse_touch = options.str("touch") == "refuse";
    settings_.not_stored = options.str("write_reply") == "not_stored";
    settings_.dump = options.flag("dump");
    settings_.prefixes =
        Prefixes(options.str("database_separator"), options.str("namespace_separator"));
    settings_.version.append(kMemcachedVersion).append(host.core_version());
    settings_.version_line.append("VERSION ").append(settings_.version).append("\r\n");
  }

  goromdb_status parse(Conn& conn, goromdb_parse& io) const noexcept {
    return memcached::parse(settings_, conn, io);
  }

  goromdb_status reply(Conn& conn, const goromdb_request& request, const goromdb_answer& answer,
                       Writer& out) const noexcept {
    if (request.op == GOROMDB_OP_GET) {
      conn.binary ? reply_packet(request, answer, out) : reply_line(request, answer, out);
    } else if (request.op == GOROMDB_OP_WALK) {
      if (command_of(request).shape == Shape::kCrawler) {
        return write_dump(conn, request, answer, out);
      }
      write_range(request, answer, out);
    } else if (request.op == GOROMDB_OP_STATS) {
      write_stats(request, conn.binary, settings_.version, answer, out);
    } else if (conn.binary) {
      write_packet(request, out);
    } else if (request.arg.len > 0) {
      out.put(view(request.arg));
    }
    return GOROMDB_OK;
  }

  void conn_end(Conn& conn) const noexcept { delete[] conn.decoded; }

  void turn_away(uint32_t reason, Writer& out) const noexcept {
    if (reason == GOROMDB_TURNED_AWAY_FULL) out.put(text::kTooManyConnections);
  }

 private:
  void reply_line(const goromdb_request& request, const goromdb_answer& answer,
                  Writer& out) const noexcept {
    const Command& command = command_of(request);
    const std::string_view error = find_error(answer);
    if (error.empty() && command.counter != Counter::kNone) count(command, request, answer);
    const bool lists = command.verb == Verb::kGet || command.verb == Verb::kGets;
    if (lists && error.empty()) return write_values(answer, command.verb == Verb::kGets, out);
    const bool silent = command.verb == Verb::kTouch && request.tag[1] != 0;  // noreply
    if (silent) return;
    if (!error.empty()) return out.put(error);
    if (command.verb == Verb::kMetaGet) return write_meta_get(request, answer, out);
    if (command.verb == Verb::kMetaDebug) return write_meta_debug(request, answer, out);
    const bool hit = answer.n > 0 && answer.values[0].status == GOROMDB_OK;
    if (command.verb == Verb::kAdd) return out.put(hit ? view(request.arg) : command.reply);
    out.put(hit ? text::kTouched : text::kNotFound);
  }

  void reply_packet(const goromdb_request& request, const goromdb_answer& answer,
                    Writer& out) const noexcept {
    const Command& command = command_of(request);
    if (command.counter != Counter::kNone && find_status(answer) == Status::kOk) {
      count(command, request, answer);
    }
    write_found(request, answer, out);
  }

  void count(const Command& command, const goromdb_request& request,
             const goromdb_answer& answer) const {
    if (command.counter == Counter::kMeta) return host_.add(cmd_meta_, answer.loop, answer.n);
    if (command.counter == Counter::kMaybeTouch && !meta_touches(request)) return;
    int64_t hits = 0;
    for (uint32_t i = 0; i < answer.n; ++i) hits += answer.values[i].status == GOROMDB_OK;
    host_.add(cmd_touch_, answer.loop, answer.n);
    host_.add(touch_hits_, answer.loop, hits);
    host_.add(touch_misses_, answer.loop, answer.n - hits);
  }

  Host host_;
  uint32_t cmd_touch_, touch_hits_, touch_misses_, cmd_meta_;
  Settings settings_{};
};

}  // namespace

}  // namespace goromdb::memcached

GOROMDB_PROTOCOL_PLUGIN(goromdb::memcached::Protocol)

// SPDX-License-Identifier: MIT
// The redis protocol as a goromdb plugin: its options, and what every command's answer goes
// through.
#include <goromdb/sdk.hpp>

#include <array>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include "announce.h"
#include "commands.h"
#include "connection.h"
#include "parser.h"
#include "refusal.h"
#include "replies.h"
#include "slowlog.h"

namespace goromdb::redis {

namespace {

constexpr goromdb_option option(int32_t type, const char* name, const char* def, const char* help,
                                const char* choices, int64_t min, int64_t max) {
  return {sizeof(goromdb_option), type, name, def, help, choices, min, max};
}

// Where the words of a silenced command go.
class Nowhere {
 public:
  Nowhere() : bytes_(512) {
    tagged_.self = this;
    tagged_.out.grow = [](goromdb_out* out, size_t need) -> int32_t {
      return of(out)->make_room(need);
    };
    tagged_.out.value = [](goromdb_out*, const goromdb_value*) {};
    make_room(0);
  }
  Nowhere(const Nowhere&) = delete;
  Nowhere& operator=(const Nowhere&) = delete;

  goromdb_out* out() { return &tagged_.out; }

 private:
  struct Tagged {
    goromdb_out out{};
    Nowhere* self = nullptr;
  };
  static Nowhere* of(goromdb_out* out) { return reinterpret_cast<Tagged*>(out)->self; }
  int32_t make_room(size_t need) {
    if (bytes_.size() < need) bytes_.resize(need);
    tagged_.out.cur = bytes_.data();
    tagged_.out.end = bytes_.data() + bytes_.size();
    return 0;
  }

  Tagged tagged_{};
  std::vector<uint8_t> bytes_;
};

class Protocol {
 public:
  using Conn = redis::Conn;

  static constexpr const char* kName = "redis";
  static constexpr const char* kVersion = "0.1.0";
  static constexpr const char* kLicense = "MIT";
  static constexpr const char* kDoc = "the redis protocol, RESP2 and RESP3, for reading";
  static constexpr auto kOptions = std::to_array<goromdb_option>({
      option(GOROMDB_OPT_STRING, "password", nullptr,
             "what clients have to send with AUTH or HELLO; unset: nothing", nullptr, 0, 0),
      option(GOROMDB_OPT_ENUM, "write_error", "readonly",
             "what a write is told: READONLY as by a replica, which some clients try again, or "
             "NOPERM, which none does",
             "readonly|noperm", 0, 0),
      option(GOROMDB_OPT_ENUM, "role", "master",
             "what INFO, ROLE and HELLO say; proxies look for master", "master|replica", 0, 0),
      option(GOROMDB_OPT_INT, "max_arguments", "1048576",
             "most arguments of a command; more close the connection", nullptr, 1, INT32_MAX),
      option(GOROMDB_OPT_INT, "max_keys", "65536",
             "most arguments of a command that looks up keys, and most keys of a transaction",
             nullptr, 1, 1 << 20),
      option(GOROMDB_OPT_SIZE, "max_bulk", "1MiB",
             "longest argument of a command that is answered; those of refused ones are skipped "
             "whatever their length",
             nullptr, 64, 32 << 20),
      option(GOROMDB_OPT_SIZE, "max_request", "32MiB", "most bytes of a command that is answered",
             nullptr, 1024, 60 << 20),
      option(GOROMDB_OPT_SIZE, "proto_max_bulk", "512MiB",
             "longest argument of any command; a longer one closes the connection", nullptr, 64,
             int64_t{1} << 40),
      option(GOROMDB_OPT_INT, "max_unknown_lines", "0",
             "close a connection at so many inline commands that are none, as another protocol's "
             "data would be; 0: never",
             nullptr, 0, 1 << 30),
      option(GOROMDB_OPT_SIZE, "max_inline", "64KiB",
             "longest line; a longer one closes the connection", nullptr, 64, 1 << 20),
      option(GOROMDB_OPT_SIZE, "max_transaction", "1MiB",
             "most bytes between MULTI and EXEC; there may be 1024 commands", nullptr, 64,
             32 << 20),
      option(GOROMDB_OPT_SIZE, "max_keys_reply", "64MiB",
             "largest reply to KEYS, which is collected before it is sent", nullptr, 1024,
             int64_t{1} << 40),
      option(GOROMDB_OPT_DURATION, "slowlog_slower_than", "10ms",
             "look-ups that take as long as this are kept for SLOWLOG, the latest 128 of them; 0: "
             "all",
             nullptr, 0, 3600 * 1000),
  });

  Protocol(Host host, const Options& options)
      : server_{host, settings_of(options), slow_log_, find_command("get")} {}

  goromdb_status parse(Conn& conn, goromdb_parse& io) const noexcept {
    try {
      return redis::parse(server_, conn, io);
    } catch (const std::exception&) {
      return GOROMDB_E_NO_MEMORY;
    }
  }

  goromdb_status reply(Conn& conn, const goromdb_request& request, const goromdb_answer& answer,
                       Writer& writer) const noexcept {
    try {
      const Tag tag = Tag::of(request);
      if (is_silent(conn, tag)) {
        Nowhere nowhere;
        Writer silenced(nowhere.out());
        return write(conn, request, answer, tag, silenced);
      }
      return write(conn, request, answer, tag, writer);
    } catch (const std::exception&) {
      return GOROMDB_E_NO_MEMORY;
    }
  }

  void turn_away(uint32_t reason, Writer& out) const noexcept {
    if (reason == GOROMDB_TURNED_AWAY_FULL) out.put("-ERR max number of clients reached\r\n");
  }

  void announce(Conn& conn, const goromdb_event& event, Writer& writer) const noexcept {
    if (event.kind != GOROMDB_EVENT_ADOPTED) return;
    try {
      Resp out(writer, conn.three);
      announce_invalidation(conn, out);
      announce_generation(conn, event, out);
    } catch (const std::exception&) {
      // Without memory nothing can be said, and nothing is half said.
    }
  }

  void conn_end(Conn& conn) const noexcept {
    delete conn.session;
    conn.session = nullptr;
  }

 private:
  static Settings settings_of(const Options& options) {
    Settings settings;
    settings.password = options.str("password");
    if (options.str("write_error") == "noperm") {
      settings.refusal = "NOPERM this server is read-only";
    }
    settings.role = options.str("role") == "replica" ? "replica" : "master";
    settings.max_arguments = options.num("max_arguments");
    settings.max_keys = static_cast<uint32_t>(options.num("max_keys"));
    settings.max_bulk = static_cast<uint64_t>(options.num("max_bulk"));
    settings.max_request = static_cast<size_t>(options.num("max_request"));
    settings.proto_max_bulk = static_cast<uint64_t>(options.num("proto_max_bulk"));
    settings.max_unknown_lines = static_cast<uint32_t>(options.num("max_unknown_lines"));
    settings.max_inline = static_cast<size_t>(options.num("max_inline"));
    settings.max_transaction = static_cast<size_t>(options.num("max_transaction"));
    settings.max_keys_reply = static_cast<size_t>(options.num("max_keys_reply"));
    settings.slowlog_slower_than_us = options.num("slowlog_slower_than") * 1000;
    return settings;
  }

  // CLIENT REPLY OFF and SKIP.
  static bool is_silent(const Conn& conn, const Tag& tag) {
    if (!(conn.modes & (Conn::kReplyOff | Conn::kReplySkip))) return false;
    return tag.command == kNoCommand || !(command_at(tag.command).way & kAlwaysReplies) ||
           tag.verdict != Verdict::kRead;
  }

  goromdb_status write(Conn& conn, const goromdb_request& request, const goromdb_answer& answer,
                       const Tag& tag, Writer& writer) const {
    Resp out(writer, conn.three);
    Reply reply{server_, conn, request, answer, out, tag};
    // In later slices of a walk the input is gone.
    const Args args = conn.walking ? Args() : reply.args();
    const goromdb_status status = word(reply);
    note_slowness(reply, args);
    if (status == GOROMDB_AGAIN) {
      return writer.status() == GOROMDB_OK ? status : writer.status();
    }
    finish(reply);
    return status == GOROMDB_OK ? writer.status() : status;
  }

  static goromdb_status word(Reply& reply) {
    const Tag& tag = reply.tag;
    // A watched generation has gone: EXEC has said so, its commands do not happen.
    if ((tag.bits & Tag::kInExec) && reply.conn.session->exec_void) return GOROMDB_OK;
    if (tag.command == kNoCommand && tag.verdict == Verdict::kRead) return write_last_word(reply);
    if (tag.verdict != Verdict::kRead && tag.verdict != Verdict::kQueued) {
      return write_refusal(reply), GOROMDB_OK;
    }
    const Command& command = reply.command();
    const bool ready = reply.answer.generation != 0 || (command.flags & kLoading);
    if (!ready) {
      if (tag.verdict == Verdict::kQueued) reply.conn.session->abort = true;
      return reply.out.error(kLoadingError), GOROMDB_OK;
    }
    if (tag.bits & Tag::kError) return reply.out.error(view(reply.request.arg)), GOROMDB_OK;
    if (tag.verdict == Verdict::kQueued || command.write == nullptr) {
      return write_refusal(reply), GOROMDB_OK;
    }
    return command.write(reply);
  }

  // What a connection is told that is closed: an error, or nothing.
  static goromdb_status write_last_word(Reply& reply) {
    if (reply.tag.bits & Tag::kError) reply.out.error(view(reply.request.arg));
    return GOROMDB_OK;
  }

  // Behind the last word of a command.
  void finish(const Reply& reply) const {
    Conn& conn = reply.conn;
    const Tag& tag = reply.tag;
    const bool in_exec = (tag.bits & Tag::kInExec) != 0;
    if ((conn.modes & Conn::kTracking) && tag.verdict == Verdict::kRead &&
        tag.command != kNoCommand) {
      note_read(conn, reply.command(), in_exec);
    }
    if (tag.bits & Tag::kLastOfExec) end_transaction(conn);
    if (conn.session != nullptr && !conn.session->line.empty()) conn.session->line = {};
    if ((conn.modes & (Conn::kReplySkip | Conn::kReplySkipNext)) && !in_exec) {
      const bool skip = (conn.modes & Conn::kReplySkipNext) != 0;
      conn.modes &= static_cast<uint16_t>(~(Conn::kReplySkip | Conn::kReplySkipNext));
      if (skip) conn.modes |= Conn::kReplySkip;
    }
  }

  // What the look-ups of a batch took is told once, with the first of its requests that has any.
  void note_slowness(const Reply& reply, Args args) const {
    const goromdb_request& request = reply.request;
    const bool first =
        request.op == GOROMDB_OP_WALK || (request.op == GOROMDB_OP_GET && request.first_key == 0);
    const auto elapsed = static_cast<int64_t>(reply.answer.elapsed_us);
    if (!first || elapsed < server_.settings.slowlog_slower_than_us ||
        reply.tag.command == kNoCommand) {
      return;
    }
    log_slowness(reply, args, elapsed);
  }
  void log_slowness(const Reply& reply, Args args, int64_t elapsed) const {
    const Session* session = reply.conn.session;
    slow_log_.add({.time_s = std::time(nullptr),
                   .elapsed_us = elapsed,
                   .arguments = slow_arguments(reply.tag.command, args),
                   .connection = reply.conn.number,
                   .client = session != nullptr ? session->name : std::string()});
  }

  mutable SlowLog slow_log_{};  // has a lock of its own
  Server server_;
};

}  // namespace

}  // namespace goromdb::redis

GOROMDB_PROTOCOL_PLUGIN(goromdb::redis::Protocol)

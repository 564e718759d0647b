// SPDX-License-Identifier: MIT
// CLIENT's subcommands, but for LIST and INFO (client_facts.h) and TRACKING (tracking.cc).
#include <string>

#include "connection.h"
#include "numbers.h"
#include "replies.h"
#include "server_commands.h"

namespace goromdb::redis {

namespace {

// ON or OFF; SYNTAX otherwise.
goromdb_status switch_mode(Reply& reply, Conn::Mode mode) {
  const std::string_view word = reply.args().next();
  if (is_word(word, "on")) {
    reply.conn.modes |= mode;
  } else if (is_word(word, "off")) {
    reply.conn.modes &= static_cast<uint16_t>(~mode);
  } else {
    reply.out.error(kSyntaxError);
    return GOROMDB_OK;
  }
  label(reply.server, reply.conn);
  reply.out.ok();
  return GOROMDB_OK;
}

}  // namespace

goromdb_status write_client_id(Reply& reply) {
  reply.out.integer(static_cast<int64_t>(reply.conn.number));
  return GOROMDB_OK;
}

goromdb_status write_client_getname(Reply& reply) {
  const Session* session = reply.conn.session;
  if (session != nullptr && !session->name.empty()) {
    reply.out.bulk(session->name);
  } else {
    reply.out.null();
  }
  return GOROMDB_OK;
}

goromdb_status write_client_setname(Reply& reply) {
  const std::string_view name = reply.args().next();
  if (!is_client_name(name)) {
    reply.out.error("ERR Client names cannot contain spaces, newlines or special characters.");
    return GOROMDB_OK;
  }
  session_of(reply.conn).name = name;
  label(reply.server, reply.conn);
  reply.out.ok();
  return GOROMDB_OK;
}

goromdb_status write_client_setinfo(Reply& reply) {
  Args args = reply.args();
  const std::string_view option = args.next(), value = args.next();
  const bool is_name = is_word(option, "lib-name");
  if (!is_name && !is_word(option, "lib-ver")) {
    reply.out.error(one_line("ERR Unrecognized option '" + std::string(option) + "'"));
  } else if (!is_client_name(value)) {
    reply.out.error(one_line("ERR " + std::string(option) +
                             " cannot contain spaces, newlines or special characters."));
  } else {
    Session& session = session_of(reply.conn);
    (is_name ? session.lib_name : session.lib_version) = value;
    label(reply.server, reply.conn);
    reply.out.ok();
  }
  return GOROMDB_OK;
}

goromdb_status write_client_reply(Reply& reply) {
  Conn& conn = reply.conn;
  const std::string_view word = reply.args().next();
  if (is_word(word, "on")) {
    conn.modes &= static_cast<uint16_t>(~(Conn::kReplyOff | Conn::kReplySkip));
    reply.out.ok();
  } else if (is_word(word, "off")) {
    conn.modes |= Conn::kReplyOff;
  } else if (is_word(word, "skip")) {
    if (!(conn.modes & Conn::kReplyOff)) conn.modes |= Conn::kReplySkipNext;
  } else if (!(conn.modes & (Conn::kReplyOff | Conn::kReplySkip))) {
    reply.out.error(kSyntaxError);
  }
  return GOROMDB_OK;
}

goromdb_status write_client_no_evict(Reply& reply) { return switch_mode(reply, Conn::kNoEvict); }
goromdb_status write_client_no_touch(Reply& reply) { return switch_mode(reply, Conn::kNoTouch); }

goromdb_status write_client_kill(Reply& reply) {
  reply.out.error("NOPERM this server's clients cannot end others");
  return GOROMDB_OK;
}
goromdb_status write_client_pause(Reply& reply) {
  reply.out.error("NOPERM this server's clients cannot hold up others");
  return GOROMDB_OK;
}
goromdb_status write_client_unpause(Reply& reply) { return write_client_pause(reply); }

// Nobody ever waits for a key here.
goromdb_status write_client_unblock(Reply& reply) {
  Args args = reply.args();
  const bool is_number = integer(args.next()).has_value();
  const std::string_view reason = args.next();
  if (!reason.empty() && !is_word(reason, "timeout") && !is_word(reason, "error")) {
    reply.out.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  } else if (!is_number) {
    reply.out.error(kNotAnInteger);
  } else {
    reply.out.integer(0);
  }
  return GOROMDB_OK;
}

}  // namespace goromdb::redis

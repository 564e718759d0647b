// SPDX-License-Identifier: MIT
// MULTI and what ends it. The parser queues commands and makes EXEC a batch of: a check for each
// watched database, the head of the reply, the commands. All of it is answered from the same
// generations, so that a transaction sees each database as it is at one time.
#include <algorithm>

#include "connection.h"
#include "replies.h"

namespace goromdb::redis {

void end_transaction(Conn& conn) {
  conn.modes &= static_cast<uint16_t>(~Conn::kMulti);
  if (conn.session == nullptr) return;
  Session& session = *conn.session;
  session.queue = {};
  session.queued = session.queued_keys = 0;
  session.abort = session.exec_void = false;
  session.watched.clear();
}

goromdb_status write_multi(Reply& reply) {
  Conn& conn = reply.conn;
  if (conn.modes & Conn::kMulti) {
    reply.out.error("ERR MULTI calls can not be nested");
    return GOROMDB_OK;
  }
  session_of(conn);
  conn.modes |= Conn::kMulti;
  reply.out.ok();
  return GOROMDB_OK;
}

goromdb_status write_discard(Reply& reply) {
  if (!(reply.conn.modes & Conn::kMulti)) {
    reply.out.error("ERR DISCARD without MULTI");
    return GOROMDB_OK;
  }
  end_transaction(reply.conn);
  reply.out.ok();
  return GOROMDB_OK;
}

// Data changes by a swap alone, and then all of it may have: what is watched is the generation of
// the selected database, whichever the keys are.
goromdb_status write_watch(Reply& reply) {
  Conn& conn = reply.conn;
  if (conn.modes & Conn::kMulti) {
    reply.out.error("ERR WATCH inside MULTI is not allowed");
    return GOROMDB_OK;
  }
  const uint32_t database = reply.request.database;
  auto& watched = session_of(conn).watched;
  const bool known = std::ranges::any_of(
      watched, [database](const Session::Watch& watch) { return watch.database == database; });
  if (!known) watched.push_back({database, reply.answer.generation});
  reply.out.ok();
  return GOROMDB_OK;
}

goromdb_status write_unwatch(Reply& reply) {
  // Inside a transaction it is too late: EXEC has compared already.
  if (reply.conn.session != nullptr && !(reply.tag.bits & Tag::kInExec)) {
    reply.conn.session->watched.clear();
  }
  reply.out.ok();
  return GOROMDB_OK;
}

goromdb_status write_exec(Reply& reply) {
  Conn& conn = reply.conn;
  if (!(conn.modes & Conn::kMulti)) {
    reply.out.error("ERR EXEC without MULTI");
    return GOROMDB_OK;
  }
  Session& session = *conn.session;
  if (reply.tag.bits & Tag::kWatchCheck) {
    const uint64_t then = session.watched[reply.request.count].generation;
    if (then != reply.answer.generation) session.exec_void = true;
    return GOROMDB_OK;
  }
  if (session.abort) {
    end_transaction(conn);
    reply.out.error("EXECABORT Transaction discarded because of previous errors.");
    return GOROMDB_OK;
  }
  if (session.exec_void) {
    conn.database = session.database_before;
    reply.out.null_array();
  } else {
    reply.out.array(session.queued);
  }
  if (session.queued == 0) end_transaction(conn);
  return GOROMDB_OK;
}

}  // namespace goromdb::redis

// SPDX-License-Identifier: MIT
// What connections are told unasked when a new generation has come. On the connection's loop.
#pragma once

#include "commands.h"
#include "conn.h"
#include "resp.h"

namespace goromdb::redis {

// CLIENT TRACKING: `command` has been answered on a connection that tracks.
void note_read(Conn& conn, const Command& command, bool in_exec);

// CLIENT TRACKING in RESP3: everything that is cached may be old.
void announce_invalidation(Conn& conn, Resp& out);

// Subscriptions to the channels that ever say something: see pubsub.cc.
void announce_generation(Conn& conn, const goromdb_event& event, Resp& out);

}  // namespace goromdb::redis

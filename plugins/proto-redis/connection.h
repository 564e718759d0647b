// SPDX-License-Identifier: MIT
// Changes of a connection's state that several commands make. On the connection's loop.
#pragma once

#include "conn.h"
#include "reply.h"
#include "server.h"

namespace goromdb::redis {

// MULTI is over: its commands and what was watched are forgotten.
void end_transaction(Conn& conn);

// Subscriptions and tracking are over.
void end_subscriptions(Conn& conn);
void end_tracking(Conn& conn);

// Tells the core what CLIENT LIST says of the connection, after a change of it.
void label(const Server& server, Conn& conn);

// Whether a name for CLIENT SETNAME and HELLO has no space, line end or other special byte in it.
bool is_client_name(std::string_view name);

}  // namespace goromdb::redis

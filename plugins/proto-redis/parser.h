// SPDX-License-Identifier: MIT
// Bytes to requests: multibulk and inline commands, streaming. Pure: no sockets, nothing shared but
// constant settings; every split of a connection's bytes over calls gives the same requests. What
// is refused is skipped as it comes and never kept. Runs on the connection's loop.
#pragma once

#include <goromdb/plugin.h>

#include "conn.h"
#include "server.h"

namespace goromdb::redis {

// As goromdb_protocol_ops.parse. May throw std::bad_alloc; the connection is to be closed then.
goromdb_status parse(const Server& server, Conn& conn, goromdb_parse& io);

}  // namespace goromdb::redis

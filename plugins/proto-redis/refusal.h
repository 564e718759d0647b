// SPDX-License-Identifier: MIT
// Commands that are not run: which, and in what words.
#pragma once

#include <string_view>

#include "conn.h"
#include "reply.h"

namespace goromdb::redis {

// What is to become of the command `id` (kNoCommand: unknown) with `args` arguments, its names
// among them. In redis's order of precedence.
Verdict judge(const Server& server, const Conn& conn, uint16_t id, uint32_t args);

// Words the refusal of reply.tag.command.
void write_refusal(Reply& reply);

// The error for an unknown command, put together in Session::words: up to 128 bytes of its name and
// of its arguments, each in quotes and up to its first NUL. An argument may come in pieces.
void quote_name(Session& session, std::string_view name);
void begin_quote(Session& session);
void quote(Session& session, std::string_view piece);
void end_quote(Session& session);
// The same for a subcommand that the container `id` does not have.
void quote_subcommand(Session& session, std::string_view container, std::string_view name);

}  // namespace goromdb::redis

// SPDX-License-Identifier: MIT
// COMMAND and the HELP of every container, made of the table's rows. Constant data; any thread.
#pragma once

#include "reply.h"

namespace goromdb::redis {

// The rows COMMAND, COUNT, INFO, DOCS, LIST, GETKEYS and GETKEYSANDFLAGS.
goromdb_status write_command(Reply& reply);
goromdb_status write_command_count(Reply& reply);
goromdb_status write_command_info(Reply& reply);
goromdb_status write_command_docs(Reply& reply);
goromdb_status write_command_list(Reply& reply);
goromdb_status write_command_keys(Reply& reply);
goromdb_status write_command_keys_and_flags(Reply& reply);

// HELP of a container: its subcommands, each with what it takes and what it is for.
goromdb_status write_help(Reply& reply);

}  // namespace goromdb::redis

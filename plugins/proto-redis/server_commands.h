// SPDX-License-Identifier: MIT
// The rows of the commands about the server that tell no facts: what a redis without replicas,
// modules, a cluster or a file of users says, and what is not allowed here. Wordings that clients
// may look for are redis' own. Also what these rows share with those of info.h, config_get.h,
// client_facts.h and slowlog.h.
#pragma once

#include <string>
#include <string_view>

#include "call.h"
#include "reply.h"

namespace goromdb::redis {

// What a command is told that would change the server.
inline constexpr std::string_view kNotAllowed = "NOPERM this server is read-only";

// An error's text that repeats what a client sent: its line ends become spaces.
std::string one_line(std::string text);

// Hexadecimal digits from the system's source of randomness.
std::string random_digits(size_t count);

// What redis says when a subcommand that does without a fixed arity has wrong arguments.
goromdb_status write_wrong_subcommand_arguments(Reply& reply, std::string_view subcommand);

// BGSAVE, MONITOR, CONFIG SET's kin: kNotAllowed.
goromdb_status write_not_allowed(Reply& reply);

goromdb_status write_acl_cat(Reply& reply);
goromdb_status write_acl_dryrun(Reply& reply);
goromdb_status write_acl_genpass(Reply& reply);
goromdb_status write_acl_getuser(Reply& reply);
goromdb_status write_acl_list(Reply& reply);
goromdb_status write_acl_log(Reply& reply);
goromdb_status write_acl_no_file(Reply& reply);  // LOAD, SAVE
goromdb_status write_acl_users(Reply& reply);
goromdb_status write_acl_whoami(Reply& reply);
goromdb_status write_debug(Reply& reply);
goromdb_status write_failover(Reply& reply);
goromdb_status write_lastsave(Reply& reply);  // of the general facts
goromdb_status write_latency_doctor(Reply& reply);
goromdb_status write_latency_graph(Reply& reply);
goromdb_status write_latency_histogram(Reply& reply);
goromdb_status write_latency_reset(Reply& reply);
goromdb_status write_lolwut(Reply& reply);
goromdb_status write_memory_doctor(Reply& reply);
goromdb_status write_memory_malloc_stats(Reply& reply);
goromdb_status write_memory_stats(Reply& reply);  // of the facts `memory+databases`
goromdb_status write_module_not_allowed(Reply& reply);
goromdb_status write_no_elements(Reply& reply);  // an empty array: LATENCY LATEST, MODULE LIST, ...
goromdb_status write_role(Reply& reply);
goromdb_status write_time(Reply& reply);
goromdb_status write_wait(Reply& reply);

}  // namespace goromdb::redis

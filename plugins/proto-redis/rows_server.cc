// SPDX-License-Identifier: MIT
// The rows of the commands about the server.
#include "arguments.h"
#include "command_docs.h"
#include "config_get.h"
#include "info.h"
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"
#include "server_commands.h"
#include "slowlog.h"

namespace goromdb::redis {

namespace {

constexpr Command kAcl[] = {
    Row("cat", -2, kNoScript | kLoading | kStale, 0)
        .docs("6.0.0", "O(N), N commands", "The categories of commands, or the commands of one")
        .takes(kAclCatArguments)
        .runs(nullptr, write_acl_cat),
    Row("deluser", -3, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("6.0.0", "O(1)", "Removes users; not allowed here")
        .runs(nullptr, write_not_allowed),
    Row("dryrun", -4, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("7.0.0", "O(1)", "Whether a user might run a command")
        .takes(kAclDryrunArguments)
        .runs(nullptr, write_acl_dryrun),
    Row("genpass", -2, kNoScript | kLoading | kStale, 0)
        .docs("6.0.0", "O(1)", "Random hexadecimal digits, good for a password")
        .takes(kAclGenpassArguments)
        .runs(nullptr, write_acl_genpass),
    Row("getuser", 3, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("6.0.0", "O(1)", "What a user may do")
        .takes(kAclGetuserArguments)
        .runs(nullptr, write_acl_getuser),
    Row("help", 2, kLoading | kStale, 0)
        .docs("6.0.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("list", 2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("6.0.0", "O(1)", "All users as lines of rules")
        .runs(nullptr, write_acl_list),
    Row("load", 2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("6.0.0", "O(1)", "Reads the file of users again; there is none here")
        .runs(nullptr, write_acl_no_file),
    Row("log", -2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("6.0.0", "O(1)", "Refusals that were noted; none are here")
        .takes(kAclLogArguments)
        .runs(nullptr, write_acl_log),
    Row("save", 2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("6.0.0", "O(1)", "Writes the file of users; there is none here")
        .runs(nullptr, write_acl_no_file),
    Row("setuser", -3, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("6.0.0", "O(1)", "Makes or changes a user; not allowed here")
        .runs(nullptr, write_not_allowed),
    Row("users", 2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("6.0.0", "O(1)", "The users' names")
        .runs(nullptr, write_acl_users),
    Row("whoami", 2, kNoScript | kLoading | kStale, 0)
        .docs("6.0.0", "O(1)", "Which user the connection is")
        .runs(nullptr, write_acl_whoami),
};

constexpr Command kCommand[] = {
    Row("count", 2, kLoading | kStale, kCatConnection)
        .docs("2.8.13", "O(1)", "How many commands there are")
        .runs(nullptr, write_command_count),
    Row("docs", -2, kLoading | kStale, kCatConnection)
        .docs("7.0.0", "O(N), N commands asked for", "Documentation of commands")
        .takes(kCommandDocsArguments)
        .tips("nondeterministic_output_order")
        .runs(nullptr, write_command_docs, kEndsBatch),
    Row("getkeys", -4, kLoading | kStale, kCatConnection)
        .docs("2.8.13", "O(N), N arguments", "Which arguments of a command line are keys")
        .runs(nullptr, write_command_keys),
    Row("getkeysandflags", -4, kLoading | kStale, kCatConnection)
        .docs("7.0.0", "O(N), N arguments",
              "Which arguments of a command line are keys, and what happens to them")
        .runs(nullptr, write_command_keys_and_flags),
    Row("help", 2, kLoading | kStale, kCatConnection)
        .docs("5.0.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("info", -2, kLoading | kStale, kCatConnection)
        .docs("2.8.13", "O(N), N commands asked for", "Arity, flags and key positions of commands")
        .takes(kCommandInfoArguments)
        .tips("nondeterministic_output_order")
        .runs(nullptr, write_command_info, kEndsBatch),
    Row("list", -2, kLoading | kStale, kCatConnection)
        .docs("7.0.0", "O(N), N commands", "The commands' names")
        .takes(kCommandListArguments)
        .tips("nondeterministic_output_order")
        .runs(nullptr, write_command_list),
};

constexpr Command kConfig[] = {
    Row("get", -3, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("2.0.0", "O(N), N parameters", "Parameters whose names match")
        .takes(kConfigGetArguments)
        .tells(kConfigFacts, write_config_get),
    Row("help", 2, kLoading | kStale, 0)
        .docs("5.0.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("resetstat", 2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("2.0.0", "O(1)", "Sets the counters to zero")
        .runs(read_config_resetstat, write_ok),
    Row("rewrite", 2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("2.8.0", "O(1)", "Writes the configuration file; not allowed here")
        .runs(nullptr, write_config_rewrite),
    Row("set", -4, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("2.0.0", "O(1)", "Changes parameters; not allowed here")
        .tips("request_policy:all_nodes response_policy:all_succeeded")
        .runs(nullptr, write_config_set),
};

constexpr Command kLatency[] = {
    Row("doctor", 2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("2.8.13", "O(1)", "Advice about slow events")
        .tips("nondeterministic_output request_policy:all_nodes response_policy:special")
        .runs(nullptr, write_latency_doctor),
    Row("graph", 3, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("2.8.13", "O(1)", "Draws an event's latencies")
        .takes(kLatencyGraphArguments)
        .tips("nondeterministic_output request_policy:all_nodes response_policy:special")
        .runs(nullptr, write_latency_graph),
    Row("help", 2, kLoading | kStale, 0)
        .docs("2.8.13", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("histogram", -2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("7.0.0", "O(N), N commands",
              "How long commands took, in powers of two; not counted here")
        .takes(kLatencyHistogramArguments)
        .tips("nondeterministic_output request_policy:all_nodes response_policy:special")
        .runs(nullptr, write_latency_histogram),
    Row("history", 3, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("2.8.13", "O(1)", "An event's latencies over time")
        .takes(kLatencyHistoryArguments)
        .tips("nondeterministic_output request_policy:all_nodes response_policy:special")
        .runs(nullptr, write_no_elements),
    Row("latest", 2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("2.8.13", "O(1)", "Each event's latest latency")
        .tips("nondeterministic_output request_policy:all_nodes response_policy:special")
        .runs(nullptr, write_no_elements),
    Row("reset", -2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("2.8.13", "O(1)", "Forgets latencies")
        .takes(kLatencyResetArguments)
        .tips("request_policy:all_nodes response_policy:all_succeeded")
        .runs(nullptr, write_latency_reset),
};

constexpr Command kMemory[] = {
    Row("doctor", 2, 0, 0)
        .docs("4.0.0", "O(1)", "Advice about memory")
        .tips("nondeterministic_output request_policy:all_shards response_policy:special")
        .runs(nullptr, write_memory_doctor),
    Row("help", 2, kLoading | kStale, 0)
        .docs("4.0.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("malloc-stats", 2, 0, 0)
        .docs("4.0.0", "O(1)", "What the allocator says of itself; nothing here")
        .tips("nondeterministic_output request_policy:all_shards response_policy:special")
        .runs(nullptr, write_memory_malloc_stats),
    Row("purge", 2, 0, 0)
        .docs("4.0.0", "O(1)", "Accepted; there is nothing to give back")
        .tips("request_policy:all_shards response_policy:all_succeeded")
        .runs(nullptr, write_ok),
    Row("stats", 2, 0, 0)
        .docs("4.0.0", "O(N), N databases", "Where memory goes")
        .tips("nondeterministic_output request_policy:all_shards response_policy:special")
        .tells("memory+databases", write_memory_stats),
    Row("usage", -3, kReadOnly, 0)
        .keys(2, 2, 1, kSpec20)
        .docs("4.0.0", "O(1)", "About how many bytes a key and its value take")
        .takes(kMemoryUsageArguments)
        .runs(read_memory_usage, write_memory_usage),
};

constexpr Command kModule[] = {
    Row("help", 2, kLoading | kStale, 0)
        .docs("5.0.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("list", 2, kAdmin | kNoScript, 0)
        .docs("4.0.0", "O(1)", "The modules; there are none")
        .tips("nondeterministic_output_order")
        .runs(nullptr, write_no_elements),
    Row("load", -3, kAdmin | kNoScript | kNoAsyncLoading, 0)
        .docs("4.0.0", "O(1)", "Loads a module; not allowed here")
        .runs(nullptr, write_module_not_allowed),
    Row("loadex", -3, kAdmin | kNoScript | kNoAsyncLoading, 0)
        .docs("7.0.0", "O(1)", "Loads a module with settings; not allowed here")
        .runs(nullptr, write_module_not_allowed),
    Row("unload", 3, kAdmin | kNoScript | kNoAsyncLoading, 0)
        .docs("4.0.0", "O(1)", "Unloads a module; not allowed here")
        .runs(nullptr, write_module_not_allowed),
};

constexpr Command kSlowlog[] = {
    Row("get", -2, kAdmin | kLoading | kStale, 0)
        .docs("2.2.12", "O(N), N entries returned", "The latest slow requests")
        .takes(kSlowlogGetArguments)
        .tips("request_policy:all_nodes nondeterministic_output")
        .tells("connections", write_slowlog_get),
    Row("help", 2, kLoading | kStale, 0)
        .docs("6.2.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("len", 2, kAdmin | kLoading | kStale, 0)
        .docs("2.2.12", "O(1)", "How many slow requests are kept")
        .tips("request_policy:all_nodes response_policy:agg_sum nondeterministic_output")
        .runs(nullptr, write_slowlog_len),
    Row("reset", 2, kAdmin | kLoading | kStale, 0)
        .docs("2.2.12", "O(1)", "Forgets the slow requests")
        .tips("request_policy:all_nodes response_policy:all_succeeded")
        .runs(nullptr, write_slowlog_reset),
};

constexpr Command kServerRows[] = {
    Row("acl", -2, 0, 0)
        .docs("6.0.0", "Depends on the subcommand", "Commands about users and what they may do")
        .contains(kAcl),
    Row("bgrewriteaof", 1, kAdmin | kNoScript | kNoAsyncLoading, 0)
        .docs("1.0.0", "O(1)", "Rewrites the log of writes; not allowed here")
        .runs(nullptr, write_not_allowed),
    Row("bgsave", -1, kAdmin | kNoScript | kNoAsyncLoading, 0)
        .docs("1.0.0", "O(1)", "Saves the data in the background; not allowed here")
        .takes(kBgsaveArguments)
        .runs(nullptr, write_not_allowed),
    Row("command", -1, kLoading | kStale, kCatConnection)
        .docs("2.8.13", "O(N), N commands", "Tells about all commands")
        .tips("nondeterministic_output_order")
        .contains(kCommand)
        .runs(nullptr, write_command, kEndsBatch),
    Row("config", -2, 0, 0)
        .docs("2.0.0", "Depends on the subcommand", "Commands about the configuration")
        .contains(kConfig),
    Row("dbsize", 1, kReadOnly | kFast, kCatKeyspace)
        .docs("1.0.0", "O(1); the first time O(N) where the format does not tell",
              "How many keys the database has")
        .tips("request_policy:all_shards response_policy:agg_sum")
        .runs(read_dbsize, write_total, kEndsBatch),
    Row("debug", -2, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("1.0.0", "Depends on the subcommand",
              "Commands for those who work on redis; not allowed here")
        .runs(nullptr, write_debug),
    Row("failover", -1, kAdmin | kNoScript | kStale, 0)
        .docs("6.2.0", "O(1)", "Lets a replica take over; there is none here")
        .runs(nullptr, write_failover),
    Row("flushall", -1, kWrite, kCatKeyspace | kCatDangerous)
        .docs("1.0.0", "O(N), N keys", "Empties all databases")
        .tips("request_policy:all_shards response_policy:all_succeeded"),
    Row("flushdb", -1, kWrite, kCatKeyspace | kCatDangerous)
        .docs("1.0.0", "O(N), N keys", "Empties the database")
        .tips("request_policy:all_shards response_policy:all_succeeded"),
    Row("info", -1, kLoading | kStale, kCatDangerous)
        .docs("1.0.0", "O(1)", "What the server knows about itself")
        .takes(kInfoArguments)
        .tips("nondeterministic_output request_policy:all_shards response_policy:special")
        .tells(kInfoFacts, write_info),
    Row("lastsave", 1, kLoading | kStale | kFast, kCatAdmin | kCatDangerous)
        .docs("1.0.0", "O(1)", "When the data set was loaded, in Unix time")
        .tips("nondeterministic_output")
        .tells("general", write_lastsave),
    Row("latency", -2, 0, 0)
        .docs("2.8.13", "Depends on the subcommand",
              "Commands about slow events; none are watched here")
        .contains(kLatency),
    Row("lolwut", -1, kReadOnly | kFast, 0)
        .docs("5.0.0", "O(1)", "Shows the version")
        .takes(kLolwutArguments)
        .runs(nullptr, write_lolwut),
    Row("memory", -2, 0, 0)
        .docs("4.0.0", "Depends on the subcommand", "Commands about memory")
        .contains(kMemory),
    Row("module", -2, 0, 0)
        .docs("4.0.0", "Depends on the subcommand", "Commands about modules")
        .contains(kModule),
    Row("monitor", 1, kAdmin | kNoScript | kLoading | kStale, 0)
        .docs("1.0.0", "O(1)", "Shows all commands that come in; not allowed here")
        .runs(nullptr, write_not_allowed),
    Row("psync", -3, kAdmin | kNoScript | kNoAsyncLoading | kNoMulti, 0)
        .docs("2.8.0", "O(1)", "Asks for the stream of changes; not allowed here")
        .runs(nullptr, write_not_allowed),
    Row("replconf", -1, kAdmin | kNoScript | kLoading | kStale | kAllowBusy, 0)
        .docs("3.0.0", "O(1)", "Settings of a replica's link; not allowed here")
        .runs(nullptr, write_not_allowed),
    Row("replicaof", 3, kAdmin | kNoScript | kStale | kNoAsyncLoading, 0)
        .docs("5.0.0", "O(1)", "Makes the server a replica, or ends that; not allowed here")
        .runs(nullptr, write_not_allowed),
    Row("restore-asking", -4, kWrite | kDenyOom | kAsking, kCatKeyspace | kCatDangerous)
        .keys(1, 1, 1, kSpec10)
        .docs("3.0.0", "O(N), N bytes of the value", "RESTORE in the midst of a slot's move"),
    Row("role", 1, kNoScript | kLoading | kStale | kFast, kCatAdmin | kCatDangerous)
        .docs("2.8.12", "O(1)", "Whether the server is a master or a replica")
        .runs(nullptr, write_role),
    Row("save", 1, kAdmin | kNoScript | kNoAsyncLoading | kNoMulti, 0)
        .docs("1.0.0", "O(1)", "Saves the data; not allowed here")
        .runs(nullptr, write_not_allowed),
    Row("shutdown", -1, kAdmin | kNoScript | kLoading | kStale | kNoMulti | kAllowBusy, 0)
        .docs("1.0.0", "O(1)", "Stops the server; not allowed here")
        .runs(nullptr, write_not_allowed),
    Row("slaveof", 3, kAdmin | kNoScript | kStale | kNoAsyncLoading, 0)
        .docs("1.0.0", "O(1)", "REPLICAOF by its older name; not allowed here")
        .deprecated("5.0.0", "`REPLICAOF`")
        .runs(nullptr, write_not_allowed),
    Row("slowlog", -2, 0, 0)
        .docs("2.2.12", "Depends on the subcommand", "Commands about requests that took long")
        .contains(kSlowlog),
    Row("swapdb", 3, kWrite | kFast, kCatKeyspace | kCatDangerous)
        .docs("4.0.0", "O(1)", "Swaps two databases"),
    Row("sync", 1, kAdmin | kNoScript | kNoAsyncLoading | kNoMulti, 0)
        .docs("1.0.0", "O(1)", "Asks for a copy of all data; not allowed here")
        .runs(nullptr, write_not_allowed),
    Row("time", 1, kLoading | kStale | kFast, 0)
        .docs("2.6.0", "O(1)", "The server's clock: seconds and microseconds")
        .tips("nondeterministic_output")
        .runs(nullptr, write_time),
};

}  // namespace

std::span<const Command> server_rows() { return kServerRows; }

}  // namespace goromdb::redis

// SPDX-License-Identifier: MIT
// The rows of the commands about the connection itself.
#include "arguments.h"
#include "client_facts.h"
#include "command_docs.h"
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kClient[] = {
    Row("caching", 3, kNoScript | kLoading | kStale, kCatConnection)
        .docs("6.0.0", "O(1)", "Whether the keys of the next command are tracked (OPTIN, OPTOUT)")
        .takes(kClientCachingArguments)
        .runs(nullptr, write_client_caching, kEndsBatch),
    Row("getname", 2, kNoScript | kLoading | kStale, kCatConnection)
        .docs("2.6.9", "O(1)", "The connection's name")
        .runs(nullptr, write_client_getname),
    Row("getredir", 2, kNoScript | kLoading | kStale, kCatConnection)
        .docs("6.0.0", "O(1)", "Which connection gets this one's invalidations")
        .runs(nullptr, write_client_getredir),
    Row("help", 2, kLoading | kStale, kCatConnection)
        .docs("5.0.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("id", 2, kNoScript | kLoading | kStale, kCatConnection)
        .docs("5.0.0", "O(1)", "The connection's number")
        .runs(nullptr, write_client_id),
    Row("info", 2, kNoScript | kLoading | kStale, kCatConnection)
        .docs("6.2.0", "O(1)", "The line of CLIENT LIST about this connection")
        .tips("nondeterministic_output")
        .tells("connection", write_client_info),
    Row("kill", -3, kAdmin | kNoScript | kLoading | kStale, kCatConnection)
        .docs("2.4.0", "O(1)", "Ends connections; not allowed here")
        .runs(nullptr, write_client_kill),
    Row("list", -2, kAdmin | kNoScript | kLoading | kStale, kCatConnection)
        .docs("2.4.0", "O(N), N connections", "A line about each connection")
        .takes(kClientListArguments)
        .tips("nondeterministic_output")
        .tells("connections", write_client_list),
    Row("no-evict", 3, kAdmin | kNoScript | kLoading | kStale, kCatConnection)
        .docs("7.0.0", "O(1)", "Accepted; no connection is evicted here")
        .takes(kClientNoEvictArguments)
        .runs(nullptr, write_client_no_evict, kEndsBatch),
    Row("no-touch", 3, kNoScript | kLoading | kStale, kCatConnection)
        .docs("7.2.0", "O(1)", "Accepted; reads leave no trace here")
        .takes(kClientNoTouchArguments)
        .runs(nullptr, write_client_no_touch, kEndsBatch),
    Row("pause", -3, kAdmin | kNoScript | kLoading | kStale, kCatConnection)
        .docs("2.9.50", "O(1)", "Holds clients up for a while; not allowed here")
        .runs(nullptr, write_client_pause),
    Row("reply", 3, kNoScript | kLoading | kStale, kCatConnection)
        .docs("3.2.0", "O(1)", "Turns this connection's replies on or off")
        .takes(kClientReplyArguments)
        .runs(nullptr, write_client_reply, kAlwaysReplies),
    Row("setinfo", 4, kNoScript | kLoading | kStale, kCatConnection)
        .docs("7.2.0", "O(1)", "Notes the client library's name or version")
        .takes(kClientSetinfoArguments)
        .runs(nullptr, write_client_setinfo, kEndsBatch),
    Row("setname", 3, kNoScript | kLoading | kStale, kCatConnection)
        .docs("2.6.9", "O(1)", "Names the connection")
        .takes(kClientSetnameArguments)
        .runs(nullptr, write_client_setname, kEndsBatch),
    Row("tracking", -3, kNoScript | kLoading | kStale, kCatConnection)
        .docs("6.0.0", "O(1)", "Turns invalidation messages on or off: one for each new generation")
        .takes(kClientTrackingArguments)
        .runs(nullptr, write_client_tracking, kEndsBatch),
    Row("trackinginfo", 2, kNoScript | kLoading | kStale, kCatConnection)
        .docs("6.2.0", "O(1)", "What CLIENT TRACKING is set to")
        .runs(nullptr, write_client_trackinginfo),
    Row("unblock", -3, kAdmin | kNoScript | kLoading | kStale, kCatConnection)
        .docs("5.0.0", "O(1)", "Wakes a blocked client; none ever is here")
        .takes(kClientUnblockArguments)
        .runs(nullptr, write_client_unblock),
    Row("unpause", 2, kAdmin | kNoScript | kLoading | kStale, kCatConnection)
        .docs("6.2.0", "O(1)", "Ends CLIENT PAUSE; not allowed here")
        .runs(nullptr, write_client_unpause),
};

constexpr Command kConnectionRows[] = {
    Row("auth", -2, kNoScript | kLoading | kStale | kFast | kNoAuth | kAllowBusy, kCatConnection)
        .docs("1.0.0", "O(1)", "Says who the client is, with a password")
        .takes(kAuthArguments)
        .runs(nullptr, write_auth, kEndsBatch),
    Row("client", -2, 0, 0)
        .docs("2.4.0", "Depends on the subcommand", "Commands about connections")
        .contains(kClient),
    Row("echo", 2, kLoading | kStale | kFast, kCatConnection)
        .docs("1.0.0", "O(1)", "Sends its argument back")
        .takes(kEchoArguments)
        .runs(nullptr, write_echo),
    Row("hello", -1, kNoScript | kLoading | kStale | kFast | kNoAuth | kAllowBusy, kCatConnection)
        .docs("6.0.0", "O(1)",
              "Chooses the protocol version, may authenticate and name the connection, and tells "
              "about the server")
        .takes(kHelloArguments)
        .runs(nullptr, write_hello, kEndsBatch),
    Row("ping", -1, kFast, kCatConnection)
        .docs("1.0.0", "O(1)", "Answers PONG, or its argument")
        .takes(kPingArguments)
        .tips("request_policy:all_shards response_policy:all_succeeded")
        .runs(nullptr, write_ping, kSubscribed),
    Row("quit", -1, kNoScript | kLoading | kStale | kFast | kNoAuth | kAllowBusy, kCatConnection)
        .docs("1.0.0", "O(1)", "Says OK and closes the connection")
        .runs(read_quit, write_ok, kEndsBatch | kInMulti | kSubscribed),
    Row("reset", 1, kNoScript | kLoading | kStale | kFast | kNoAuth | kAllowBusy, kCatConnection)
        .docs("6.2.0", "O(1)", "Makes the connection as a new one")
        .runs(nullptr, write_reset, kAlwaysReplies | kEndsBatch | kInMulti | kSubscribed),
    Row("select", 2, kLoading | kStale | kFast, kCatConnection)
        .docs("1.0.0", "O(1)", "Chooses the database for what follows")
        .takes(kSelectArguments)
        .runs(read_select, write_select),
};

}  // namespace

std::span<const Command> connection_rows() { return kConnectionRows; }

}  // namespace goromdb::redis

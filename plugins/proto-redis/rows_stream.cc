// SPDX-License-Identifier: MIT
// The rows of the commands of streams, of which there are none.
#include "command_docs.h"
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kXgroup[] = {
    Row("create", -5, kWrite | kDenyOom, kCatStream)
        .keys(2, 2, 1, kSpec39)
        .docs("5.0.0", "O(1)", "Makes a group"),
    Row("createconsumer", 5, kWrite | kDenyOom, kCatStream)
        .keys(2, 2, 1, kSpec39)
        .docs("6.2.0", "O(1)", "Makes a consumer of a group"),
    Row("delconsumer", 5, kWrite, kCatStream)
        .keys(2, 2, 1, kSpec40)
        .docs("5.0.0", "O(1)", "Removes a consumer of a group"),
    Row("destroy", 4, kWrite, kCatStream)
        .keys(2, 2, 1, kSpec40)
        .docs("5.0.0", "O(N), N pending messages", "Removes a group"),
    Row("help", 2, kLoading | kStale, kCatStream)
        .docs("5.0.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("setid", -5, kWrite, kCatStream)
        .keys(2, 2, 1, kSpec41)
        .docs("5.0.0", "O(1)", "Sets where a group goes on"),
};

constexpr Command kXinfo[] = {
    Row("consumers", 4, kReadOnly, kCatStream)
        .keys(2, 2, 1, kSpec42)
        .docs("5.0.0", "O(1)", "A group's consumers")
        .tips("nondeterministic_output")
        .misses("-ERR no such key\r\n")
        .runs(read_key, write_missing),
    Row("groups", 3, kReadOnly, kCatStream)
        .keys(2, 2, 1, kSpec42)
        .docs("5.0.0", "O(1)", "A stream's groups")
        .misses("-ERR no such key\r\n")
        .runs(read_key, write_missing),
    Row("help", 2, kLoading | kStale, kCatStream)
        .docs("5.0.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("stream", -3, kReadOnly, kCatStream)
        .keys(2, 2, 1, kSpec42)
        .docs("5.0.0", "O(1)", "What a stream is like")
        .misses("-ERR no such key\r\n")
        .runs(read_key, write_missing),
};

constexpr Command kStreamRows[] = {
    Row("xack", -4, kWrite | kFast, kCatStream)
        .keys(1, 1, 1, kSpec13)
        .docs("5.0.0", "O(1) per message", "Marks a group's messages as dealt with"),
    Row("xadd", -5, kWrite | kDenyOom | kFast, kCatStream)
        .keys(1, 1, 1, kSpec38)
        .docs("5.0.0", "O(1), with trimming O(N) for N entries dropped",
              "Adds an entry to a stream")
        .tips("nondeterministic_output"),
    Row("xautoclaim", -6, kWrite | kFast, kCatStream)
        .keys(1, 1, 1, kSpec15)
        .docs("6.2.0", "O(1) for a small COUNT",
              "Gives messages that were left lying to a consumer")
        .tips("nondeterministic_output"),
    Row("xclaim", -6, kWrite | kFast, kCatStream)
        .keys(1, 1, 1, kSpec13)
        .docs("5.0.0", "O(log(N)), N pending messages", "Gives messages to another consumer")
        .tips("nondeterministic_output"),
    Row("xdel", -3, kWrite | kFast, kCatStream)
        .keys(1, 1, 1, kSpec15)
        .docs("5.0.0", "O(1) per entry", "Removes entries of a stream"),
    Row("xgroup", -2, 0, 0)
        .docs("5.0.0", "Depends on the subcommand", "Commands about a stream's consumer groups")
        .contains(kXgroup),
    Row("xinfo", -2, 0, 0)
        .docs("5.0.0", "Depends on the subcommand", "Commands that tell about streams")
        .contains(kXinfo),
    Row("xlen", 2, kReadOnly | kFast, kCatStream)
        .keys(1, 1, 1, kSpec14)
        .docs("5.0.0", "O(1)", "How many entries a stream has")
        .misses(":0\r\n")
        .runs(read_key, write_missing),
    Row("xpending", -3, kReadOnly, kCatStream)
        .keys(1, 1, 1, kSpec3)
        .docs("5.0.0", "O(N), N messages returned", "A group's messages that nobody has dealt with")
        .tips("nondeterministic_output")
        .misses("")
        .runs(read_xpending, write_xpending),
    Row("xrange", -4, kReadOnly, kCatStream)
        .keys(1, 1, 1, kSpec3)
        .docs("5.0.0", "O(N), N entries returned", "Entries between two IDs")
        .misses("*0\r\n")
        .runs(read_stream_range, write_missing),
    Row("xread", -4, kReadOnly | kBlocking | kMovableKeys, kCatStream)
        .keys(0, 0, 0, kSpec43)
        .docs("5.0.0", "O(N), N entries returned", "Entries of streams behind given IDs; may wait")
        .misses("*-1\r\n", "_\r\n")
        .runs(read_xread, write_missing),
    Row("xreadgroup", -7, kWrite | kBlocking | kMovableKeys, kCatStream)
        .keys(0, 0, 0, kSpec44)
        .docs("5.0.0", "O(N), N entries returned", "As XREAD, as a group's consumer"),
    Row("xrevrange", -4, kReadOnly, kCatStream)
        .keys(1, 1, 1, kSpec3)
        .docs("5.0.0", "O(N), N entries returned", "Entries between two IDs, the last first")
        .misses("*0\r\n")
        .runs(read_stream_range, write_missing),
    Row("xsetid", -3, kWrite | kDenyOom | kFast, kCatStream)
        .keys(1, 1, 1, kSpec13)
        .docs("5.0.0", "O(1)", "Sets a stream's last ID"),
    Row("xtrim", -4, kWrite, kCatStream)
        .keys(1, 1, 1, kSpec15)
        .docs("5.0.0", "O(N), N entries dropped", "Drops a stream's oldest entries")
        .tips("nondeterministic_output"),
};

}  // namespace

std::span<const Command> stream_rows() { return kStreamRows; }

}  // namespace goromdb::redis

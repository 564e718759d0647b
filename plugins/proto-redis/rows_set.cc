// SPDX-License-Identifier: MIT
// The rows of the commands of sets, of which there are none.
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kSetRows[] = {
    Row("sadd", -3, kWrite | kDenyOom | kFast, kCatSet)
        .keys(1, 1, 1, kSpec1)
        .docs("1.0.0", "O(N), N members", "Adds members to a set"),
    Row("scard", 2, kReadOnly | kFast, kCatSet)
        .keys(1, 1, 1, kSpec14)
        .docs("1.0.0", "O(1)", "How many members a set has")
        .misses(":0\r\n")
        .runs(read_key, write_missing),
    Row("sdiff", -2, kReadOnly, kCatSet)
        .keys(1, -1, 1, kSpec7)
        .docs("1.0.0", "O(N), N members of all sets", "Members of the first set that no other has")
        .tips("nondeterministic_output_order")
        .misses("*0\r\n", "~0\r\n")
        .runs(read_keys_of_all, write_missing),
    Row("sdiffstore", -3, kWrite | kDenyOom, kCatSet)
        .keys(1, -1, 1, kSpec33)
        .docs("1.0.0", "O(N), N members of all sets", "Stores what SDIFF gives"),
    Row("sinter", -2, kReadOnly, kCatSet)
        .keys(1, -1, 1, kSpec7)
        .docs("1.0.0", "O(N*M), N members of the smallest set, M sets",
              "Members that all sets have")
        .tips("nondeterministic_output_order")
        .misses("*0\r\n", "~0\r\n")
        .runs(read_keys_of_all, write_missing),
    Row("sintercard", -3, kReadOnly | kMovableKeys, kCatSet)
        .keys(0, 0, 0, kSpec34)
        .docs("7.0.0", "O(N*M), N members of the smallest set, M sets",
              "How many members all sets have in common")
        .misses(":0\r\n")
        .runs(read_intercard, write_missing),
    Row("sinterstore", -3, kWrite | kDenyOom, kCatSet)
        .keys(1, -1, 1, kSpec35)
        .docs("1.0.0", "O(N*M), N members of the smallest set, M sets", "Stores what SINTER gives"),
    Row("sismember", 3, kReadOnly | kFast, kCatSet)
        .keys(1, 1, 1, kSpec14)
        .docs("1.0.0", "O(1)", "Whether a set has the member")
        .misses(":0\r\n")
        .runs(read_key, write_missing),
    Row("smembers", 2, kReadOnly, kCatSet)
        .keys(1, 1, 1, kSpec3)
        .docs("1.0.0", "O(N), N members", "A set's members")
        .tips("nondeterministic_output_order")
        .misses("*0\r\n", "~0\r\n")
        .runs(read_key, write_missing),
    Row("smismember", -3, kReadOnly | kFast, kCatSet)
        .keys(1, 1, 1, kSpec3)
        .docs("6.2.0", "O(N), N members asked for", "Which of the members a set has")
        .misses(":0\r\n")
        .runs(read_key, write_missing_each),
    Row("smove", 4, kWrite | kFast, kCatSet)
        .keys(1, 2, 1, kSpec29)
        .docs("1.0.0", "O(1)", "Moves a member to another set"),
    Row("spop", -2, kWrite | kFast, kCatSet)
        .keys(1, 1, 1, kSpec4)
        .docs("1.0.0", "O(N), N members returned", "Takes members, chosen by chance")
        .tips("nondeterministic_output"),
    Row("srandmember", -2, kReadOnly, kCatSet)
        .keys(1, 1, 1, kSpec3)
        .docs("1.0.0", "O(N), N members returned", "Members of a set, chosen by chance")
        .tips("nondeterministic_output")
        .misses("$-1\r\n", "_\r\n")
        .runs(read_random_member, write_missing_random),
    Row("srem", -3, kWrite | kFast, kCatSet)
        .keys(1, 1, 1, kSpec15)
        .docs("1.0.0", "O(N), N members", "Removes members of a set"),
    Row("sscan", -3, kReadOnly, kCatSet)
        .keys(1, 1, 1, kSpec3)
        .docs("2.8.0", "O(COUNT) a call, O(N) for all N members",
              "Walks a set's members, a part at each call")
        .tips("nondeterministic_output")
        .misses("*2\r\n$1\r\n0\r\n*0\r\n")
        .runs(read_foreign_scan, write_missing),
    Row("sunion", -2, kReadOnly, kCatSet)
        .keys(1, -1, 1, kSpec7)
        .docs("1.0.0", "O(N), N members of all sets", "Members that any of the sets has")
        .tips("nondeterministic_output_order")
        .misses("*0\r\n", "~0\r\n")
        .runs(read_keys_of_all, write_missing),
    Row("sunionstore", -3, kWrite | kDenyOom, kCatSet)
        .keys(1, -1, 1, kSpec33)
        .docs("1.0.0", "O(N), N members of all sets", "Stores what SUNION gives"),
};

}  // namespace

std::span<const Command> set_rows() { return kSetRows; }

}  // namespace goromdb::redis

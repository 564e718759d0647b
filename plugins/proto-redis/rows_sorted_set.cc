// SPDX-License-Identifier: MIT
// The rows of the commands of sorted sets, of which there are none.
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kSortedSetRows[] = {
    Row("bzmpop", -5, kWrite | kBlocking | kMovableKeys, kCatSortedSet)
        .keys(0, 0, 0, kSpec30)
        .docs("7.0.0", "O(K+M*log(N)), K keys, N members, M of them returned",
              "As ZMPOP, but waits for a member"),
    Row("bzpopmax", -3, kWrite | kNoScript | kBlocking | kFast, kCatSortedSet)
        .keys(1, -2, 1, kSpec31)
        .docs("5.0.0", "O(log(N)), N members",
              "As ZPOPMAX on the first set that has something, but waits"),
    Row("bzpopmin", -3, kWrite | kNoScript | kBlocking | kFast, kCatSortedSet)
        .keys(1, -2, 1, kSpec31)
        .docs("5.0.0", "O(log(N)), N members",
              "As ZPOPMIN on the first set that has something, but waits"),
    Row("zadd", -4, kWrite | kDenyOom | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec13)
        .docs("1.2.0", "O(log(N)) per member, N members",
              "Adds members with scores, or changes their scores"),
    Row("zcard", 2, kReadOnly | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec14)
        .docs("1.2.0", "O(1)", "How many members a sorted set has")
        .misses(":0\r\n")
        .runs(read_key, write_missing),
    Row("zcount", 4, kReadOnly | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("2.0.0", "O(log(N)), N members", "How many members have a score between two")
        .misses(":0\r\n")
        .runs(read_score_range, write_missing),
    Row("zdiff", -3, kReadOnly | kMovableKeys, kCatSortedSet)
        .keys(0, 0, 0, kSpec34)
        .docs("6.2.0", "O(L+(N-K)*log(N)), L members of all sets, N of the first, K returned",
              "Members of the first sorted set that no other has")
        .misses("*0\r\n")
        .runs(read_numbered_keys, write_missing_numbered),
    Row("zdiffstore", -4, kWrite | kDenyOom | kMovableKeys, kCatSortedSet)
        .keys(1, 1, 1, kSpec36)
        .docs("6.2.0", "O(L+(N-K)*log(N)), L members of all sets, N of the first, K returned",
              "Stores what ZDIFF gives"),
    Row("zincrby", 4, kWrite | kDenyOom | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec2)
        .docs("1.2.0", "O(log(N)), N members", "Adds a number to a member's score"),
    Row("zinter", -3, kReadOnly | kMovableKeys, kCatSortedSet)
        .keys(0, 0, 0, kSpec34)
        .docs("6.2.0", "O(N*K+M*log(M)), N members of the smallest set, K sets, M returned",
              "Members that all sorted sets have")
        .misses("*0\r\n")
        .runs(read_numbered_keys, write_missing_numbered),
    Row("zintercard", -3, kReadOnly | kMovableKeys, kCatSortedSet)
        .keys(0, 0, 0, kSpec34)
        .docs("7.0.0", "O(N*K), N members of the smallest set, K sets",
              "How many members all sorted sets have in common")
        .misses(":0\r\n")
        .runs(read_numbered_keys, write_missing_numbered),
    Row("zinterstore", -4, kWrite | kDenyOom | kMovableKeys, kCatSortedSet)
        .keys(1, 1, 1, kSpec36)
        .docs("2.0.0", "O(N*K+M*log(M)), N members of the smallest set, K sets, M returned",
              "Stores what ZINTER gives"),
    Row("zlexcount", 4, kReadOnly | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("2.8.9", "O(log(N)), N members",
              "How many members are between two, in alphabetical order")
        .misses(":0\r\n")
        .runs(read_lex_range, write_missing),
    Row("zmpop", -4, kWrite | kMovableKeys, kCatSortedSet)
        .keys(0, 0, 0, kSpec32)
        .docs("7.0.0", "O(K+M*log(N)), K keys, N members, M of them returned",
              "Takes the lowest or highest members of the first sorted set that has some"),
    Row("zmscore", -3, kReadOnly | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("6.2.0", "O(N), N members asked for", "Scores of several members")
        .misses("$-1\r\n", "_\r\n")
        .runs(read_key, write_missing_each),
    Row("zpopmax", -2, kWrite | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec4)
        .docs("5.0.0", "O(M*log(N)), N members, M of them returned",
              "Takes the members with the highest scores"),
    Row("zpopmin", -2, kWrite | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec4)
        .docs("5.0.0", "O(M*log(N)), N members, M of them returned",
              "Takes the members with the lowest scores"),
    Row("zrandmember", -2, kReadOnly, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("6.2.0", "O(N), N members returned", "Members of a sorted set, chosen by chance")
        .tips("nondeterministic_output")
        .misses("$-1\r\n", "_\r\n")
        .runs(read_random_member, write_missing_random),
    Row("zrange", -4, kReadOnly, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("1.2.0", "O(log(N)+M), N members, M of them returned",
              "Members by rank, score or alphabet")
        .misses("*0\r\n")
        .runs(read_sorted_range, write_missing),
    Row("zrangebylex", -4, kReadOnly, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("2.8.9", "O(log(N)+M), N members, M of them returned",
              "Members between two, in alphabetical order")
        .deprecated("6.2.0", "`ZRANGE` (BYLEX)")
        .misses("*0\r\n")
        .runs(read_sorted_range, write_missing),
    Row("zrangebyscore", -4, kReadOnly, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("1.0.5", "O(log(N)+M), N members, M of them returned",
              "Members with a score between two, lowest first")
        .deprecated("6.2.0", "`ZRANGE` (BYSCORE)")
        .misses("*0\r\n")
        .runs(read_sorted_range, write_missing),
    Row("zrangestore", -5, kWrite | kDenyOom, kCatSortedSet)
        .keys(1, 2, 1, kSpec37)
        .docs("6.2.0", "O(log(N)+M), N members, M of them stored", "Stores what ZRANGE gives"),
    Row("zrank", 3, kReadOnly | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("2.0.0", "O(log(N)), N members", "A member's rank, counted from the lowest score")
        .misses("$-1\r\n", "_\r\n")
        .runs(read_key, write_missing),
    Row("zrem", -3, kWrite | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec15)
        .docs("1.2.0", "O(M*log(N)), N members, M of them removed",
              "Removes members of a sorted set"),
    Row("zremrangebylex", 4, kWrite, kCatSortedSet)
        .keys(1, 1, 1, kSpec15)
        .docs("2.8.9", "O(log(N)+M), N members, M of them removed",
              "Removes members between two, in alphabetical order"),
    Row("zremrangebyrank", 4, kWrite, kCatSortedSet)
        .keys(1, 1, 1, kSpec15)
        .docs("2.0.0", "O(log(N)+M), N members, M of them removed",
              "Removes members between two ranks"),
    Row("zremrangebyscore", 4, kWrite, kCatSortedSet)
        .keys(1, 1, 1, kSpec15)
        .docs("1.2.0", "O(log(N)+M), N members, M of them removed",
              "Removes members with a score between two"),
    Row("zrevrange", -4, kReadOnly, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("1.2.0", "O(log(N)+M), N members, M of them returned",
              "Members between two ranks, highest first")
        .deprecated("6.2.0", "`ZRANGE` (REV)")
        .misses("*0\r\n")
        .runs(read_sorted_range, write_missing),
    Row("zrevrangebylex", -4, kReadOnly, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("2.8.9", "O(log(N)+M), N members, M of them returned",
              "Members between two, in reverse alphabetical order")
        .deprecated("6.2.0", "`ZRANGE` (REV BYLEX)")
        .misses("*0\r\n")
        .runs(read_sorted_range, write_missing),
    Row("zrevrangebyscore", -4, kReadOnly, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("2.2.0", "O(log(N)+M), N members, M of them returned",
              "Members with a score between two, highest first")
        .deprecated("6.2.0", "`ZRANGE` (REV BYSCORE)")
        .misses("*0\r\n")
        .runs(read_sorted_range, write_missing),
    Row("zrevrank", 3, kReadOnly | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("2.0.0", "O(log(N)), N members", "A member's rank, counted from the highest score")
        .misses("$-1\r\n", "_\r\n")
        .runs(read_key, write_missing),
    Row("zscan", -3, kReadOnly, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("2.8.0", "O(COUNT) a call, O(N) for all N members",
              "Walks a sorted set, a part at each call")
        .tips("nondeterministic_output")
        .misses("*2\r\n$1\r\n0\r\n*0\r\n")
        .runs(read_foreign_scan, write_missing),
    Row("zscore", 3, kReadOnly | kFast, kCatSortedSet)
        .keys(1, 1, 1, kSpec3)
        .docs("1.2.0", "O(1)", "A member's score")
        .misses("$-1\r\n", "_\r\n")
        .runs(read_key, write_missing),
    Row("zunion", -3, kReadOnly | kMovableKeys, kCatSortedSet)
        .keys(0, 0, 0, kSpec34)
        .docs("6.2.0", "O(N+M*log(M)), N members of all sets, M returned",
              "Members that any of the sorted sets has")
        .misses("*0\r\n")
        .runs(read_numbered_keys, write_missing_numbered),
    Row("zunionstore", -4, kWrite | kDenyOom | kMovableKeys, kCatSortedSet)
        .keys(1, 1, 1, kSpec36)
        .docs("2.0.0", "O(N+M*log(M)), N members of all sets, M stored",
              "Stores what ZUNION gives"),
};

}  // namespace

std::span<const Command> sorted_set_rows() { return kSortedSetRows; }

}  // namespace goromdb::redis

// SPDX-License-Identifier: MIT
// The rows of the commands of counts of distinct elements, of which there are none.
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"
#include "server_commands.h"

namespace goromdb::redis {

namespace {

constexpr Command kHyperloglogRows[] = {
    Row("pfadd", -2, kWrite | kDenyOom | kFast, kCatHyperLogLog)
        .keys(1, 1, 1, kSpec1)
        .docs("2.8.9", "O(1) per element", "Counts elements in a HyperLogLog"),
    Row("pfcount", -2, kReadOnly, kCatHyperLogLog)
        .keys(1, -1, 1, kSpec45)
        .docs("2.8.9", "O(N), N keys", "About how many different elements HyperLogLogs have seen")
        .misses(":0\r\n")
        .runs(read_keys_of_all, write_pfcount),
    Row("pfdebug", 3, kWrite | kDenyOom | kAdmin, kCatHyperLogLog)
        .keys(2, 2, 1, kSpec46)
        .docs("2.8.9", "O(1)", "Shows the inside of a HyperLogLog"),
    Row("pfmerge", -2, kWrite | kDenyOom, kCatHyperLogLog)
        .keys(1, -1, 1, kSpec47)
        .docs("2.8.9", "O(N), N keys", "Makes one HyperLogLog of several"),
    Row("pfselftest", 1, kAdmin, kCatHyperLogLog)
        .docs("2.8.9", "O(1)", "Tests the HyperLogLog code; not allowed here")
        .runs(nullptr, write_not_allowed),
};

}  // namespace

std::span<const Command> hyperloglog_rows() { return kHyperloglogRows; }

}  // namespace goromdb::redis

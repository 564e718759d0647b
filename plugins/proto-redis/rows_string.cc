// SPDX-License-Identifier: MIT
// The rows of the commands of strings.
#include "arguments.h"
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kStringRows[] = {
    Row("append", 3, kWrite | kDenyOom | kFast, kCatString)
        .keys(1, 1, 1, kSpec1)
        .docs("2.0.0", "O(N), N bytes added", "Adds bytes to the end of a string"),
    Row("decr", 2, kWrite | kDenyOom | kFast, kCatString)
        .keys(1, 1, 1, kSpec2)
        .docs("1.0.0", "O(1)", "Subtracts one"),
    Row("decrby", 3, kWrite | kDenyOom | kFast, kCatString)
        .keys(1, 1, 1, kSpec2)
        .docs("1.0.0", "O(1)", "Subtracts an integer"),
    Row("get", 2, kReadOnly | kFast, kCatString)
        .keys(1, 1, 1, kSpec3)
        .docs("1.0.0", "O(1)", "A key's value")
        .takes(kKey)
        .runs(read_key, write_string),
    Row("getdel", 2, kWrite | kFast, kCatString)
        .keys(1, 1, 1, kSpec4)
        .docs("6.2.0", "O(1)", "A key's value, which is removed"),
    Row("getex", -2, kWrite | kFast, kCatString)
        .keys(1, 1, 1, kSpec5)
        .docs("6.2.0", "O(1)", "A key's value, and may change when it expires")
        .takes(kGetexArguments)
        .runs(read_getex, write_string),
    Row("getrange", 4, kReadOnly, kCatString)
        .keys(1, 1, 1, kSpec3)
        .docs("2.4.0", "O(N), N bytes returned", "The bytes between two places of a string")
        .takes(kGetrangeArguments)
        .runs(read_range, write_range),
    Row("getset", 3, kWrite | kDenyOom | kFast, kCatString)
        .keys(1, 1, 1, kSpec2)
        .docs("1.0.0", "O(1)", "Sets a key and gives its former value")
        .deprecated("6.2.0", "`SET` (GET)"),
    Row("incr", 2, kWrite | kDenyOom | kFast, kCatString)
        .keys(1, 1, 1, kSpec2)
        .docs("1.0.0", "O(1)", "Adds one"),
    Row("incrby", 3, kWrite | kDenyOom | kFast, kCatString)
        .keys(1, 1, 1, kSpec2)
        .docs("1.0.0", "O(1)", "Adds an integer"),
    Row("incrbyfloat", 3, kWrite | kDenyOom | kFast, kCatString)
        .keys(1, 1, 1, kSpec2)
        .docs("2.6.0", "O(1)", "Adds a decimal number"),
    Row("lcs", -3, kReadOnly, kCatString)
        .keys(1, 2, 1, kSpec6)
        .docs("7.0.0", "O(N*M), N and M bytes of the strings",
              "The longest common subsequence of two strings")
        .takes(kLcsArguments)
        .runs(read_lcs, write_lcs, kEndsBatch),
    Row("mget", -2, kReadOnly | kFast, kCatString)
        .keys(1, -1, 1, kSpec7)
        .docs("1.0.0", "O(N), N keys", "Values of several keys")
        .takes(kKeys)
        .tips("request_policy:multi_shard")
        .runs(read_strings, write_strings, kAllKeys),
    Row("mset", -3, kWrite | kDenyOom, kCatString)
        .keys(1, -1, 2, kSpec8)
        .docs("1.0.1", "O(N), N keys", "Sets several keys")
        .tips("request_policy:multi_shard response_policy:all_succeeded"),
    Row("msetnx", -3, kWrite | kDenyOom, kCatString)
        .keys(1, -1, 2, kSpec9)
        .docs("1.0.1", "O(N), N keys", "Sets several keys, if none of them is there")
        .tips("request_policy:multi_shard response_policy:agg_min"),
    Row("psetex", 4, kWrite | kDenyOom, kCatString)
        .keys(1, 1, 1, kSpec10)
        .docs("2.6.0", "O(1)", "Sets a key that lives so many milliseconds"),
    Row("set", -3, kWrite | kDenyOom, kCatString)
        .keys(1, 1, 1, kSpec11)
        .docs("1.0.0", "O(1)", "Sets a key"),
    Row("setex", 4, kWrite | kDenyOom, kCatString)
        .keys(1, 1, 1, kSpec10)
        .docs("2.0.0", "O(1)", "Sets a key that lives so many seconds"),
    Row("setnx", 3, kWrite | kDenyOom | kFast, kCatString)
        .keys(1, 1, 1, kSpec12)
        .docs("1.0.0", "O(1)", "Sets a key that is not there"),
    Row("setrange", 4, kWrite | kDenyOom, kCatString)
        .keys(1, 1, 1, kSpec13)
        .docs("2.2.0", "O(N), N bytes written", "Overwrites bytes inside a string"),
    Row("strlen", 2, kReadOnly | kFast, kCatString)
        .keys(1, 1, 1, kSpec14)
        .docs("2.2.0", "O(1)", "How many bytes a key's value has")
        .takes(kKey)
        .runs(read_key, write_length),
    Row("substr", 4, kReadOnly, kCatString)
        .keys(1, 1, 1, kSpec3)
        .docs("1.0.0", "O(N), N bytes returned", "GETRANGE by its older name")
        .takes(kSubstrArguments)
        .deprecated("2.0.0", "`GETRANGE`")
        .runs(read_range, write_range),
};

}  // namespace

std::span<const Command> string_rows() { return kStringRows; }

}  // namespace goromdb::redis

// SPDX-License-Identifier: MIT
// The rows of the commands of hashes.
#include "arguments.h"
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kHashRows[] = {
    Row("hdel", -3, kWrite | kFast, kCatHash)
        .keys(1, 1, 1, kSpec15)
        .docs("2.0.0", "O(N), N fields", "Removes fields of a hash"),
    Row("hexists", 3, kReadOnly | kFast, kCatHash)
        .keys(1, 1, 1, kSpec14)
        .docs("2.0.0", "O(1)", "Whether a hash has the field")
        .takes(kHexistsArguments)
        .runs(read_field, write_has_field),
    Row("hget", 3, kReadOnly | kFast, kCatHash)
        .keys(1, 1, 1, kSpec3)
        .docs("2.0.0", "O(1)", "A field's value")
        .takes(kHgetArguments)
        .runs(read_field, write_field),
    Row("hgetall", 2, kReadOnly, kCatHash)
        .keys(1, 1, 1, kSpec3)
        .docs("2.0.0", "O(N), N fields of the hash", "A hash's fields, each with its value")
        .takes(kKey)
        .tips("nondeterministic_output_order")
        .runs(read_hash, write_hash, kEndsBatch),
    Row("hincrby", 4, kWrite | kDenyOom | kFast, kCatHash)
        .keys(1, 1, 1, kSpec2)
        .docs("2.0.0", "O(1)", "Adds an integer to a field"),
    Row("hincrbyfloat", 4, kWrite | kDenyOom | kFast, kCatHash)
        .keys(1, 1, 1, kSpec2)
        .docs("2.6.0", "O(1)", "Adds a decimal number to a field"),
    Row("hkeys", 2, kReadOnly, kCatHash)
        .keys(1, 1, 1, kSpec3)
        .docs("2.0.0", "O(N), N fields of the hash", "A hash's fields")
        .takes(kKey)
        .tips("nondeterministic_output_order")
        .runs(read_hash, write_hash, kEndsBatch),
    Row("hlen", 2, kReadOnly | kFast, kCatHash)
        .keys(1, 1, 1, kSpec14)
        .docs("2.0.0", "O(1); the first time O(N) where the format does not tell",
              "How many fields a hash has")
        .takes(kKey)
        .runs(read_hash_count, write_hash_count, kEndsBatch),
    Row("hmget", -3, kReadOnly | kFast, kCatHash)
        .keys(1, 1, 1, kSpec3)
        .docs("2.0.0", "O(N), N fields asked for", "Values of several fields of a hash")
        .takes(kHmgetArguments)
        .runs(read_fields, write_fields),
    Row("hmset", -4, kWrite | kDenyOom | kFast, kCatHash)
        .keys(1, 1, 1, kSpec13)
        .docs("2.0.0", "O(N), N fields", "Sets several fields of a hash")
        .deprecated("4.0.0", "`HSET`"),
    Row("hrandfield", -2, kReadOnly, kCatHash)
        .keys(1, 1, 1, kSpec3)
        .docs("6.2.0", "O(N), N fields returned", "Fields of a hash, chosen by chance")
        .takes(kHrandfieldArguments)
        .tips("nondeterministic_output")
        .runs(read_random_fields, write_random_fields, kEndsBatch),
    Row("hscan", -3, kReadOnly, kCatHash)
        .keys(1, 1, 1, kSpec3)
        .docs("2.8.0", "O(COUNT) a call, O(N) for all N fields",
              "Walks a hash's fields, a part at each call")
        .takes(kHscanArguments)
        .tips("nondeterministic_output")
        .runs(read_hash_scan, write_hash_scan, kEndsBatch),
    Row("hset", -4, kWrite | kDenyOom | kFast, kCatHash)
        .keys(1, 1, 1, kSpec13)
        .docs("2.0.0", "O(N), N fields", "Sets fields of a hash"),
    Row("hsetnx", 4, kWrite | kDenyOom | kFast, kCatHash)
        .keys(1, 1, 1, kSpec1)
        .docs("2.0.0", "O(1)", "Sets a field that is not there"),
    Row("hstrlen", 3, kReadOnly | kFast, kCatHash)
        .keys(1, 1, 1, kSpec14)
        .docs("3.2.0", "O(1)", "How many bytes a field's value has")
        .takes(kHstrlenArguments)
        .runs(read_field, write_field_length),
    Row("hvals", 2, kReadOnly, kCatHash)
        .keys(1, 1, 1, kSpec3)
        .docs("2.0.0", "O(N), N fields of the hash", "A hash's values")
        .takes(kKey)
        .tips("nondeterministic_output_order")
        .runs(read_hash, write_hash, kEndsBatch),
};

}  // namespace

std::span<const Command> hash_rows() { return kHashRows; }

}  // namespace goromdb::redis

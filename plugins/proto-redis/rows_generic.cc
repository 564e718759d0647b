// SPDX-License-Identifier: MIT
// The rows of the commands of the key space.
#include "arguments.h"
#include "command_docs.h"
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"
#include "server_commands.h"

namespace goromdb::redis {

namespace {

constexpr Command kObject[] = {
    Row("encoding", 3, kReadOnly, kCatKeyspace)
        .keys(2, 2, 1, kSpec20)
        .docs("2.2.3", "O(1)", "How a value is kept, in redis' terms")
        .takes(kKey)
        .tips("nondeterministic_output")
        .runs(read_key, write_encoding),
    Row("freq", 3, kReadOnly, kCatKeyspace)
        .keys(2, 2, 1, kSpec20)
        .docs("4.0.0", "O(1)", "How often a key is used; not counted here")
        .takes(kKey)
        .tips("nondeterministic_output")
        .runs(read_key, write_frequency),
    Row("help", 2, kLoading | kStale, kCatKeyspace)
        .docs("6.2.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("idletime", 3, kReadOnly, kCatKeyspace)
        .keys(2, 2, 1, kSpec20)
        .docs("2.2.3", "O(1)", "Seconds since a key was used; not noted here")
        .takes(kKey)
        .tips("nondeterministic_output")
        .runs(read_key, write_idle_time),
    Row("refcount", 3, kReadOnly, kCatKeyspace)
        .keys(2, 2, 1, kSpec20)
        .docs("2.2.3", "O(1)", "How many references a value has")
        .takes(kKey)
        .tips("nondeterministic_output")
        .runs(read_key, write_refcount),
};

constexpr Command kGenericRows[] = {
    Row("copy", -3, kWrite | kDenyOom, kCatKeyspace)
        .keys(1, 2, 1, kSpec16)
        .docs("6.2.0", "O(N), N elements of the value", "Stores a key's value under another key"),
    Row("del", -2, kWrite, kCatKeyspace)
        .keys(1, -1, 1, kSpec17)
        .docs("1.0.0", "O(N), N keys", "Removes keys")
        .tips("request_policy:multi_shard response_policy:agg_sum"),
    Row("dump", 2, kReadOnly, kCatKeyspace)
        .keys(1, 1, 1, kSpec3)
        .docs("2.6.0", "O(N), N bytes of the value", "A key's value in a form for RESTORE")
        .takes(kKey)
        .tips("nondeterministic_output")
        .runs(read_key, write_dump, kEndsBatch),
    Row("exists", -2, kReadOnly | kFast, kCatKeyspace)
        .keys(1, -1, 1, kSpec18)
        .docs("1.0.0", "O(N), N keys", "How many of the keys there are")
        .takes(kKeys)
        .tips("request_policy:multi_shard response_policy:agg_sum")
        .runs(read_keys_of_all, write_existing, kAllKeys),
    Row("expire", -3, kWrite | kFast, kCatKeyspace)
        .keys(1, 1, 1, kSpec13)
        .docs("1.0.0", "O(1)", "Lets a key live so many seconds"),
    Row("expireat", -3, kWrite | kFast, kCatKeyspace)
        .keys(1, 1, 1, kSpec13)
        .docs("1.2.0", "O(1)", "Lets a key live until a Unix time"),
    Row("expiretime", 2, kReadOnly | kFast, kCatKeyspace)
        .keys(1, 1, 1, kSpec3)
        .docs("7.0.0", "O(1)", "When a key expires, in Unix time; nothing does here")
        .takes(kKey)
        .runs(read_key, write_ttl),
    Row("keys", 2, kReadOnly, kCatKeyspace | kCatDangerous)
        .docs("1.0.0", "O(N), N keys of the database", "All keys that match a pattern")
        .takes(kKeysArguments)
        .tips("request_policy:all_shards nondeterministic_output_order")
        .runs(read_keys, write_keys, kEndsBatch),
    Row("migrate", -6, kWrite | kMovableKeys, kCatKeyspace | kCatDangerous)
        .keys(3, 3, 1, kSpec19)
        .docs("2.6.0", "O(N), N bytes of the values", "Moves keys to another server")
        .tips("nondeterministic_output"),
    Row("move", 3, kWrite | kFast, kCatKeyspace)
        .keys(1, 1, 1, kSpec2)
        .docs("1.0.0", "O(1)", "Moves a key to another database"),
    Row("object", -2, 0, 0)
        .docs("2.2.3", "Depends on the subcommand", "Commands about the object behind a key")
        .contains(kObject),
    Row("persist", 2, kWrite | kFast, kCatKeyspace)
        .keys(1, 1, 1, kSpec13)
        .docs("2.2.0", "O(1)", "Lets a key live for ever"),
    Row("pexpire", -3, kWrite | kFast, kCatKeyspace)
        .keys(1, 1, 1, kSpec13)
        .docs("2.6.0", "O(1)", "Lets a key live so many milliseconds"),
    Row("pexpireat", -3, kWrite | kFast, kCatKeyspace)
        .keys(1, 1, 1, kSpec13)
        .docs("2.6.0", "O(1)", "Lets a key live until a Unix time in milliseconds"),
    Row("pexpiretime", 2, kReadOnly | kFast, kCatKeyspace)
        .keys(1, 1, 1, kSpec3)
        .docs("7.0.0", "O(1)", "When a key expires, in Unix milliseconds; nothing does here")
        .takes(kKey)
        .runs(read_key, write_ttl),
    Row("pttl", 2, kReadOnly | kFast, kCatKeyspace)
        .keys(1, 1, 1, kSpec3)
        .docs("2.6.0", "O(1)", "How many milliseconds a key has to live; nothing expires here")
        .takes(kKey)
        .tips("nondeterministic_output")
        .runs(read_key, write_ttl),
    Row("randomkey", 1, kReadOnly, kCatKeyspace)
        .docs("1.0.0", "O(1)", "Some key, chosen by chance")
        .tips("request_policy:all_shards nondeterministic_output")
        .runs(read_random_key, write_random_key),
    Row("rename", 3, kWrite, kCatKeyspace)
        .keys(1, 2, 1, kSpec21)
        .docs("1.0.0", "O(1)", "Gives a key another name"),
    Row("renamenx", 3, kWrite | kFast, kCatKeyspace)
        .keys(1, 2, 1, kSpec22)
        .docs("1.0.0", "O(1)", "Gives a key another name that is not taken"),
    Row("restore", -4, kWrite | kDenyOom, kCatKeyspace | kCatDangerous)
        .keys(1, 1, 1, kSpec10)
        .docs("2.6.0", "O(N), N bytes of the value", "Makes a key from what DUMP gave"),
    Row("scan", -2, kReadOnly, kCatKeyspace)
        .docs("2.8.0", "O(COUNT) a call, O(N) for all N keys",
              "Walks the keys, a part at each call")
        .takes(kScanArguments)
        .tips("nondeterministic_output request_policy:special")
        .runs(read_scan, write_scan, kEndsBatch),
    Row("sort", -2, kWrite | kDenyOom | kMovableKeys,
        kCatSet | kCatSortedSet | kCatList | kCatDangerous)
        .keys(1, 1, 1, kSpec23)
        .docs("1.0.0", "O(N+M*log(M)), N elements, M of them returned",
              "Sorts a list or a set, and may store the outcome"),
    Row("sort_ro", -2, kReadOnly | kMovableKeys, kCatSet | kCatSortedSet | kCatList | kCatDangerous)
        .keys(1, 1, 1, kSpec24)
        .docs("7.0.0", "O(N+M*log(M)), N elements, M of them returned", "Sorts a list or a set")
        .misses("*0\r\n")
        .runs(read_key, write_missing),
    Row("touch", -2, kReadOnly | kFast, kCatKeyspace)
        .keys(1, -1, 1, kSpec18)
        .docs("3.2.1", "O(N), N keys", "How many of the keys there are; nothing is noted")
        .takes(kKeys)
        .tips("request_policy:multi_shard response_policy:agg_sum")
        .runs(read_keys_of_all, write_existing, kAllKeys),
    Row("ttl", 2, kReadOnly | kFast, kCatKeyspace)
        .keys(1, 1, 1, kSpec3)
        .docs("1.0.0", "O(1)", "How many seconds a key has to live; nothing expires here")
        .takes(kKey)
        .tips("nondeterministic_output")
        .runs(read_key, write_ttl),
    Row("type", 2, kReadOnly | kFast, kCatKeyspace)
        .keys(1, 1, 1, kSpec14)
        .docs("1.0.0", "O(1)", "Whether a name is a string, a hash or nothing")
        .takes(kKey)
        .runs(read_key, write_type),
    Row("unlink", -2, kWrite | kFast, kCatKeyspace)
        .keys(1, -1, 1, kSpec17)
        .docs("4.0.0", "O(N), N keys", "Removes keys, and frees their memory later")
        .tips("request_policy:multi_shard response_policy:agg_sum"),
    Row("wait", 3, kNoScript, kCatConnection)
        .docs("3.0.0", "O(1)", "How many replicas have what was written; there are none here")
        .takes(kWaitArguments)
        .tips("request_policy:all_shards response_policy:agg_min")
        .runs(nullptr, write_wait),
};

}  // namespace

std::span<const Command> generic_rows() { return kGenericRows; }

}  // namespace goromdb::redis

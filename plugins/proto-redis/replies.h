// SPDX-License-Identifier: MIT
// The rows' functions that word answers. What they share comes first.
#pragma once

#include <optional>

#include "reply.h"

namespace goromdb::redis {

inline constexpr std::string_view kWrongType =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view kStorageError = "ERR storage error";
inline constexpr std::string_view kNotAnInteger = "ERR value is not an integer or out of range";
inline constexpr std::string_view kSyntaxError = "ERR syntax error";
inline constexpr std::string_view kLoadingError = "LOADING Redis is loading the dataset in memory";

// Writes the error that the whole answer is, if it is one: no data set, a storage that failed on
// any of the keys. A failure is never told as a key that is not there.
bool write_failure(Reply& reply);

// The first value, found or not; nullptr: an error has been written, WRONGTYPE among them.
const goromdb_value* find_string(Reply& reply);

// The bytes [first, last] that redis takes of `size` ones; negative ones count from the end.
struct Span {
  int64_t first, last;
};
std::optional<Span> clip(int64_t first, int64_t last, int64_t size);

goromdb_status write_auth(Reply& reply);
goromdb_status write_bitcount(Reply& reply);
goromdb_status write_bitfield(Reply& reply);
goromdb_status write_bitpos(Reply& reply);
goromdb_status write_client_caching(Reply& reply);
goromdb_status write_client_getname(Reply& reply);
goromdb_status write_client_getredir(Reply& reply);
goromdb_status write_client_id(Reply& reply);
goromdb_status write_client_kill(Reply& reply);
goromdb_status write_client_no_evict(Reply& reply);
goromdb_status write_client_no_touch(Reply& reply);
goromdb_status write_client_pause(Reply& reply);
goromdb_status write_client_reply(Reply& reply);
goromdb_status write_client_setinfo(Reply& reply);
goromdb_status write_client_setname(Reply& reply);
goromdb_status write_client_tracking(Reply& reply);
goromdb_status write_client_trackinginfo(Reply& reply);
goromdb_status write_client_unblock(Reply& reply);
goromdb_status write_client_unpause(Reply& reply);
goromdb_status write_cluster_disabled(Reply& reply);
goromdb_status write_discard(Reply& reply);
goromdb_status write_dump(Reply& reply);
goromdb_status write_echo(Reply& reply);
goromdb_status write_encoding(Reply& reply);
goromdb_status write_exec(Reply& reply);
goromdb_status write_existing(Reply& reply);
goromdb_status write_field(Reply& reply);
goromdb_status write_field_length(Reply& reply);
goromdb_status write_fields(Reply& reply);
goromdb_status write_frequency(Reply& reply);
goromdb_status write_getbit(Reply& reply);
goromdb_status write_has_field(Reply& reply);
goromdb_status write_hash(Reply& reply);
goromdb_status write_hash_count(Reply& reply);
goromdb_status write_hash_scan(Reply& reply);
goromdb_status write_hello(Reply& reply);
goromdb_status write_idle_time(Reply& reply);
goromdb_status write_keys(Reply& reply);
goromdb_status write_lcs(Reply& reply);
goromdb_status write_length(Reply& reply);
goromdb_status write_memory_usage(Reply& reply);
goromdb_status write_missing(Reply& reply);
goromdb_status write_missing_each(Reply& reply);
goromdb_status write_missing_lpos(Reply& reply);
goromdb_status write_missing_numbered(Reply& reply);
goromdb_status write_missing_random(Reply& reply);
goromdb_status write_multi(Reply& reply);
goromdb_status write_ok(Reply& reply);
goromdb_status write_pfcount(Reply& reply);
goromdb_status write_ping(Reply& reply);
goromdb_status write_publish(Reply& reply);
goromdb_status write_pubsub_channels(Reply& reply);
goromdb_status write_pubsub_numpat(Reply& reply);
goromdb_status write_pubsub_numsub(Reply& reply);
goromdb_status write_pubsub_shardchannels(Reply& reply);
goromdb_status write_pubsub_shardnumsub(Reply& reply);
goromdb_status write_random_fields(Reply& reply);
goromdb_status write_random_key(Reply& reply);
goromdb_status write_range(Reply& reply);
goromdb_status write_refcount(Reply& reply);
goromdb_status write_reset(Reply& reply);
goromdb_status write_scan(Reply& reply);
goromdb_status write_select(Reply& reply);
goromdb_status write_string(Reply& reply);
goromdb_status write_strings(Reply& reply);
goromdb_status write_subscribe(Reply& reply);
goromdb_status write_total(Reply& reply);
goromdb_status write_ttl(Reply& reply);
goromdb_status write_type(Reply& reply);
goromdb_status write_unsubscribe(Reply& reply);
goromdb_status write_unwatch(Reply& reply);
goromdb_status write_watch(Reply& reply);
goromdb_status write_xpending(Reply& reply);

}  // namespace goromdb::redis

// SPDX-License-Identifier: MIT
// The key space: which keys there are, what they are, walks over all of them. Namespaces are keys
// of the type hash.
#include <algorithm>
#include <string>

#include "glob.h"
#include "numbers.h"
#include "reads.h"
#include "replies.h"
#include "scan.h"

namespace goromdb::redis {

namespace {

constexpr uint32_t kKeysSlice = 1024;  // entries of a slice of KEYS

bool exists(const goromdb_value& value) {
  return value.status == GOROMDB_OK || value.status == GOROMDB_IS_NAMESPACE;
}

// What redis says where it would keep a string as an integer.
bool is_integer(const goromdb_value& value) {
  constexpr uint32_t kLongest = 20;
  return value.len <= kLongest &&
         integer({static_cast<const char*>(value.ptr), value.len}).has_value();
}

// For OBJECT: whether there is such a key; if not, or on a failure, that has been said.
bool has_object(Reply& reply) {
  if (write_failure(reply)) return false;
  if (exists(reply.answer.values[0])) return true;
  reply.out.null();
  return false;
}

goromdb_request& walk_all(Call& call, uint32_t flags, uint32_t count) {
  goromdb_request& request = call.add(GOROMDB_OP_WALK);
  request.flags = flags | GOROMDB_WALK_NAMESPACES;
  request.count = count;
  return request;
}

}  // namespace

goromdb_status write_existing(Reply& reply) {
  if (write_failure(reply)) return GOROMDB_OK;
  const goromdb_answer& answer = reply.answer;
  reply.out.integer(std::count_if(answer.values, answer.values + answer.n, exists));
  return GOROMDB_OK;
}

goromdb_status write_type(Reply& reply) {
  if (write_failure(reply)) return GOROMDB_OK;
  const goromdb_status status = reply.answer.values[0].status;
  reply.out.simple(status == GOROMDB_OK             ? "string"
                   : status == GOROMDB_IS_NAMESPACE ? "hash"
                                                    : "none");
  return GOROMDB_OK;
}

// TTL and its like: nothing expires.
goromdb_status write_ttl(Reply& reply) {
  if (!write_failure(reply)) reply.out.integer(exists(reply.answer.values[0]) ? -1 : -2);
  return GOROMDB_OK;
}

// ---- OBJECT, MEMORY USAGE ----

goromdb_status write_encoding(Reply& reply) {
  constexpr uint32_t kEmbedded = 44;  // bytes of a string that redis keeps with its header
  if (!has_object(reply)) return GOROMDB_OK;
  const goromdb_value& value = reply.answer.values[0];
  if (value.status == GOROMDB_IS_NAMESPACE) return reply.out.bulk("hashtable"), GOROMDB_OK;
  reply.out.bulk(is_integer(value) ? "int" : value.len <= kEmbedded ? "embstr" : "raw");
  return GOROMDB_OK;
}

goromdb_status write_refcount(Reply& reply) {
  constexpr int64_t kShared = INT32_MAX;  // of the integers up to this, which redis shares
  constexpr int64_t kSharedBelow = 10000;
  if (!has_object(reply)) return GOROMDB_OK;
  const goromdb_value& value = reply.answer.values[0];
  int64_t count = 1;
  if (value.status == GOROMDB_OK && is_integer(value)) {
    const int64_t n = *integer({static_cast<const char*>(value.ptr), value.len});
    if (n >= 0 && n < kSharedBelow) count = kShared;
  }
  reply.out.integer(count);
  return GOROMDB_OK;
}

goromdb_status write_idle_time(Reply& reply) {
  if (has_object(reply)) reply.out.integer(0);
  return GOROMDB_OK;
}

goromdb_status write_frequency(Reply& reply) {
  if (!has_object(reply)) return GOROMDB_OK;
  reply.out.error(
      "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
      "when switching between policies at runtime LRU and LFU data will take some time to adjust.");
  return GOROMDB_OK;
}

void read_memory_usage(Call& call) {
  Args args = call.args();
  args.next();
  while (args.left() > 0) {
    if (!is_word(args.next(), "samples") || args.left() == 0) return call.error(kSyntaxError);
    const auto samples = integer(args.next());
    if (!samples) return call.error(kNotAnInteger);
    if (*samples < 0) return call.error(kSyntaxError);
  }
  goromdb_request& request = call.add(GOROMDB_OP_GET);
  request.flags = GOROMDB_WANT_KIND;
  call.key(request, call.args().next());
}

// The bytes of the key and its value in the file; of a hash its name's alone.
goromdb_status write_memory_usage(Reply& reply) {
  if (!has_object(reply)) return GOROMDB_OK;
  const goromdb_value& value = reply.answer.values[0];
  const size_t name = reply.args().next().size();
  reply.out.integer(
      static_cast<int64_t>(name + (value.status == GOROMDB_OK ? value.len : size_t{0})));
  return GOROMDB_OK;
}

// ---- walks ----

void read_dbsize(Call& call) { walk_all(call, GOROMDB_WALK_COUNT, 0); }

goromdb_status write_total(Reply& reply) {
  if (!write_failure(reply)) reply.out.integer(static_cast<int64_t>(reply.answer.total));
  return GOROMDB_OK;
}

void read_random_key(Call& call) { walk_all(call, GOROMDB_WALK_RANDOM, 1); }

goromdb_status write_random_key(Reply& reply) {
  if (write_failure(reply)) return GOROMDB_OK;
  if (reply.answer.n > 0) {
    reply.out.bulk(view(reply.answer.keys[0]));
  } else {
    reply.out.null();
  }
  return GOROMDB_OK;
}

void read_scan(Call& call) {
  Args args = call.args();
  const auto cursor = scan_cursor(args.next());
  if (!cursor) return call.error(kBadCursor);
  ScanOptions options;
  if (const auto error = parse_scan_options(args, false, options); !error.empty()) {
    return call.error(error);
  }
  walk_all(call, GOROMDB_WALK_POSITION, options.count).position = *cursor;
}

goromdb_status write_scan(Reply& reply) {
  if (reply.answer.status == GOROMDB_E_CONFIG) return reply.out.error(kBadCursor), GOROMDB_OK;
  if (write_failure(reply)) return GOROMDB_OK;
  Args args = reply.args();
  args.next();
  ScanOptions options;
  parse_scan_options(args, false, options);
  write_scan_page(reply, options, false);
  return GOROMDB_OK;
}

void read_keys(Call& call) {
  if (call.args().next().size() > kLongestPattern) return call.error(kPatternTooLong);
  walk_all(call, 0, kKeysSlice);
}

// The head of the reply says how many keys match: they are collected until the walk's end.
goromdb_status write_keys(Reply& reply) {
  const goromdb_answer& answer = reply.answer;
  Conn& conn = reply.conn;
  Session& session = session_of(conn);
  if (!conn.walking) {
    session.pattern = reply.args().next();
    session.collected.clear();
    session.found = 0;
  }
  conn.walking = false;
  bool fits = true;
  for (uint32_t i = 0; i < answer.n && fits; ++i) {
    const std::string_view key = view(answer.keys[i]);
    if (!glob_match(session.pattern, key)) continue;
    ++session.found;
    session.collected.append("$").append(std::to_string(key.size())).append("\r\n");
    session.collected.append(key).append("\r\n");
    fits = session.collected.size() <= reply.server.settings.max_keys_reply;
  }
  if (fits && answer.status == GOROMDB_OK) {
    conn.walking = true;
    return GOROMDB_AGAIN;
  }
  if (answer.status == GOROMDB_E_TOO_BIG) {
    reply.out.error("ERR too many keys for KEYS in a transaction, use SCAN");
  } else if (!fits) {
    reply.out.error("ERR the reply to KEYS is too large, use SCAN");
  } else if (!write_failure(reply)) {
    reply.out.array(session.found);
    reply.out.raw(session.collected);
  }
  session.collected = {};
  session.pattern = {};
  return GOROMDB_OK;
}

}  // namespace goromdb::redis

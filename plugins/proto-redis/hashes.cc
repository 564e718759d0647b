// SPDX-License-Identifier: MIT
// Hashes: namespaces and their entries. A namespace without a name there is none of (the ABI's
// empty name means the keys without one), so that a hash of an empty name is looked for as a key.
#include <algorithm>
#include <random>

#include "numbers.h"
#include "reads.h"
#include "replies.h"
#include "scan.h"

namespace goromdb::redis {

namespace {

constexpr uint32_t kHashSlice = 512;  // entries of a slice of a walk

// A walk of the hash that the first argument names.
goromdb_request& walk(Call& call, uint32_t flags, uint32_t count) {
  const std::string_view name = call.args().next();
  if (name.empty()) {
    goromdb_request& request = call.add(GOROMDB_OP_GET);
    call.key(request, name);
    return request;
  }
  goromdb_request& request = call.add(GOROMDB_OP_WALK);
  request.flags = flags | GOROMDB_WANT_KIND;
  request.arg = slice(name);
  request.count = count;
  return request;
}

enum class Hash { kFound, kMissing, kSaid };

// What the walk of a hash, or the look-up of its empty name, came to; an error has been written.
Hash hash_of(Reply& reply) {
  if (write_failure(reply)) return Hash::kSaid;
  const bool looked_up = reply.request.op == GOROMDB_OP_GET;
  const goromdb_status status = looked_up ? reply.answer.values[0].status : reply.answer.status;
  if (status == GOROMDB_NOT_FOUND) return Hash::kMissing;
  if (!looked_up && status != GOROMDB_IS_KEY) return Hash::kFound;
  reply.out.error(kWrongType);
  return Hash::kSaid;
}

// The field of HGET and its like; nullptr: an error has been written.
const goromdb_value* find_field(Reply& reply) {
  static constexpr goromdb_value kMissing{nullptr, 0, 0, 0, GOROMDB_NOT_FOUND, 0};
  if (write_failure(reply)) return nullptr;
  const goromdb_value& value = reply.answer.values[0];
  const bool is_key = reply.request.nkeys > 0 && reply.args().peek().empty()
                          ? value.status == GOROMDB_OK
                          : value.status == GOROMDB_IS_KEY;
  if (is_key) {
    reply.out.error(kWrongType);
    return nullptr;
  }
  return value.status == GOROMDB_OK ? &value : &kMissing;
}

// More entries than a walk gives inside a transaction.
bool too_many_in_exec(const Reply& reply, uint64_t entries) {
  constexpr uint64_t kMostInExec = 65536;
  return (reply.tag.bits & Tag::kInExec) && entries > kMostInExec;
}

}  // namespace

void read_fields(Call& call) {
  Args args = call.args();
  const std::string_view name = args.next();
  goromdb_request& request = call.add(GOROMDB_OP_GET);
  request.flags = GOROMDB_WANT_KIND;
  if (name.empty()) return call.key(request, name);
  const uint32_t scope = call.scope(name);
  while (args.left() > 0) call.key(request, args.next(), scope);
}

void read_field(Call& call) { read_fields(call); }

goromdb_status write_field(Reply& reply) {
  const goromdb_value* value = find_field(reply);
  if (value == nullptr) return GOROMDB_OK;
  if (value->status == GOROMDB_OK) {
    reply.out.value(*value);
  } else {
    reply.out.null();
  }
  return GOROMDB_OK;
}

goromdb_status write_fields(Reply& reply) {
  if (find_field(reply) == nullptr) return GOROMDB_OK;
  const goromdb_answer& answer = reply.answer;
  const uint32_t fields = reply.tag.args - 1;
  reply.out.array(fields);
  for (uint32_t i = 0; i < fields; ++i) {
    if (answer.n == fields && answer.values[i].status == GOROMDB_OK) {
      reply.out.value(answer.values[i]);
    } else {
      reply.out.null();
    }
  }
  return GOROMDB_OK;
}

goromdb_status write_has_field(Reply& reply) {
  const goromdb_value* value = find_field(reply);
  if (value != nullptr) reply.out.integer(value->status == GOROMDB_OK ? 1 : 0);
  return GOROMDB_OK;
}

goromdb_status write_field_length(Reply& reply) {
  const goromdb_value* value = find_field(reply);
  if (value != nullptr) reply.out.integer(value->status == GOROMDB_OK ? value->len : 0);
  return GOROMDB_OK;
}

void read_hash_count(Call& call) { walk(call, GOROMDB_WALK_COUNT, 0); }

goromdb_status write_hash_count(Reply& reply) {
  const Hash hash = hash_of(reply);
  if (hash != Hash::kSaid) {
    reply.out.integer(hash == Hash::kFound ? static_cast<int64_t>(reply.answer.total) : 0);
  }
  return GOROMDB_OK;
}

void read_hash(Call& call) { walk(call, GOROMDB_WALK_COUNT, kHashSlice); }

// HGETALL, HKEYS, HVALS: the head at the first slice, then what comes, as often as it comes.
goromdb_status write_hash(Reply& reply) {
  const goromdb_answer& answer = reply.answer;
  const std::string_view name = reply.command().name;
  const bool keys = name != "hvals", values = name != "hkeys";
  if (!reply.conn.walking) {
    const Hash hash = hash_of(reply);
    if (hash == Hash::kSaid) return GOROMDB_OK;
    const uint64_t total = hash == Hash::kFound ? answer.total : 0;
    if (too_many_in_exec(reply, total)) {
      reply.out.error("ERR the hash is too large for a transaction, use HSCAN");
      return GOROMDB_OK;
    }
    if (keys && values) {
      reply.out.map(total);
    } else {
      reply.out.array(total);
    }
    if (hash == Hash::kMissing) return GOROMDB_OK;
  } else if (answer.status < 0) {
    return answer.status;  // the head has been sent: all that is left is to hang up
  }
  for (uint32_t i = 0; i < answer.n; ++i) {
    if (keys) reply.out.bulk(view(answer.keys[i]));
    if (values) reply.out.value(answer.values[i]);
  }
  reply.conn.walking = answer.status == GOROMDB_OK;
  return reply.conn.walking ? GOROMDB_AGAIN : GOROMDB_OK;
}

void read_hash_scan(Call& call) {
  Args args = call.args();
  args.next();
  const auto cursor = scan_cursor(args.next());
  if (!cursor) return call.error(kBadCursor);
  ScanOptions options;
  // An error in them is told when the key is known to be there, as redis does.
  parse_scan_options(args, true, options);
  goromdb_request& request = walk(call, GOROMDB_WALK_POSITION, options.count);
  request.position = *cursor;
}

goromdb_status write_hash_scan(Reply& reply) {
  if (reply.answer.status == GOROMDB_E_CONFIG) return reply.out.error(kBadCursor), GOROMDB_OK;
  const Hash hash = hash_of(reply);
  if (hash == Hash::kSaid) return GOROMDB_OK;
  if (hash == Hash::kMissing) return write_scan_page(reply, {}, true), GOROMDB_OK;
  Args args = reply.args();
  args.skip(2);
  ScanOptions options;
  if (const auto error = parse_scan_options(args, true, options); !error.empty()) {
    return reply.out.error(error), GOROMDB_OK;
  }
  write_scan_page(reply, options, true);
  return GOROMDB_OK;
}

// ---- HRANDFIELD key [count [WITHVALUES]] ----

namespace {

constexpr int64_t kMostRepeats = 65536;  // of a negative count: each costs a place in the reply

struct RandomFields {
  bool many = false, with_values = false;
  int64_t count = 1;
};

std::string_view parse_random_fields(Args args, RandomFields& wanted) {
  args.next();
  if (args.left() == 0) return {};
  wanted.many = true;
  const auto count = integer(args.next());
  if (!count) return kNotAnInteger;
  if (*count == INT64_MIN) {
    return "ERR value is out of range, value must between -9223372036854775807 and "
           "9223372036854775807";
  }
  wanted.count = *count;
  if (args.left() > 0) {
    wanted.with_values = true;
    if (!is_word(args.next(), "withvalues") || args.left() > 0) return kSyntaxError;
    if (*count < -(INT64_MAX / 2) || *count > INT64_MAX / 2) return "ERR value is out of range";
  }
  if (*count < -kMostRepeats) return "ERR value is out of range";
  return {};
}

void write_random(Reply& reply, uint32_t i, bool with_values) {
  if (with_values && reply.out.three()) reply.out.array(2);
  reply.out.bulk(view(reply.answer.keys[i]));
  if (with_values) reply.out.value(reply.answer.values[i]);
}

void write_head(Reply& reply, uint64_t n, bool with_values) {
  reply.out.array(with_values && !reply.out.three() ? 2 * n : n);
}

// A negative count: entries of the walk, which began anywhere, may come more than once.
void write_repeats(Reply& reply, const RandomFields& wanted) {
  const auto n = static_cast<uint32_t>(-wanted.count);
  std::minstd_rand random(
      static_cast<uint32_t>(reinterpret_cast<uintptr_t>(reply.answer.keys[0].ptr)));
  write_head(reply, n, wanted.with_values);
  for (uint32_t i = 0; i < n; ++i) {
    write_random(reply, static_cast<uint32_t>(random()) % reply.answer.n, wanted.with_values);
  }
}

}  // namespace

void read_random_fields(Call& call) {
  RandomFields wanted;
  if (const auto error = parse_random_fields(call.args(), wanted); !error.empty()) {
    return call.error(error);
  }
  const int64_t most = wanted.count < 0 ? -wanted.count : wanted.count;
  walk(call, GOROMDB_WALK_RANDOM | GOROMDB_WALK_COUNT,
       static_cast<uint32_t>(std::clamp<int64_t>(most, 1, kHashSlice)));
}

goromdb_status write_random_fields(Reply& reply) {
  const goromdb_answer& answer = reply.answer;
  Conn& conn = reply.conn;
  if (!conn.walking) {
    RandomFields wanted;
    parse_random_fields(reply.args(), wanted);
    const Hash hash = hash_of(reply);
    if (hash == Hash::kSaid) return GOROMDB_OK;
    if (hash == Hash::kMissing || answer.n == 0 || wanted.count == 0) {
      if (wanted.many) {
        reply.out.array(0);
      } else {
        reply.out.null();
      }
      return GOROMDB_OK;
    }
    if (!wanted.many) return reply.out.bulk(view(answer.keys[0])), GOROMDB_OK;
    if (wanted.count < 0) return write_repeats(reply, wanted), GOROMDB_OK;
    conn.walk_left = std::min(static_cast<uint64_t>(wanted.count), answer.total);
    conn.walk_values = wanted.with_values;
    if (too_many_in_exec(reply, conn.walk_left)) {
      reply.out.error("ERR the hash is too large for a transaction, use HSCAN");
      return GOROMDB_OK;
    }
    write_head(reply, conn.walk_left, wanted.with_values);
  } else if (answer.status < 0) {
    return answer.status;
  }
  for (uint32_t i = 0; i < answer.n && conn.walk_left > 0; ++i, --conn.walk_left) {
    write_random(reply, i, conn.walk_values);
  }
  conn.walking = answer.status == GOROMDB_OK && conn.walk_left > 0;
  return conn.walking ? GOROMDB_AGAIN : GOROMDB_OK;
}

}  // namespace goromdb::redis

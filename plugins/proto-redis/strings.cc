// SPDX-License-Identifier: MIT
// Strings: keys without a namespace and their values.
#include <algorithm>

#include "numbers.h"
#include "reads.h"
#include "replies.h"

namespace goromdb::redis {

namespace {

bool is_fault(goromdb_status status) {
  return status < 0 || status > GOROMDB_IS_KEY || status == GOROMDB_NEED_MORE ||
         status == GOROMDB_AGAIN;
}

}  // namespace

bool write_failure(Reply& reply) {
  const goromdb_answer& answer = reply.answer;
  goromdb_status status = answer.status;
  for (uint32_t i = 0; i < answer.n && reply.request.op == GOROMDB_OP_GET; ++i) {
    if (is_fault(answer.values[i].status)) status = answer.values[i].status;
  }
  if (status >= 0 && status <= GOROMDB_IS_KEY) return false;
  reply.out.error(status == GOROMDB_E_NOT_READY ? kLoadingError : kStorageError);
  return true;
}

const goromdb_value* find_string(Reply& reply) {
  if (write_failure(reply)) return nullptr;
  const goromdb_value& value = reply.answer.values[0];
  if (value.status == GOROMDB_OK || value.status == GOROMDB_NOT_FOUND) return &value;
  reply.out.error(kWrongType);
  return nullptr;
}

void read_key(Call& call) {
  goromdb_request& request = call.add(GOROMDB_OP_GET);
  request.flags = GOROMDB_WANT_KIND;
  const auto first = static_cast<uint32_t>(call.command().keys.first);
  call.key(request, call.args().peek(first - call.names()));
}

void read_keys_of_all(Call& call) {
  goromdb_request& request = call.add(GOROMDB_OP_GET);
  request.flags = GOROMDB_WANT_KIND;
  call.all_keys(request);
}

// MGET: a hash is as good as nothing, so that nobody needs to ask which of them a miss is.
void read_strings(Call& call) { call.all_keys(call.add(GOROMDB_OP_GET)); }

// Without options it reads; with them it would change when the key expires.
void read_getex(Call& call) {
  if (call.args().left() == 1) return read_key(call);
  call.tag.verdict = Verdict::kWrite;
  call.add(GOROMDB_OP_REFUSED);
}

void read_range(Call& call) {
  const Args args = call.args();
  if (!integer(args.peek(1)) || !integer(args.peek(2))) return call.error(kNotAnInteger);
  read_key(call);
}

goromdb_status write_string(Reply& reply) {
  const goromdb_value* value = find_string(reply);
  if (value == nullptr) return GOROMDB_OK;
  if (value->status == GOROMDB_OK) {
    reply.out.value(*value);
  } else {
    reply.out.null();
  }
  return GOROMDB_OK;
}

goromdb_status write_strings(Reply& reply) {
  if (write_failure(reply)) return GOROMDB_OK;
  reply.out.array(reply.answer.n);
  reply.out.values(reply.answer.values, reply.answer.n);
  return GOROMDB_OK;
}

goromdb_status write_length(Reply& reply) {
  const goromdb_value* value = find_string(reply);
  if (value != nullptr) reply.out.integer(value->status == GOROMDB_OK ? value->len : 0);
  return GOROMDB_OK;
}

std::optional<Span> clip(int64_t first, int64_t last, int64_t size) {
  if (first < 0 && last < 0 && first > last) return std::nullopt;
  if (first < 0) first = std::max<int64_t>(first + size, 0);
  if (last < 0) last = std::max<int64_t>(last + size, 0);
  last = std::min(last, size - 1);
  if (first > last) return std::nullopt;
  return Span{first, last};
}

goromdb_status write_range(Reply& reply) {
  const goromdb_value* value = find_string(reply);
  if (value == nullptr) return GOROMDB_OK;
  const Args args = reply.args();
  const int64_t size = value->status == GOROMDB_OK ? value->len : 0;
  const auto span = clip(*integer(args.peek(1)), *integer(args.peek(2)), size);
  if (span) {
    reply.out.value(*value, static_cast<uint32_t>(span->first),
                    static_cast<uint32_t>(span->last - span->first + 1));
  } else {
    reply.out.bulk({});
  }
  return GOROMDB_OK;
}

}  // namespace goromdb::redis

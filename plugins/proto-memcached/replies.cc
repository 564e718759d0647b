// SPDX-License-Identifier: MIT
// The hot half of the plugin: one reservation a value for everything around it.
#include "replies.h"

#include "parser.h"
#include "prefixes.h"
#include "texts.h"

namespace goromdb::memcached {

namespace {

// `lead` is "VALUE ", with the line end of the value before it. Inlined by hand: a call for each
// value is a tenth of what a reply to many keys costs.
[[gnu::always_inline]] inline void write_head(std::string_view lead, std::string_view key,
                                              const goromdb_value& value, bool cas, Writer& out) {
  constexpr size_t kNumbers = 10 + 10 + kMaxDigits, kPunctuation = 8 + 3 + 2;
  uint8_t* cursor = out.reserve(key.size() + kNumbers + kPunctuation);
  if (cursor == nullptr) return;
  cursor = put(cursor, lead);
  cursor = put(cursor, key);
  *cursor++ = ' ';
  cursor = put_number(cursor, value.flags);
  *cursor++ = ' ';
  cursor = put_number(cursor, value.len);
  if (cas) {
    *cursor++ = ' ';
    cursor = put_number(cursor, cas_of(value));
  }
  out.commit(put(cursor, "\r\n"));
}

}  // namespace

Status find_status(const goromdb_answer& answer) {
  if (answer.status == GOROMDB_E_NOT_READY) return Status::kTemporary;
  if (answer.status != GOROMDB_OK) return Status::kInternal;
  for (uint32_t i = 0; i < answer.n; ++i) {
    goromdb_status status = answer.values[i].status;
    if (status == GOROMDB_E_NOT_READY) return Status::kTemporary;
    if (status != GOROMDB_OK && status != GOROMDB_NOT_FOUND) return Status::kInternal;
  }
  return Status::kOk;
}

std::string_view find_error(const goromdb_answer& answer) {
  const Status status = find_status(answer);
  if (status == Status::kOk) return {};
  return status == Status::kTemporary ? text::kNotReady : text::kStorageError;
}

bool is_text_key(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKey && is_plain(key);
}

void write_item(std::string_view key, const goromdb_value& value, Writer& out) {
  write_head("VALUE ", key, value, false, out);
  out.put_value(value);
  out.put("\r\n");
}

void write_values(const goromdb_answer& answer, bool cas, Writer& out) {
  constexpr std::string_view kLead = "\r\nVALUE ", kTail = "\r\nEND\r\n";
  size_t skip = 2;  // the line end of a value that was not written
  for (uint32_t i = 0; i < answer.n; ++i) {
    const goromdb_value& value = answer.values[i];
    if (value.status != GOROMDB_OK) continue;
    write_head(kLead.substr(skip), key_on_wire(answer.keys[i], answer.scopes), value, cas, out);
    out.put_value(value);
    skip = 0;
  }
  out.put(kTail.substr(skip));
}

}  // namespace goromdb::memcached

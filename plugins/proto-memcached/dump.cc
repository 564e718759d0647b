// SPDX-License-Identifier: MIT
#include "dump.h"

#include <goromdb/base64.hpp>

#include "replies.h"
#include "texts.h"

namespace goromdb::memcached {

namespace {

bool is_unreserved(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

// As a part of a URI (RFC 3986, section 2), so that the line can be cut at its spaces.
uint8_t* put_escaped(uint8_t* cursor, std::string_view key) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (char each : key) {
    const auto byte = static_cast<uint8_t>(each);
    if (is_unreserved(byte)) {
      *cursor++ = byte;
      continue;
    }
    *cursor++ = '%';
    *cursor++ = static_cast<uint8_t>(kDigits[byte >> 4]);
    *cursor++ = static_cast<uint8_t>(kDigits[byte & 15]);
  }
  return cursor;
}

// The cas is not told: it would take the hash of every value.
void write_meta_line(std::string_view key, const goromdb_value& value, Writer& out) {
  uint8_t* cursor = out.reserve(key.size() * 3 + 128);
  if (cursor == nullptr) return;
  cursor = put_escaped(put(cursor, "key="), key);
  cursor = put(cursor, " exp=-1 la=0 cas=0 fetch=no cls=1 size=");
  cursor = put_number(cursor, key.size() + value.len);
  cursor = put_number(put(cursor, " flags="), value.flags);
  out.commit(put(cursor, " \n"));
}

void write_mg_line(std::string_view key, Writer& out) {
  uint8_t* cursor = out.reserve(base64_size(key.size()) + 16);
  if (cursor == nullptr) return;
  cursor = put(cursor, "mg ");
  cursor = is_text_key(key) ? put(cursor, key) : put(encode_base64(key, cursor), " b");
  out.commit(put(cursor, "\r\n"));
}

}  // namespace

goromdb_status write_dump(Conn& conn, const goromdb_request& request, const goromdb_answer& answer,
                          Writer& out) {
  const bool metadump = request.tag[1] == 0;
  const bool more = answer.status == GOROMDB_OK;
  if (!more && answer.status != GOROMDB_END) {
    conn.dumping = false;
    out.put(answer.status == GOROMDB_E_NOT_READY ? text::kNotReady : text::kStorageError);
    return GOROMDB_OK;
  }
  if (!conn.dumping) out.put(text::kOk);
  conn.dumping = more;
  for (uint32_t i = 0; i < answer.n; ++i) {
    // A key that no client could ask for is none.
    const std::string_view key = view(answer.keys[i]);
    if (key.empty() || key.size() > kMaxKey) continue;
    metadump ? write_meta_line(key, answer.values[i], out) : write_mg_line(key, out);
  }
  if (!more) out.put(metadump ? text::kEnd : text::kMetaMiss);
  return more ? GOROMDB_AGAIN : GOROMDB_OK;
}

}  // namespace goromdb::memcached

// SPDX-License-Identifier: MIT
// DUMP: a string as redis's RESTORE takes it, in the format of RDB files, version 10
// (https://rdb.fnordig.de/file_format.html): type, length, bytes, then the version and the CRC-64
// of all that. Nothing is compressed and nothing is written as an integer; RESTORE takes that as
// well.
#include <array>
#include <cstdint>
#include <string>

#include "replies.h"

namespace goromdb::redis {

namespace {

constexpr uint8_t kString = 0, kVersion = 10;

// The CRC-64 "Jones": reflected, polynomial 0xad93d23594c935a9, begins with 0, no final change.
constexpr std::array<uint64_t, 256> make_table() {
  constexpr uint64_t kReflected = 0x95ac9329ac4bc9b5;
  std::array<uint64_t, 256> table{};
  for (uint64_t i = 0; i < table.size(); ++i) {
    uint64_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ kReflected : crc >> 1;
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint64_t, 256> kCrcTable = make_table();

uint64_t crc64(uint64_t crc, const void* bytes, size_t len) {
  const auto* p = static_cast<const uint8_t*>(bytes);
  for (; len > 0; --len, ++p) crc = kCrcTable[(crc ^ *p) & 0xff] ^ crc >> 8;
  return crc;
}

void append_length(std::string& out, uint32_t len) {
  if (len < 1 << 6) {
    out.push_back(static_cast<char>(len));
  } else if (len < 1 << 14) {
    out.push_back(static_cast<char>(0x40 | len >> 8));
    out.push_back(static_cast<char>(len));
  } else {
    out.push_back(static_cast<char>(0x80));
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(len >> shift));
  }
}

}  // namespace

goromdb_status write_dump(Reply& reply) {
  if (write_failure(reply)) return GOROMDB_OK;
  const goromdb_value& value = reply.answer.values[0];
  if (value.status == GOROMDB_IS_NAMESPACE) {
    return reply.out.error("ERR DUMP gives strings only here, use HGETALL"), GOROMDB_OK;
  }
  if (value.status != GOROMDB_OK) return reply.out.null(), GOROMDB_OK;
  std::string head(1, static_cast<char>(kString));
  append_length(head, value.len);
  std::string tail = {static_cast<char>(kVersion), 0};
  uint64_t crc = crc64(0, head.data(), head.size());
  crc = crc64(crc, value.ptr, value.len);
  crc = crc64(crc, tail.data(), tail.size());
  for (int shift = 0; shift < 64; shift += 8) tail.push_back(static_cast<char>(crc >> shift));
  Writer& out = reply.out.writer();
  out.put("$");
  out.put_number(head.size() + value.len + tail.size());
  out.put("\r\n");
  out.put(head);
  out.put_value(value);
  out.put(tail);
  out.put("\r\n");
  return GOROMDB_OK;
}

}  // namespace goromdb::redis

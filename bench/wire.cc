// SPDX-License-Identifier: MIT
#include "wire.h"

#include <fmt/format.h>

#include <iterator>

namespace goromdb::bench {
namespace {

constexpr uint8_t kGet = 0x00, kGetKQ = 0x0d, kNoop = 0x0a;
constexpr uint8_t kRequest = 0x80, kResponse = 0x81, kNotFound = 1;

template <typename... Args>
void put(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

void put_big_endian(std::string& out, uint64_t value, int bytes) {
  while (bytes-- > 0) out.push_back(static_cast<char>(value >> (8 * bytes)));
}

void put_header(std::string& out, uint8_t magic, uint8_t opcode, size_t key, size_t extras,
                uint8_t status, size_t value) {
  out.push_back(static_cast<char>(magic));
  out.push_back(static_cast<char>(opcode));
  put_big_endian(out, key, 2);
  put_big_endian(out, extras, 1);
  put_big_endian(out, 0, 1);
  put_big_endian(out, status, 2);
  put_big_endian(out, key + extras + value, 4);
  out.append(12, '\0');  // opaque, cas
}

void put_bulk(std::string& out, std::string_view bytes) {
  put(out, "${}\r\n", bytes.size());
  out.append(bytes);
  out.append("\r\n");
}

// The reply packet to one get; quiet ones say nothing of a miss.
void put_packet(Reply& reply, std::string_view key, std::string_view value, bool hit, bool quiet) {
  if (!hit && quiet) return;
  const size_t begin = reply.bytes.size();
  const std::string_view told = quiet ? key : "";
  const std::string_view body = hit ? value : "Not found";
  put_header(reply.bytes, kResponse, quiet ? kGetKQ : kGet, told.size(), hit ? 4 : 0,
             hit ? 0 : kNotFound, body.size());
  reply.any.resize(begin);
  reply.any.resize(begin + 16, 0);
  reply.any.resize(begin + 24, 1);
  if (hit) reply.bytes.append(4, '\0');  // the flags
  reply.bytes.append(told).append(body);
}

}  // namespace

std::string absent_key(std::string_view key) {
  return "!" + std::string(key.substr(0, 249));  // memcached's keys end at 250 bytes
}

void append_request(std::string& out, Protocol protocol, const Rows& rows,
                    std::span<const Wanted> wanted) {
  const bool many = wanted.size() > 1;
  if (protocol == Protocol::kText) out.append("get");
  if (protocol == Protocol::kRedis) {
    put(out, "*{}\r\n", wanted.size() + 1);
    put_bulk(out, many ? "MGET" : "GET");
  }
  for (const Wanted& w : wanted) {
    const std::string made = w.absent ? absent_key(rows.key(w.row)) : "";
    const std::string_view key = w.absent ? std::string_view(made) : rows.key(w.row);
    switch (protocol) {
      case Protocol::kText:
        out.append(" ").append(key);
        break;
      case Protocol::kMeta:
        out.append("mg ").append(key).append(many ? " q k v\r\n" : " v\r\n");
        break;
      case Protocol::kBinary:
        put_header(out, kRequest, many ? kGetKQ : kGet, key.size(), 0, 0, 0);
        out.append(key);
        break;
      case Protocol::kRedis:
        put_bulk(out, key);
        break;
    }
  }
  if (protocol == Protocol::kText) out.append("\r\n");
  if (protocol == Protocol::kMeta && many) out.append("mn\r\n");
  if (protocol == Protocol::kBinary && many) put_header(out, kRequest, kNoop, 0, 0, 0, 0);
}

Reply expected_reply(Protocol protocol, const Rows& rows, std::span<const Wanted> wanted) {
  const bool many = wanted.size() > 1;
  Reply reply;
  std::string& out = reply.bytes;
  if (protocol == Protocol::kRedis && many) put(out, "*{}\r\n", wanted.size());
  for (const Wanted& w : wanted) {
    const bool hit = !w.absent;
    const std::string_view key = rows.key(w.row), value = rows.value(w.row);
    switch (protocol) {
      case Protocol::kText:
        if (hit) put(out, "VALUE {} 0 {}\r\n{}\r\n", key, value.size(), value);
        break;
      case Protocol::kMeta:
        if (hit && many) put(out, "VA {} k{}\r\n{}\r\n", value.size(), key, value);
        if (hit && !many) put(out, "VA {}\r\n{}\r\n", value.size(), value);
        if (!hit && !many) out.append("EN\r\n");
        break;
      case Protocol::kBinary:
        put_packet(reply, key, value, hit, many);
        break;
      case Protocol::kRedis:
        if (hit)
          put_bulk(out, value);
        else
          out.append("$-1\r\n");
        break;
    }
  }
  if (protocol == Protocol::kText) out.append("END\r\n");
  if (protocol == Protocol::kMeta && many) out.append("MN\r\n");
  if (protocol == Protocol::kBinary && many) put_header(out, kResponse, kNoop, 0, 0, 0, 0);
  reply.any.resize(out.size(), 0);
  return reply;
}

void append_set(std::string& out, Protocol protocol, const Rows& rows, size_t row) {
  const std::string_view key = rows.key(row), value = rows.value(row);
  if (protocol == Protocol::kRedis) {
    out.append("*3\r\n$3\r\nSET\r\n");
    put_bulk(out, key);
    put_bulk(out, value);
    return;
  }
  put(out, "set {} 0 0 {}\r\n", key, value.size());
  out.append(value).append("\r\n");
}

}  // namespace goromdb::bench

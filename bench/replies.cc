// SPDX-License-Identifier: MIT
#include "replies.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace goromdb::bench {
namespace {

constexpr size_t kPacketHeader = 24;

[[noreturn]] void no_reply(std::string_view line) {
  throw std::runtime_error("not the reply to a get: \"" + std::string(line.substr(0, 120)) + "\"");
}

// The number at the beginning; it ends at a blank or CR.
uint64_t number(std::string_view text, std::string_view line) {
  uint64_t value = 0;
  size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
    value = value * 10 + text[i] - '0';
  if (i == 0) no_reply(line);
  return value;
}

uint32_t big_endian(const char* at, int bytes) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(at[i]);
  return value;
}

}  // namespace

size_t ReplyReader::read(std::string_view data) {
  const char* at = data.data();
  const char* const end = at + data.size();
  while (at < end) {
    if (skip_ > 0) {
      const uint64_t some = std::min<uint64_t>(skip_, static_cast<uint64_t>(end - at));
      at += some;
      skip_ -= some;
      if (skip_ == 0 && ends_) ++replies_;
      continue;
    }
    if (protocol_ == Protocol::kBinary) {
      if (end - at < static_cast<ptrdiff_t>(kPacketHeader)) break;
      packet(at);
      at += kPacketHeader;
      continue;
    }
    const char* newline = static_cast<const char*>(memchr(at, '\n', static_cast<size_t>(end - at)));
    if (newline == nullptr) {
      if (end - at >= static_cast<ptrdiff_t>(kHeader)) no_reply({at, kHeader});
      break;
    }
    header_line({at, static_cast<size_t>(newline - at)});
    at = newline + 1;
  }
  return static_cast<size_t>(at - data.data());
}

void ReplyReader::value(uint64_t bytes, bool ends_reply) {
  ++hits_;
  skip_ = bytes;
  ends_ = ends_reply;
}

void ReplyReader::header_line(std::string_view line) {
  if (line.size() < 2 || line.back() != '\r') no_reply(line);
  switch (protocol_) {
    case Protocol::kText:
      if (line.starts_with("VALUE ")) {
        return value(number(line.substr(line.rfind(' ') + 1), line) + 2, false);
      }
      if (line == "END\r") return void(++replies_);
      break;
    case Protocol::kMeta:
      if (line.starts_with("VA ")) return value(number(line.substr(3), line) + 2, !many_);
      if (line == (many_ ? "MN\r" : "EN\r")) return void(++replies_);
      break;
    case Protocol::kRedis:
      if (line[0] == '*' && many_ && left_ == 0) {
        left_ = static_cast<uint32_t>(number(line.substr(1), line));
        if (left_ == keys_) return;
      } else if (line[0] == '$' && (!many_ || left_ > 0)) {
        const bool last = !many_ || --left_ == 0;
        if (line[1] != '-') return value(number(line.substr(1), line) + 2, last);
        if (last) ++replies_;
        return;
      }
      break;
    case Protocol::kBinary:
      break;
  }
  no_reply(line);
}

void ReplyReader::packet(const char* header) {
  const auto opcode = static_cast<uint8_t>(header[1]);
  const uint32_t status = big_endian(header + 6, 2), body = big_endian(header + 8, 4);
  const bool end = opcode == (many_ ? 0x0a : 0x00);
  if (static_cast<uint8_t>(header[0]) != 0x81 || status > 1 || (!end && opcode != 0x0d)) {
    throw std::runtime_error("not the reply to a binary get: opcode " + std::to_string(opcode) +
                             ", status " + std::to_string(status));
  }
  if (status == 0 && !(many_ && end)) ++hits_;
  skip_ = body;
  ends_ = end;
  if (body == 0 && end) ++replies_;
}

}  // namespace goromdb::bench

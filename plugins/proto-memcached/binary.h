// SPDX-License-Identifier: MIT
// The binary protocol: packets to requests and answers to packets. As pure as the text's parser;
// a refused value is thrown away as it comes. Source: memcached's protocol_binary.h and what
// memcached 1.6.18 and 1.6.45 do.
#pragma once

#include <goromdb/sdk.hpp>

#include <bit>

#include "batch.h"

namespace goromdb::memcached {

inline constexpr uint8_t kRequestMagic = 0x80, kResponseMagic = 0x81;
inline constexpr size_t kPacketHead = 24;

// What a packet's answer needs of it; travels in the request's tag[1].
struct ReplyHead {
  uint8_t opcode = 0;
  uint8_t reserved = 0;
  Status status = Status::kOk;
  uint32_t opaque = 0;  // as it came: bytes, no number

  static ReplyHead of(const goromdb_request& request) {
    return std::bit_cast<ReplyHead>(request.tag[1]);
  }
  uint64_t tag() const { return std::bit_cast<uint64_t>(*this); }
};

// Writes the head of a packet whose body has `extras` + `key` + `value` bytes; returns its end.
uint8_t* put_head(uint8_t* cursor, const ReplyHead& head, size_t extras, size_t key, size_t value,
                  uint64_t cas = 0);

goromdb_status parse_binary(const Settings& settings, Batch& batch) noexcept;

// The answer to a look-up, a hit, a miss or an error.
void write_found(const goromdb_request& request, const goromdb_answer& answer, Writer& out);

// The answer that needs no data: the request's status and text. Of STAT: the one statistic that
// the text holds, if any, and the packet that ends them.
void write_packet(const goromdb_request& request, Writer& out);

}  // namespace goromdb::memcached

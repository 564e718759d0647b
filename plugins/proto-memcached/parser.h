// SPDX-License-Identifier: MIT
// Bytes to requests. Pure: no sockets, no allocation, nothing shared but constant settings; every
// split of a connection's bytes over calls gives the same requests. Runs on the connection's loop;
// cannot fail.
#pragma once

#include <goromdb/plugin.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "prefixes.h"

namespace goromdb::memcached {

struct Command;

inline constexpr size_t kMaxKey = 250;  // bytes; memcached's
inline constexpr size_t kMaxCommandLine =
    2048;  // bytes of a line without a list of keys; memcached's
inline constexpr size_t kMaxLeadingSpaces = 100;  // before a long list of keys; memcached's
inline constexpr int64_t kMaxDeclaredLength = INT32_MAX - 2;  // of a data block; memcached's

struct Settings {
  size_t max_line;
  uint32_t max_keys;
  uint32_t max_range;
  uint64_t max_refused_value;
  bool refuse_touch;
  bool not_stored;
  bool dump;
  std::string version, version_line;
  Prefixes prefixes;
};

// A connection's state between calls; zero bytes are a fresh connection.
struct Conn {
  // kAdd: the block of an `add` has passed, its key is to be looked up.
  enum Phase : uint8_t { kLine, kBlock, kAdd, kClosed };
  static constexpr size_t kDecodedSize = 4096;

  uint64_t scanned;           // bytes of the unfinished line that are known to hold no newline
  uint64_t block_left;        // bytes of a refused data block still to come, without its line end
  goromdb_slice block_reply;  // what is said after it: static memory
  uint64_t block_tag;         // of the request that says it
  uint8_t* decoded;           // the batch's bytes that the input does not hold; NULL until some are
  uint32_t decoded_len;       // of kDecodedSize
  // What the answer to the block needs of its line, in `decoded`, where it moves along from batch
  // to batch: a key to look up and, behind it, a reply; 0 bytes: none.
  const Command* block_command;
  uint32_t held_at;
  uint16_t held_key, held_text;
  uint32_t block_op;
  Phase phase;
  bool greeted;  // the first byte has been seen
  bool binary;   // it was that of a binary packet
  bool dumping;  // a dump of keys has begun
};

// Lines and data blocks, or hands over to parse_binary() of a connection that began with a packet.
goromdb_status parse(const Settings& settings, Conn& conn, goromdb_parse& io) noexcept;

}  // namespace goromdb::memcached

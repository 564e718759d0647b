// SPDX-License-Identifier: MIT
// What all connections of a listener share: its options and the log of slow requests. Constant but
// for the log, which has a lock of its own.
#pragma once

#include <goromdb/sdk.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace goromdb::redis {

class SlowLog;  // slowlog.h

// Clients take the server for a redis of this version.
inline constexpr std::string_view kRedisVersion = "7.2.4";

struct Settings {
  int64_t max_arguments = 1 << 20;
  uint64_t max_bulk = 1 << 20;           // bytes of an argument that is kept until all have come
  uint64_t proto_max_bulk = 512u << 20;  // bytes of one that is skipped
  size_t max_request = 32u << 20;        // bytes of a request that is kept until it is whole
  size_t max_inline = 64 << 10;          // bytes of a line
  uint32_t max_unknown_lines = 0;        // the connection is closed at so many; 0: at none
  uint32_t max_keys = 65536;             // of a request
  size_t max_transaction = 1 << 20;      // bytes of the commands between MULTI and EXEC
  uint32_t max_transaction_commands = 1024;
  size_t max_keys_reply = 64u << 20;       // bytes of a reply to KEYS
  int64_t slowlog_slower_than_us = 10000;  // below 0: never
  std::string password{};                  // empty: none
  std::string refusal = "READONLY You can't write against a read only replica.";  // of a write
  std::string_view role = "master";
};

struct Server {
  Host host;
  Settings settings;
  SlowLog& slow_log;
  uint16_t get;  // the number of the row of GET
};

}  // namespace goromdb::redis

// SPDX-License-Identifier: MIT
// The requests that took long: a ring of the latest. All connections of a listener share it, behind
// a lock that is taken for slow requests and SLOWLOG only. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "args.h"
#include "reply.h"

namespace goromdb::redis {

class SlowLog {
 public:
  struct Entry {
    int64_t id = 0;      // grows by one with each entry, also over a reset
    int64_t time_s = 0;  // Unix time
    int64_t elapsed_us = 0;
    std::vector<std::string> arguments{};  // cut, with the names
    uint64_t connection = 0;               // its number
    std::string client{};                  // its name, or empty
  };
  static constexpr size_t kLength = 128;

  // `entry.id` is given by the log.
  void add(Entry entry);
  // At most `most` entries, the latest first.
  std::vector<Entry> latest(size_t most) const;
  size_t length() const;
  void reset();

 private:
  mutable std::mutex mutex_{};
  std::deque<Entry> entries_{};  // the latest first
  int64_t next_id_ = 0;
};

// A command line as redis logs it: at most 32 words of at most 128 bytes, what is left out counted.
// `args` are as Reply::args() gives them, behind the names on the wire, or Args() where the input
// is gone. A command that bears a password shows nothing behind its name.
std::vector<std::string> slow_arguments(uint16_t command, Args args);

// The rows SLOWLOG GET (of the facts `connections`), LEN and RESET.
goromdb_status write_slowlog_get(Reply& reply);
goromdb_status write_slowlog_len(Reply& reply);
goromdb_status write_slowlog_reset(Reply& reply);

}  // namespace goromdb::redis

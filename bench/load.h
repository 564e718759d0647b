// SPDX-License-Identifier: MIT
// One run against one server: connections, an event loop, what was measured. One thread.
//
// Closed loop: each connection sends `together` requests in one write and the next ones when all
// replies are there; latency counts from the write. Open loop: requests are due at fixed times,
// in turn over the connections, whatever has been answered; latency counts from the time that a
// request was due, so a server that stands still is charged for all who would have come meanwhile.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "histogram.h"
#include "process.h"
#include "replies.h"
#include "requests.h"

namespace goromdb::bench {

struct Target {
  std::string host = "127.0.0.1";  // numeric IPv4
  uint16_t port = 0;
  std::string unix_path;  // instead of both
};

// A connected stream socket. Throws std::runtime_error with the address.
int connect_to(const Target& target);

struct Plan {
  Target target;
  uint32_t connections = 50, together = 1;
  double rate = 0;  // requests/s over all connections; 0: closed loop
  double warmup = 0.5, seconds = 2;
  bool once = false;  // the requests once, instead of for some time
  bool spin = false;  // never sleeps: an idle CPU's wake-up is not measured
  pid_t server = 0;   // whose CPU is counted, or 0
  bool keep_times = false;
  bool announce = false;  // says "measuring" on stderr when the warm-up is over
};

struct Time {
  uint64_t at,
      latency;  // ns of CLOCK_MONOTONIC: open loop: when it was due, else when it was answered
};

struct Outcome {
  uint64_t requests = 0, hits = 0, bytes = 0;
  double seconds = 0, server_cpu = 0, server_user = 0, own_cpu = 0;
  Machine machine;
  Histogram latency;  // ns
  Histogram
      late;  // open loop: how much later than due a request was written; the generator's share
  std::vector<Time> times;  // each request's, where they are kept
};

class Load {
 public:
  // `checkers`: empty, or one for each connection.
  Load(const Plan& plan, Protocol protocol, const Requests& requests, uint32_t keys_per_request,
       std::vector<Checker> checkers);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Throws std::runtime_error at the first reply that is none, a connection that is closed, or when
  // no reply has come for 30 s.
  Outcome run();

 private:
  struct Sent {
    uint64_t at, request;
  };
  struct Connection {
    int fd;
    ReplyReader reader;
    Checker* checker;
    std::deque<Sent> sent;
    std::string header, unsent;
    bool wants_to_write = false;
  };
  enum class Phase { kWarmup, kMeasured, kDrained };

  void send(Connection& conn, uint64_t count, uint64_t at);
  void send_due(uint64_t now);
  void write_on(Connection& conn);
  void watch(Connection& conn, int operation);
  void read_from(Connection& conn);
  uint64_t take(Connection& conn, std::string_view data);
  void answered(const Sent& sent, uint64_t now);
  bool finished(uint64_t now);
  void begin_measuring(uint64_t now);
  void end_measuring(uint64_t now);
  uint64_t sleep_ns(uint64_t now) const;

  const Plan plan_;
  const Requests& requests_;
  std::vector<Checker> checkers_;
  std::vector<Connection> connections_;
  std::vector<char> buffer_;
  int epoll_ = -1;
  Phase phase_ = Phase::kWarmup;
  uint64_t started_ = 0, begin_ = 0, end_ = 0, last_reply_ = 0;  // ns
  uint64_t next_ = 0, due_ = 0, outstanding_ = 0;
  Outcome outcome_;
};

}  // namespace goromdb::bench

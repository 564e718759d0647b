// SPDX-License-Identifier: MIT
// The log's way to a descriptor whose reader may stall: a bounded queue and a thread that writes.
// Any thread may put a line; none ever waits for the reader.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace goromdb {

class LogOutlet {
 public:
  // Starts the thread, which takes no signals. When more than `most_bytes` wait the oldest lines
  // are dropped; in their place comes what `notice` makes of their number. `fd` stays the caller's.
  LogOutlet(int fd, size_t most_bytes, std::function<std::string(uint64_t lost)> notice);
  // For the life of the process: the thread may be in a write that never returns.
  ~LogOutlet() = delete;
  LogOutlet(const LogOutlet&) = delete;
  LogOutlet& operator=(const LogOutlet&) = delete;

  // A line with its end. Lines come out in the order in which they are put.
  void put(std::string line);
  // Waits until all has been written, but not longer than `patience`.
  void drain(std::chrono::milliseconds patience);

 private:
  void run();

  const int fd_;
  const size_t most_bytes_;
  const std::function<std::string(uint64_t)> notice_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::string> lines_;
  size_t bytes_ = 0;   // of lines_
  uint64_t lost_ = 0;  // dropped and not yet told of
  bool writing_ = false;
};

// Waits for the reader; bytes for nobody are dropped.
void write_through(int fd, std::string_view bytes);

}  // namespace goromdb

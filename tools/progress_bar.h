// SPDX-License-Identifier: MIT
// How far a long command has come, on stderr: a line that is redrawn on a terminal, a line every
// five seconds elsewhere, nothing for a short run.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace goromdb::tools {

struct Progress {
  uint64_t done = 0, total = 0;  // bytes, or entries when `done` is `entries`; total 0 = unknown
  uint64_t entries = 0;
  double seconds = 0;  // since the start
};

// "[######    ] 61 %  412 MB/s  ETA 3 s  612345 entries", in less than `columns`; without what is
// not known, or has no room.
std::string progress_bar(const Progress& progress, size_t columns);
// "build: 61 %, 612345 entries, 98 MB/s"
std::string progress_line(const std::string& what, const Progress& progress);

// One thread. The destructor erases what is on the terminal.
class ProgressBar {
 public:
  ProgressBar(std::string what, bool quiet);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // For every entry: only one call in 1024 looks at the clock.
  void update(uint64_t done, uint64_t total, uint64_t entries) {
    if ((++calls_ & 1023) == 0 && !quiet_) show(done, total, entries);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void show(uint64_t done, uint64_t total, uint64_t entries);

  const std::string what_;
  const bool quiet_, terminal_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_;  // nothing is shown before
  uint64_t calls_ = 0;
  bool drawn_ = false;
};

}  // namespace goromdb::tools

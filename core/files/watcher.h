// SPDX-License-Identifier: MIT
// Sees a data file and its sum appear: inotify through libuv, with polling behind it. Main thread.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/files/candidate.h"

namespace goromdb {

class Watcher {
 public:
  struct Events {
    // Take it; answer with ignore(), retry_later(), settle_first() or hold().
    std::function<void(const Candidate&)> candidate;
    std::function<void(const std::string& reason)> no_data_file;  // a folder, a link, a fifo
    std::function<void()> poll;                                   // each poll_interval
    // The drop folder cannot be looked at; once for each reason.
    std::function<void(const std::string& message)> trouble = [](const std::string&) {};
    // Before each look at the drop; true: other work has been begun, there is no look.
    std::function<bool()> look_first = [] { return false; };
    // Something is there and not yet all that is needed; once for each state.
    std::function<void()> waiting = [] {};
  };

  Watcher(uv_loop_t* loop, const DatabaseConfig& config, std::shared_ptr<spdlog::logger> log,
          Events events);

  void start();
  void close();  // the handles are closed when the loop has run once more
  // Looks at once; for events, and when a candidate has been dealt with.
  void look();
  // The same without look_first, whatever else is going on.
  void see();
  // While true nothing is looked for: a candidate is being loaded.
  void set_busy(bool busy);
  // These files have been dealt with and are no candidate again before one of them changes. With
  // `settle`, what comes next must stand still for a moment first: it may be a file that still
  // grows.
  void ignore(const Candidate& candidate, bool settle);
  // They changed while they were looked at: the next look waits until they stand still.
  void settle_first();
  // They are waited with: no candidate again until retry(), or until one of them changes.
  void hold(const Candidate& candidate);
  // The same, and then they must stand still for a moment.
  void retry_later(const Candidate& candidate);
  void retry();

 private:
  struct Seen {
    std::optional<FileState> data, sum;
  };
  void watch_folder();
  void consider(const Seen& seen);
  void say_once(const std::string& message);
  bool stood_still(const Candidate& candidate, int64_t ms);

  uv_loop_t* loop_;
  const DatabaseConfig& config_;
  std::shared_ptr<spdlog::logger> log_;
  Events events_;
  uv_fs_event_t folder_events_;
  uv_timer_t poll_timer_, settle_timer_;
  int watch_status_ = 0;
  std::optional<Candidate> ignored_, last_seen_;
  uint64_t seen_since_ms_ = 0;
  bool must_settle_ = false, retry_wanted_ = false, busy_ = false;
  std::string said_;
};

}  // namespace goromdb

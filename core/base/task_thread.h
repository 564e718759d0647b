// SPDX-License-Identifier: MIT
// One thread that runs tasks in order: where a database hashes, moves, opens and closes files.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "core/base/config.h"

namespace goromdb {

class TaskThread {
 public:
  TaskThread();
  ~TaskThread();  // runs what was posted, then joins
  void post(std::function<void()> task);
  // For the tasks that are posted from now on, and for all threads and processes that they start.
  // Until then it has the priority of the thread that made it. It can only be lowered.
  void post_priority(LoadPriority priority);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace goromdb

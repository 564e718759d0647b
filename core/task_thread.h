// SPDX-License-Identifier: MIT
// One low-priority thread that runs tasks in order: where a database hashes, moves, opens and
// closes files.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace goromdb {

class TaskThread {
 public:
  TaskThread();
  ~TaskThread();  // runs what was posted, then joins
  void post(std::function<void()> task);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace goromdb

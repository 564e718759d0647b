// SPDX-License-Identifier: MIT
#include "core/base/task_thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace goromdb {
namespace {

// Between requests, which want more, and a reload on a machine that is always busy, which wants
// less: measured, docs/threads.md.
constexpr int kNice = 15;

// Best effort: a container may forbid it, and then the loader merely competes with the loops.
void lower_priority(LoadPriority priority) {
  if (priority == LoadPriority::kNormal) return;
  const sched_param none{};
  const bool idle = priority == LoadPriority::kIdle;
  pthread_setschedparam(pthread_self(), idle ? SCHED_IDLE : SCHED_BATCH, &none);
  const auto id = static_cast<id_t>(gettid());
  setpriority(PRIO_PROCESS, id, std::max(kNice, getpriority(PRIO_PROCESS, id)));
}

}  // namespace

TaskThread::TaskThread() : thread_([this] { run(); }) {}

TaskThread::~TaskThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void TaskThread::post(std::function<void()> task) {
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void TaskThread::post_priority(LoadPriority priority) {
  post([priority] { lower_priority(priority); });
}

void TaskThread::run() {
  pthread_setname_np(pthread_self(), "goromdb-loader");
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace goromdb

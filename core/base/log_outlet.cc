// SPDX-License-Identifier: MIT
#include "core/base/log_outlet.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>
#include <utility>

namespace goromdb {

void write_through(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {  // whoever shares it has made it non-blocking
      pollfd wanted{fd, POLLOUT, 0};
      ::poll(&wanted, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

LogOutlet::LogOutlet(int fd, size_t most_bytes, std::function<std::string(uint64_t)> notice)
    : fd_(fd), most_bytes_(most_bytes), notice_(std::move(notice)) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([this] { run(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void LogOutlet::put(std::string line) {
  {
    std::lock_guard lock(mutex_);
    bytes_ += line.size();
    lines_.push_back(std::move(line));
    for (; bytes_ > most_bytes_ && lines_.size() > 1; ++lost_) {
      bytes_ -= lines_.front().size();
      lines_.pop_front();
    }
  }
  news_.notify_one();
}

void LogOutlet::drain(std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      if (lines_.empty() && !writing_) return;
    }
    if (std::chrono::steady_clock::now() > end) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void LogOutlet::run() {
  pthread_setname_np(pthread_self(), "goromdb-log");
  std::unique_lock lock(mutex_);
  for (;;) {
    news_.wait(lock, [this] { return !lines_.empty(); });
    const auto line = std::move(lines_.front());
    lines_.pop_front();
    bytes_ -= line.size();
    const auto lost = std::exchange(lost_, 0);
    writing_ = true;
    lock.unlock();
    if (lost > 0) write_through(fd_, notice_(lost));
    write_through(fd_, line);
    lock.lock();
    writing_ = false;
  }
}

}  // namespace goromdb

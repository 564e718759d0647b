// SPDX-License-Identifier: MIT
#include "core/base/mailbox.h"

#include <utility>

namespace goromdb {

Mailbox::Mailbox(uv_loop_t* loop) {
  uv_async_init(loop, &async_,
                [](uv_async_t* async) { static_cast<Mailbox*>(async->data)->run(); });
  async_.data = this;
}

void Mailbox::post(std::function<void()> work) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  waiting_.push_back(std::move(work));
  uv_async_send(&async_);
}

void Mailbox::run() {
  std::vector<std::function<void()>> work;
  {
    std::lock_guard lock(mutex_);
    work.swap(waiting_);
  }
  for (auto& each : work) each();
}

void Mailbox::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  run();
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), nullptr);
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// Work handed to a libuv loop from other threads: the only way that threads of the server talk.
#pragma once

#include <uv.h>

#include <functional>
#include <mutex>
#include <vector>

namespace goromdb {

// Lives on one loop; post() from any thread, the posted functions run on the loop's, in order.
class Mailbox {
 public:
  explicit Mailbox(uv_loop_t* loop);
  void post(std::function<void()> work);
  // On the loop's thread, once; what has been posted before is run first, what is posted afterwards
  // is destroyed.
  void close();

 private:
  void run();

  uv_async_t async_;
  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;
  bool closed_ = false;
};

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// A libuv loop of a test's own, run until something has happened.
#pragma once

#include <doctest/doctest.h>
#include <uv.h>

#include <functional>

namespace goromdb::test {

class UvRoom {
 public:
  UvRoom() {
    REQUIRE(uv_loop_init(&loop_) == 0);
    uv_timer_init(&loop_, &deadline_);
  }
  // Everything else on the loop has been closed by then.
  ~UvRoom() {
    uv_close(reinterpret_cast<uv_handle_t*>(&deadline_), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop_) == 0);
  }
  UvRoom(const UvRoom&) = delete;
  UvRoom& operator=(const UvRoom&) = delete;

  uv_loop_t* loop() { return &loop_; }

  // True once `happened` is; false when `limit_ms` have passed before.
  bool run_until(const std::function<bool()>& happened, uint64_t limit_ms = 120'000) {
    bool late = false;
    deadline_.data = &late;
    uv_update_time(&loop_);
    uv_timer_start(
        &deadline_, [](uv_timer_t* timer) { *static_cast<bool*>(timer->data) = true; }, limit_ms,
        0);
    while (!happened() && !late) uv_run(&loop_, UV_RUN_ONCE);
    uv_timer_stop(&deadline_);
    return happened();
  }

 private:
  uv_loop_t loop_;
  uv_timer_t deadline_;
};

}  // namespace goromdb::test

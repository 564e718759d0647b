// SPDX-License-Identifier: MIT
#include "core/files/watcher.h"

#include <utility>

namespace goromdb {
namespace {

// After a pair that did not match, the next one is hashed when it has stood still for so long: long
// enough not to hash a growing file over and over, short enough to adopt a good one within a
// second.
constexpr int64_t kQuietMs = 300;

}  // namespace

Watcher::Watcher(uv_loop_t* loop, const DatabaseConfig& config, std::shared_ptr<spdlog::logger> log,
                 Events events)
    : loop_(loop), config_(config), log_(std::move(log)), events_(std::move(events)) {
  uv_fs_event_init(loop_, &folder_events_);
  uv_timer_init(loop_, &poll_timer_);
  uv_timer_init(loop_, &settle_timer_);
  folder_events_.data = poll_timer_.data = settle_timer_.data = this;
}

void Watcher::start() {
  watch_folder();
  const auto interval = static_cast<uint64_t>(config_.poll_interval_ms);
  uv_timer_start(
      &poll_timer_,
      [](uv_timer_t* timer) {
        auto* self = static_cast<Watcher*>(timer->data);
        self->watch_folder();
        self->events_.poll();
        self->look();
      },
      interval, interval);
  look();
}

void Watcher::close() {
  for (auto* handle : {reinterpret_cast<uv_handle_t*>(&folder_events_),
                       reinterpret_cast<uv_handle_t*>(&poll_timer_),
                       reinterpret_cast<uv_handle_t*>(&settle_timer_)}) {
    uv_close(handle, nullptr);
  }
}

// inotify holds on to a folder, not to its name, so each poll watches it anew: it may have been
// replaced, even by one with the same inode. Where there is no inotify (some network file systems,
// too many watches) the polling sees everything as well.
void Watcher::watch_folder() {
  const auto folder = parent_folder(config_.file);
  uv_fs_event_stop(&folder_events_);
  int status = uv_fs_event_start(
      &folder_events_,
      [](uv_fs_event_t* handle, const char*, int, int) {
        static_cast<Watcher*>(handle->data)->look();
      },
      folder.c_str(), 0);
  if (std::exchange(watch_status_, status) != status && status != 0) {
    log_->warn("cannot watch {}: {}; looking every {}", folder, uv_strerror(status),
               std::to_string(config_.poll_interval_ms) + "ms");
  }
}

void Watcher::set_busy(bool busy) {
  busy_ = busy;
  if (!busy) look();
}

void Watcher::ignore(const Candidate& candidate, bool settle) {
  ignored_ = candidate;
  must_settle_ = settle;
  retry_wanted_ = false;
}

void Watcher::settle_first() {
  must_settle_ = true;
  last_seen_.reset();
}

void Watcher::hold(const Candidate& candidate) {
  ignored_ = candidate;
  retry_wanted_ = true;
}

void Watcher::retry_later(const Candidate& candidate) {
  hold(candidate);
  must_settle_ = true;
}

void Watcher::retry() {
  if (std::exchange(retry_wanted_, false)) ignored_.reset();
}

void Watcher::say_once(const std::string& message) {
  if (message == said_) return;
  said_ = message;
  if (message.empty()) return;
  log_->info("{}", message);
  events_.waiting();
}

void Watcher::look() {
  if (!busy_ && !events_.look_first()) see();
}

void Watcher::see() {
  uv_update_time(loop_);
  auto data = look_at(config_.file);
  auto sum = config_.verify == SumKind::kNone ? Result<std::optional<FileState>>(std::nullopt)
                                              : look_at(sum_path(config_.file, config_.verify));
  for (const auto* each : {&data, &sum}) {
    if (*each) continue;
    if (said_ == each->error().message) return;
    said_ = each->error().message;
    return events_.trouble(said_);
  }
  consider({*data, *sum});
}

bool Watcher::stood_still(const Candidate& candidate, int64_t ms) {
  const uint64_t now = uv_now(loop_);
  if (!last_seen_ || !last_seen_->same_files(candidate)) {
    last_seen_ = candidate;
    seen_since_ms_ = now;
  }
  const uint64_t due = seen_since_ms_ + static_cast<uint64_t>(ms);
  if (now >= due) return true;
  uv_timer_start(
      &settle_timer_, [](uv_timer_t* timer) { static_cast<Watcher*>(timer->data)->look(); },
      due - now, 0);
  return false;
}

void Watcher::consider(const Seen& seen) {
  const auto& file = config_.file;
  const auto sum_file = sum_path(file, config_.verify);
  const bool want_sum = config_.verify != SumKind::kNone;
  if (!seen.data && !seen.sum) return say_once("");
  if (!seen.data) {
    return say_once(fmt::format("{} is here, {} is not: waiting for the data", sum_file, file));
  }
  Candidate candidate{file, seen.data->identity, config_.verify,
                      seen.sum ? seen.sum->identity : FileIdentity{}, seen.data->ctime_ns};
  if (ignored_ && ignored_->same_files(candidate)) return;
  for (const auto& [name, state] : {std::pair(file, seen.data), std::pair(sum_file, seen.sum)}) {
    auto what = state ? irregularity(state->mode) : std::string_view();
    if (what.empty()) continue;
    ignore(candidate, false);
    said_.clear();
    return events_.no_data_file(fmt::format("{} is {}, not a regular file", name, what));
  }
  // `md5sum FILE > FILE.md5` shows an empty file first.
  if (want_sum && (!seen.sum || seen.sum->identity.size == 0)) {
    return say_once(fmt::format("{} is here, {} is not: waiting for the sum", file, sum_file));
  }
  if (!stood_still(candidate, want_sum ? (must_settle_ ? kQuietMs : 0) : config_.settle_ms)) return;
  said_.clear();
  events_.candidate(candidate);
}

}  // namespace goromdb

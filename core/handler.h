// SPDX-License-Identifier: MIT
// One named database and all that keeps it current: watcher, loader, storage plugin, generation.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/config.h"
#include "core/generation.h"
#include "core/loader.h"
#include "core/log.h"
#include "core/mailbox.h"
#include "core/plugin_host.h"
#include "core/task_thread.h"
#include "core/watcher.h"

namespace goromdb {

// What protocols and operators are shown of a database.
struct DatabaseStatus {
  bool ready = false;
  uint64_t generation = 0, loads = 0, rejections = 0, failures = 0;
  std::string checksum;
  goromdb_generation_info info{};
  int64_t loaded_at_s = 0, mtime_s = 0;
};

// Main thread; the heavy parts of a reload run on a worker thread of its own, one at a time.
//
//   watching -> loading (worker) -> adopting (loops) -> draining (loops) -> removing (worker) ->
//   watching
class Handler {
 public:
  // How a generation reaches the loops. `adopted` runs when every loop reads from it, `released`
  // when every loop has let go of the generation before it; both on the main thread, in this order.
  using Adopt = std::function<void(const std::shared_ptr<Generation>&,
                                   std::function<void()> adopted, std::function<void()> released)>;

  Handler(const DatabaseConfig& config, std::unique_ptr<Storage> storage, uint32_t loops,
          uv_loop_t* main_loop, Mailbox& main, Adopt adopt, std::function<void()> on_ready);
  ~Handler();

  Result<void> lock() { return loader_.lock(); }
  void start();
  // Ends the work on the worker thread as soon as it can be; then the loop's handles are closed.
  void stop();
  // After stop(), when the loops have closed their readers.
  void close_generation();

  const std::string& name() const { return config_.name; }
  DatabaseStatus status() const;  // any thread

 private:
  using Loaded = Result<std::shared_ptr<Generation>>;

  // On the worker thread.
  Loaded recover();
  Loaded load_candidate(const Candidate& candidate);
  Loaded load_slot(int slot, SlotNote note, bool adopted_before);
  Progress progress_of(const std::string& what);
  int free_slot() const;

  // On the main thread.
  void work(std::function<Loaded()> task, std::optional<Candidate> candidate);
  void on_loaded(const Loaded& loaded, const std::optional<Candidate>& candidate);
  void on_released(std::shared_ptr<Generation> old);
  void on_failure(const Error& error, const std::optional<Candidate>& candidate);
  void idle();
  void load_pending();

  const DatabaseConfig& config_;
  std::shared_ptr<spdlog::logger> log_;
  std::unique_ptr<Storage> storage_;
  const uint32_t loops_;
  Mailbox& main_;
  Adopt adopt_;
  std::function<void()> on_ready_;
  Loader loader_;
  Watcher watcher_;
  std::atomic<bool> stopping_{false};

  // Main thread, handed to the worker with each task while busy_.
  std::shared_ptr<Generation> current_;
  bool busy_ = false;
  std::string last_failure_;

  // Worker thread, or the main thread while no task runs.
  struct Pending {
    int slot;
    SlotNote note;
  };
  std::optional<Pending> pending_;  // whole and verified in its slot, not adopted yet
  bool resume_ = false;             // pending_ was found by a start: go on with it at once
  uint64_t newest_generation_ = 0;
  int served_slot_ = -1;

  mutable std::mutex status_mutex_;
  DatabaseStatus status_;

  std::unique_ptr<TaskThread> worker_;  // last: its tasks use everything above
};

}  // namespace goromdb

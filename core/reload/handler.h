// SPDX-License-Identifier: MIT
// One named database and what keeps it current: when a file is taken in, adopted and removed.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/base/config.h"
#include "core/base/faults.h"
#include "core/base/log.h"
#include "core/base/mailbox.h"
#include "core/base/task_thread.h"
#include "core/files/status_file.h"
#include "core/files/watcher.h"
#include "core/generation/generation.h"
#include "core/reload/adoption.h"
#include "core/reload/intake.h"

namespace goromdb {

// What protocols and operators are shown of a database.
struct DatabaseStatus {
  bool ready = false;
  bool bad = false;  // the served file is no longer what had been verified
  uint64_t generation = 0, loads = 0, rejections = 0, failures = 0, waits = 0;
  FaultCount cold_faults{};     // of the loops in the first second of each generation, summed
  uint64_t rolled_back_to = 0;  // the kept generation that this one is again; 0 = it is none
  std::string checksum;
  goromdb_generation_info info{};
  int64_t loaded_at_s = 0, mtime_s = 0;
  std::string last_rejection;  // its reason, also from before the start; empty: there was none
};

// After a try that failed for the machine's sake the next one waits for so many times what it took:
// hashing a large file at every poll, while the disk is full, would use a core.
inline constexpr uint64_t kRestFactor = 9;

// Main thread; the heavy parts of a reload run on a worker thread of its own, one at a time.
//
//   watching -> loading (worker) -> adopting (loops) -> draining (loops) -> removing (worker) ->
//   watching
class Handler {
 public:
  Handler(uint32_t database, const DatabaseConfig& config, std::unique_ptr<Storage> storage,
          uint32_t loops, uv_loop_t* main_loop, Mailbox& main, Adopt adopt,
          std::function<void()> on_ready);
  ~Handler();

  // How the page faults of all loops are counted: `counted` gets their sum, on the main thread.
  // What is asked for in an order is counted in it, before what adopt is told after it. Optional;
  // before the first generation.
  using CountFaults = std::function<void(std::function<void(FaultCount)> counted)>;
  void count_faults_by(CountFaults count) { count_faults_ = std::move(count); }

  Result<void> lock() { return intake_.lock(); }
  void start();
  // Asks the worker to give up what it does.
  void begin_stop() { stopping_ = true; }
  // Waits for the worker; then the watcher's handles are closed.
  void stop();
  // After stop(), when the loops have closed their readers.
  void close_generation();

  // The served generation `generation` is no longer what had been verified, `reason` says why: the
  // newest kept data set takes its place as soon as no other reload runs. Nothing, where another is
  // served by now, nothing is kept, or it is in a group. Main thread.
  void fall_back(uint64_t generation, const std::string& reason);

  // ---- as a member of a group (core/reload/group.h), which says when what is served ----
  // To be called whenever there may be something for it to do. Before start().
  void join(std::function<void()> look) { look_at_group_ = std::move(look); }
  // Neither at work nor resting: prepare() may be called.
  bool is_free() const;
  // What the watcher has seen and nobody has taken yet.
  const std::optional<Candidate>& offered() const { return offered_; }
  // What its sum file says, "md5:HEX"; empty: that says nothing, or nothing is offered.
  std::string offered_checksum() const { return offered_ ? offered_checksum_ : std::string(); }
  // Unless it is busy: what has come since its last look is offered on return.
  void see_drop();
  // After trouble of the machine with something older it need not wait.
  void end_rest() { next_try_ms_ = 0; }
  std::string served_checksum() const;  // "md5:HEX"; empty: nothing is served
  // Of what is served it can be read no more.
  bool is_bad() const { return current_ && current_->is_bad(); }
  uint64_t served_generation() const { return current_ ? current_->id() : 0; }
  // Of the data set that lies verified in the free slot for its group; empty: there is none.
  std::string ready_checksum() const { return intake_.ready_checksum(); }
  // Takes and opens what is offered when `checksum` is its, or else what is ready. `done` hears
  // when that has been done, or what failed; this is at work until adopt_prepared() or give_up().
  // None of the `done`s is called when the server stops.
  using Done = std::function<void(const Result<void>&)>;
  void prepare(const std::string& checksum, Done done);
  uint64_t prepared_generation() const { return prepared_ ? prepared_->id() : 0; }
  const std::string& prepared_checksum() const { return prepared_->facts().note.checksum; }
  // A restart serves it. After a failure it may be called again.
  void commit(Done done);
  void adopt_prepared();
  // It stays ready. Also after a prepare() that failed.
  void give_up();
  // Any task of the group, on the worker thread.
  void run(std::function<Result<void>()> task, Done done);
  // What keeps the offered files from being taken, for basedir/status.
  void show_trouble(const std::string& trouble);

  const std::string& name() const { return config_.name; }
  HotKeys* hot_keys() const { return intake_.hot_keys(); }
  DatabaseStatus status() const;  // any thread

 private:
  using Outcome = Intake::Outcome;

  void on_candidate(const Candidate& candidate);
  bool look_first();
  void work(std::function<Outcome()> task, std::optional<Candidate> candidate);
  void on_outcome(Outcome outcome, const std::optional<Candidate>& candidate);
  void on_failure(const Error& error, const std::optional<Candidate>& candidate, bool taken,
                  const std::string& checksum = {});
  void on_poll();
  bool begin_rollback();
  void retry_rollback();
  bool begin_fall_back();
  void adopt(const std::shared_ptr<Generation>& generation);
  void on_adopted(const std::shared_ptr<Generation>& generation);
  void warm_behind(std::shared_ptr<Generation> generation);
  void on_released(std::shared_ptr<Generation> old);
  void on_patience();
  void on_bad(uint64_t id, const std::string& reason);
  void look_at_served_file();
  void watch_first_second(uint64_t id);
  void on_first_second();
  void end_first_second(const FaultCount& now);
  void count_wait();
  void forget_trouble_of_what_has_gone();
  void show();
  void show_busy(const std::string& what);
  void idle();

  const uint32_t database_;
  const DatabaseConfig& config_;
  std::shared_ptr<spdlog::logger> log_;
  Mailbox& main_;
  Adopt adopt_;
  std::function<void()> on_ready_;
  std::atomic<bool> stopping_{false};
  Intake intake_;  // the worker's while busy_
  Watcher watcher_;
  std::shared_ptr<Generation> current_;
  bool busy_ = false;
  uint64_t task_began_ms_ = 0, next_try_ms_ = 0;  // of now_ms()
  // Of a group.
  std::function<void()> look_at_group_;
  std::optional<Candidate> offered_;
  std::string offered_checksum_;
  Done prepare_done_;  // while it is prepared
  std::shared_ptr<Generation> prepared_;
  // Old generations that slow clients keep open. The next load waits for the youngest a moment, and
  // when there are many for as long as it takes.
  uint32_t draining_ = 0;
  uint64_t waiting_for_ = 0;  // its id; 0 = for none
  uv_timer_t patience_timer_;
  CountFaults count_faults_;
  // The generation whose first second is watched, and the loops' faults before it.
  uint64_t watched_ = 0;
  FaultCount faults_before_;
  uv_timer_t first_second_timer_;
  bool said_waiting_ = false;
  std::string last_failure_;
  std::optional<FileIdentity> answered_;  // the last request for a rollback
  bool rollback_waits_ = false;           // that one is tried again at a poll
  uint64_t fell_back_from_ = 0;           // the last generation that went bad
  std::optional<std::string> went_bad_;   // why it did; not yet dealt with

  mutable std::mutex status_mutex_;
  DatabaseStatus status_;
  StoreStatus shown_;    // for basedir/status; main's
  StoreStatus written_;  // what lies there; the worker's

  std::unique_ptr<TaskThread> worker_;  // last: its tasks use everything above
};

}  // namespace goromdb

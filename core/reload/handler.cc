// SPDX-License-Identifier: MIT
#include "core/reload/handler.h"

#include <unistd.h>

#include <utility>

#include "core/base/step.h"
#include "core/base/units.h"
#include "core/guard/jail.h"

namespace goromdb {
namespace {

// How long the next load waits for the old generation's slow clients; and how many old generations
// may be open beside the served one before it waits for `drain_timeout` to end them.
constexpr uint64_t kPatienceMs = 250;
constexpr uint32_t kMaxDraining = 2;

uint64_t now_ms() { return uv_hrtime() / 1'000'000; }

}  // namespace

Handler::Handler(uint32_t database, const DatabaseConfig& config, std::unique_ptr<Storage> storage,
                 uint32_t loops, uv_loop_t* main_loop, Mailbox& main, Adopt adopt,
                 std::function<void()> on_ready)
    : database_(database),
      config_(config),
      log_(logger_for(config.name)),
      main_(main),
      adopt_(std::move(adopt)),
      on_ready_(std::move(on_ready)),
      intake_(config, std::move(storage), loops, log_, stopping_),
      watcher_(main_loop, config, log_,
               {[this](const Candidate& candidate) { on_candidate(candidate); },
                [this](const std::string& reason) {
                  on_failure({reason, Error::Kind::kRejected}, {}, false);
                },
                [this] { on_poll(); },
                [this](const std::string& message) {
                  on_failure({message, Error::Kind::kFailure}, {}, false);
                },
                [this] { return look_first(); }, [this] { count_wait(); }}),
      worker_(std::make_unique<TaskThread>()) {
  uv_timer_init(main_loop, &patience_timer_);
  patience_timer_.data = this;
  uv_timer_init(main_loop, &first_second_timer_);
  first_second_timer_.data = this;
}

Handler::~Handler() = default;

void Handler::start() {
  shown_.pid = getpid();
  // What was rejected last, and the last rollback, do not go with the process that told it.
  if (const auto before = read_status(config_.basedir)) {
    shown_.last_rollback = before->last_rollback;
    shown_.rejected = before->rejected;
    std::lock_guard lock(status_mutex_);
    if (before->rejected) status_.last_rejection = before->rejected->reason;
  }
  if (intake_.has_guard()) shown_.jail = jail_of_this_machine();
  intake_.tell_when_busy([this](const std::string& what) { show_busy(what); });
  show();
  // What the store holds is opened at once: nobody is served from this database yet.
  work([this] { return intake_.recover(); }, {});
  worker_->post_priority(config_.load.priority);
  watcher_.start();
}

void Handler::stop() {
  begin_stop();
  worker_.reset();
  intake_.end();
  watcher_.close();
  uv_close(reinterpret_cast<uv_handle_t*>(&patience_timer_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&first_second_timer_), nullptr);
}

void Handler::close_generation() {
  prepared_.reset();
  current_.reset();
}

DatabaseStatus Handler::status() const {
  std::lock_guard lock(status_mutex_);
  return status_;
}

void Handler::work(std::function<Outcome()> task, std::optional<Candidate> candidate) {
  busy_ = true;
  task_began_ms_ = now_ms();
  watcher_.set_busy(true);
  worker_->post([this, task = std::move(task), candidate = std::move(candidate)] {
    auto outcome = task();
    // What give_up() closes on the worker is nobody else's.
    main_.post([this, outcome = std::move(outcome), candidate]() mutable {
      on_outcome(std::move(outcome), candidate);
    });
  });
}

void Handler::on_candidate(const Candidate& candidate) {
  if (!look_at_group_) {
    const bool again = !last_failure_.empty();
    return work([this, candidate, again] { return intake_.take(candidate, again); }, candidate);
  }
  watcher_.hold(candidate);
  offered_ = candidate;
  const auto hex = read_sum(candidate.file, candidate.kind);
  offered_checksum_ = hex ? checksum_text(candidate.kind, *hex) : std::string();
  look_at_group_();
}

// True: something else than to look at the drop has been begun.
bool Handler::look_first() {
  if (begin_rollback()) return true;
  if (look_at_group_) look_at_group_();
  return busy_;
}

// Nothing is taken in before the store's own data sets are known: it could overwrite one.
void Handler::idle() {
  busy_ = false;
  if (begin_fall_back()) return;
  if (intake_.recovered()) watcher_.set_busy(false);
}

// Before drops: the next one may be what it is to be saved from.
bool Handler::begin_rollback() {
  if (busy_ || !intake_.recovered()) return false;
  auto request = look_at(rollback_path(config_.file));
  if (!request || !*request || (*request)->identity == answered_) return false;
  answered_ = (*request)->identity;
  rollback_waits_ = false;
  work([this] { return intake_.roll_back(); }, {});
  return true;
}

// As trouble of the machine with a drop.
void Handler::retry_rollback() {
  if (!std::exchange(rollback_waits_, false)) return;
  answered_.reset();
  if (auto request = look_at(rollback_path(config_.file)); !request || *request) return;
  last_failure_.clear();
  shown_.trouble.clear();
  show();
}

void Handler::fall_back(uint64_t generation, const std::string& reason) {
  if (stopping_ || !current_ || current_->id() != generation) return;
  if (std::exchange(fell_back_from_, generation) == generation) return;
  went_bad_ = reason;
  if (!busy_) begin_fall_back();
}

bool Handler::begin_fall_back() {
  if (!went_bad_ || stopping_) return false;
  const auto reason = *std::exchange(went_bad_, std::nullopt);
  if (current_->id() != fell_back_from_) return false;
  work([this, id = fell_back_from_, reason] { return intake_.fall_back(id, reason); }, {});
  return true;
}

void Handler::on_poll() {
  look_at_served_file();
  if (busy_) return;
  forget_trouble_of_what_has_gone();
  show();  // where it could not be written before
  if (now_ms() < next_try_ms_) return;
  retry_rollback();
  watcher_.retry();
  if (!intake_.recovered()) {
    work([this] { return intake_.recover(); }, {});
  } else if (intake_.has_pending()) {
    work([this] { return intake_.go_on(); }, {});
  }
}

void Handler::on_outcome(Outcome outcome, const std::optional<Candidate>& candidate) {
  if (stopping_) return;
  next_try_ms_ = 0;
  show();  // it is not busy any more
  for (const auto& [error, checksum] : outcome.others) on_failure(error, {}, false, checksum);
  if (!outcome.refused.empty()) {
    log_->warn("not rolled back: {}", outcome.refused);
    shown_.refused_rollback = {utc_now(), outcome.refused};
    shown_.trouble.clear();
    show();
    return idle();
  }
  if (!outcome.generation) {
    const auto& error = outcome.generation.error();
    rollback_waits_ = outcome.asked_again;
    on_failure(error, candidate, outcome.taken, outcome.checksum);
    if (prepare_done_) return std::exchange(prepare_done_, nullptr)(tl::unexpected(error));
    return idle();
  }
  if (*outcome.generation == nullptr) return idle();
  if (candidate) watcher_.ignore(*candidate, false);
  last_failure_.clear();
  shown_.trouble.clear();
  if (prepare_done_) {
    prepared_ = std::move(*outcome.generation);
    return std::exchange(prepare_done_, nullptr)({});
  }
  adopt(*outcome.generation);
}

// ---- as a member of a group ----

bool Handler::is_free() const {
  return !busy_ && !stopping_ && intake_.recovered() && now_ms() >= next_try_ms_;
}

void Handler::see_drop() {
  if (!busy_ && intake_.recovered()) watcher_.see();
}

std::string Handler::served_checksum() const {
  return current_ ? current_->facts().note.checksum : std::string();
}

void Handler::prepare(const std::string& checksum, Done done) {
  prepare_done_ = std::move(done);
  if (offered_checksum() != checksum) {
    return work([this] { return intake_.open_ready(); }, {});
  }
  watcher_.retry();  // it is held no longer: another file may look the same
  const bool again = !last_failure_.empty();
  const auto candidate = *std::exchange(offered_, std::nullopt);
  work([this, candidate, again] { return intake_.take(candidate, again); }, candidate);
}

void Handler::run(std::function<Result<void>()> task, Done done) {
  worker_->post([this, task = std::move(task), done = std::move(done)] {
    main_.post([this, result = task(), done] {
      if (!stopping_) done(result);
    });
  });
}

void Handler::commit(Done done) {
  run([this] { return intake_.commit(); }, std::move(done));
}

void Handler::adopt_prepared() { adopt(std::exchange(prepared_, nullptr)); }

void Handler::give_up() {
  worker_->post([this, generation = std::exchange(prepared_, nullptr)]() mutable {
    generation.reset();
    main_.post([this] {
      if (!stopping_) idle();
    });
  });
}

void Handler::show_trouble(const std::string& trouble) {
  if (std::exchange(shown_.trouble, trouble) != trouble) show();
}

// ---- what failed, and what is shown ----

void Handler::on_failure(const Error& error, const std::optional<Candidate>& candidate, bool taken,
                         const std::string& checksum) {
  const bool rejected = error.kind == Error::Kind::kRejected;
  shown_.trouble = rejected ? "" : error.message;
  if (rejected) shown_.rejected = {checksum, utc_now(), error.message};
  show();
  if (candidate && error.kind == Error::Kind::kChanged) {
    watcher_.settle_first();
    count_wait();
    log_->info("{}; looking again when it stands still", error.message);
    return;
  }
  uint64_t rest_ms = 0;
  if (busy_ && !rejected) {
    const auto now = now_ms();
    rest_ms = kRestFactor * (now - task_began_ms_);
    next_try_ms_ = now + rest_ms;
  }
  {
    std::lock_guard lock(status_mutex_);
    ++(rejected ? status_.rejections : status_.failures);
    if (rejected) status_.last_rejection = error.message;
  }
  if (candidate && (rejected || taken)) {
    watcher_.ignore(*candidate, rejected);
  } else if (candidate) {
    watcher_.retry_later(*candidate);
    if (look_at_group_) offered_ = candidate;
  }
  if (rejected) {
    log_->error("rejected {}", error.message);
    last_failure_.clear();
    return;
  }
  // The same trouble at every poll is one line, until it passes or becomes another one.
  if (std::exchange(last_failure_, error.message) == error.message) return;
  log_->error(
      "{}; trying again in {}", error.message,
      format_duration_ms(std::max(config_.poll_interval_ms, static_cast<int64_t>(rest_ms))));
}

void Handler::count_wait() {
  std::lock_guard lock(status_mutex_);
  ++status_.waits;
}

// The operator may have taken a drop away that could not be taken in.
void Handler::forget_trouble_of_what_has_gone() {
  if (last_failure_.empty() && shown_.trouble.empty() && !offered_) return;
  if (!intake_.recovered() || intake_.has_pending() || rollback_waits_) return;
  if (auto drop = look_at(config_.file); !drop || *drop) return;
  last_failure_.clear();
  shown_.trouble.clear();
  offered_.reset();
}

void Handler::show() {
  if (!worker_) return;  // stopped
  worker_->post([this, status = shown_] {
    if (status == written_) return;
    if (auto written = write_status(config_.basedir, status); written) {
      written_ = status;
    } else {
      log_->debug("{}", written.error().message);
    }
  });
}

// On the worker thread, which gets to nothing else meanwhile. What show() writes next has it no
// more.
void Handler::show_busy(const std::string& what) {
  if (written_.pid == 0 || written_.busy == what) return;
  auto status = written_;
  status.busy = what;
  if (write_status(config_.basedir, status)) written_ = status;
}

void Handler::adopt(const std::shared_ptr<Generation>& generation) {
  auto old = std::exchange(current_, generation);
  waiting_for_ = old ? old->id() : 0;
  draining_ += old ? 1 : 0;
  generation->on_bad([this, id = generation->id()](const std::string& reason) {
    main_.post([this, id, reason] { on_bad(id, reason); });
  });
  watch_first_second(generation->id());
  step("adopting");
  std::vector<Adoption> alone;
  alone.push_back({database_, generation, [this, generation] { on_adopted(generation); },
                   [this, old = std::move(old)]() mutable { on_released(std::move(old)); }});
  adopt_(std::move(alone));
}

void Handler::on_adopted(const std::shared_ptr<Generation>& generation) {
  step("adopted");
  const auto& facts = generation->facts();
  const auto& info = generation->info();
  bool first = false;
  {
    std::lock_guard lock(status_mutex_);
    first = !std::exchange(status_.ready, true);
    ++status_.loads;
    status_.generation = facts.id;
    status_.checksum = facts.note.checksum;
    status_.rolled_back_to = facts.note.rolled_back_to;
    status_.info = info;
    status_.bad = generation->is_bad();
    status_.loaded_at_s = generation->loaded_at_s();
    status_.mtime_s = facts.note.data_time_ns() / 1'000'000'000;
  }
  log_->info("generation {} adopted: {} {}, {}, {}, {}", facts.id,
             info.entries == GOROMDB_UNKNOWN ? "unknown" : std::to_string(info.entries),
             info.entries == 1 ? "entry" : "entries",
             format_size(static_cast<uint64_t>(facts.note.size)),
             facts.note.checksum.empty() ? "no checksum" : facts.note.checksum, facts.path);
  shown_.generation = facts.id;
  shown_.checksum = facts.note.checksum;
  shown_.rolled_back_to = facts.note.rolled_back_to;
  if (facts.note.rolled_back_to != 0) shown_.last_rollback = {facts.note.rolled_back_to, facts.id};
  shown_.entries.reset();
  if (info.entries != GOROMDB_UNKNOWN) shown_.entries = info.entries;
  shown_.adopted_at = utc_now();
  if (!generation->is_bad()) shown_.bad.clear();
  show();
  if (first) on_ready_();
  if (facts.verified) warm_behind(generation);
  uv_timer_start(
      &first_second_timer_,
      [](uv_timer_t* timer) { static_cast<Handler*>(timer->data)->on_first_second(); }, 1000, 0);
  uv_timer_start(
      &patience_timer_,
      [](uv_timer_t* timer) { static_cast<Handler*>(timer->data)->on_patience(); }, kPatienceMs,
      kPatienceMs);
}

// A part of it at a time: what else the worker has to do comes in between.
void Handler::warm_behind(std::shared_ptr<Generation> generation) {
  if (!worker_) return;  // stopped
  worker_->post([this, generation = std::move(generation)] {
    if (stopping_) return;
    auto more = generation->warm();
    if (!more)
      return log_->warn("cannot warm {}: {}", generation->facts().path, more.error().message);
    if (!*more) return generation->warming().say(*log_, generation->id());
    main_.post([this, id = generation->id()] {
      if (!stopping_ && current_ && current_->id() == id) warm_behind(current_);
    });
  });
}

// The next generation ends the first second of the one before it.
void Handler::watch_first_second(uint64_t id) {
  if (!count_faults_) return;
  const bool early = uv_is_active(reinterpret_cast<uv_handle_t*>(&first_second_timer_)) != 0;
  uv_timer_stop(&first_second_timer_);
  count_faults_([this, id, early](const FaultCount& now) {
    if (early) end_first_second(now);
    watched_ = id;
    faults_before_ = now;
  });
}

void Handler::on_first_second() {
  if (count_faults_) count_faults_([this](const FaultCount& now) { end_first_second(now); });
}

void Handler::end_first_second(const FaultCount& now) {
  const auto faults = now - faults_before_;
  {
    std::lock_guard lock(status_mutex_);
    status_.cold_faults += faults;
  }
  log_->log(faults.major > 0 ? spdlog::level::info : spdlog::level::debug,
            "generation {}: in its first second the loops waited for {} pages from the disk and {} "
            "from memory",
            watched_, faults.major, faults.minor);
}

// Somebody has cut or changed the served file, or the disk fails.
void Handler::on_bad(uint64_t id, const std::string& reason) {
  if (stopping_ || !current_ || current_->id() != id) return;
  {
    std::lock_guard lock(status_mutex_);
    status_.bad = true;
  }
  log_->error(
      "generation {} is bad: {}; what cannot be read of it is answered with errors; publish a good "
      "file",
      id, reason);
  shown_.bad = reason;
  show();
  fall_back(id, reason);
}

// Nobody may have read from what somebody has cut, and bytes that are written over show nowhere.
void Handler::look_at_served_file() {
  if (!worker_ || !current_ || !current_->file().was_touched()) return;
  if (current_->file().is_damaged()) return current_->note_bad(current_->file().reason());
  worker_->post([this, served = current_] {
    const auto same = intake_.check_served(served->facts());
    if (same || same.error().kind != Error::Kind::kRejected) return;
    served->file().give_up("it was written to");
    served->note_bad(served->file().reason());
  });
}

// A client that reads slowly does not hold up the next data set.
void Handler::on_patience() {
  if (waiting_for_ != 0 && draining_ >= kMaxDraining) {
    if (!std::exchange(said_waiting_, true)) {
      log_->info(
          "{} older generations are still being read; the next data set waits for one of them",
          draining_);
      shown_.trouble = "older generations are still being read";
      show();
    }
    return;
  }
  if (std::exchange(said_waiting_, false)) {
    shown_.trouble.clear();
    show();
  }
  uv_timer_stop(&patience_timer_);
  if (std::exchange(waiting_for_, 0) != 0) idle();
}

void Handler::on_released(std::shared_ptr<Generation> old) {
  if (stopping_) return;
  // A start may have found a newer one behind the one it served first.
  if (!old) {
    if (!intake_.has_pending()) return idle();
    return work([this] { return intake_.go_on(); }, {});
  }
  worker_->post([this, old = std::move(old)]() mutable {
    const auto id = old->id();
    const int slot = old->slot();
    old.reset();
    step("closed");
    log_->info("generation {} closed", id);
    intake_.remove(slot, id);
    step("removed");
    main_.post([this, id] {
      --draining_;
      if (stopping_ || waiting_for_ != id) return;
      waiting_for_ = 0;
      idle();
    });
  });
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "core/handler.h"

#include <chrono>
#include <utility>

#include "core/step.h"
#include "core/units.h"

namespace goromdb {
namespace {

// How often a data file that has never been adopted may end the process before it is set aside.
constexpr int64_t kMaxAttempts = 3;

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Handler::Handler(const DatabaseConfig& config, std::unique_ptr<Storage> storage, uint32_t loops,
                 uv_loop_t* main_loop, Mailbox& main, Adopt adopt, std::function<void()> on_ready)
    : config_(config),
      log_(logger_for(config.name)),
      storage_(std::move(storage)),
      loops_(loops),
      main_(main),
      adopt_(std::move(adopt)),
      on_ready_(std::move(on_ready)),
      loader_(config.basedir),
      watcher_(main_loop, config, log_,
               {[this](const Candidate& c) { work([this, c] { return load_candidate(c); }, c); },
                [this](const std::string& reason) {
                  on_failure({reason, Error::Kind::kRejected}, {});
                },
                [this] {
                  if (!busy_ && pending_) load_pending();
                }}),
      worker_(std::make_unique<TaskThread>()) {}

Handler::~Handler() = default;

void Handler::start() {
  work([this] { return recover(); }, {});
  watcher_.start();
}

void Handler::stop() {
  stopping_ = true;
  worker_.reset();
  watcher_.close();
}

void Handler::close_generation() { current_.reset(); }

DatabaseStatus Handler::status() const {
  std::lock_guard lock(status_mutex_);
  return status_;
}

// ---- worker thread ----

Progress Handler::progress_of(const std::string& what) {
  constexpr int64_t kEveryMs = 2000;
  return [this, what, last = now_ms()](uint64_t done, uint64_t total) mutable {
    if (const int64_t now = now_ms(); now - last >= kEveryMs && total > 0) {
      last = now;
      log_->info("{}: {} %", what, done * 100 / total);
    }
    return stopping_.load(std::memory_order_relaxed);
  };
}

int Handler::free_slot() const { return served_slot_ == 0 ? 1 : 0; }

Handler::Loaded Handler::recover() {
  auto found = loader_.recover();
  if (!found) return tl::unexpected(found.error());
  for (const auto& each : *found) {
    loader_.drop_stale_sum(config_.file, config_.verify, each.note);
    newest_generation_ = std::max(newest_generation_, each.note.generation);
  }
  if (found->empty()) {
    loader_.drop_stale_sum(config_.file, config_.verify, {});
    log_->info("waiting for a first data set: {}", config_.file);
  }
  Loaded served = nullptr;
  for (auto& each : *found) {
    if (*served) {
      // Newer than the served one, but the crash came before it was adopted.
      if (each.note.generation > (*served)->id()) {
        pending_ = Pending{each.slot, each.note};
        resume_ = true;
      }
      continue;
    }
    served = load_slot(each.slot, each.note, each.adopted);
    if (served) continue;
    if (served.error().kind == Error::Kind::kCancelled) return served;
    on_failure(served.error(), {});
    served = nullptr;
  }
  return served;
}

Handler::Loaded Handler::load_candidate(const Candidate& candidate) {
  const auto what = fmt::format("hashing {}", candidate.file);
  log_->log(last_failure_.empty() ? spdlog::level::info : spdlog::level::debug, "{} ({} bytes)",
            what, candidate.data.size);
  auto hex = verify_candidate(candidate, progress_of(what));
  if (!hex) {
    auto error = hex.error();
    if (error.kind == Error::Kind::kRejected) {
      error.message = fmt::format("{}: {}", candidate.file, error.message);
    }
    return tl::unexpected(error);
  }
  const int slot = free_slot();
  const uint64_t id = newest_generation_ + 1;
  auto note = loader_.take(candidate, *hex, slot, id,
                           progress_of(fmt::format("copying {}", candidate.file)));
  if (!note) {
    // It may have failed behind the move: then the slot holds it, and the next try goes on from
    // there.
    if (auto moved = loader_.whole(slot)) pending_ = Pending{slot, *moved};
    return tl::unexpected(note.error());
  }
  return load_slot(slot, *note, false);
}

Handler::Loaded Handler::load_slot(int slot, SlotNote note, bool adopted_before) {
  const auto path = loader_.data_path(slot);
  if (note.generation == 0) note.generation = newest_generation_ + 1;
  pending_ = Pending{slot, note};  // until it is served or set aside
  auto set_aside = [&](const std::string& reason) -> Loaded {
    if (auto done = loader_.set_aside(slot, reason); !done) return tl::unexpected(done.error());
    pending_.reset();
    return reject(fmt::format("{}: {}; kept as {}.rejected", config_.file, reason, path));
  };

  if (!adopted_before) {
    auto counted = loader_.count_attempts(slot, note, note.attempts + 1);
    if (!counted) return tl::unexpected(counted.error());
    pending_->note = note;
    if (note.attempts > kMaxAttempts) {
      return set_aside(
          fmt::format("the server ended {} times while it opened this file", kMaxAttempts));
    }
  }
  auto untouched = loader_.check_untouched(slot, note);
  if (!untouched) {
    if (untouched.error().kind == Error::Kind::kRejected)
      return set_aside(untouched.error().message);
    return tl::unexpected(untouched.error());
  }
  auto generation = Generation::open(*storage_, {note.generation, slot, path, note}, loops_,
                                     progress_of(fmt::format("opening {}", path)));
  if (!generation) {
    if (generation.error().kind == Error::Kind::kRejected)
      return set_aside(generation.error().message);
    auto error = generation.error();
    error.message = fmt::format("cannot open {}: {}", path, error.message);
    // The reader came back, so this try did not end the process.
    if (!adopted_before) (void)loader_.count_attempts(slot, note, 0);
    pending_->note = note;
    return tl::unexpected(error);
  }
  const auto entries = (*generation)->info().entries;
  if (entries != GOROMDB_UNKNOWN && entries < static_cast<uint64_t>(config_.min_entries)) {
    return set_aside(
        fmt::format("it has {} entries, min_entries is {}", entries, config_.min_entries));
  }
  untouched = loader_.check_untouched(slot, note);
  if (!untouched) return set_aside(untouched.error().message);
  if (auto pointed = loader_.point(slot, note.generation); !pointed) {
    return tl::unexpected(pointed.error());
  }
  step("pointed");
  newest_generation_ = note.generation;
  served_slot_ = slot;
  pending_.reset();
  return std::shared_ptr<Generation>(std::move(*generation));
}

// ---- main thread ----

void Handler::work(std::function<Loaded()> task, std::optional<Candidate> candidate) {
  busy_ = true;
  watcher_.set_busy(true);
  worker_->post([this, task = std::move(task), candidate = std::move(candidate)] {
    auto loaded = task();
    main_.post([this, loaded, candidate] { on_loaded(loaded, candidate); });
  });
}

void Handler::idle() {
  busy_ = false;
  if (std::exchange(resume_, false)) return load_pending();
  watcher_.set_busy(false);
}

void Handler::load_pending() {
  work([this] { return load_slot(pending_->slot, pending_->note, false); }, {});
}

void Handler::on_failure(const Error& error, const std::optional<Candidate>& candidate) {
  if (candidate && error.kind == Error::Kind::kChanged) {
    watcher_.settle_first();
    log_->info("{}; looking again when it stands still", error.message);
    return;
  }
  const bool rejected = error.kind == Error::Kind::kRejected;
  {
    std::lock_guard lock(status_mutex_);
    ++(rejected ? status_.rejections : status_.failures);
  }
  if (rejected) {
    if (candidate) watcher_.ignore(*candidate, true);
    log_->error("rejected {}", error.message);
    last_failure_.clear();
    return;
  }
  if (candidate) {
    // Once it is in a slot, what lies in the drop folder is not tried again; else the next poll
    // does.
    if (pending_) {
      watcher_.ignore(*candidate, false);
    } else {
      watcher_.retry_later(*candidate);
    }
  }
  // The same trouble at every poll is one line, until it passes or becomes another one.
  if (std::exchange(last_failure_, error.message) == error.message) return;
  log_->error("{}; trying again in {}", error.message,
              format_duration_ms(config_.poll_interval_ms));
}

void Handler::on_loaded(const Loaded& loaded, const std::optional<Candidate>& candidate) {
  if (stopping_) return;
  if (!loaded) {
    if (loaded.error().kind != Error::Kind::kCancelled) on_failure(loaded.error(), candidate);
    return idle();
  }
  if (*loaded == nullptr) return idle();
  if (candidate) watcher_.ignore(*candidate, false);
  last_failure_.clear();
  auto old = std::exchange(current_, *loaded);
  step("adopting");
  adopt_(
      current_,
      [this, generation = current_] {
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
          status_.info = info;
          status_.loaded_at_s = generation->loaded_at_s();
          status_.mtime_s = facts.note.mtime_ns / 1'000'000'000;
        }
        log_->info("generation {} adopted: {} entries, {}, {}, {}", facts.id,
                   info.entries == GOROMDB_UNKNOWN ? "unknown" : std::to_string(info.entries),
                   format_size(static_cast<uint64_t>(facts.note.size)),
                   facts.note.checksum.empty() ? "no checksum" : facts.note.checksum, facts.path);
        if (first) on_ready_();
      },
      [this, old = std::move(old)]() mutable { on_released(std::move(old)); });
}

void Handler::on_released(std::shared_ptr<Generation> old) {
  if (stopping_) return;
  if (!old) return idle();
  worker_->post([this, old = std::move(old)]() mutable {
    const auto id = old->id();
    const int slot = old->slot();
    old.reset();
    step("closed");
    log_->info("generation {} closed", id);
    // A store that was opened twice has the served file in the same slot.
    if (slot != served_slot_) {
      if (auto cleared = loader_.clear(slot); !cleared) {
        log_->error("{}; it is removed before the next data set is taken", cleared.error().message);
      }
    }
    step("removed");
    main_.post([this] {
      if (!stopping_) idle();
    });
  });
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "core/intake.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/step.h"

namespace goromdb {
namespace {

// How often a data file that has never been adopted may end the process before it is set aside.
constexpr int64_t kMaxAttempts = 3;

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Intake::Intake(const DatabaseConfig& config, std::unique_ptr<Storage> storage, uint32_t loops,
               std::shared_ptr<spdlog::logger> log, const std::atomic<bool>& stopping)
    : config_(config),
      storage_(std::move(storage)),
      loops_(loops),
      log_(std::move(log)),
      stopping_(stopping),
      loader_(config.basedir) {
  if (is_guarded(config, storage_->plugin())) guard_.emplace(config, storage_->plugin(), log_);
}

Progress Intake::progress_of(const std::string& what) {
  constexpr int64_t kEveryMs = 2000;
  return [this, what, last = now_ms()](uint64_t done, uint64_t total) mutable {
    if (const int64_t now = now_ms(); now - last >= kEveryMs && total > 0) {
      last = now;
      log_->info("{}: {} %", what, done * 100 / total);
    }
    return stopping_.load(std::memory_order_relaxed);
  };
}

// Never the slot of the only good data set, also while the machine keeps it from being opened.
int Intake::free_slot() const {
  const int kept = served_slot_ >= 0 || !pending_ ? served_slot_ : pending_->slot;
  return kept == 0 ? 1 : 0;
}

Intake::Outcome Intake::recover() {
  auto found = loader_.recover();
  if (!found) return {tl::unexpected(found.error())};
  newest_generation_ = std::max(newest_generation_, loader_.pointed_generation());
  SlotNote interrupted;  // taken, but not adopted when the crash came: its sum may still lie there
  for (const auto& each : *found) {
    newest_generation_ = std::max(newest_generation_, each.note.generation);
    if (each.note.generation > loader_.pointed_generation()) interrupted = each.note;
  }
  loader_.drop_stale_sum(config_.file, config_.verify, interrupted);
  if (found->empty()) log_->info("waiting for a first data set: {}", config_.file);
  recovered_ = true;

  Outcome outcome;
  pending_.reset();
  std::optional<Pending> first_failed;
  for (auto& each : *found) {
    if (*outcome.generation == nullptr) {
      auto opened = open({each.slot, each.note, each.adopted});
      if (opened) {
        outcome.generation = opened;
      } else if (opened.error().kind == Error::Kind::kCancelled) {
        outcome.generation = opened;
        return outcome;
      } else {
        outcome.others.push_back({opened.error(), each.note.checksum});
        if (!first_failed) first_failed = pending_;  // none when it was set aside
        pending_.reset();
      }
    } else if (each.note.generation > (*outcome.generation)->id()) {
      pending_ = Pending{each.slot, each.note, false};  // the crash came before it was adopted
    } else if (each.note.generation != 0) {
      remove(each.slot,
             each.note.generation);  // served before this one; only its removal was missed
    }
  }
  // Trouble of the machine kept it from being opened: it is the one to go on with.
  if (first_failed && !pending_) pending_ = first_failed;
  return outcome;
}

Intake::Outcome Intake::take(const Candidate& candidate, bool quietly) {
  const auto what = fmt::format("hashing {}", candidate.file);
  log_->log(quietly ? spdlog::level::debug : spdlog::level::info, "{} ({} bytes)", what,
            candidate.data.size);
  auto hex = verify_candidate(candidate, progress_of(what));
  if (!hex) {
    auto error = hex.error();
    if (error.kind == Error::Kind::kRejected) {
      error.message = fmt::format("{}: {}", candidate.file, error.message);
    }
    return {tl::unexpected(error)};
  }
  const int slot = free_slot();
  const uint64_t id = newest_generation_ + 1;
  auto note = loader_.take(candidate, *hex, slot, id,
                           progress_of(fmt::format("copying {}", candidate.file)));
  if (note) return {open({slot, *note, false}), true, note->checksum};

  // It may have failed behind the move: then the slot holds it, and the next try goes on from
  // there. What waited in the slot before has made room in any case.
  auto whole = loader_.whole(slot);
  const bool moved = whole && whole->generation == id && whole->size == candidate.data.size;
  if (moved) {
    pending_ = Pending{slot, *whole, false};
  } else if (pending_ && pending_->slot == slot && !whole) {
    pending_.reset();
  }
  return {tl::unexpected(note.error()), moved};
}

Intake::Outcome Intake::go_on() {
  const auto checksum = pending_->note.checksum;
  return {open(*pending_), false, checksum};
}

void Intake::remove(int slot, uint64_t generation) {
  if (slot == served_slot_ || (pending_ && pending_->slot == slot)) return;
  if (auto note = loader_.whole(slot); note && note->generation != generation) return;
  if (auto cleared = loader_.clear(slot); !cleared) {
    log_->warn("{}; it is removed before the next data set is taken", cleared.error().message);
  }
}

Intake::Loaded Intake::open(Pending file) {
  if (file.note.generation == 0) file.note.generation = newest_generation_ + 1;
  const auto earlier = std::exchange(pending_, file);  // until it is served or set aside
  if (!file.adopted_before) {
    auto counted = loader_.count_attempts(file.slot, file.note, file.note.attempts + 1);
    if (!counted) return tl::unexpected(counted.error());
  }
  Loaded opened = file.note.attempts > kMaxAttempts
                      ? Loaded(reject(fmt::format(
                            "the server ended {} times while it opened this file", kMaxAttempts)))
                      : open_untouched(file);
  if (opened) {
    newest_generation_ = std::max(newest_generation_, file.note.generation);
    served_slot_ = file.slot;
    pending_.reset();
    return opened;
  }
  if (opened.error().kind == Error::Kind::kRejected) {
    if (auto done = loader_.set_aside(file.slot, opened.error().message); !done) {
      return tl::unexpected(done.error());
    }
    pending_ = earlier && earlier->slot != file.slot ? earlier : std::nullopt;
    const auto path = loader_.data_path(file.slot);
    return reject(fmt::format("{}: {}; kept as {}.rejected",
                              file.note.ctime_ns == 0 ? path : config_.file, opened.error().message,
                              path));
  }
  // The reader came back, so this try did not end the process.
  if (!file.adopted_before) {
    (void)loader_.count_attempts(file.slot, file.note, 0);
    pending_->note.attempts = 0;
  }
  return opened;
}

Intake::Loaded Intake::open_untouched(Pending& file) {
  const auto path = loader_.data_path(file.slot);
  const bool from_before = file.note.ctime_ns == 0;  // not moved in by this process
  auto untouched = from_before
                       ? loader_.check_restored(file.slot, file.note,
                                                progress_of(fmt::format("hashing {}", path)))
                       : loader_.check_untouched(file.slot, file.note);
  if (!untouched) return tl::unexpected(untouched.error());
  if (guard_ && !file.adopted_before) {
    auto tried =
        guard_->try_file(path, progress_of(fmt::format("trying {} in another process", path)));
    if (!tried) return tl::unexpected(tried.error());
    step("guarded");
  }
  storage_->host().allow_threads(static_cast<uint32_t>(config_.load.threads));
  auto generation = Generation::open(
      *storage_, {file.note.generation, file.slot, path, file.note, file.adopted_before}, loops_,
      progress_of(fmt::format("opening {}", path)));
  if (!generation) {
    auto error = generation.error();
    if (error.kind != Error::Kind::kRejected) {
      error.message = fmt::format("cannot open {}: {}", path, error.message);
    }
    return tl::unexpected(error);
  }
  const auto entries = (*generation)->info().entries;
  if (entries != GOROMDB_UNKNOWN && entries < static_cast<uint64_t>(config_.min_entries)) {
    return reject(
        fmt::format("it has {} entries, min_entries is {}", entries, config_.min_entries));
  }
  untouched = loader_.check_untouched(file.slot, file.note);
  if (!untouched) return tl::unexpected(untouched.error());
  if (auto pointed = loader_.point(file.slot, file.note.generation); !pointed) {
    return tl::unexpected(pointed.error());
  }
  step("pointed");
  return std::shared_ptr<Generation>(std::move(*generation));
}

}  // namespace goromdb

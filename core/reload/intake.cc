// SPDX-License-Identifier: MIT
#include "core/reload/intake.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "core/base/sigbus.h"
#include "core/base/step.h"
#include "core/files/held_file.h"
#include "core/files/private_file.h"
#include "core/files/status_file.h"
#include "core/generation/data_checks.h"

namespace goromdb {
namespace {

// How often the process may end otherwise than by a stop while it opens a data file that has never
// been adopted, before that is set aside; or since it has opened the adopted one, before that is
// compared with its sum and tried again.
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
      loader_(config.basedir),
      history_(config, log_) {
  if (is_guarded(config, storage_->plugin())) guard_.emplace(config, storage_->plugin(), log_);
  if (config.warm.mode != WarmMode::kOff) hot_keys_ = std::make_unique<HotKeys>(loops);
}

Progress Intake::progress_of(const std::string& what) {
  constexpr int64_t kEveryMs = 2000;
  return [this, what, last = now_ms()](uint64_t done, uint64_t total) mutable {
    if (const int64_t now = now_ms(); now - last >= kEveryMs) {
      last = now;
      if (total > 0) log_->info("{}: {} %", what, done * 100 / total);
      if (tell_) tell_(what);
    }
    return stopping_.load(std::memory_order_relaxed);
  };
}

// Never the slot of the only good data set, also while the machine keeps it from being opened.
int Intake::free_slot() const {
  const int kept = served_slot_ >= 0 || !pending_ ? served_slot_ : pending_->slot;
  return kept == 0 ? 1 : 0;
}

bool Intake::checked_before(const Pending& file) {
  return file.adopted_before || file.note.rolled_back_to != 0;
}

// The store of a database holds what has been adopted, or is to be as soon as it opens. With a
// group there is a third: what is to be adopted when all of the group are.
bool Intake::waits_for_group(const Pending& file) const {
  return !config_.group.empty() && !checked_before(file) && file.note.adopted_at.empty() &&
         file.note.generation > loader_.pointed_generation();
}

// The newest of them.
void Intake::find_ready(const std::vector<Loader::Found>& found) {
  ready_.reset();
  for (const auto& each : found) {
    const Pending file{each.slot, each.note, each.adopted};
    if (!ready_ && waits_for_group(file) && history_.why_not(each.note).empty()) ready_ = file;
  }
}

Intake::Outcome Intake::recover() {
  auto found = loader_.recover(group_record());
  if (!found) return {tl::unexpected(found.error())};
  newest_generation_ = std::max(newest_generation_, loader_.pointed_generation());
  SlotNote interrupted;  // taken, but not adopted when the crash came: its sum may still lie there
  for (const auto& each : *found) {
    newest_generation_ = std::max(newest_generation_, each.note.generation);
    if (each.note.generation > loader_.pointed_generation()) interrupted = each.note;
    if (each.adopted) current_ = each.note;
  }
  const auto newest_kept = history_.recover(current_ ? &*current_ : nullptr);
  newest_generation_ = std::max(newest_generation_, newest_kept);
  loader_.drop_stale_sum(config_.file, config_.verify, interrupted);
  recovered_ = true;
  // An older one would not fit what the others of the group serve.
  const uint64_t adopted = loader_.pointed_generation();
  const auto is_older = [adopted](const auto& each) {
    return !each.adopted && each.note.generation <= adopted;
  };
  const bool is_lost =
      !config_.group.empty() && adopted > 0 &&
      std::all_of(found->begin(), found->end(), [&](auto& each) {
        return is_older(each) || waits_for_group({each.slot, each.note, each.adopted});
      });
  if (is_lost) {
    log_->error(
        "nothing is served: generation {}, which {}/current or {} names, is gone, and an older "
        "one would not fit what the others of group {} serve; publish all of a set",
        adopted, config_.basedir, config_.group_record, config_.group);
  } else if (found->empty()) {
    log_->info("waiting for a first data set: {}", config_.file);
  }

  Outcome outcome;
  pending_.reset();
  find_ready(*found);
  std::optional<Pending> first_failed;
  for (auto& each : *found) {
    const bool older =
        *outcome.generation != nullptr && each.note.generation <= (*outcome.generation)->id();
    const auto why_not = each.adopted || older ? std::string() : history_.why_not(each.note);
    if (!why_not.empty()) {
      log_->warn("{} is not opened: {}", loader_.data_path(each.slot), why_not);
      (void)loader_.set_aside(each.slot, why_not);
    } else if ((is_lost && is_older(each)) ||
               waits_for_group({each.slot, each.note, each.adopted})) {
      continue;
    } else if (*outcome.generation == nullptr) {
      auto opened = open({each.slot, each.note, each.adopted});
      if (opened) {
        outcome.generation = opened;
      } else if (opened.error().kind == Error::Kind::kCancelled) {
        outcome.generation = opened;
        return outcome;
      } else if (!config_.group.empty() && each.adopted) {
        if (opened.error().kind == Error::Kind::kRejected) {
          log_->error(
              "nothing is served: what was adopted does not open, and an older data set "
              "would not fit what the others of group {} serve; publish all of a set",
              config_.group);
          outcome.others.push_back({opened.error(), each.note.checksum});
        } else {
          outcome.generation = opened;
        }
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
  if (*outcome.generation != nullptr || pending_) return outcome;
  if (!config_.group.empty()) return outcome;
  if (auto newest = history_.newest(); !newest || *newest) {
    log_->warn("no data set of this store opens; going back to a kept one");
    auto back = bring_back_newest();
    outcome.generation = std::move(back.generation);
    outcome.checksum = std::move(back.checksum);
    std::move(back.others.begin(), back.others.end(), std::back_inserter(outcome.others));
  }
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
  const auto checksum = checksum_text(candidate.kind, *hex);
  const auto by_hand =
      history_.admit(candidate, checksum, current_ ? &*current_ : nullptr, progress_of(what));
  if (!by_hand) return {tl::unexpected(by_hand.error()), false, checksum};
  auto wanted = candidate;
  wanted.by_hand = *by_hand;
  const int slot = free_slot();
  // One that slow clients have kept from being removed.
  if (auto kept = keep_left(); !kept) log_->warn("{}", kept.error().message);
  history_.trim(served());
  const uint64_t id = newest_generation_ + 1;
  auto note =
      loader_.take(wanted, *hex, slot, id, progress_of(fmt::format("copying {}", candidate.file)));
  if (note) history_.taken(checksum);
  if (note) return {open({slot, *note, false}), true, note->checksum};

  // It may have failed behind the move: then the slot holds it, and the next try goes on from
  // there. What waited in the slot before has made room in any case.
  const auto moved = loader_.moved_into(slot);
  if (moved) {
    history_.taken(checksum);
    const Pending file{slot, *moved, false};
    place_of(file) = file;
  } else if (const auto whole = loader_.whole(slot); whole && !*whole) {
    for (auto* each : {&pending_, &ready_}) {
      if (*each && (*each)->slot == slot) each->reset();
    }
  }
  return {tl::unexpected(note.error()), moved.has_value()};
}

Intake::Outcome Intake::go_on() {
  if (!pending_) return bring_back_newest();
  const auto checksum = pending_->note.checksum;
  Outcome outcome{open(*pending_), false, checksum};
  if (!falls_back_ || !is_rejected(outcome)) return outcome;
  auto next = bring_back_newest();
  next.others.insert(next.others.begin(), {outcome.generation.error(), checksum});
  return next;
}

Intake::Outcome Intake::open_ready() {
  const auto checksum = ready_->note.checksum;
  return {open(*ready_), false, checksum};
}

Result<void> Intake::commit() {
  auto file = *ready_;
  if (auto settled = settle(file); !settled) return settled;
  served_slot_ = file.slot;
  current_ = file.note;
  ready_.reset();
  pending_.reset();  // a newer one has come
  falls_back_ = false;
  return {};
}

void Intake::remove(int slot, uint64_t generation) {
  if (slot == served_slot_ || is_waiting(slot)) return;
  const auto whole = loader_.whole(slot);
  if (!whole) {
    log_->warn("{}; it is removed before the next data set is taken", whole.error().message);
    return;
  }
  if (const auto& note = *whole) {
    if (note->generation != generation) return;
    if (!keep(slot, *note)) return;
    history_.trim(served());
  }
  if (auto cleared = loader_.clear(slot); !cleared) {
    log_->warn("{}; it is removed before the next data set is taken", cleared.error().message);
  }
}

bool Intake::is_rejected(const Outcome& outcome) {
  return !outcome.generation && outcome.generation.error().kind == Error::Kind::kRejected;
}

// Rejected: it is not what was served.
Result<void> Intake::try_to_keep(int slot, const SlotNote& note) {
  if (bad_ && bad_->first == note.generation) {
    if (auto aside = loader_.set_aside(slot, bad_->second); !aside) {
      log_->warn("{}", aside.error().message);
    }
    return {};
  }
  if (config_.keep == 0) return {};
  auto kept = loader_.check_untouched(slot, note).and_then([&] {
    return history_.keep(loader_.data_path(slot), note);
  });
  if (kept) return kept;
  auto error = kept.error();
  error.message = fmt::format("cannot keep generation {}: {}", note.generation, error.message);
  return tl::unexpected(error);
}

// False: it could not be kept; it stays in its slot until that is needed.
bool Intake::keep(int slot, const SlotNote& note) {
  const auto kept = try_to_keep(slot, note);
  if (!kept) log_->warn("{}", kept.error().message);
  return kept || kept.error().kind == Error::Kind::kRejected;
}

// What waits in the free slot: a data set that slow clients still read from, or a kept one that is
// on its way back and could not be opened yet.
Result<void> Intake::keep_left() {
  const int slot = free_slot();
  const auto whole = loader_.whole(slot);
  if (!whole) return tl::unexpected(whole.error());
  const auto& left = *whole;
  if (!left || !current_) return {};
  if (left->generation > current_->generation && left->rolled_back_to == 0) return {};
  newest_generation_ = std::max(newest_generation_, left->generation);
  return try_to_keep(slot, *left);
}

Intake::Outcome Intake::roll_back() {
  Outcome outcome;
  if (!config_.group.empty()) {
    outcome.refused = fmt::format(
        "it is in group {}, whose databases change together; publish all of an older set",
        config_.group);
  } else {
    // What it asks for may lie in its slot still.
    const auto left = pending_ ? Result<void>() : keep_left();
    const bool in_the_way = !left && left.error().kind != Error::Kind::kRejected;
    if (auto kept = history_.asked_for(served())) {
      outcome = bring_back(*kept, true);
    } else if (in_the_way) {
      outcome.generation = tl::unexpected(left.error());
    } else if (kept.error().kind == Error::Kind::kRejected) {
      if (!left) log_->warn("{}", left.error().message);
      outcome.refused = kept.error().message;
      history_.trim(served());
    } else {
      outcome.generation = tl::unexpected(kept.error());
    }
  }
  // Behind the move go_on() does what is left.
  outcome.asked_again = !outcome.generation && !is_rejected(outcome) && !outcome.taken;
  if (!outcome.asked_again) history_.answered();
  return outcome;
}

Intake::Outcome Intake::fall_back(uint64_t generation, const std::string& reason) {
  bad_ = {generation, reason};
  if (!config_.group.empty()) {
    log_->warn(
        "not going back to a kept data set: it is in group {}, whose databases change together",
        config_.group);
    return {};
  }
  if (auto kept = pending_ ? Result<void>() : keep_left(); !kept) {
    log_->warn("{}", kept.error().message);
  }
  if (auto newest = history_.newest(); newest && !*newest) {
    log_->warn("nothing is kept that could take the place of generation {}", generation);
    return {};
  }
  return bring_back_newest();
}

// As a new generation: numbers grow.
Intake::Outcome Intake::bring_back(const SlotNote& kept, bool by_request) {
  const int slot = free_slot();
  Outcome outcome;
  outcome.checksum = kept.checksum;
  const auto whole = loader_.whole(slot);
  if (is_waiting(slot) || !whole) {
    log_->warn("{} makes room for a rollback; it is kept as {}.rejected", loader_.data_path(slot),
               loader_.data_path(slot));
    if (auto aside = loader_.set_aside(slot, "it made room for a rollback"); !aside) {
      outcome.generation = tl::unexpected(aside.error());
      return outcome;
    }
    for (auto* each : {&pending_, &ready_}) {
      if (*each && (*each)->slot == slot) each->reset();
    }
  } else if (const auto& left = *whole) {
    keep(slot, *left);
  }
  const uint64_t id = newest_generation_ + 1;
  log_->info("going back to generation {}, as generation {}", kept.generation, id);
  auto note = loader_.bring_back(history_.kept().path(kept.generation), kept, slot, id);
  outcome.taken = loader_.moved_into(slot).has_value();
  if (note) {
    history_.forget(kept.generation);
    if (by_request) history_.answered();  // the slot's note tells the rest
    history_.trim(served());
    step("rollback_taken");
    outcome.generation = open({slot, *note, false});
    return outcome;
  }
  // It may have failed behind the move: the next try goes on from there.
  if (const auto moved = loader_.moved_into(slot)) pending_ = Pending{slot, *moved, false};
  outcome.generation = tl::unexpected(note.error());
  return outcome;
}

// One that does not open is set aside, and the next is tried.
Intake::Outcome Intake::bring_back_newest() {
  Outcome outcome;
  std::vector<Unopened> others;
  falls_back_ = true;  // until something is opened
  for (;;) {
    const auto kept = history_.newest();
    if (!kept) {
      outcome.generation = tl::unexpected(kept.error());
    } else if (!*kept) {
      falls_back_ = false;
      break;
    } else {
      outcome = bring_back(**kept, false);
    }
    if (!is_rejected(outcome)) break;
    others.push_back({outcome.generation.error(), outcome.checksum});
    outcome = {};
  }
  outcome.others = std::move(others);
  return outcome;
}

Intake::Loaded Intake::open(Pending file) {
  constexpr int kTries = 3;
  for (int tries = 1;; ++tries) {
    bool was_touched = false;
    auto opened = open_once(file, was_touched);
    if (!was_touched || tries == kTries) return opened;
    log_->warn("{}", opened.error().message);
    file = *place_of(file);
  }
}

Intake::Loaded Intake::open_once(Pending file, bool& was_touched) {
  if (file.note.generation == 0) file.note.generation = newest_generation_ + 1;
  if (waits_for_group(file)) file.note.group = group_record();  // before that can name it
  const bool is_from_before = file.note.ctime_ns == 0;
  auto& place = place_of(file);
  const auto earlier = std::exchange(place, file);  // until it is served or set aside
  if (!file.adopted_before) {
    auto counted = loader_.count_attempts(file.slot, file.note, file.note.attempts + 1);
    if (!counted) return tl::unexpected(counted.error());
  } else if (!std::exchange(is_counted_, true)) {
    // A full disk does not keep it from being served.
    (void)loader_.count_attempts(file.slot, file.note, file.note.attempts + 1);
  }
  Loaded opened = !file.adopted_before && file.note.attempts > kMaxAttempts
                      ? Loaded(reject(fmt::format(
                            "the server ended {} times while it opened this file", kMaxAttempts)))
                      : open_untouched(file);
  if (opened && waits_for_group(file)) {
    newest_generation_ = std::max(newest_generation_, file.note.generation);
    (void)loader_.count_attempts(file.slot, file.note, 0);  // none of them ended the process
    ready_ = file;
    step("prepared");
    return opened;
  }
  if (opened) {
    if (auto settled = settle(file); !settled) opened = tl::unexpected(settled.error());
  }
  if (opened) {
    newest_generation_ = std::max(newest_generation_, file.note.generation);
    served_slot_ = file.slot;
    current_ = file.note;
    pending_.reset();
    falls_back_ = false;
    return opened;
  }
  // Where it was touched before it was looked at, `file` has no sum any more.
  const auto& known = place->note.ctime_ns != 0 ? place->note : file.note;
  was_touched =
      opened.error().kind == Error::Kind::kRejected && loader_.was_touched(file.slot, known);
  if (was_touched) {
    loader_.doubt(place->note);
    file.note = place->note;  // of a new file written down below: a start compares it, too
    opened =
        fail(fmt::format("the inode of {} was changed while it was opened; it is compared "
                         "with its sum",
                         loader_.data_path(file.slot)));
  }
  if (opened.error().kind == Error::Kind::kRejected) {
    // Where somebody has changed the file, its content is not to blame.
    if (!file.adopted_before && loader_.check_untouched(file.slot, file.note)) {
      history_.refuse(file.note, current_ ? current_->generation : 0, opened.error().message);
    }
    if (auto done = loader_.set_aside(file.slot, opened.error().message); !done) {
      return tl::unexpected(done.error());
    }
    if (file.adopted_before) current_.reset();
    place = earlier && earlier->slot != file.slot ? earlier : std::nullopt;
    const auto path = loader_.data_path(file.slot);
    return reject(fmt::format("{}: {}; kept as {}.rejected", is_from_before ? path : config_.file,
                              opened.error().message, path));
  }
  // The reader came back, so this try did not end the process.
  if (!file.adopted_before) {
    (void)loader_.count_attempts(file.slot, file.note, 0);
    place->note.attempts = 0;
  }
  return opened;
}

void Intake::end() {
  if (served_slot_ < 0 || !current_ || current_->attempts == 0) return;
  (void)loader_.count_attempts(served_slot_, *current_, 0);
}

Result<void> Intake::check_served(const Generation::Facts& facts) {
  const auto whole = loader_.whole(facts.slot);
  if (!whole || !*whole || (*whole)->generation != facts.id) return {};
  auto note = **whole;
  auto same =
      loader_.check_restored(facts.slot, note, progress_of(fmt::format("hashing {}", facts.path)));
  if (same && current_ && current_->generation == facts.id) {
    current_->mtime_ns = note.mtime_ns;  // end() writes it down
    current_->data_mtime_ns = note.data_mtime_ns;
  }
  return same;
}

Intake::Loaded Intake::open_untouched(Pending& file) {
  const auto path = loader_.data_path(file.slot);
  const bool from_before = file.note.ctime_ns == 0;  // not moved in by this process
  // It has lain about, and nobody has looked at it meanwhile.
  const bool kept = file.note.rolled_back_to != 0 && !file.adopted_before;
  const auto progress = progress_of(fmt::format("hashing {}", path));
  const bool is_doubted = file.adopted_before && file.note.attempts > kMaxAttempts;
  if (is_doubted) {
    log_->warn(
        "the server ended {} times without being stopped since it has opened {}: that is "
        "compared with its sum",
        file.note.attempts - 1, path);
  }
  auto untouched = kept || is_doubted ? loader_.check_content(file.slot, file.note, progress)
                   : from_before      ? loader_.check_restored(file.slot, file.note, progress)
                                      : loader_.check_untouched(file.slot, file.note);
  if (!untouched) {
    // It is another content that is bad than the one of this sum.
    if (untouched.error().kind == Error::Kind::kRejected) file.note.checksum.clear();
    return tl::unexpected(untouched.error());
  }
  if (from_before) make_read_only(path);
  const auto held = HeldFile::open(path);
  if (!held) return tl::unexpected(held.error());
  if (from_before) file.note.ctime_ns = held->state().ctime_ns;
  const int64_t open_within_ms = checked_before(file) ? 0 : config_.must_open_within_ms;
  if (guard_ && (!file.adopted_before || is_doubted)) {
    OpenLimit limit(open_within_ms);
    auto tried = guard_->try_file(
        *held, limit.around(progress_of(fmt::format("trying {} in another process", path))));
    if (limit.gave_up()) return limit.rejection();
    // What has its sum and was served before is not kept from it by a full disk; a guard that was
    // killed for want of memory has begun.
    const bool has_begun = tried || tried.error().kind != Error::Kind::kFailure;
    if (!tried && (has_begun || !is_doubted)) return tl::unexpected(tried.error());
    if (!tried) log_->warn("{} is opened all the same: {}", path, tried.error().message);
    step("guarded");
  }
  storage_->host().allow_threads(static_cast<uint32_t>(config_.load.threads));
  const auto opening = progress_of(fmt::format("opening {}", path));
  const auto not_opened = [&path](Error error) {
    if (error.kind != Error::Kind::kRejected) {
      error.message = fmt::format("cannot open {}: {}", path, error.message);
    }
    return tl::unexpected(std::move(error));
  };
  auto generation = Generation::open(*storage_,
                                     {file.note.generation, file.slot, path, file.note,
                                      file.adopted_before, open_within_ms, config_.warm},
                                     loops_, opening);
  if (!generation) return not_opened(generation.error());
  if (const auto entries = (*generation)->info().entries; entries != GOROMDB_UNKNOWN) {
    file.note.entries = entries;
  }
  if (!checked_before(file)) {
    Result<void> checked = fail(fmt::format("cannot read {}: a page of it has gone", path));
    (void)survives(
        [&] { checked = check_data(config_, **generation, current_ ? &*current_ : nullptr); });
    if (!checked) return tl::unexpected(checked.error());
  }
  if (is_doubted) (void)loader_.count_attempts(file.slot, file.note, 1);
  if (auto warmed = (*generation)->warm_all(opening); !warmed) return not_opened(warmed.error());
  if (!file.adopted_before) (*generation)->warming().say(*log_, file.note.generation);
  look_up_hot_keys(**generation);
  untouched = loader_.check_untouched(file.slot, file.note).and_then([&] { return held->check(); });
  if (!untouched) return tl::unexpected(untouched.error());
  for (const auto& weakness : weaknesses_of(path, config_.basedir)) {
    if (told_.insert(weakness).second) log_->warn("{}", weakness);
  }
  return std::shared_ptr<Generation>(std::move(*generation));
}

// What has been opened is the one that a restart serves.
Result<void> Intake::settle(Pending& file) {
  if (!file.adopted_before) {
    file.note.adopted_at = utc_now();
    if (auto noted = loader_.note(file.slot, file.note); !noted) return noted;
  }
  if (!file.adopted_before && file.note.rolled_back_to != 0) {
    const bool went_bad = bad_ && current_ && bad_->first == current_->generation;
    history_.roll_back(file.note, current_ && !went_bad ? &*current_ : nullptr);
  }
  if (auto pointed = loader_.point(file.slot, file.note.generation); !pointed) {
    if (!file.adopted_before) return pointed;
    log_->warn("{}", pointed.error().message);  // its group's record says so as well
  }
  if (!checked_before(file)) history_.another_has_come();
  step("pointed");
  return {};
}

// Each with the reader of the loop that asks for it, which may have a cache of its own. A disk that
// is slow must not hold up the data set for the sake of a few keys.
void Intake::look_up_hot_keys(Generation& generation) {
  constexpr int64_t kMostMs = 5000;
  if (!hot_keys_) return;
  const int64_t began = now_ms();
  size_t looked_up = 0;
  for (uint32_t loop = 0; loop < loops_; ++loop) {
    for (const auto& key : hot_keys_->take(loop)) {
      if (stopping_ || now_ms() - began > kMostMs) break;
      generation.look_up(loop, key);
      ++looked_up;
    }
  }
  log_->debug("generation {}: the {} keys that are read most were looked up in {} ms",
              generation.id(), looked_up, now_ms() - began);
}

}  // namespace goromdb

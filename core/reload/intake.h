// SPDX-License-Identifier: MIT
// From a drop, or from what a start finds in the store, to an opened generation. One database's
// worker thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/files/history.h"
#include "core/files/loader.h"
#include "core/generation/generation.h"
#include "core/guard/guard.h"
#include "core/plugin/plugin_host.h"

namespace goromdb {

// The members that return an Outcome may block for as long as a file is large. The others may also
// be called by the main thread while none of those runs.
class Intake {
 public:
  Intake(const DatabaseConfig& config, std::unique_ptr<Storage> storage, uint32_t loops,
         std::shared_ptr<spdlog::logger> log, const std::atomic<bool>& stopping);

  // `tell` hears, on the worker thread, what keeps that busy for seconds. Before recover().
  void tell_when_busy(std::function<void(const std::string&)> tell) { tell_ = std::move(tell); }

  // A file that did not open, and its content's checksum where that is known.
  struct Unopened {
    Error error;
    std::string checksum;
  };
  struct Outcome {
    Result<std::shared_ptr<Generation>> generation = nullptr;  // NULL: there is nothing to serve
    bool taken = false;                 // what was to be moved into a slot lies there
    std::string checksum = {};          // of the file that `generation` is about, where it is known
    std::vector<Unopened> others = {};  // what else did not open on the way
    std::string refused = {};           // why a rollback that was asked for is not done
    bool asked_again = false;           // it has failed, and is to be asked for again at a poll
  };

  Result<void> lock() { return loader_.lock(); }
  // What the store holds; to be called first, and again until recovered().
  Outcome recover();
  // Verifies, moves and opens a candidate.
  Outcome take(const Candidate& candidate, bool quietly);
  // Opens what lies verified in its slot and could not be opened before, or goes back to a kept one
  // where that has failed.
  Outcome go_on();
  // Opens what lies ready for the group.
  Outcome open_ready();
  // What take() or open_ready() has opened for the group is the one that a restart serves. Failure:
  // only the group's record says so yet.
  Result<void> commit();
  // Does what a tool asks for in the file that rollback_path() names. Trouble of the
  // machine leaves the request there.
  Outcome roll_back();
  // The served generation has gone bad: the newest kept data set takes its place, if there is one.
  // Where trouble of the machine keeps it from that, go_on() tries again.
  Outcome fall_back(uint64_t generation, const std::string& reason);
  // The generation is not served any more: its file is kept or goes, unless another lies in its
  // slot by now.
  void remove(int slot, uint64_t generation);

  // What the loops read most; NULL where `warm` is off. Any thread.
  HotKeys* hot_keys() const { return hot_keys_.get(); }

  // Whether the served file, whose time has changed, has its content still. Rejected: it has not.
  Result<void> check_served(const Generation::Facts& facts);

  // The server ends because it is told to: what it serves has not ended it. Main thread, when none
  // of the others runs.
  void end();

  bool has_guard() const { return guard_.has_value(); }
  bool recovered() const { return recovered_; }
  // There is something for go_on().
  bool has_pending() const { return pending_ || falls_back_; }
  // Of what lies ready for the group; empty: nothing does.
  std::string ready_checksum() const { return ready_ ? ready_->note.checksum : std::string(); }

 private:
  using Loaded = Result<std::shared_ptr<Generation>>;
  // Whole and verified in its slot, not served yet.
  struct Pending {
    int slot;
    SlotNote note;
    bool adopted_before;
  };

  static bool checked_before(const Pending& file);
  static bool is_rejected(const Outcome& outcome);
  bool waits_for_group(const Pending& file) const;
  GroupRecord group_record() const {
    return config_.group.empty() ? GroupRecord{} : GroupRecord{config_.group_record, config_.name};
  }
  bool is_waiting(int slot) const {
    return (pending_ && pending_->slot == slot) || (ready_ && ready_->slot == slot);
  }
  void find_ready(const std::vector<Loader::Found>& found);
  // What was touched meanwhile is tried again at once, a few times.
  Loaded open(Pending file);
  Loaded open_once(Pending file, bool& was_touched);
  Loaded open_untouched(Pending& file);
  Result<void> settle(Pending& file);
  std::optional<Pending>& place_of(const Pending& file) {
    return waits_for_group(file) ? ready_ : pending_;
  }
  Progress progress_of(const std::string& what);
  void look_up_hot_keys(Generation& generation);
  int free_slot() const;
  const SlotNote* served() const { return served_slot_ >= 0 && current_ ? &*current_ : nullptr; }
  Result<void> try_to_keep(int slot, const SlotNote& note);
  bool keep(int slot, const SlotNote& note);
  Result<void> keep_left();
  Outcome bring_back(const SlotNote& kept, bool by_request);
  Outcome bring_back_newest();

  const DatabaseConfig& config_;
  std::unique_ptr<Storage> storage_;
  const uint32_t loops_;
  std::shared_ptr<spdlog::logger> log_;
  const std::atomic<bool>& stopping_;
  std::function<void(const std::string&)> tell_;
  Loader loader_;
  History history_;
  std::optional<Guard> guard_;
  std::unique_ptr<HotKeys> hot_keys_;
  std::set<std::string> told_;  // what may be done to a served file by others, each once
  bool recovered_ = false;
  bool is_counted_ = false;  // this start, in the note of the adopted file
  std::optional<Pending> pending_;
  bool falls_back_ = false;       // to a kept data set, as soon as the machine lets it
  std::optional<Pending> ready_;  // whole and verified as well, and served when its group says so
  std::optional<SlotNote> current_;                      // of what `current` names
  std::optional<std::pair<uint64_t, std::string>> bad_;  // a generation that went bad, and why
  uint64_t newest_generation_ = 0;
  int served_slot_ = -1;
};

}  // namespace goromdb

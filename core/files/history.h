// SPDX-License-Identifier: MIT
// What a database has served and refused before, and what that means for what comes next. One
// database's worker thread; every call may block on the disk.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/files/by_hand.h"
#include "core/files/candidate.h"
#include "core/files/kept.h"
#include "core/files/refusals.h"

namespace goromdb {

class History {
 public:
  History(const DatabaseConfig& config, std::shared_ptr<spdlog::logger> log);

  // At a start. `current` is the data set that was adopted last; NULL: none. Returns the newest
  // generation that is kept, 0: none.
  uint64_t recover(const SlotNote* current);

  // Whether a verified candidate may follow `current`. Rejected: its content is refused, or it is
  // older and only_newer is set; neither holds for what is asked for by hand. True: it is refused,
  // and asked for by hand. It is hashed once more where something is refused by a sum of another
  // kind.
  Result<bool> admit(const Candidate& candidate, const std::string& checksum,
                     const SlotNote* current, const Progress& progress);
  // The content has been taken, perhaps because it was asked for again by hand.
  void taken(const std::string& checksum) const;

  // Why a start does not open a file that was not adopted before; empty: it does.
  std::string why_not(const SlotNote& note) const;
  // Its content is bad; `served` is the generation that stays.
  void refuse(const SlotNote& note, uint64_t served, const std::string& reason);
  // `to` is about to be served again, instead of `from`; NULL: its content is not to blame.
  void roll_back(const SlotNote& to, const SlotNote* from);
  // A data set has come as a file and been adopted.
  void another_has_come();

  // Moves a file that is not served any more to the kept ones. Failure: it is where it was.
  Result<void> keep(const std::string& data, const SlotNote& note) const;
  // Takes away what are copies, and the oldest of more than are to be kept: when none of them is
  // about to come back. NULL: nothing is served.
  void trim(const SlotNote* served) const;

  // What a tool asks to be rolled back to. Rejected: why that is not done. Failure: the machine
  // keeps it from being known.
  Result<SlotNote> asked_for(const SlotNote* served) const;
  // It has been done, or refused.
  void answered() const;
  // The newest kept data set that is not refused; nothing: there is none.
  Result<std::optional<SlotNote>> newest() const;
  const KeptFiles& kept() const { return kept_; }
  // Its file has been moved away.
  void forget(uint64_t generation) const;

 private:
  Result<const Refusal*> refusal_of(const Candidate& candidate, const std::string& checksum,
                                    const Progress& progress) const;
  void note_trouble(const char* what, const Result<void>& done) const;

  const DatabaseConfig& config_;
  std::shared_ptr<spdlog::logger> log_;
  KeptFiles kept_;
  Refusals refusals_;
};

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// The contents that are not to be adopted again: rejected ones, and those that were rolled back.
// One database's worker thread; every call may block on the disk.
//
//   basedir/refused    a line each: CHECKSUM GENERATION AT REASON
//
// One is refused until another data set has come and been adopted, or until it is dropped again by
// hand (`goromdb publish --again`).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/files/slot_note.h"

namespace goromdb {

struct Refusal {
  std::string checksum;     // "md5:HEX"
  uint64_t generation = 0;  // that was served at the time
  std::string at;           // UTC
  std::string reason;
  bool is_rollback() const;
};

// How the reason begins of what was rolled back.
inline constexpr std::string_view kRolledBack = "it was rolled back";

class Refusals {
 public:
  // Of the rejected, and of those that were rolled back; the oldest goes.
  static constexpr size_t kMost = 64;

  explicit Refusals(const std::string& basedir);

  // What an earlier process wrote, but for what `current`, a later data set, has ended; NULL: none.
  void load(const SlotNote* current);
  // NULL where it is not refused. Good until the next call of another member.
  const Refusal* find(const std::string& checksum) const;
  const std::vector<Refusal>& all() const { return all_; }
  // What fails to be written holds all the same, until the process ends.
  Result<void> add(Refusal refusal);
  Result<void> forget(const std::string& checksum);
  // Another data set has come.
  Result<void> clear();

  static std::vector<Refusal> read(const std::string& basedir);

 private:
  Result<void> write() const;

  std::string basedir_;
  std::vector<Refusal> all_;  // oldest first
};

}  // namespace goromdb

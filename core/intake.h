// SPDX-License-Identifier: MIT
// From a drop, or from what a start finds in the store, to an opened generation. One database's
// worker thread.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "core/config.h"
#include "core/generation.h"
#include "core/guard.h"
#include "core/loader.h"
#include "core/log.h"
#include "core/plugin_host.h"

namespace goromdb {

// The members that return an Outcome may block for as long as a file is large. The others may also
// be called by the main thread while none of those runs.
class Intake {
 public:
  Intake(const DatabaseConfig& config, std::unique_ptr<Storage> storage, uint32_t loops,
         std::shared_ptr<spdlog::logger> log, const std::atomic<bool>& stopping);

  // A file that did not open, and its content's checksum where that is known.
  struct Unopened {
    Error error;
    std::string checksum;
  };
  struct Outcome {
    Result<std::shared_ptr<Generation>> generation = nullptr;  // NULL: there is nothing to serve
    bool taken = false;                 // the candidate lies in a slot: it is no candidate any more
    std::string checksum = {};          // of the file that `generation` is about, where it is known
    std::vector<Unopened> others = {};  // what else did not open on the way
  };

  Result<void> lock() { return loader_.lock(); }
  // What the store holds; to be called first, and again until recovered().
  Outcome recover();
  // Verifies, moves and opens a candidate.
  Outcome take(const Candidate& candidate, bool quietly);
  // Opens what lies verified in its slot and could not be opened before.
  Outcome go_on();
  // The generation is not served any more: its file goes, unless another lies in its slot by now.
  void remove(int slot, uint64_t generation);

  bool recovered() const { return recovered_; }
  bool has_pending() const { return pending_.has_value(); }

 private:
  using Loaded = Result<std::shared_ptr<Generation>>;
  // Whole and verified in its slot, not served yet.
  struct Pending {
    int slot;
    SlotNote note;
    bool adopted_before;
  };

  Loaded open(Pending file);
  Loaded open_untouched(Pending& file);
  Progress progress_of(const std::string& what);
  int free_slot() const;

  const DatabaseConfig& config_;
  std::unique_ptr<Storage> storage_;
  const uint32_t loops_;
  std::shared_ptr<spdlog::logger> log_;
  const std::atomic<bool>& stopping_;
  Loader loader_;
  std::optional<Guard> guard_;
  bool recovered_ = false;
  std::optional<Pending> pending_;
  uint64_t newest_generation_ = 0;
  int served_slot_ = -1;
};

}  // namespace goromdb

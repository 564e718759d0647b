// SPDX-License-Identifier: MIT
#include "core/files/history.h"

#include <unistd.h>

#include <algorithm>

#include "core/base/file.h"
#include "core/files/status_file.h"

namespace goromdb {

History::History(const DatabaseConfig& config, std::shared_ptr<spdlog::logger> log)
    : config_(config), log_(std::move(log)), kept_(config.basedir), refusals_(config.basedir) {}

// Nothing here holds up a data set: what cannot be written holds until the process ends.
void History::note_trouble(const char* what, const Result<void>& done) const {
  if (!done) log_->warn("{}: {}", what, done.error().message);
}

uint64_t History::recover(const SlotNote* current) {
  refusals_.load(current);
  const auto kept = kept_.list();
  // `keep: 0` keeps nothing more; it does not take away what the operator had kept.
  if (config_.keep == 0) note_trouble("cannot tidy up the kept data sets", kept_.tidy());
  trim(current);
  return kept.empty() ? 0 : kept.front().generation;
}

Result<bool> History::admit(const Candidate& candidate, const std::string& checksum,
                            const SlotNote* current, const Progress& progress) {
  const bool again = asked_again(config_.file) == checksum;
  if (config_.only_newer && !again && current != nullptr &&
      candidate.data.mtime_ns < current->data_time_ns()) {
    return reject(
        fmt::format("{}: it is of {}, older than generation {}, which is of {}; "
                    "only_newer is set; publish a newer one, or this one with --again",
                    candidate.file, utc_of(candidate.data.mtime_ns), current->generation,
                    utc_of(current->data_time_ns())));
  }
  const auto found = refusal_of(candidate, checksum, progress);
  if (!found) return tl::unexpected(found.error());
  const auto* refusal = *found;
  if (refusal == nullptr) return false;
  if (again) return true;
  return reject(
      fmt::format("{}: this content is refused since {}: {}; publish another, or this "
                  "one with --again",
                  candidate.file, refusal->at, refusal->reason));
}

// `verify` of the config may have changed since, and the sums of the refused with it.
Result<const Refusal*> History::refusal_of(const Candidate& candidate, const std::string& checksum,
                                           const Progress& progress) const {
  if (const auto* refusal = refusals_.find(checksum)) return refusal;
  const auto own = checksum.substr(0, checksum.find(':') + 1);
  for (const auto kind : {SumKind::kMd5, SumKind::kSha256}) {
    const auto prefix = checksum_text(kind, "");
    const auto& all = refusals_.all();
    const bool used = std::any_of(all.begin(), all.end(), [&](const Refusal& each) {
      return each.checksum.starts_with(prefix);
    });
    if (!used || prefix == own || !Digest::available(kind)) continue;
    auto hex = hash_candidate(candidate, kind, progress);
    if (!hex) return tl::unexpected(hex.error());
    if (const auto* refusal = refusals_.find(checksum_text(kind, *hex))) return refusal;
  }
  return nullptr;
}

void History::taken(const std::string& checksum) const {
  if (asked_again(config_.file) != checksum) return;
  note_trouble("cannot take away what asked for it again",
               remove_durably(again_path(config_.file)));
}

std::string History::why_not(const SlotNote& note) const {
  if (note.by_hand || note.rolled_back_to != 0) return {};
  const auto* refusal = refusals_.find(note.checksum);
  return refusal == nullptr ? std::string() : refusal->reason;
}

void History::refuse(const SlotNote& note, uint64_t served, const std::string& reason) {
  note_trouble("cannot write down what was rejected",
               refusals_.add({note.checksum, served, utc_now(), reason}));
}

void History::roll_back(const SlotNote& to, const SlotNote* from) {
  note_trouble("cannot write down the rollback", refusals_.forget(to.checksum));
  if (from == nullptr || from->checksum == to.checksum) return;
  note_trouble("cannot write down the rollback",
               refusals_.add({from->checksum, to.generation, utc_now(),
                              fmt::format("{}, generation {}", kRolledBack, from->generation)}));
}

void History::another_has_come() {
  note_trouble("cannot forget what was refused", refusals_.clear());
}

Result<void> History::keep(const std::string& data, const SlotNote& note) const {
  if (auto kept = kept_.keep(data, note); !kept) return kept;
  log_->info("generation {} is kept", note.generation);
  return {};
}

void History::trim(const SlotNote* served) const {
  if (config_.keep == 0) return;  // what the operator had kept is not taken away
  note_trouble("cannot remove the oldest of the kept data sets",
               kept_.trim(static_cast<size_t>(config_.keep),
                          served == nullptr ? std::string() : served->checksum));
}

Result<SlotNote> History::asked_for(const SlotNote* served) const {
  auto request = read_rollback(config_.file);
  if (!request) return tl::unexpected(request.error());
  const uint64_t now = served == nullptr ? 0 : served->generation;
  if (request->from != now) {
    return reject(
        fmt::format("generation {} is served by now, not {}; look what it is and ask again", now,
                    request->from));
  }
  const auto kept = kept_.find();
  if (!kept) return tl::unexpected(kept.error());
  for (const auto& each : *kept) {
    if (each.generation == request->to) return each;
  }
  return reject(fmt::format("generation {} is not kept; `goromdb rollback --list` shows what is",
                            request->to));
}

void History::answered() const {
  note_trouble("cannot take away the request for a rollback",
               remove_durably(rollback_path(config_.file)));
}

Result<std::optional<SlotNote>> History::newest() const {
  const auto kept = kept_.find();
  if (!kept) return tl::unexpected(kept.error());
  for (const auto& each : *kept) {
    if (refusals_.find(each.checksum) == nullptr) return each;
  }
  return std::nullopt;
}

void History::forget(uint64_t generation) const {
  note_trouble("cannot take away a manifest", kept_.forget(generation));
}

}  // namespace goromdb

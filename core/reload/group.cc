// SPDX-License-Identifier: MIT
#include "core/reload/group.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/base/file.h"
#include "core/base/step.h"
#include "core/base/units.h"
#include "core/files/loader.h"

namespace goromdb {
namespace {

constexpr size_t kManifestLimit = size_t{1} << 20;
constexpr size_t kRecordLimit = size_t{1} << 20;

// A manifest that is written line by line is faulty until it is whole: it must stand still for so
// long before it is called so.
constexpr uint64_t kQuietMs = 300;

std::string file_name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Whether a start that reads the record could find this text.
bool may_be_decided(const std::string& record, const std::string& text) {
  const auto there = look_at(record);
  if (there && !*there) return false;
  const auto content = read_small_file(record, kRecordLimit);
  return !content || *content == text;
}

}  // namespace

Group::Group(const GroupConfig& config, const std::vector<DatabaseConfig>& databases,
             std::vector<Handler*> members, uv_loop_t* main_loop, Adopt adopt)
    : config_(config),
      members_(std::move(members)),
      poll_interval_ms_(databases[config.databases.front()].poll_interval_ms),
      adopt_(std::move(adopt)),
      log_(logger_for("group " + config.name)),
      loop_(main_loop) {
  for (const uint32_t index : config.databases) {
    const auto& db = databases[index];
    named_.push_back({db.name, file_name_of(db.file), db.verify});
  }
  for (auto* member : members_) {
    member->join([this] { look(); });
  }
  uv_timer_init(loop_, &settle_timer_);
  uv_timer_init(loop_, &again_timer_);
  settle_timer_.data = again_timer_.data = this;
}

void Group::stop() {
  stopped_ = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&settle_timer_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&again_timer_), nullptr);
}

void Group::adopt(std::vector<Adoption> adoptions) {
  if (!gathering_adoptions_) return adopt_(std::move(adoptions));
  std::move(adoptions.begin(), adoptions.end(), std::back_inserter(adoptions_));
}

void Group::show(const std::string& trouble) {
  for (auto* member : members_) {
    if (member->offered()) member->show_trouble(trouble);
  }
}

void Group::say_once(const std::string& message) {
  show(message);
  if (std::exchange(said_, message) == message) return;
  if (!message.empty()) log_->info("{}", message);
}

void Group::refuse(const FileIdentity& manifest, const std::string& reason) {
  refused_ = manifest;
  rejected_.clear();
  said_.clear();
  refused_why_ = fmt::format("{}: {}", config_.manifest, reason);
  log_->error("{}", refused_why_);
  show(refused_why_);
}

bool Group::settled(const FileIdentity& manifest) {
  uv_update_time(loop_);
  const uint64_t now = uv_now(loop_);
  if (!seen_ || *seen_ != manifest) {
    seen_ = manifest;
    seen_since_ms_ = now;
  }
  const uint64_t due = seen_since_ms_ + kQuietMs;
  if (now >= due) return true;
  uv_timer_start(
      &settle_timer_, [](uv_timer_t* timer) { static_cast<Group*>(timer->data)->look(); },
      due - now, 0);
  return false;
}

// ---- gathering ----

void Group::look() {
  if (in_step_ || stopped_ || looking_) return;
  uv_update_time(loop_);
  if (!std::exchange(looked_, true)) give_back_taken(config_.manifest);
  const auto state = look_at(config_.manifest);
  if (!state) return say_once(state.error().message);
  // A rest is for the sake of the set that there was trouble with.
  const bool is_another = *state && (*state)->identity != manifest_;
  if (uv_now(loop_) < not_before_ms_ && !is_another) return;
  if (!*state) {
    const bool waited_with = std::any_of(members_.begin(), members_.end(),
                                         [](const auto* each) { return each->offered(); });
    return say_once(waited_with ? fmt::format("waiting for {}", config_.manifest) : "");
  }
  const auto& identity = (*state)->identity;
  const auto offers = [](const Handler* each) { return each->offered().has_value(); };
  if (refused_ == identity && std::none_of(rejected_.begin(), rejected_.end(), offers)) {
    if (!refused_why_.empty()) show(refused_why_);
    return;
  }
  if (const auto what = irregularity((*state)->mode); !what.empty()) {
    return refuse(identity, fmt::format("it is {}, not a regular file", what));
  }
  if (identity.size == 0) return;  // `md5sum ... > FILE` shows an empty file first
  if (identity.size > static_cast<int64_t>(kManifestLimit)) {
    return refuse(identity, fmt::format("it is larger than {}", format_size(kManifestLimit)));
  }
  const auto sums = read_manifest(**state);
  if (!sums && sums.error().kind != Error::Kind::kRejected) return say_once(sums.error().message);
  if (!sums) {
    if (settled(identity)) refuse(identity, sums.error().message);
    return;
  }

  if (is_another) {
    for (auto* member : members_) member->end_rest();
  }
  if (!changes_for(*sums)) return;
  see_drops();
  if (auto changes = changes_for(*sums)) prepare(identity, std::move(*changes));
}

// Nothing: they cannot take what the manifest names yet.
std::optional<std::vector<Group::Change>> Group::changes_for(const std::vector<std::string>& sums) {
  std::vector<Change> changes;
  for (size_t i = 0; i < members_.size(); ++i) {
    auto* member = members_[i];
    if (!member->is_free()) return {};  // it looks again when it is
    const auto missing = what_is_missing(i, sums[i]);
    if (missing.empty()) {
      changes.push_back({member, sums[i]});
    } else if (member->served_checksum() != sums[i] || member->is_bad()) {
      say_once(missing);
      return {};
    }
  }
  return changes;
}

// What has come before the manifest counts, whoever was woken first.
void Group::see_drops() {
  looking_ = true;  // a member that sees one tells so
  for (auto* member : members_) member->see_drop();
  looking_ = false;
}

// Each event of a drop folder leads here: what has been read once is not read again.
Result<std::vector<std::string>> Group::read_manifest(const FileState& state) {
  if (read_ && read_->first == state.identity) return read_->second;
  const auto content = read_small_file(config_.manifest, kManifestLimit);
  if (!content) return tl::unexpected(content.error());
  auto sums = parse_manifest(*content, named_);
  // A file that is written twice in one tick of the clock looks the same; file systems have some of
  // up to a second.
  constexpr int64_t kTickNs = 1'000'000'000;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const int64_t age_ns = std::chrono::nanoseconds(now).count() - state.identity.mtime_ns;
  read_.reset();
  if (age_ns > kTickNs) read_.emplace(state.identity, sums);
  return sums;
}

// Empty: the member can take what the manifest wants.
std::string Group::what_is_missing(size_t member, const std::string& checksum) const {
  const auto& handler = *members_[member];
  if (handler.ready_checksum() == checksum || handler.offered_checksum() == checksum) return {};
  if (!handler.offered() && handler.is_bad() && handler.served_checksum() == checksum) {
    return fmt::format("{} names {} of {}, which serves it and is bad: waiting for the file again",
                       config_.manifest, checksum, handler.name());
  }
  if (!handler.offered()) {
    return fmt::format("{} names {} of {}: waiting for that", config_.manifest, checksum,
                       handler.name());
  }
  const auto path = sum_path(handler.offered()->file, handler.offered()->kind);
  if (handler.offered_checksum().empty()) return fmt::format("{} has no sum in it", path);
  return fmt::format("{} names {} of {}, but {} says {}: waiting until they fit", config_.manifest,
                     checksum, handler.name(), path, handler.offered_checksum());
}

// ---- a step ----

void Group::prepare(const FileIdentity& manifest, std::vector<Change> changes) {
  in_step_ = true;
  began_ms_ = uv_now(loop_);
  if (std::exchange(manifest_, manifest) != manifest) gave_up_for_.clear();
  changes_ = std::move(changes);
  said_.clear();
  seen_.reset();
  at_work_ = changes_.size();
  if (changes_.empty()) {  // a crash came before it could be removed, or it has been put again
    log_->info("all that {} names is served", config_.manifest);
    return end();
  }
  for (auto& change : changes_) {
    change.handler->prepare(change.checksum, [this, &change](const Result<void>& done) {
      if (!done) {
        change.trouble = done.error();
      } else if (const auto& sum = change.handler->prepared_checksum(); sum != change.checksum) {
        change.trouble = Error{fmt::format("its sum is {} by now", sum), Error::Kind::kChanged};
      }
      if (--at_work_ == 0) on_prepared();
    });
  }
}

void Group::on_prepared() {
  std::string reasons;
  for (const auto& change : changes_) {
    if (!change.trouble) continue;
    reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", change.handler->name(),
                           change.trouble->message);
  }
  if (reasons.empty()) {
    step("group_prepared");
    return record();
  }
  const auto any = [this](auto&& is) {
    return std::any_of(changes_.begin(), changes_.end(), [is](const Change& change) {
      return change.trouble && is(*change.trouble);
    });
  };
  const bool rejected =
      any([](const Error& error) { return error.kind == Error::Kind::kRejected; });
  if (rejected) {
    refused_ = manifest_;
    refused_why_.clear();
    rejected_.clear();
    for (const auto& change : changes_) {
      if (change.trouble && change.trouble->kind == Error::Kind::kRejected) {
        rejected_.push_back(change.handler);
      }
    }
  }
  // The same trouble at every poll is one line.
  if (std::exchange(gave_up_for_, reasons) != reasons || rejected) {
    log_->log(rejected ? spdlog::level::err : spdlog::level::info, "nothing is adopted: {}",
              reasons);
  }
  give_up(any([](const Error& error) { return error.is_trouble(); }));
}

void Group::give_up(bool wait_for_poll) {
  in_step_ = false;
  uv_update_time(loop_);
  const uint64_t now = uv_now(loop_);
  not_before_ms_ = now;
  if (wait_for_poll) {  // all members are opened again: not over and over
    not_before_ms_ +=
        std::max(static_cast<uint64_t>(poll_interval_ms_), kRestFactor * (now - began_ms_));
  }
  for (auto& change : std::exchange(changes_, {})) change.handler->give_up();
}

void Group::record() {
  record_.clear();
  for (auto* member : members_) {
    const bool changes = std::any_of(changes_.begin(), changes_.end(), [&](const Change& change) {
      return change.handler == member;
    });
    record_ += changes ? fmt::format("{} {} {}\n", member->name(), member->prepared_generation(),
                                     member->prepared_checksum())
                       : fmt::format("{} {} {}\n", member->name(), member->served_generation(),
                                     member->served_checksum());
  }
  said_.clear();
  write_record();
}

// Where it fails behind the renaming a start would adopt what the record names, so no member may
// take another data set before this one is adopted here, too: it is written again until it is.
void Group::write_record() {
  changes_.front().handler->run(
      [path = config_.record, text = record_]() -> Result<void> {
        auto written = write_file_durably(path, text);
        if (written) step("group_committed");
        if (written || !may_be_decided(path, text)) return written;
        return changed(written.error().message);
      },
      [this](const Result<void>& written) {
        if (written) return commit();
        if (written.error().kind != Error::Kind::kChanged) {
          const auto& why = written.error().message;
          if (std::exchange(gave_up_for_, why) != why) log_->error("nothing is adopted: {}", why);
          return give_up(true);
        }
        try_again([](uv_timer_t* timer) { static_cast<Group*>(timer->data)->write_record(); },
                  written.error().message);
      });
}

// From the record on there is no way back.
void Group::try_again(void (*what)(uv_timer_t*), const std::string& why) {
  if (std::exchange(said_, why) != why) {
    log_->error("not adopted yet: {}; trying again in {}", why,
                format_duration_ms(poll_interval_ms_));
  }
  uv_timer_start(&again_timer_, what, static_cast<uint64_t>(poll_interval_ms_), 0);
}

void Group::commit() {
  at_work_ = 0;
  for (auto& change : changes_) {
    if (change.committed) continue;
    ++at_work_;
    change.handler->commit([this, &change](const Result<void>& done) {
      change.committed = done.has_value();
      change.trouble.reset();
      if (!done) change.trouble = done.error();
      if (--at_work_ > 0) return;
      const auto failed = std::find_if(changes_.begin(), changes_.end(),
                                       [](const Change& each) { return each.trouble; });
      if (failed == changes_.end()) return adopt_all();
      try_again([](uv_timer_t* timer) { static_cast<Group*>(timer->data)->commit(); },
                fmt::format("{}: {}", failed->handler->name(), failed->trouble->message));
    });
  }
}

void Group::adopt_all() {
  std::string names;
  gathering_adoptions_ = true;
  for (auto& change : changes_) {
    names += fmt::format("{}{} {}", names.empty() ? "" : ", ", change.handler->name(),
                         change.handler->prepared_generation());
    change.handler->adopt_prepared();
  }
  gathering_adoptions_ = false;
  log_->info("adopting together: {}", names);
  adopt_(std::exchange(adoptions_, {}));
  end();
}

// The manifest goes as the data files and their sums do.
void Group::end() {
  members_.front()->run(
      [path = config_.manifest, manifest = manifest_]() -> Result<void> {
        auto removed = remove_if_same(path, manifest);
        step("group_done");
        if (!removed) return tl::unexpected(removed.error());
        return {};
      },
      [this](const Result<void>& removed) {
        if (!removed) {
          refused_ = manifest_;
          refused_why_.clear();
          rejected_.clear();
          log_->warn("{}", removed.error().message);
        }
        in_step_ = false;
        changes_.clear();
        look();
      });
}

}  // namespace goromdb

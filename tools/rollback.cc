// SPDX-License-Identifier: MIT
#include "tools/rollback.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/base/log.h"
#include "core/base/units.h"
#include "core/files/by_hand.h"
#include "core/files/kept.h"
#include "core/files/loader.h"
#include "tools/running_server.h"
#include "tools/text.h"

namespace goromdb::tools {
namespace {

constexpr const char* kNotRolledBack = "nothing was rolled back";

int say(const std::string& message) {
  print_line("goromdb: " + message);
  return kFailed;
}

// What is kept, and what a rollback would make of it.
struct Kept {
  std::vector<SlotNote> files;  // newest first
  std::vector<Refusal> refused;

  explicit Kept(const DatabaseConfig& db) : refused(Refusals::read(db.basedir)) {
    // One that slow clients still read moves to the kept ones behind that, or when it is asked for:
    // so it is looked for first.
    const auto left = db.keep > 0 ? Loader(db.basedir).left() : std::nullopt;
    files = KeptFiles(db.basedir).list();
    if (!left || find(left->generation) != nullptr) return;
    auto younger = [&](const auto& each) { return each.generation > left->generation; };
    files.insert(std::find_if_not(files.begin(), files.end(), younger), *left);
  }

  const SlotNote* find(uint64_t generation) const {
    auto found = std::find_if(files.begin(), files.end(),
                              [&](const auto& each) { return each.generation == generation; });
    return found == files.end() ? nullptr : &*found;
  }
  std::string why_refused(const SlotNote& note) const {
    auto found = std::find_if(refused.begin(), refused.end(),
                              [&](const auto& each) { return each.checksum == note.checksum; });
    return found == refused.end() ? std::string() : found->reason;
  }
};

std::string number_or_null(const std::optional<uint64_t>& n) {
  return n ? std::to_string(*n) : "null";
}
std::string text_or_null(const std::string& text) {
  return text.empty() ? "null" : json_string(text);
}

std::string entries_of(const std::optional<uint64_t>& n) {
  return n ? fmt::format("{} {}", *n, *n == 1 ? "entry" : "entries") : "entries unknown";
}

std::string line_of(const SlotNote& note, const std::string& refused) {
  return fmt::format(
      "{}\t{}\t{}\t{}\t{}{}\n", note.generation, note.adopted_at.empty() ? "-" : note.adopted_at,
      entries_of(note.entries), format_size(static_cast<uint64_t>(note.size)),
      note.checksum.empty() ? "-" : note.checksum, refused.empty() ? "" : "\trefused: " + refused);
}

std::string json_of(const SlotNote& note, const std::string& refused) {
  return fmt::format(
      R"({{"generation": {}, "adopted_at": {}, "entries": {}, "size": {}, "checksum": {}, )"
      R"("mtime": {}, "source": {}, "rolled_back_to": {}, "refused": {}}})"
      "\n",
      note.generation, text_or_null(note.adopted_at), number_or_null(note.entries), note.size,
      text_or_null(note.checksum), json_string(utc_of(note.data_time_ns())),
      text_or_null(note.source),
      note.rolled_back_to == 0 ? "null" : std::to_string(note.rolled_back_to),
      text_or_null(refused));
}

int print(const std::string& text) {
  Output out;
  auto said = out.write(text).and_then([&] { return out.flush(); });
  return said ? kDone : say(said.error().message);
}

int list(const RollbackOptions& options, const Kept& kept) {
  std::string text;
  for (const auto& each : kept.files) {
    const auto refused = kept.why_refused(each);
    text += options.json ? json_of(each, refused) : line_of(each, refused);
  }
  return print(text);
}

struct Done {
  SlotNote to;
  uint64_t as = 0;      // the generation that it became
  uint64_t served = 0;  // the same, or one that has come since
};

class Rollback {
 public:
  Rollback(const RollbackOptions& options, const DatabaseConfig& db) : options_(options), db_(db) {}

  Result<Done> run();

 private:
  Result<SlotNote> target(const StoreStatus& before) const;
  Result<Done> wait(const StoreStatus& before, const SlotNote& to) const;
  Clock::time_point deadline() const {
    return Clock::now() + std::chrono::milliseconds(options_.timeout_ms);
  }

  const RollbackOptions& options_;
  const DatabaseConfig& db_;
};

Result<Done> Rollback::run() {
  auto served = is_served(db_.basedir);
  if (!served) return tl::unexpected(served.error());
  if (!*served) {
    return fail(
        fmt::format("no server runs on {}, {}; start it first", db_.basedir, kNotRolledBack));
  }
  if (!db_.group.empty()) {
    return fail(
        fmt::format("{}: it is in group {}, whose databases change together; {}; publish all of an "
                    "older set",
                    db_.name, db_.group, kNotRolledBack));
  }
  auto turn = take_turn(db_.file, deadline(), kNotRolledBack);
  if (!turn) return tl::unexpected(turn.error());
  auto before = status_of(db_.basedir, deadline(), kNotRolledBack);
  if (!before) return tl::unexpected(before.error());
  // A server that has just started opens what it finds.
  poll_until(deadline(), [&] {
    if (auto now = read_status(db_.basedir)) *before = *now;
    return before->generation != 0;
  });
  if (before->generation == 0) {
    return fail(fmt::format("no data set is served yet, {}; see the server's log", kNotRolledBack));
  }
  auto to = target(*before);
  if (!to) return tl::unexpected(to.error());
  auto asked = ask_for_rollback(db_.file, {before->generation, to->generation});
  if (!asked) return tl::unexpected(asked.error());
  return wait(*before, *to);
}

Result<SlotNote> Rollback::target(const StoreStatus& before) const {
  const Kept kept(db_);
  const auto shown =
      fmt::format("`goromdb rollback --config {} --database {} --list` shows what is",
                  options_.config, options_.database);
  if (options_.to != 0) {
    const auto* found = kept.find(options_.to);
    if (found != nullptr) return *found;
    return fail(
        fmt::format("generation {} is not kept, {}; {}", options_.to, kNotRolledBack, shown));
  }
  if (kept.files.empty()) {
    return fail(fmt::format("no data set is kept in {}, {}; `keep: N` of {} keeps some",
                            KeptFiles(db_.basedir).folder(), kNotRolledBack, options_.database));
  }
  const auto* found = default_rollback(kept.files, kept.refused, before.checksum);
  if (found != nullptr) return *found;
  return fail(
      fmt::format("each kept data set is refused or the same as the served one, {}; name "
                  "one with --to, {}",
                  kNotRolledBack, shown));
}

Result<Done> Rollback::wait(const StoreStatus& before, const SlotNote& to) const {
  StoreStatus now = before;
  std::string reason;
  auto told = [&] {
    auto status = read_status(db_.basedir);
    if (!status) return false;
    now = *status;
    const auto& rejected = now.rejected;
    const auto& last = now.last_rollback;
    const bool done = last && last->to == to.generation && last->as > before.generation;
    if (done && now.generation >= last->as) return true;  // 0: it has just started
    if (now.refused_rollback && now.refused_rollback != before.refused_rollback) {
      reason = now.refused_rollback->reason;
    } else if (rejected && rejected->checksum == to.checksum && rejected != before.rejected) {
      reason = rejected->reason;
    }
    return !reason.empty();
  };
  const bool answered = poll_until(deadline(), told);
  if (answered && reason.empty()) return Done{to, now.last_rollback->as, now.generation};
  if (answered) return fail(fmt::format("{}: {}", kNotRolledBack, reason));
  // What is not begun is taken back.
  const auto request = rollback_path(db_.file);
  std::string left = kNotRolledBack;
  if (::unlink(request.c_str()) != 0) {
    left = errno == ENOENT ? "the server has it in hand: its log tells what came of it"
                           : fmt::format(
                                 "the request stays, it cannot be removed ({}): take away {} "
                                 "if it is not to be done",
                                 std::strerror(errno), request);
  }
  if (!caught_signal().empty())
    return fail(fmt::format("stopped by {}; {}", caught_signal(), left));
  auto why = now.trouble;
  if (why.empty() && !now.busy.empty()) why = fmt::format("the server is still {}", now.busy);
  if (why.empty()) why = "the server has not said why, its log may";
  return fail(fmt::format("generation {} was not back within {}: {}; {}", to.generation,
                          format_duration_ms(options_.timeout_ms), why, left));
}

}  // namespace

int rollback(const RollbackOptions& options) {
  auto db = database_of(options.config, options.database);
  if (!db) {
    print_line(db.error().message);
    return kWrong;
  }
  if (options.list) return list(options, Kept(*db));
  catch_signals();
  auto done = Rollback(options, *db).run();
  if (!done) return say(done.error().message);
  const auto& to = done->to;
  if (options.json) {
    return print(fmt::format(
        R"({{"database": {}, "outcome": "rolled_back", "generation": {}, "rolled_back_to": {}, )"
        R"("checksum": {}, "entries": {}, "served": {}}})"
        "\n",
        json_string(options.database), done->as, to.generation, text_or_null(to.checksum),
        number_or_null(to.entries), done->served));
  }
  return print(
      fmt::format("back to generation {}, as generation {} ({}, {}){}\n", to.generation, done->as,
                  to.checksum.empty() ? "no checksum" : to.checksum, entries_of(to.entries),
                  done->served == done->as
                      ? ""
                      : fmt::format("; generation {} has come since and is served", done->served)));
}

}  // namespace goromdb::tools

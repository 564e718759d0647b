// SPDX-License-Identifier: MIT
#include "tools/publish.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "core/base/config.h"
#include "core/base/log.h"
#include "core/base/step.h"
#include "core/base/units.h"
#include "core/files/by_hand.h"
#include "core/files/status_file.h"
#include "tools/data_set.h"
#include "tools/running_server.h"
#include "tools/text.h"

namespace goromdb::tools {
namespace {

constexpr auto kPause = std::chrono::milliseconds(20);
constexpr size_t kSumFileLimit = size_t{64} << 10;

int say(int status, const std::string& message) {
  print_line("goromdb: " + message);
  return status;
}

constexpr const char* kNotDropped = "nothing was dropped";

Result<void> unless_stopped() {
  const auto signal = caught_signal();
  if (signal.empty()) return {};
  return fail(fmt::format("stopped by {}, {}", signal, kNotDropped));
}

// A file under a name that no server looks at. It goes unless it has been put in its place.
class Temporary {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (fd_) ::unlink(path_.c_str());
  }
  Result<void> create(mode_t mode) {
    ::unlink(path_.c_str());  // of a publish that was killed
    fd_ = Fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd_) return fail_errno(fmt::format("create {}", path_));
    return {};
  }
  Result<void> put(const std::string& name) {
    if (::rename(path_.c_str(), name.c_str()) != 0) {
      return fail_errno(fmt::format("rename {} to {}", path_, name));
    }
    fd_ = Fd();
    return sync_folder(parent_folder(name));
  }
  const Fd& fd() const { return fd_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  Fd fd_;
};

struct Outcome {
  std::string name;  // adopted, rejected, timeout, dropped
  std::string checksum, reason;
  std::optional<uint64_t> generation, entries;
};

class Publication {
 public:
  Publication(const PublishOptions& options, const DatabaseConfig& db)
      : options_(options), db_(db) {}

  Result<Outcome> run(const Fd& source);

 private:
  Result<std::string> own_sum() const;
  Result<std::string> copy(const Fd& source, const FileState& before, const Temporary& to) const;
  Result<void> drop(const Fd& source);
  Result<Outcome> wait(const StoreStatus& before) const;
  Outcome timed_out() const;
  std::string where_it_is() const;

  // Beside the drop file, hidden.
  std::string aside(std::string_view what) const {
    const std::filesystem::path file(db_.file);
    return (file.parent_path() / fmt::format(".{}.publish.{}", file.filename().string(), what))
        .string();
  }
  Clock::time_point deadline() const {
    return Clock::now() + std::chrono::milliseconds(options_.timeout_ms);
  }

  const PublishOptions& options_;
  const DatabaseConfig& db_;
  std::string checksum_;  // as the server shows it
  FileIdentity dropped_;
};

Result<Outcome> Publication::run(const Fd& source) {
  auto served = is_served(db_.basedir);
  if (!served) return tl::unexpected(served.error());
  if (options_.wait && !*served) {
    return fail(fmt::format("no server runs on {}, nothing was dropped; start it, or use --no-wait",
                            db_.basedir));
  }
  auto turn = take_turn(db_.file, deadline(), kNotDropped);
  if (!turn) return tl::unexpected(turn.error());
  auto before = options_.wait ? status_of(db_.basedir, deadline(), kNotDropped) : StoreStatus{};
  if (!before) return tl::unexpected(before.error());
  if (auto done = drop(source); !done) return tl::unexpected(done.error());
  if (!options_.wait) return Outcome{"dropped", checksum_, {}, {}, {}};
  return wait(*before);
}

// What the sum beside the new file says; empty when there is none.
Result<std::string> Publication::own_sum() const {
  if (db_.verify == SumKind::kNone) return std::string();
  const auto path = sum_path(options_.file, db_.verify);
  auto there = look_at(path);
  if (!there) return tl::unexpected(there.error());
  if (!*there) return std::string();
  auto content = read_small_file(path, kSumFileLimit);
  if (!content) return tl::unexpected(content.error());
  auto hex = parse_sum(*content, db_.verify);
  if (!hex) return fail(fmt::format("{}: {}", path, hex.error().message));
  return hex;
}

// Returns the digest of what has been copied.
Result<std::string> Publication::copy(const Fd& source, const FileState& before,
                                      const Temporary& to) const {
  const auto written_to = fail(fmt::format(
      "{} was written to while it was copied, nothing was dropped; publish it when it is finished",
      options_.file));
  const bool shared = ::ioctl(to.fd().get(), FICLONE, source.get()) == 0;
  Digest digest(db_.verify);
  uint64_t done = 0;
  auto read = read_blocks(shared ? to.fd() : source, shared ? to.path() : options_.file,
                          [&](std::string_view block) -> Result<void> {
                            step("publish_copying");
                            if (auto go_on = unless_stopped(); !go_on) return go_on;
                            digest.update(block);
                            done += block.size();
                            if (done > static_cast<uint64_t>(before.identity.size))
                              return written_to;
                            return shared ? Result<void>{} : write_all(to.fd(), block, to.path());
                          });
  if (!read) return tl::unexpected(read.error());
  auto after = look_at(source, options_.file);
  auto named = look_at(options_.file);
  if (!after || after->identity != before.identity || after->ctime_ns != before.ctime_ns ||
      !named || !*named || (*named)->identity != before.identity) {
    return written_to;
  }
  if (db_.only_newer) {  // by when the data was made, not when it was copied
    const timespec times[2] = {{0, UTIME_OMIT}, time_of(before.identity.mtime_ns)};
    if (::futimens(to.fd().get(), times) != 0) return fail_errno(fmt::format("date {}", to.path()));
  }
  if (auto synced = sync_file(to.fd(), to.path()); !synced) return tl::unexpected(synced.error());
  return digest.hex();
}

Result<void> Publication::drop(const Fd& source) {
  auto wanted = own_sum();
  if (!wanted) return tl::unexpected(wanted.error());
  // File times move in the kernel's ticks: within the tick of the last write another leaves no
  // trace.
  std::this_thread::sleep_for(kPause);
  auto before = look_at(source, options_.file);
  if (!before) return tl::unexpected(before.error());

  Temporary data(aside("data")), sum(aside("sum"));
  if (auto made = data.create(before->mode & 0777); !made) return made;
  auto hex = copy(source, *before, data);
  if (!hex) return tl::unexpected(hex.error());
  if (!wanted->empty() && *hex != *wanted) {
    return fail(fmt::format("{}: its {} is {}, its sum beside it says {}; build it again",
                            options_.file, title_of(db_.verify), *hex, *wanted));
  }
  const bool has_sum = db_.verify != SumKind::kNone;
  checksum_ = fmt::format("{}:{}", has_sum ? name_of(db_.verify) : name_of(SumKind::kMd5), *hex);
  if (has_sum) {
    // All that needs space is written before anything of the last drop is touched.
    const auto line =
        fmt::format("{}  {}\n", *hex, std::filesystem::path(db_.file).filename().string());
    auto written = sum.create(0644)
                       .and_then([&] { return write_all(sum.fd(), line, sum.path()); })
                       .and_then([&] { return sync_file(sum.fd(), sum.path()); });
    if (!written) return written;
  }
  auto copied = look_at(data.fd(), data.path());
  if (!copied) return tl::unexpected(copied.error());
  dropped_ = copied->identity;
  if (options_.again) {
    if (auto asked = ask_again(db_.file, checksum_); !asked) return asked;
  }
  const auto put = [&]() -> Result<void> {
    step("publish_copied");
    if (auto go_on = unless_stopped(); !go_on) return go_on;
    if (!has_sum) return data.put(db_.file);
    const auto sum_file = sum_path(db_.file, db_.verify);
    auto put_data = remove_durably(sum_file).and_then([&] { return data.put(db_.file); });
    if (!put_data) return put_data;
    step("publish_data");
    return sum.put(sum_file);
  }();
  if (!put && options_.again) ::unlink(again_path(db_.file).c_str());
  return put;
}

Result<Outcome> Publication::wait(const StoreStatus& before) const {
  Outcome outcome;
  auto told = [&] {
    auto status = read_status(db_.basedir);
    if (!status) return false;
    const auto& rejected = status->rejected;
    if (status->checksum == checksum_ && status->generation > before.generation) {
      outcome = {"adopted", checksum_, {}, status->generation, status->entries};
    } else if (rejected && rejected->checksum == checksum_ && rejected != before.rejected) {
      outcome = {"rejected", checksum_, rejected->reason, {}, {}};
    }
    return !outcome.name.empty();
  };
  if (poll_until(deadline(), told)) return outcome;
  if (caught_signal().empty()) return timed_out();
  return fail(fmt::format("stopped by {}; {}", caught_signal(), where_it_is()));
}

Outcome Publication::timed_out() const {
  auto status = read_status(db_.basedir);
  auto served = is_served(db_.basedir);
  std::string why = "the server has not said why";
  if (served && !*served) {
    why = fmt::format("no server runs on {} any more", db_.basedir);
  } else if (!status) {
    why = status.error().message;
  } else if (!status->trouble.empty()) {
    why = status->trouble;
  } else if (!status->busy.empty()) {
    why = fmt::format("the server is still {}", status->busy);
  }
  return Outcome{"timeout", checksum_, fmt::format("{}; {}", why, where_it_is()), {}, {}};
}

std::string Publication::where_it_is() const {
  auto there = look_at(db_.file);
  if (there && *there && (*there)->identity == dropped_) {
    return fmt::format("the copy stays as {} and may still be taken", db_.file);
  }
  return fmt::format("the copy has left {}: the server's log tells what came of it", db_.file);
}

std::string in_json(const PublishOptions& options, const Outcome& outcome) {
  auto text = [](const std::string& s) { return s.empty() ? "null" : json_string(s); };
  auto number = [](const std::optional<uint64_t>& n) { return n ? std::to_string(*n) : "null"; };
  return fmt::format(
      R"({{"database": {}, "outcome": "{}", "generation": {}, "checksum": {}, "entries": {}, )"
      R"("reason": {}}})",
      json_string(options.database), outcome.name, number(outcome.generation),
      text(outcome.checksum), number(outcome.entries), text(outcome.reason));
}

std::string in_words(const Outcome& outcome) {
  if (outcome.name == "dropped") return fmt::format("dropped ({})", outcome.checksum);
  const auto entries = outcome.entries ? fmt::format(", {} {}", *outcome.entries,
                                                     *outcome.entries == 1 ? "entry" : "entries")
                                       : std::string();
  return fmt::format("adopted as generation {} ({}{})", *outcome.generation, outcome.checksum,
                     entries);
}

int report(const PublishOptions& options, const Outcome& outcome) {
  const bool good = outcome.name == "adopted" || outcome.name == "dropped";
  if (options.json || good) {
    Output out;
    auto said = out.write((options.json ? in_json(options, outcome) : in_words(outcome)) + "\n")
                    .and_then([&] { return out.flush(); });
    if (!said) return say(kFailed, said.error().message);
  }
  if (good) return kDone;
  if (outcome.name == "rejected") {
    return say(kFailed, fmt::format("{} was rejected: {}", options.file, outcome.reason));
  }
  return say(kFailed, fmt::format("{} was not adopted within {}: {}", options.file,
                                  format_duration_ms(options.timeout_ms), outcome.reason));
}

}  // namespace

int publish(const PublishOptions& asked) {
  auto options = asked;
  options.file = behind_links(asked.file);
  auto found = database_of(options.config, options.database);
  if (!found) {
    print_line(found.error().message);
    return kWrong;
  }
  const auto& db = *found;
  auto source = open_regular(options.file);
  if (!source) return say(kFailed, source.error().message);
  auto state = look_at(*source, options.file);
  auto drop = look_at(db.file);
  if (state && drop && *drop && state->identity.device == (*drop)->identity.device &&
      state->identity.inode == (*drop)->identity.inode) {
    return say(kWrong, fmt::format("{} is the drop file of {} itself; build it somewhere else",
                                   options.file, options.database));
  }
  if (!Digest::available(db.verify)) {
    return say(kFailed, fmt::format("this machine has no {}; set `verify: sha256` for {}",
                                    title_of(db.verify), options.database));
  }
  catch_signals();
  auto outcome = Publication(options, db).run(*source);
  if (!outcome) return say(kFailed, outcome.error().message);
  return report(options, *outcome);
}

}  // namespace goromdb::tools

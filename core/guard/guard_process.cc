// SPDX-License-Identifier: MIT
// The guard's own process.
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include "core/base/units.h"
#include "core/generation/entry_walk.h"
#include "core/generation/generation.h"
#include "core/guard/guard.h"
#include "core/guard/guard_limits.h"
#include "core/guard/guard_words.h"
#include "core/guard/jail.h"

namespace goromdb {
namespace {

using namespace guard_words;
using std::chrono::steady_clock;

void say(std::string_view word, const std::string& reason = {}) {
  std::string line = fmt::format("{}{}", word, reason);
  std::replace(line.begin(), line.end(), '\n', ' ');
  // It begins a line of its own, whatever the storage has printed before it.
  ::dprintf(STDOUT_FILENO, "\n%s\n", line.c_str());
}

constexpr std::chrono::milliseconds kInterval{100};  // of progress

Progress tell_progress() {
  return [last = steady_clock::now()](uint64_t done, uint64_t total) mutable {
    if (const auto now = steady_clock::now(); now - last >= kInterval) {
      last = now;
      say(kProgress, fmt::format("{} {}", done, total));
    }
    return false;
  };
}

// As goromdb verify: what the storage has not counted it may not have come past.
Result<void> walk_what_was_not(const Generation& generation, const Progress& progress) {
  if (generation.ops().cursor_open == nullptr || has_counted_all(generation.info())) return {};
  EntryWalk walk(generation.ops(), generation.reader(0));
  if (auto begun = walk.begin(std::nullopt); !begun) return begun;
  for (uint64_t entries = 0;;) {
    auto batch = walk.next();
    if (!batch) return tl::unexpected(batch.error());
    if (batch->empty()) return {};
    entries += batch->size();
    progress(entries, 0);
  }
}

int64_t number(const char* word) { return parse_integer(word).value_or(0); }

Result<void> read_file(Storage& storage, const Generation::Facts& facts) {
  const auto progress = tell_progress();
  auto generation = Generation::open(storage, facts, 1, progress);
  if (!generation) return tl::unexpected(generation.error());
  return walk_what_was_not(**generation, progress);
}

Result<void> try_here(char** words, const GuardLimits& limits,
                      const std::vector<OptionSetting>& settings) {
  const std::string path = words[kFile];
  auto plugin = Plugin::load(words[kPlugin]);
  if (!plugin) return tl::unexpected(plugin.error());
  auto options = OptionValues::parse(**plugin, settings);
  if (!options) return tl::unexpected(options.error());
  Metrics metrics(1);
  auto storage =
      Storage::create(*plugin, "guard", *options, metrics, 1, GOROMDB_HINT_ONLY_VERIFIES);
  if (!storage) return tl::unexpected(storage.error());
  auto held = HeldFile::inherit(kFileDescriptor, path);
  if (!held) return tl::unexpected(held.error());

  const auto missing = enter_jail({path, words[kFolder]});
  if (!missing) return tl::unexpected(missing.error());
  for (const auto& each : *missing) say(kNote, each);
  Generation::Facts facts;
  facts.path = path;
  facts.note.size = held->state().identity.size;
  facts.verify_threads = static_cast<uint32_t>(number(words[kThreads]));
  (*storage)->host().allow_threads(facts.verify_threads);
  auto untouched = held->check();
  if (!untouched) return untouched;
  say(kBegun);
  const int64_t mapped = mapped_memory() + facts.note.size;
  auto read = read_file(**storage, facts);
  if (read) return held->check();
  if (read.error().kind != Error::Kind::kMemory || !has_come_to(limits.memory, mapped)) return read;
  return reject(fmt::format("{}; it takes more than {} of memory ({})", read.error().message,
                            format_size(static_cast<uint64_t>(limits.memory)),
                            name_of_memory(limits)));
}

}  // namespace

void run_as_guard(int argc, char** argv) {
  if (argc < kOptions || std::string_view(argv[1]) != kCommand) return;
  ::prctl(PR_SET_NAME, "goromdb-guard");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != number(argv[kServer])) ::_exit(1);  // it went before it could be watched
  ::close_range(kFileDescriptor + 1, ~0u, 0);
  const auto limits =
      within_own({number(argv[kMemory]), number(argv[kCpu]), 0, number(argv[kScratch])});
  apply(limits);
  ::setenv("TMPDIR", argv[kFolder], 1);
  ::unsetenv("GOROMDB_TEST_STEPS");  // the steps are the server's
  // The server says it all when it opens the file itself.
  spdlog::set_level(spdlog::level::off);
  std::vector<OptionSetting> settings;
  for (int i = kOptions; i + 1 < argc; i += 2) {
    settings.push_back({argv[i], argv[i + 1], argv[i], argv[i], true});
  }
  auto tried = try_here(argv, limits, settings);
  if (tried) {
    say(kOk);
  } else if (tried.error().kind == Error::Kind::kRejected) {
    say(kRejected, tried.error().message);
  } else {
    say(kFailed, tried.error().message);
  }
  ::_exit(0);  // what libraries do at an end is not the file's
}

}  // namespace goromdb

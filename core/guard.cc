// SPDX-License-Identifier: MIT
#include "core/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <sstream>

#include "core/file.h"
#include "core/generation.h"
#include "core/units.h"

// The two processes: goromdb <guard> PLUGIN FILE [OPTION VALUE]...
// The guard writes a line for each sign of life, "guard: progress DONE TOTAL", and at the end
// "guard: ok", "guard: rejected REASON" or "guard: failed REASON". Whatever else comes out of it,
// on standard output or error, is the storage's or its library's and goes to the log.
namespace goromdb {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kCommand = "open-in-guard";
constexpr const char* kThisProgram = "/proc/self/exe";
constexpr std::string_view kProgress = "guard: progress ", kOk = "guard: ok",
                           kRejected = "guard: rejected ", kFailed = "guard: failed ";
constexpr milliseconds kTick{50}, kProgressInterval{100};
constexpr int kMaxForeignLines = 20;  // of a file, in the log
constexpr int kMostBlocks = 64;  // that are read before anything else is looked at: some never end

// What a guard's process has said so far.
struct Answer {
  uint64_t done = 0, total = 0;
  std::optional<Result<void>> verdict;
  int foreign_lines = 0;
  steady_clock::time_point last_sign = steady_clock::now();

  void read(const std::string& line, spdlog::logger& log) {
    auto rest = [&](std::string_view word) { return line.substr(word.size()); };
    if (line.starts_with(kProgress)) {
      const auto before = done;
      std::istringstream(rest(kProgress)) >> done >> total;
      if (done != before) last_sign = steady_clock::now();
    } else if (line == kOk) {
      verdict = Result<void>{};
    } else if (line.starts_with(kRejected)) {
      verdict = reject(rest(kRejected));
    } else if (line.starts_with(kFailed)) {
      verdict = fail(rest(kFailed));
    } else if (!line.empty() && ++foreign_lines <= kMaxForeignLines) {
      log.warn("the reader in another process: {}", line);
    }
  }
};

// A running guard; it is killed when it goes.
class Process {
 public:
  static Result<Process> start(const std::vector<std::string>& words) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("make a pipe to another process");
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    Process process;
    process.output_ = Fd(ends[0]);
    Fd input(ends[1]);
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, input.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, input.get(), STDERR_FILENO);
    // A group of its own: Ctrl-C is the server's. SIGTERM is blocked, as in all of this process's
    // threads: the server ends its guard itself, whoever ends the server.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int failed =
        ::posix_spawn(&process.pid_, kThisProgram, &files, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (failed != 0) {
      process.pid_ = -1;
      return fail_errno("start another process to try the file in", failed);
    }
    return process;
  }

  Process(Process&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), output_(std::move(other.output_)) {}
  Process& operator=(Process&&) = delete;
  ~Process() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  // Waits a moment for lines and hands them to `each`. The wait status once it has ended.
  template <class Each>
  std::optional<int> follow(Each&& each) {
    pollfd wanted{output_.get(), POLLIN, 0};
    ::poll(&wanted, 1, static_cast<int>(kTick.count()));
    int status = 0;
    const bool ended = ::waitpid(pid_, &status, WNOHANG) == pid_;  // before the last bytes are read
    char block[4096];
    ssize_t n = 0;
    for (int i = 0; i < kMostBlocks && (n = ::read(output_.get(), block, sizeof block)) > 0; ++i) {
      for (char c : std::string_view(block, static_cast<size_t>(n))) {
        if (c != '\n') {
          if (line_.size() < sizeof block) line_ += c;
          continue;
        }
        each(std::exchange(line_, {}));
      }
    }
    if (ended) pid_ = -1;
    // Its output is closed: it ends in an instant, or hangs there.
    if (!ended && n == 0) ::poll(nullptr, 0, 1);
    return ended ? std::optional(status) : std::nullopt;
  }

 private:
  Process() = default;

  pid_t pid_ = -1;
  Fd output_;
  std::string line_;
};

Result<void> verdict_of(const Answer& answer, int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGKILL) {  // no reader does this to itself
      return fail("the process that tried the file was killed; memory may be short");
    }
    return reject(fmt::format("the reader died on this file (signal {})", signal));
  }
  if (answer.verdict) return *answer.verdict;
  return reject(fmt::format("the reader ended the process on this file (exit status {})",
                            WEXITSTATUS(status)));
}

}  // namespace

bool is_guarded(const DatabaseConfig& config, const Plugin& plugin) {
  const bool checked = (plugin.storage().traits & GOROMDB_TRAIT_BOUNDS_CHECKED) != 0;
  return config.guard == GuardMode::kAlways || (config.guard == GuardMode::kAuto && !checked);
}

Guard::Guard(const DatabaseConfig& config, const Plugin& plugin,
             std::shared_ptr<spdlog::logger> log)
    : command_({"goromdb", kCommand, plugin.path()}),
      patience_ms_(config.guard_timeout_ms),
      log_(std::move(log)) {
  for (const auto& option : config.options) {
    command_.push_back(option.name);
    command_.push_back(option.value);
  }
}

Result<void> Guard::try_file(const std::string& path, const Progress& progress) const {
  auto words = command_;
  words.insert(words.begin() + 3, path);
  auto process = Process::start(words);
  if (!process) return tl::unexpected(process.error());
  Answer answer;
  for (;;) {
    auto status = process->follow([&](const std::string& line) { answer.read(line, *log_); });
    if (progress(answer.done, answer.total)) return cancelled();
    if (status) return verdict_of(answer, *status);
    if (steady_clock::now() - answer.last_sign > milliseconds(patience_ms_)) {
      return reject(fmt::format("the reader hung on this file: no progress for {}",
                                format_duration_ms(patience_ms_)));
    }
  }
}

// ---- the guard's own process --------------------------------------------------------------------

namespace {

void say(std::string_view word, const std::string& reason) {
  std::string line = fmt::format("{}{}", word, reason);
  std::replace(line.begin(), line.end(), '\n', ' ');
  // It begins a line of its own, whatever the storage has printed before it.
  ::dprintf(STDOUT_FILENO, "\n%s\n", line.c_str());
}

Result<void> try_here(const std::string& plugin_path, const std::string& file,
                      const std::vector<OptionSetting>& settings) {
  auto plugin = Plugin::load(plugin_path);
  if (!plugin) return tl::unexpected(plugin.error());
  auto options = OptionValues::parse(**plugin, settings);
  if (!options) return tl::unexpected(options.error());
  Metrics metrics(1);
  auto storage = Storage::create(*plugin, "guard", *options, metrics, 1);
  if (!storage) return tl::unexpected(storage.error());
  struct stat st;
  if (::stat(file.c_str(), &st) != 0) return fail_errno(fmt::format("look at {}", file));
  Generation::Facts facts;
  facts.path = file;
  facts.note.size = st.st_size;
  auto last = steady_clock::now();
  auto generation =
      Generation::open(**storage, facts, 1, [last](uint64_t done, uint64_t total) mutable {
        if (const auto now = steady_clock::now(); now - last >= kProgressInterval) {
          last = now;
          say(kProgress, fmt::format("{} {}", done, total));
        }
        return false;
      });
  if (!generation) return tl::unexpected(generation.error());
  return {};
}

}  // namespace

std::optional<int> run_as_guard(int argc, char** argv) {
  if (argc < 4 || std::string_view(argv[1]) != kCommand) return std::nullopt;
  ::prctl(PR_SET_NAME, "goromdb-guard");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::unsetenv("GOROMDB_TEST_STEPS");  // the steps are the server's
  // The server says it all when it opens the file itself.
  spdlog::set_level(spdlog::level::off);
  std::vector<OptionSetting> settings;
  for (int i = 4; i + 1 < argc; i += 2) {
    settings.push_back({argv[i], argv[i + 1], argv[i], argv[i], true});
  }
  auto tried = try_here(argv[2], argv[3], settings);
  if (tried) {
    say(kOk, {});
  } else {
    const bool bad = tried.error().kind == Error::Kind::kRejected;
    say(bad ? kRejected : kFailed, tried.error().message);
  }
  return 0;
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "core/guard/guard.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <sstream>

#include "core/base/units.h"
#include "core/guard/guard_limits.h"
#include "core/guard/guard_words.h"

namespace goromdb {
namespace {

using namespace guard_words;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kThisProgram = "/proc/self/exe";
constexpr milliseconds kTick{50};
constexpr int kMaxForeignLines = 20;  // of a file, in the log
constexpr int kMostBlocks = 64;  // that are read before anything else is looked at: some never end

// What a guard's process has said so far.
struct Answer {
  uint64_t done = 0, total = 0;
  bool begun = false;
  std::optional<Result<void>> verdict;
  int foreign_lines = 0;
  steady_clock::time_point last_sign = steady_clock::now();

  void read(const std::string& line, spdlog::logger& log) {
    auto rest = [&](std::string_view word) { return line.substr(word.size()); };
    if (line.starts_with(kProgress)) {
      const auto before = done;
      std::istringstream(rest(kProgress)) >> done >> total;
      if (done != before) last_sign = steady_clock::now();
    } else if (line.starts_with(kNote)) {
      log.debug("the process that tries the file: {}", rest(kNote));
    } else if (line == kBegun) {
      begun = true;
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

// A folder for what storages keep in temporary files, as libdb its notes of a large file. It always
// has the same name in the store: the next try finds what a crash left.
class Scratch {
 public:
  static Result<Scratch> make(const std::string& basedir) {
    Scratch scratch;
    scratch.path_ = join_path(basedir, "guard.scratch");
    std::error_code ignored;
    std::filesystem::remove_all(scratch.path_, ignored);
    if (::mkdir(scratch.path_.c_str(), 0700) != 0) {
      return fail_errno(fmt::format("make the folder {}", scratch.path_));
    }
    return scratch;
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  Scratch() = default;
  std::string path_;
};

struct Ended {
  int status;
  rusage usage;
};

// A running guard; it is killed when it goes.
class Process {
 public:
  static Result<Process> start(const std::vector<std::string>& words, const Fd& file) {
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
    posix_spawn_file_actions_adddup2(&files, file.get(), kFileDescriptor);
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

  // Waits a moment for lines and hands them to `each`. How it ended, once it has.
  template <class Each>
  std::optional<Ended> follow(Each&& each) {
    pollfd wanted{output_.get(), POLLIN, 0};
    ::poll(&wanted, 1, static_cast<int>(kTick.count()));
    Ended how{};
    // Before the last bytes are read.
    const bool ended = ::wait4(pid_, &how.status, WNOHANG, &how.usage) == pid_;
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
    return ended ? std::optional(how) : std::nullopt;
  }

 private:
  Process() = default;

  pid_t pid_ = -1;
  Fd output_;
  std::string line_;
};

// Why a signal ended it.
Result<void> verdict_of_signal(int signal, const rusage& usage, const GuardLimits& limits) {
  const int64_t cpu_s = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
  if (signal == SIGXCPU || (signal == SIGKILL && cpu_s >= limits.cpu_s)) {
    return reject(fmt::format("the reader took more than {} of CPU time on this file ({})",
                              format_duration_ms(limits.cpu_s * 1000),
                              limits.own_cpu ? "RLIMIT_CPU of the server itself" : "guard_cpu"));
  }
  if (signal == SIGKILL) {  // no reader does this to itself
    return tl::unexpected(Error{"the process that tried the file was killed; memory may be short",
                                Error::Kind::kMemory});
  }
  if (signal == SIGXFSZ) {
    return reject(fmt::format("the reader wrote more than {} into a temporary file{}",
                              format_size(static_cast<uint64_t>(limits.scratch)),
                              limits.own_scratch ? " (RLIMIT_FSIZE of the server itself)" : ""));
  }
  constexpr int64_t kKiB = 1024;
  const bool was_large = usage.ru_maxrss * kKiB >= limits.memory / 2;
  return reject(fmt::format(
      "the reader died on this file (signal {}){}", signal,
      was_large
          ? fmt::format("; its memory was near the limit of {} ({})",
                        format_size(static_cast<uint64_t>(limits.memory)), name_of_memory(limits))
          : std::string()));
}

// A failure: the file cannot be read, whatever is in it.
Result<void> read_to_end(const HeldFile& file, const Progress& progress) {
  uint64_t done = 0;
  return read_blocks(file.fd(), file.path(), [&](std::string_view block) -> Result<void> {
    done += block.size();
    return progress(done, static_cast<uint64_t>(file.state().identity.size)) ? cancelled()
                                                                             : Result<void>{};
  });
}

Result<void> verdict_of(const Answer& answer, const Ended& ended, const GuardLimits& limits) {
  if (!answer.begun && !answer.verdict) {
    return fail(fmt::format(
        "the process that tries files ended before it had begun ({} {})",
        WIFSIGNALED(ended.status) ? "signal" : "exit status",
        WIFSIGNALED(ended.status) ? WTERMSIG(ended.status) : WEXITSTATUS(ended.status)));
  }
  if (WIFSIGNALED(ended.status)) {
    return verdict_of_signal(WTERMSIG(ended.status), ended.usage, limits);
  }
  if (answer.verdict) return *answer.verdict;
  return reject(fmt::format("the reader ended the process on this file (exit status {})",
                            WEXITSTATUS(ended.status)));
}

}  // namespace

bool is_guarded(const DatabaseConfig& config, const Plugin& plugin) {
  const bool checked = (plugin.storage().traits & GOROMDB_TRAIT_BOUNDS_CHECKED) != 0;
  return config.guard == GuardMode::kAlways || (config.guard == GuardMode::kAuto && !checked);
}

Guard::Guard(const DatabaseConfig& config, const Plugin& plugin,
             std::shared_ptr<spdlog::logger> log)
    : config_(config), plugin_(plugin), log_(std::move(log)) {}

Result<void> Guard::try_file(const HeldFile& file, const Progress& progress) const {
  if (auto same = plugin_.check_in_place(); !same) return same;
  auto tried = try_in_process(file, progress);
  if (!tried && tried.error().kind == Error::Kind::kCancelled) return tried;
  // What another plugin said of the file, put there meanwhile, counts for nothing.
  auto same = plugin_.check_in_place();
  return same ? tried : same;
}

Result<void> Guard::try_in_process(const HeldFile& file, const Progress& progress) const {
  const auto limits = within_own(limits_for(config_, file.state().identity.size));
  auto scratch = Scratch::make(config_.basedir);
  if (!scratch) return tl::unexpected(scratch.error());
  std::vector<std::string> words = {"goromdb", kCommand};
  for (const int64_t each :
       {int64_t{::getpid()}, limits.memory, limits.cpu_s, limits.scratch, config_.load.threads}) {
    words.push_back(std::to_string(each));
  }
  words.insert(words.end(), {scratch->path(), plugin_.path(), file.path()});
  for (const auto& option : config_.options) {
    words.insert(words.end(), {option.name, option.value});
  }
  auto process = Process::start(words, file.fd());
  if (!process) return tl::unexpected(process.error());
  Answer answer;
  const auto began = steady_clock::now();
  for (;;) {
    auto ended = process->follow([&](const std::string& line) { answer.read(line, *log_); });
    if (progress(answer.done, answer.total)) return cancelled();
    if (ended) {
      // A page that the disk does not give ends the reader of a map, too.
      if (answer.begun && WIFSIGNALED(ended->status) && WTERMSIG(ended->status) == SIGBUS) {
        if (auto read = read_to_end(file, progress); !read) return read;
      }
      return verdict_of(answer, *ended, limits);
    }
    const auto now = steady_clock::now();
    if (!answer.begun && now - began > milliseconds(config_.guard_timeout_ms)) {
      return fail(fmt::format("the process that tries files has not begun for {}",
                              format_duration_ms(config_.guard_timeout_ms)));
    }
    if (now - answer.last_sign > milliseconds(config_.guard_timeout_ms)) {
      return reject(fmt::format("the reader hung on this file: no progress for {}",
                                format_duration_ms(config_.guard_timeout_ms)));
    }
    if (now - began > milliseconds(limits.total_ms)) {
      return reject(fmt::format("the reader took more than {} on this file (guard_total)",
                                format_duration_ms(limits.total_ms)));
    }
  }
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "tools/output_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <filesystem>
#include <future>
#include <mutex>
#include <random>

#include "core/base/file.h"

namespace goromdb::tools {
namespace {

constexpr SumKind kKinds[] = {SumKind::kMd5, SumKind::kSha256};
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};

// The temporary files of this process, for the signal handler. More than there is room for are
// found by the next start().
std::mutex registry_lock;
std::array<std::atomic<const char*>, 16> registry;
std::atomic<pid_t> registry_owner;
std::array<struct sigaction, std::size(kSignals)> previous_actions;
static_assert(std::atomic<const char*>::is_always_lock_free);

// Restored to the default action by SA_RESETHAND; the signal waits until the handler returns.
extern "C" void remove_temporaries(int number) {
  if (::getpid() == registry_owner.load()) {  // not a child's
    for (const auto& path : registry) {
      if (const char* name = path.load()) ::unlink(name);
    }
  }
  ::raise(number);
}

bool registry_is_empty() {
  return std::all_of(registry.begin(), registry.end(),
                     [](const auto& path) { return path.load() == nullptr; });
}

void install_handlers() {
  registry_owner = ::getpid();
  struct sigaction action = {};
  action.sa_handler = remove_temporaries;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], nullptr, &previous_actions[i]);
    // An ignored signal (nohup) stays ignored, and another handler knows what it does.
    if (previous_actions[i].sa_handler == SIG_DFL) ::sigaction(kSignals[i], &action, nullptr);
  }
}

void restore_handlers() {
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    if (previous_actions[i].sa_handler == SIG_DFL) {
      ::sigaction(kSignals[i], &previous_actions[i], nullptr);
    }
  }
}

// Between the renames of the data and of its sums a signal has to wait.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t held;
    ::sigemptyset(&held);
    for (int number : kSignals) ::sigaddset(&held, number);
    ::pthread_sigmask(SIG_BLOCK, &held, &previous_);
  }
  ~SignalsHeld() { ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t previous_;
};

std::string base_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

// Temporary names are .NAME.PID-RANDOM and an ending; a long NAME is cut, so that they stay names.
std::string stem_start(const std::string& path) {
  return fmt::format(".{}.", base_name(path).substr(0, 200));
}

std::string new_stem(const std::string& path) {
  return fmt::format("{}/{}{}-{:08x}", parent_folder(path), stem_start(path), ::getpid(),
                     std::random_device{}());
}

std::string ending_of(SumKind kind) {
  return kind == SumKind::kNone ? ".tmp" : fmt::format(".{}.tmp", name_of(kind));
}

// The process that made a temporary file of this stem; 0 for any other name.
pid_t maker_of(std::string_view name, std::string_view start) {
  if (!name.starts_with(start)) return 0;
  name.remove_prefix(start.size());
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  name.remove_prefix(static_cast<size_t>(end - name.data()));
  if (error != std::errc() || pid <= 0 || !name.starts_with('-')) return 0;
  const auto random = name.substr(1, 8);
  if (random.size() != 8 || random.find_first_not_of("0123456789abcdef") != random.npos) return 0;
  const auto ending = name.substr(9);
  for (SumKind kind : {SumKind::kNone, SumKind::kMd5, SumKind::kSha256}) {
    if (ending == ending_of(kind)) return pid;
  }
  return 0;
}

// A container gives the same pid to one process after the other: of its own, a process knows the
// files.
bool in_use(const std::string& name, pid_t maker) {
  if (maker != ::getpid()) return ::kill(maker, 0) == 0 || errno == EPERM;
  return std::any_of(registry.begin(), registry.end(), [&](const auto& each) {
    const char* path = each.load();
    return path != nullptr && base_name(path) == name;
  });
}

// As md5sum writes it: a name with a backslash or a line's end in it is escaped, and the line says
// so.
std::string sum_line(const std::string& hex, const std::string& name) {
  std::string escaped;
  for (char c : name) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else if (c == '\r') {
      escaped += "\\r";
    } else {
      escaped += c;
    }
  }
  return fmt::format("{}{}  {}\n", escaped == name ? "" : "\\", hex, escaped);
}

Result<void> write_new_file(const std::string& path, std::string_view content) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd) return fail_errno(fmt::format("create {}", path));
  return write_all(fd, content, path).and_then([&] { return sync_file(fd, path); });
}

Result<void> rename_over(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return fail_errno(fmt::format("rename {} to {}", from, to));
}

// The sum of each wanted kind, in one read.
Result<std::vector<std::string>> sums_of(const Fd& fd, const std::string& path,
                                         const std::vector<SumKind>& kinds) {
  std::vector<Digest> digests;
  for (SumKind kind : kinds) {
    if (!Digest::available(kind)) {
      return fail(
          fmt::format("no {} on this machine (FIPS?); ask for another checksum", title_of(kind)));
    }
    digests.emplace_back(kind);
  }
  std::vector<std::string> sums;
  if (digests.empty()) return sums;
  auto read = read_blocks(fd, path, [&](std::string_view block) -> Result<void> {
    for (auto& digest : digests) digest.update(block);
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  for (auto& digest : digests) sums.push_back(digest.hex());
  return sums;
}

tl::unexpected<Error> already_exists(const std::string& path) {
  return reject(fmt::format("{} exists; --force replaces it", path));
}

// Nothing, or a regular file.
Result<bool> is_there(const std::string& path) {
  auto state = look_at(path);
  if (!state) return tl::unexpected(state.error());
  if (!*state) return false;
  if (auto what = irregularity((*state)->mode); !what.empty()) {
    return reject(fmt::format("{} is {}, not a regular file; name another output", path, what));
  }
  return true;
}

}  // namespace

TemporaryName::TemporaryName(std::string path)
    : path_(std::make_unique<const std::string>(std::move(path))) {
  const std::lock_guard lock(registry_lock);
  if (registry_is_empty()) install_handlers();
  for (auto& place : registry) {
    if (place.load() != nullptr) continue;
    place = path_->c_str();
    break;
  }
}

TemporaryName::~TemporaryName() {
  if (!path_) return;  // moved from
  ::unlink(path_->c_str());
  const std::lock_guard lock(registry_lock);
  for (auto& place : registry) {
    if (place.load() == path_->c_str()) place = nullptr;
  }
  if (registry_is_empty()) restore_handlers();
}

OutputFile::OutputFile(std::string path, bool force)
    : path_(std::move(path)), stem_(new_stem(path_)), force_(force), data_(stem_ + ".tmp") {}

void OutputFile::remove_leftovers(const std::string& path) {
  const std::lock_guard lock(registry_lock);
  const auto folder = parent_folder(path), start = stem_start(path);
  std::error_code ignored;
  std::filesystem::directory_iterator it(folder, ignored);
  for (; it != std::filesystem::directory_iterator(); it.increment(ignored)) {
    const auto name = it->path().filename().string();
    const pid_t maker = maker_of(name, start);
    if (maker != 0 && !in_use(name, maker)) ::unlink((folder + "/" + name).c_str());
  }
}

TemporaryName OutputFile::beside(const std::string& path) {
  return TemporaryName(new_stem(path) + ending_of(SumKind::kNone));
}

Result<OutputFile> OutputFile::start(const std::string& path, bool force) {
  const auto name = base_name(path);
  if (name.empty()) return reject(fmt::format("\"{}\" is no name of a file", path));
  const auto folder = parent_folder(path);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return fail_errno(fmt::format("make {} in the folder {}", name, folder));
  }
  auto exists = is_there(path);
  if (!exists) return tl::unexpected(exists.error());
  if (*exists && !force) return already_exists(path);
  for (SumKind kind : kKinds) {
    if (auto sum = is_there(sum_path(path, kind)); !sum) return tl::unexpected(sum.error());
  }
  remove_leftovers(path);
  return OutputFile(path, force);
}

Result<void> OutputFile::rename_data() const {
  if (force_) return rename_over(temporary(), path_);
  const char *from = temporary().c_str(), *to = path_.c_str();
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return {};
  // A file system without that flag may have links, which do not replace either.
  if ((errno == EINVAL || errno == ENOSYS) && ::link(from, to) == 0) {
    ::unlink(from);
    return {};
  }
  if (errno == EEXIST) return already_exists(path_);
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) {
    return fail_errno(fmt::format("rename {} to {}", from, to));
  }
  auto exists = is_there(path_);
  if (!exists) return tl::unexpected(exists.error());
  if (*exists) return already_exists(path_);
  return rename_over(temporary(), path_);
}

Result<void> OutputFile::commit(const std::vector<SumKind>& sums) {
  std::vector<SumKind> kinds;
  for (SumKind kind : kKinds) {
    if (std::find(sums.begin(), sums.end(), kind) != sums.end()) kinds.push_back(kind);
  }
  auto fd = open_regular(temporary());
  if (!fd) return tl::unexpected(fd.error());
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(fd->get(), 0644 & ~mask) != 0) {
    return fail_errno(fmt::format("change the permissions of {}", temporary()));
  }
  // The disk writes while the sums are computed.
  auto synced = std::async(std::launch::async, [&] { return sync_file(*fd, temporary()); });
  auto hexes = sums_of(*fd, temporary(), kinds);
  if (!hexes) return tl::unexpected(hexes.error());
  if (auto done = synced.get(); !done) return done;

  // Written before anything is renamed: a full disk changes nothing.
  std::vector<TemporaryName> written;
  for (size_t i = 0; i < kinds.size(); ++i) {
    written.emplace_back(stem_ + ending_of(kinds[i]));
    auto done = write_new_file(written[i].path(), sum_line((*hexes)[i], base_name(path_)));
    if (!done) return done;
  }

  if (!force_) {
    auto exists = is_there(path_);
    if (!exists) return tl::unexpected(exists.error());
    if (*exists) return already_exists(path_);
  }
  // No sum of an older file beside the new one, at no instant.
  const SignalsHeld held;
  for (SumKind kind : kKinds) {
    if (auto done = remove_durably(sum_path(path_, kind)); !done) return done;
  }
  const auto folder = parent_folder(path_);
  auto done = rename_data().and_then([&] { return sync_folder(folder); });
  if (!done) return done;
  for (size_t i = 0; i < kinds.size(); ++i) {
    done = rename_over(written[i].path(), sum_path(path_, kinds[i]));
    if (!done) return done;
  }
  return kinds.empty() ? Result<void>() : sync_folder(folder);
}

}  // namespace goromdb::tools

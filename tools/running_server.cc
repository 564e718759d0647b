// SPDX-License-Identifier: MIT
#include "tools/running_server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "core/base/units.h"
#include "core/files/holder.h"

namespace goromdb::tools {
namespace {

constexpr auto kPause = std::chrono::milliseconds(20);

volatile sig_atomic_t caught = 0;

Result<void> unless_stopped(const std::string& nothing) {
  if (caught == 0) return {};
  return fail(fmt::format("stopped by {}, {}", caught_signal(), nothing));
}

}  // namespace

Result<DatabaseConfig> database_of(const std::string& config, const std::string& name) {
  auto loaded = load_config(config);
  if (!loaded) return misuse(loaded.error().message);  // it begins with its place
  std::vector<std::string> names;
  for (const auto& each : loaded->databases) {
    if (each.name == name) return each;
    names.push_back(each.name);
  }
  return misuse(
      fmt::format("goromdb: {} has no database \"{}\"{}", config, name, suggestion(name, names)));
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = [](int number) { caught = number; };
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
}

std::string caught_signal() {
  return caught == 0 ? std::string() : fmt::format("SIG{}", ::sigabbrev_np(caught));
}

bool poll_until(Clock::time_point end, const std::function<bool()>& answer) {
  while (!answer()) {
    if (caught != 0 || Clock::now() >= end) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

Result<bool> is_served(const std::string& basedir) {
  Fd folder(::open(basedir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder && errno == ENOENT) return false;
  if (!folder) return fail_errno(fmt::format("open the folder {}", basedir));
  if (::flock(folder.get(), LOCK_SH | LOCK_NB) == 0) return false;
  if (errno == EWOULDBLOCK) return true;
  return fail_errno(fmt::format("ask for the lock of {}", basedir));
}

Result<Fd> take_turn(const std::string& drop_file, Clock::time_point end,
                     const std::string& nothing) {
  const std::filesystem::path file(drop_file);
  const auto name = fmt::format(".{}.publish.lock", file.filename().string());
  const auto path = (file.parent_path() / name).string();
  Fd lock(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!lock) return fail_errno(fmt::format("create {}", path));
  if (poll_until(end, [&] { return ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0; })) return lock;
  if (errno != EWOULDBLOCK) return fail_errno(fmt::format("lock {}", path));
  if (auto go_on = unless_stopped(nothing); !go_on) return tl::unexpected(go_on.error());
  return fail(fmt::format("{} still publishes to {}, {}; try again later", holder_of_lock(lock),
                          drop_file, nothing));
}

Result<StoreStatus> status_of(const std::string& basedir, Clock::time_point end,
                              const std::string& nothing) {
  Result<StoreStatus> status;
  poll_until(end, [&] { return (status = read_status(basedir)).has_value(); });
  if (auto go_on = unless_stopped(nothing); !go_on) return tl::unexpected(go_on.error());
  if (status) return status;
  return fail(fmt::format("the server tells nothing ({}), {}; see its log", status.error().message,
                          nothing));
}

}  // namespace goromdb::tools

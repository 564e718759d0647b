// SPDX-License-Identifier: MIT
// What the tools that ask something of a running server share. Main thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "core/base/config.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/files/status_file.h"

namespace goromdb::tools {

using Clock = std::chrono::steady_clock;

// Exit statuses. Wrong: misuse.
constexpr int kDone = 0, kFailed = 1, kWrong = 2;

// One of the config's databases. Misuse: there is none of that name, or the config is wrong; its
// message is all of the line.
Result<DatabaseConfig> database_of(const std::string& config, const std::string& name);

// From now on SIGINT, SIGTERM and SIGHUP end waits, not the process.
void catch_signals();
// The signal that has come, "SIGTERM"; empty: none.
std::string caught_signal();

// Asks until the answer is yes. False: the time is over, or a signal has come.
bool poll_until(Clock::time_point end, const std::function<bool()>& answer);

// Whether a server has the store. Asked seldom: a server that starts in the instant of the question
// finds its store in use.
Result<bool> is_served(const std::string& basedir);

// Those that ask something of one database's server go one after the other. The turn ends with the
// descriptor, so also with a process that is killed. `nothing` says what has not been done.
Result<Fd> take_turn(const std::string& drop_file, Clock::time_point end,
                     const std::string& nothing);
// What the server tells; one that has just started needs a moment.
Result<StoreStatus> status_of(const std::string& basedir, Clock::time_point end,
                              const std::string& nothing);

}  // namespace goromdb::tools

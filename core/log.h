// SPDX-License-Identifier: MIT
// The log: one line an event on stderr, text or JSON. Any thread; never on the path of a request.
#pragma once

#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace goromdb {

enum class LogFormat { kText, kJson };

// Called once, on the main thread, before any other thread starts.
void start_log(spdlog::level::level_enum level, LogFormat format);

// A logger whose lines carry `object`: a database's name, "server", "listener".
std::shared_ptr<spdlog::logger> logger_for(const std::string& object);

}  // namespace goromdb

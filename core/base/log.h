// SPDX-License-Identifier: MIT
// The log: one line an event on stderr, text or JSON. Any thread; never on the path of a request.
#pragma once

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <string_view>

#if FMT_VERSION / 10000 == 9 && !defined(FMT_HEADER_ONLY)
// What spdlog formats a line with is in fmt's library; not told so, a compiler makes it anew, and
// with it most of fmt, for each file that logs: half of the time that such a file takes.
extern template void fmt::detail::vformat_to<char>(fmt::detail::buffer<char>&, fmt::string_view,
                                                   fmt::format_args, fmt::detail::locale_ref);
#endif

namespace goromdb {

enum class LogFormat { kText, kJson };

// For a server: from here on lines are written by a thread of the log's own
// (core/base/log_outlet.h), and a reader of stderr that stalls stops nobody. The end of the process
// waits a second for it. Called once, on the main thread, before any other thread starts; without
// it lines are written at once.
void start_log(spdlog::level::level_enum level, LogFormat format);

// A logger whose lines carry `object`: a database's name, "server", "listener".
std::shared_ptr<spdlog::logger> logger_for(const std::string& object);

// One line on stderr that is no event of the log, behind those that are logged already.
void print_line(std::string_view text);

// `text` with its control bytes written as \x0a: a name from a file forges no line.
std::string one_line(std::string_view text);

}  // namespace goromdb

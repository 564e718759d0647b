// SPDX-License-Identifier: MIT
#include "tools/progress_bar.h"

#include "core/base/log.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace goromdb::tools {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kPlain = std::chrono::seconds(5);
constexpr size_t kBarMin = 10, kBarMax = 40;
constexpr size_t kColumns = 80;  // of a terminal that does not say

// What is done of what there is; an input that grows does not count beyond its end.
double share(const Progress& p) {
  return static_cast<double>(std::min(p.done, p.total)) / static_cast<double>(p.total);
}

std::string percent(const Progress& p) {
  return fmt::format("{} %", static_cast<int>(share(p) * 100));
}

std::string rate(const Progress& p) {
  const bool bytes = p.done > p.entries;  // an entry has more than one
  const double per_second = static_cast<double>(bytes ? p.done : p.entries) / p.seconds;
  if (!bytes) return fmt::format("{:.0f} entries/s", per_second);
  const double megabytes = per_second / 1e6;
  return fmt::format("{:.{}f} MB/s", megabytes, megabytes < 10 ? 1 : 0);
}

std::string remaining(const Progress& p) {
  const double left = p.seconds * (1 - share(p)) / share(p);
  if (!(left < 100 * 3600)) return {};  // nor is a number without a meaning shown
  const auto seconds = static_cast<int>(std::ceil(left));
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", (seconds + 59) / 60);
  return fmt::format("{} h", (seconds + 3599) / 3600);
}

size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kColumns;
  return size.ws_col;
}

}  // namespace

std::string progress_bar(const Progress& p, size_t columns) {
  std::string facts;
  if (p.total > 0) facts = percent(p) + "  ";
  if (p.seconds > 0) facts += rate(p) + "  ";
  if (p.total > 0 && p.done > 0) {
    if (auto left = remaining(p); !left.empty()) facts += fmt::format("ETA {}  ", left);
  }
  facts += fmt::format("{} entries", p.entries);

  const size_t room = columns > 0 ? columns - 1 : 0;  // a full line would wrap
  constexpr size_t kFrame = 3;                        // "[", "] "
  if (p.total > 0 && room >= facts.size() + kFrame + kBarMin) {
    const size_t width = std::min(room - facts.size() - kFrame, kBarMax);
    const auto filled = static_cast<size_t>(share(p) * static_cast<double>(width));
    facts = fmt::format("[{:<{}}] {}", std::string(filled, '#'), width, facts);
  }
  return facts.substr(0, room);
}

std::string progress_line(const std::string& what, const Progress& p) {
  std::string line = what + ": ";
  if (p.total > 0) line += percent(p) + ", ";
  line += fmt::format("{} entries", p.entries);
  if (p.seconds > 0) line += ", " + rate(p);
  return line;
}

ProgressBar::ProgressBar(std::string what, bool quiet)
    : what_(std::move(what)),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      next_(start_ + (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kPlain))) {}

ProgressBar::~ProgressBar() {
  if (drawn_) std::fputs("\r\033[K", stderr);
}

void ProgressBar::show(uint64_t done, uint64_t total, uint64_t entries) {
  const auto now = Clock::now();
  if (now < next_) return;
  const Progress progress{done, total, entries,
                          std::chrono::duration<double>(now - start_).count()};
  if (terminal_) {
    std::fputs(("\r" + progress_bar(progress, terminal_columns()) + "\033[K").c_str(), stderr);
    drawn_ = true;
    next_ = now + kRedraw;
  } else {
    print_line(progress_line(what_, progress));
    next_ = now + kPlain;
  }
}

}  // namespace goromdb::tools

// SPDX-License-Identifier: MIT
#include "process.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace goromdb::bench {
namespace {

std::string folder(pid_t pid) { return "/proc/" + std::to_string(pid); }

double ticks(uint64_t n) {
  return static_cast<double>(n) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// utime and stime, fields 14 and 15; the name before them may have blanks.
std::pair<uint64_t, uint64_t> user_and_system(pid_t pid) {
  std::ifstream file(folder(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {0, 0};
  std::istringstream fields(line.substr(name_end + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  uint64_t user = 0, system = 0;
  fields >> user >> system;
  return {user, system};
}

}  // namespace

double cpu_seconds(pid_t pid) {
  uint64_t total_ns = 0;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(folder(pid) + "/task", error)) {
    uint64_t ns = 0;
    std::ifstream(task.path() / "schedstat") >> ns;
    total_ns += ns;
  }
  if (total_ns > 0) return static_cast<double>(total_ns) * 1e-9;
  const auto [user, system] = user_and_system(pid);
  return ticks(user + system);
}

double user_seconds(pid_t pid) { return ticks(user_and_system(pid).first); }

uint64_t resident_bytes(pid_t pid) {
  uint64_t size = 0, resident = 0;
  std::ifstream(folder(pid) + "/statm") >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

Machine machine_seconds() {
  std::ifstream file("/proc/stat");
  std::string name;
  uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  file >> name >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  return {ticks(user + nice + system + irq + softirq), ticks(steal)};
}

}  // namespace goromdb::bench

// SPDX-License-Identifier: MIT
#include "core/files/holder.h"

#include <sys/socket.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace goromdb {
namespace {

constexpr const char* kUnknown = "another process";

std::string name_of_process(const std::string& pid) {
  std::string name;
  std::getline(std::ifstream(fmt::format("/proc/{}/comm", pid)), name);
  return fmt::format("process {} ({})", pid, name);
}

// The inode of the socket that listens on the port, from /proc/net/tcp (state 0A, see proc(5)).
std::string listening_inode(uint16_t port) {
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream lines(table);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
      words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
          timeout >> inode;
      if (state == "0A" && local.ends_with(fmt::format(":{:04X}", port))) return inode;
    }
  }
  return {};
}

}  // namespace

// /proc/locks has lines such as "1: FLOCK  ADVISORY  WRITE 123 fd:00:4711 0 EOF" (proc(5)).
std::string holder_of_lock(const Fd& fd) {
  struct stat st;
  if (::fstat(fd.get(), &st) != 0) return kUnknown;
  const auto wanted =
      fmt::format("{:02x}:{:02x}:{}", major(st.st_dev), minor(st.st_dev), st.st_ino);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string number, type, mode, access, pid, file;
    if (!(words >> number >> type >> mode >> access >> pid >> file)) continue;
    if (type != "FLOCK" || file != wanted) continue;
    return name_of_process(pid);
  }
  return kUnknown;
}

std::string holder_of_other_end(const Fd& connected) {
  ucred peer{};
  socklen_t size = sizeof peer;
  ::getsockopt(connected.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
  return name_of_process(std::to_string(peer.pid));
}

std::string holder_of_port(uint16_t port) {
  namespace fs = std::filesystem;
  const auto wanted = fmt::format("socket:[{}]", listening_inode(port));
  std::error_code ignored;
  for (const auto& process : fs::directory_iterator("/proc", ignored)) {
    const auto pid = process.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code denied;
    for (const auto& fd : fs::directory_iterator(process.path() / "fd", denied)) {
      if (fs::read_symlink(fd.path(), denied).string() == wanted) return name_of_process(pid);
    }
  }
  return kUnknown;
}

}  // namespace goromdb

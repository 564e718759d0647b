// SPDX-License-Identifier: MIT
#include "core/base/step.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace goromdb {

void step(const char* name) {
  static const char* folder = std::getenv("GOROMDB_TEST_STEPS");
  if (folder == nullptr) return;
  const std::string base = std::string(folder) + "/" + name;
  if (::access((base + ".kill").c_str(), F_OK) == 0) ::kill(::getpid(), SIGKILL);
  const std::string pause = base + ".pause";
  if (::access(pause.c_str(), F_OK) != 0) return;
  std::ofstream(base + ".paused").flush();
  while (::access(pause.c_str(), F_OK) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "core/base/log_outlet.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "core/base/file.h"

using namespace goromdb;

namespace {

// A pipe that holds 4096 bytes, and the outlet at its end, which stays for the life of the process.
struct Pipe {
  Fd reader, writer;
  LogOutlet* outlet = nullptr;

  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
    REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096);
    outlet = new LogOutlet(ends[1], 1000,
                           [](uint64_t lost) { return std::to_string(lost) + " lost\n"; });
  }
  // Lines up to and with `last`.
  std::vector<std::string> read_to(const std::string& last) const {
    std::vector<std::string> lines(1);
    for (char c; ::read(reader.get(), &c, 1) == 1;) {
      if (c != '\n') {
        lines.back() += c;
        continue;
      }
      if (lines.back() == last) return lines;
      lines.emplace_back();
    }
    return {};
  }
};

std::string numbered(int i) { return std::to_string(i) + std::string(96, '.'); }

}  // namespace

TEST_CASE("lines come out in the order in which they were put") {
  Pipe pipe;
  for (int i = 0; i < 10; ++i) pipe.outlet->put(std::to_string(i) + "\n");
  const auto lines = pipe.read_to("9");
  REQUIRE(lines.size() == 10);
  for (int i = 0; i < 10; ++i) CHECK(lines[static_cast<size_t>(i)] == std::to_string(i));
  pipe.outlet->drain(std::chrono::seconds(10));
}

TEST_CASE("a reader that stalls loses the oldest lines, and is told how many") {
  Pipe pipe;
  constexpr int kLines = 1000;
  for (int i = 0; i < kLines; ++i) pipe.outlet->put(numbered(i) + "\n");
  pipe.outlet->drain(std::chrono::milliseconds(10));  // in vain
  int next = 0, lost = 0, notices = 0;
  for (const auto& line : pipe.read_to(numbered(kLines - 1))) {
    if (line.ends_with(" lost")) {
      lost += std::stoi(line);
      next += std::stoi(line);
      ++notices;
    } else {
      CHECK(line == numbered(next++));
    }
  }
  CHECK(next == kLines);
  CHECK(notices >= 1);
  CHECK(lost >= kLines - 4096 / 97 - 1000 / 97 - 2);
  pipe.outlet->drain(std::chrono::seconds(10));
}

TEST_CASE("a line longer than all that may wait is written whole") {
  Pipe pipe;
  const std::string giant(3000, 'x');
  pipe.outlet->put(giant + "\n");
  CHECK(pipe.read_to(giant) == std::vector<std::string>{giant});
  pipe.outlet->drain(std::chrono::seconds(10));
}

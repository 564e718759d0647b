// SPDX-License-Identifier: MIT
// Where walks that clients go on with later have got to: the numbers behind a protocol's cursors.
// Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace goromdb {

struct Position {
  uint32_t database = 0;  // index into the config's
  uint64_t generation = 0;
  bool sorted = false;               // the generation walks in the order of its keys
  bool in_names = false;             // among the names of namespaces that come before the entries
  std::string ns;                    // of the walk
  std::optional<std::string> after;  // the last name or key that was given; unset: none yet
  uint64_t previous = 0;             // the position that the client came from
};

// A number for each position, never 0 and below 2^52, so that every client's integers hold it; one
// of another process is very likely not found. The oldest are forgotten. A client may go on from
// one as often as it likes until it has gone on from the next.
class Positions {
 public:
  Positions();

  uint64_t remember(Position position);
  std::optional<Position> find(uint64_t number);

 private:
  static constexpr size_t kMost = 65536;
  static constexpr size_t kMostBytes = size_t{64} << 20;

  void forget(std::map<uint64_t, Position>::iterator position);

  std::mutex mutex_;
  std::map<uint64_t, Position> positions_;  // the oldest first
  size_t bytes_ = 0;
  uint64_t last_;
};

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// Counters that each loop writes alone and anyone may sum: no lock, no shared cache line on a
// request's path.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace goromdb {

// The core's own counters; plugins' follow behind them.
enum Counter : uint32_t {
  kRequestsGet,
  kKeysRequested,
  kKeysHit,
  kKeysMissed,
  kKeysFailed,
  kRequestsRefused,
  kRequestsLocal,
  kRequestsWalk,
  kBytesRead,
  kBytesWritten,
  kConnectionsTotal,
  kConnectionsRejected,
  kConnectionsCut,
  kCoreCounters,
};

class Metrics {
 public:
  static constexpr uint32_t kCapacity = 128;

  explicit Metrics(uint32_t loops);

  // Registers a plugin's metric or finds it by name; UINT32_MAX when there is no room. Main thread.
  uint32_t add_metric(const std::string& name);

  // On the thread of `loop` only.
  void add(uint32_t metric, uint32_t loop, int64_t delta) {
    if (metric >= kCapacity || loop >= cells_.size()) return;
    auto& cell = cells_[loop].values[metric];
    cell.store(cell.load(std::memory_order_relaxed) + static_cast<uint64_t>(delta),
               std::memory_order_relaxed);
  }

  // Any thread: the sum over the loops since the last reset().
  uint64_t sum(uint32_t metric) const;
  void reset();
  // Names and ids of what plugins registered. Any thread once the loops run.
  const std::vector<std::string>& plugin_metrics() const { return names_; }

 private:
  struct alignas(64) Cells {
    std::array<std::atomic<uint64_t>, kCapacity> values{};
  };
  uint64_t raw_sum(uint32_t metric) const;

  std::vector<Cells> cells_;
  std::vector<std::string> names_;  // of the metric kCoreCounters + index
  std::array<std::atomic<uint64_t>, kCapacity> baseline_{};
};

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "core/base/metrics.h"

#include <algorithm>

namespace goromdb {

Metrics::Metrics(uint32_t loops) : cells_(loops) {}

uint32_t Metrics::add_metric(const std::string& name) {
  auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end() && kCoreCounters + names_.size() >= kCapacity) return UINT32_MAX;
  if (found == names_.end()) found = names_.insert(names_.end(), name);
  return kCoreCounters + static_cast<uint32_t>(found - names_.begin());
}

uint64_t Metrics::raw_sum(uint32_t metric) const {
  uint64_t total = 0;
  for (const auto& cells : cells_) total += cells.values[metric].load(std::memory_order_relaxed);
  return total;
}

uint64_t Metrics::sum(uint32_t metric) const {
  return raw_sum(metric) - baseline_[metric].load(std::memory_order_relaxed);
}

// Gauges of connections are counted apart from here, so everything here may start again from 0.
void Metrics::reset() {
  for (uint32_t i = 0; i < kCapacity; ++i) {
    baseline_[i].store(raw_sum(i), std::memory_order_relaxed);
  }
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// Latencies in ns, to within 0.8 %: 128 cells for each power of two.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace goromdb::bench {

class Histogram {
 public:
  void add(uint64_t ns, uint64_t times = 1) {
    cells_[cell(ns)] += times;
    count_ += times;
    sum_ += ns * times;
    max_ = std::max(max_, ns);
  }

  // The smallest latency that `share` of all (0 to 1) do not exceed; 0 without any.
  uint64_t percentile(double share) const {
    const auto rank =
        std::max<uint64_t>(1, static_cast<uint64_t>(share * static_cast<double>(count_) + 0.999));
    uint64_t seen = 0;
    for (uint32_t i = 0; i < kCells; ++i) {
      seen += cells_[i];
      if (seen >= rank) return std::min(middle(i), max_);
    }
    return max_;
  }

  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }
  double mean() const {
    return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
  }

 private:
  static constexpr uint32_t kBits = 7, kPerPower = 1u << kBits,
                            kCells = (64 - kBits + 1) * kPerPower;

  static uint32_t cell(uint64_t ns) {
    if (ns < kPerPower) return static_cast<uint32_t>(ns);
    const auto shift = static_cast<uint32_t>(std::bit_width(ns)) - 1 - kBits;
    return (shift + 1) * kPerPower + (static_cast<uint32_t>(ns >> shift) & (kPerPower - 1));
  }
  static uint64_t middle(uint32_t cell) {
    if (cell < kPerPower) return cell;
    const uint32_t shift = cell / kPerPower - 1;
    return ((uint64_t{kPerPower} + cell % kPerPower) << shift) + ((uint64_t{1} << shift) >> 1);
  }

  std::array<uint64_t, kCells> cells_{};
  uint64_t count_ = 0, sum_ = 0, max_ = 0;
};

}  // namespace goromdb::bench

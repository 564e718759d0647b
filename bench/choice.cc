// SPDX-License-Identifier: MIT
#include "choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace goromdb::bench {
namespace {

constexpr double kExponent = 0.99;  // as YCSB has it

}  // namespace

uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Choice::Choice(Order order, uint64_t rows, uint64_t seed)
    : order_(order), rows_(rows), random_(seed) {
  // Ranks are scattered over the rows: the most wanted rows are no neighbours in the file.
  stride_ = static_cast<uint64_t>(static_cast<double>(rows) * 0.618) | 1;
  while (std::gcd(stride_, rows_) != 1) stride_ += 2;
  area_first_ = area(1.5) - 1;
  area_last_ = area(static_cast<double>(rows) + 0.5);
  shortcut_ = 2 - area_inverse(area(2.5) - std::pow(2, -kExponent));
}

uint64_t Choice::next() {
  switch (order_) {
    case Order::kEach:
      return row_++ % rows_;
    case Order::kUniform:
      return random_.next() % rows_;
    case Order::kZipf:
      break;
  }
  return zipf_rank() * stride_ % rows_;  // both below 2^32
}

// Rejection-inversion: W. Hoermann, G. Derflinger, "Rejection-inversion to generate variates from
// monotone discrete distributions", ACM TOMACS 6 (1996). Exact, and no table.
double Choice::area(double x) const { return (std::pow(x, 1 - kExponent) - 1) / (1 - kExponent); }

double Choice::area_inverse(double y) const {
  return std::pow(1 + y * (1 - kExponent), 1 / (1 - kExponent));
}

uint64_t Choice::zipf_rank() {
  while (true) {
    const double u = area_last_ + random_.unit() * (area_first_ - area_last_);
    const double x = area_inverse(u);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(rows_));
    if (rank - x <= shortcut_ || u >= area(rank + 0.5) - std::pow(rank, -kExponent)) {
      return static_cast<uint64_t>(rank) - 1;
    }
  }
}

}  // namespace goromdb::bench

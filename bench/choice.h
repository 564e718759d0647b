// SPDX-License-Identifier: MIT
// Which row is asked for next: each in order, all alike (uniform), or few of them much more often
// (zipf).
#pragma once

#include <cstdint>

namespace goromdb::bench {

// splitmix64: a fixed seed gives the same run again.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)

 private:
  uint64_t state_;
};

enum class Order { kUniform, kZipf, kEach };

class Choice {
 public:
  // `rows` > 0.
  Choice(Order order, uint64_t rows, uint64_t seed);
  uint64_t next();

 private:
  uint64_t zipf_rank();
  double area(double x) const;
  double area_inverse(double y) const;

  Order order_;
  uint64_t rows_, row_ = 0, stride_ = 1;
  Random random_;
  double area_first_ = 0, area_last_ = 0, shortcut_ = 0;
};

}  // namespace goromdb::bench

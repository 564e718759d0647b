// SPDX-License-Identifier: MIT
// All requests of a run, written in advance, back to back: to send some is to write a slice.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "choice.h"
#include "rows.h"
#include "wire.h"

namespace goromdb::bench {

class Requests {
 public:
  struct Kind {
    Protocol protocol = Protocol::kText;
    uint32_t keys = 1;      // in each request
    uint32_t together = 1;  // so many are always sent in one piece; the count is a multiple of it
    Order order = Order::kUniform;
    double absent = 0;             // share of keys that are in no data set
    uint64_t most_keys = 2000000;  // then they begin again; kEach has all rows, once
    uint64_t seed = 42;
  };
  Requests(const Rows& rows, const Kind& kind);

  uint64_t size() const { return begins_.size() - 1; }
  std::string_view bytes(uint64_t first, uint64_t count) const {
    return std::string_view(bytes_).substr(begins_[first], begins_[first + count] - begins_[first]);
  }
  std::span<const Wanted> wanted(uint64_t request) const {
    return std::span(wanted_).subspan(request * keys_, keys_);
  }

 private:
  uint32_t keys_;
  std::string bytes_;
  std::vector<uint64_t> begins_;
  std::vector<Wanted> wanted_;
};

}  // namespace goromdb::bench

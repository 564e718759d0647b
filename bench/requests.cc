// SPDX-License-Identifier: MIT
#include "requests.h"

#include <algorithm>
#include <stdexcept>

namespace goromdb::bench {

Requests::Requests(const Rows& rows, const Kind& kind) : keys_(kind.keys) {
  if (rows.size() > UINT32_MAX) throw std::runtime_error("more rows than a generator can ask for");
  const uint64_t keys = kind.order == Order::kEach ? rows.size() : kind.most_keys;
  const uint64_t batch = uint64_t{kind.keys} * kind.together;
  const uint64_t count = std::max<uint64_t>(1, (keys + batch - 1) / batch) * kind.together;
  Choice choice(kind.order, rows.size(), kind.seed);
  Random chance(kind.seed + 1);

  wanted_.reserve(count * keys_);
  begins_.reserve(count + 1);
  begins_.push_back(0);
  for (uint64_t i = 0; i < count; ++i) {
    for (uint32_t k = 0; k < keys_; ++k) {
      const auto row = static_cast<uint32_t>(choice.next());
      wanted_.push_back({row, kind.absent > 0 && chance.unit() < kind.absent});
    }
    append_request(bytes_, kind.protocol, rows, wanted(i));
    begins_.push_back(bytes_.size());
  }
}

}  // namespace goromdb::bench

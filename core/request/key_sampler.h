// SPDX-License-Identifier: MIT
// Chooses about every 64th key that a loop looks up, and notes it for its database. One a loop.
#pragma once

#include <goromdb/plugin.h>

#include <cstdint>
#include <span>

namespace goromdb {

struct House;
struct Listening;

class KeySampler {
 public:
  // `keys` more keys are looked up. True: take() is to be called with their batch.
  bool due(uint32_t keys) { return (left_ -= keys) < 0; }
  // The requests, keys and scopes of the batch, as parse() gave them. [PRO-2, PRO-12]
  void take(const House& house, uint32_t loop, const Listening& listening,
            std::span<const goromdb_request> requests, std::span<const goromdb_key> keys,
            std::span<const goromdb_scope> scopes);

 private:
  int64_t gap();

  int64_t left_ = 0;          // keys before the next sample
  uint64_t random_ = 0x9E37;  // a client that repeats itself must not always show the same key
};

}  // namespace goromdb

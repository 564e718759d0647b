// SPDX-License-Identifier: MIT
// How generations reach the loops. Main thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/generation/generation.h"

namespace goromdb {

// `adopted` runs when every loop reads from the generation, `released` when every loop has let go
// of the one before it; both on the main thread, in this order.
struct Adoption {
  uint32_t database;  // index into Config::databases
  std::shared_ptr<Generation> generation;
  std::function<void()> adopted, released;
};

// In one step: who has read from one of them does not read from what was there before another.
using Adopt = std::function<void(std::vector<Adoption>)>;

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// Any bytes as what a client sends. The first two choose the options, how the host deals out its
// room and where the input is cut; the rest is sent. Whatever it is, the contract is kept (the
// driver looks: consumed within the input, no array overrun, no byte read when it is gone), and
// every split gives the same replies.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "tests/driver.h"
#include "tests/random_requests.h"

namespace {

using namespace goromdb::redis::engine_test;

// Replies that are not the same twice.
bool tells_the_time(std::string_view bytes) {
  std::string lower(bytes);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* word : {"time", "genpass", "info", "memory", "lastsave", "slowlog"}) {
    if (lower.find(word) != lower.npos) return true;
  }
  return false;
}

World& world_of(uint8_t choice) {
  static World plain;
  static World guarded = {.options = {{"password", "secret"}}};
  static World narrow = {.options = {{"max_bulk", "64"},
                                     {"max_request", "1KiB"},
                                     {"max_keys", "8"},
                                     {"max_inline", "64"},
                                     {"max_transaction", "128"},
                                     {"max_keys_reply", "1KiB"}}};
  switch (choice % 4) {
    case 1:
      return guarded;
    case 2:
      return narrow;
    default:
      return plain;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint8_t choice = data[0], seed = data[1];
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  World& world = world_of(choice);
  const Outcome whole = talk(world, input);
  Random random(seed);
  const Grant grant = grants()[choice / 4 % grants().size()];
  const Outcome pieces = talk(world, input, random_cuts(random, input.size()), grant);
  if (!tells_the_time(input) && !(pieces == whole)) {
    std::fprintf(stderr, "whole: %s\npieces: %s\n", whole.replies.c_str(), pieces.replies.c_str());
    std::abort();
  }
  return 0;
}

// SPDX-License-Identifier: MIT
// Fuzz target: packets of the binary protocol. The first byte is always that of a packet.
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace goromdb::memcached::test;
  static const auto kWorlds = with_both_write_replies(
      {.options = {{"max_refused_value", "1000"}, {"database_separator", "/"}}});
  if (size == 0) return 0;
  const std::string request =
      '\x80' + std::string(reinterpret_cast<const char*>(data) + 1, size - 1);
  same_in_pieces(kWorlds[data[0] >> 7], request, data[0]);
  return 0;
}

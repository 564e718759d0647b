// SPDX-License-Identifier: MIT
// Fuzz target: lines of the text protocol and of the meta commands.
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace goromdb::memcached::test;
  static const auto kWorlds = with_both_write_replies({.options = {{"max_line", "2500"},
                                                                   {"max_keys", "40"},
                                                                   {"max_refused_value", "1000"},
                                                                   {"dump", "true"},
                                                                   {"namespace_separator", ":"}}});
  if (size == 0) return 0;
  const std::string_view request(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (!request.starts_with('\x80')) same_in_pieces(kWorlds[data[0] >> 7], request, data[0]);
  return 0;
}

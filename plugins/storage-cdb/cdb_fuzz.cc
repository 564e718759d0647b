// SPDX-License-Identifier: MIT
// Any bytes as a cdb file: it is refused, or all that a walk gives can be got.
#include <goromdb/sdk.hpp>

#include <cstdlib>
#include <string>
#include <vector>

#include "walk_rules.hpp"

using namespace goromdb::test;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Database db;
  // Tables that end with the file are reached at once: their places are made right.
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.size() > 2048 + 16 && bytes[0] % 4 != 0) {
    const uint32_t slots = 1 + static_cast<uint8_t>(bytes[4]) % 2;
    const auto at = static_cast<uint32_t>(bytes.size() - 8 * slots);
    for (size_t i = 0; i < 2048; ++i) bytes[i] = 0;
    for (int i = 0; i < 4; ++i) bytes[8 * 5 + i] = static_cast<char>(at >> 8 * i);
    bytes[8 * 5 + 4] = static_cast<char>(slots);
  }
  if (db.open_text(bytes) != GOROMDB_OK) return db.message.empty() ? std::abort(), 0 : 0;
  db.get("key");
  const bool whole = db.verify() == GOROMDB_OK;
  static Database indexed(kWithIndex);
  if ((indexed.open_text(bytes) == GOROMDB_OK) != whole) std::abort();
  try {
    for (const auto& [key, item] : db.walk()) {
      if (db.get(key) != item.value) std::abort();
      if (whole && indexed.get(key) != item.value) std::abort();
    }
    if (whole && indexed.get("none such").has_value()) std::abort();
    if (whole && !broken_walk_rule(db).empty()) std::abort();
    db.count();
    for (uint64_t random = 0; random < 3; ++random) db.keys("", random);
  } catch (const std::runtime_error&) {
    if (whole) std::abort();
  }
  return 0;
}

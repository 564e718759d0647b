// SPDX-License-Identifier: MIT
// Small writes into memory that is known to have room; each returns the advanced cursor.
// What is put is somewhere in memory, also where it has no bytes.
#pragma once

#include <goromdb/plugin.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace goromdb::memcached {

inline uint8_t* put(uint8_t* cursor, std::string_view bytes) {
  std::memcpy(cursor, bytes.data(), bytes.size());
  return cursor + bytes.size();
}

// In decimal: 20 bytes at most.
inline uint8_t* put_number(uint8_t* cursor, uint64_t n) {
  auto* begin = reinterpret_cast<char*>(cursor);
  return cursor + (std::to_chars(begin, begin + 20, n).ptr - begin);
}

// A number that differs when the value differs. Clients take 0 for none.
inline uint64_t cas_of(const goromdb_value& value) {
  return value.version != 0 ? value.version : 1;
}

}  // namespace goromdb::memcached

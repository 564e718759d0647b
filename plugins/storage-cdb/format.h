// SPDX-License-Identifier: MIT
// The cdb format. Source: D. J. Bernstein, "A structure for constant databases"
// (cr.yp.to/cdb/cdb.txt). All numbers are 32 bits, little-endian:
//
//   256 x (position, slots)     the hash tables; 2048 bytes
//   records                     key length, value length, key, value
//   the tables                  slots of (hash, position of the record); position 0: empty
//
// A key's hash picks the table (low 8 bits) and the first slot (the rest, modulo the table's size);
// the search goes on to the next slot until an empty one. Of equal keys the one that was added
// first is found first.
#pragma once

#include <goromdb/key_hashes.hpp>

#include <cstdint>
#include <string_view>

namespace goromdb::cdb {

constexpr uint32_t kTables = 256;
constexpr uint64_t kSlotSize = 8, kHeadSize = 8;    // of a slot; before a record
constexpr uint64_t kFirst = uint64_t{kTables} * 8;  // where records begin
constexpr uint64_t kLargestFile = uint64_t{UINT32_MAX};

inline uint32_t load(const uint8_t* p) {
  return uint32_t{p[0]} | uint32_t{p[1]} << 8 | uint32_t{p[2]} << 16 | uint32_t{p[3]} << 24;
}

constexpr uint32_t kHashBegin = 5381, kHashFactor = 33;

inline uint32_t hash_of(std::string_view key) {
  return hash_of_bytes<kHashFactor>(key, kHashBegin);
}

}  // namespace goromdb::cdb

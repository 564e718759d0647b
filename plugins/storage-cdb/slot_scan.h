// SPDX-License-Identifier: MIT
// The slots of a hash table, many at once: what they hold, and which of them need a closer look.
#pragma once

#include <array>
#include <cstdint>

#include "format.h"

namespace goromdb {

// A set of (hash, position), in any order: sums of two are the same where the sets are, and else in
// about one of 2^64 cases. No set can be made to have another one's sum by who does not know the
// secret. One thread.
class SlotSet {
 public:
  explicit SlotSet(uint64_t secret) : secret_(secret) {}

  void add(uint32_t hash, uint32_t position) {
    uint64_t slot = uint64_t{position} << 32 | hash;
    mix(slot, secret_);
    add(slot, 1);
  }
  // What was mixed elsewhere.
  void add(uint64_t sum, uint64_t size) {
    sum_ += sum;
    size_ += size;
  }
  void add(const SlotSet& other) { add(other.sum_, other.size_); }
  uint64_t secret() const { return secret_; }
  uint64_t size() const { return size_; }
  bool operator==(const SlotSet&) const = default;

  // Each bit of a slot, as the file has it (its position is the upper half), changes about half of
  // all bits. `Slots`: uint64_t, or a vector of them.
  template <class Slots>
  [[gnu::always_inline]] static inline void mix(Slots& slots, uint64_t secret) {
    slots = (slots ^ secret) * 0xbf58476d1ce4e5b9;
    slots = (slots ^ (slots >> 32)) * 0x94d049bb133111eb;
    slots ^= slots >> 29;
  }

 private:
  uint64_t secret_, sum_ = 0, size_ = 0;
};

struct SlotTable {
  const uint8_t* begin;
  uint32_t slots, number;  // its number among the file's tables

  const uint8_t* slot(uint32_t i) const { return begin + uint64_t{i} * cdb::kSlotSize; }
  uint32_t hash(uint32_t i) const { return cdb::load(slot(i)); }
  uint32_t position(uint32_t i) const { return cdb::load(slot(i) + 4); }  // 0: it is empty
};

constexpr uint32_t kScanned = 512;                     // slots at once, at most
using SlotBits = std::array<uint64_t, kScanned / 64>;  // one for each of them, the first the lowest

// Adds the filled slots from `begin` to `end` to `set`. The bits of these are `unclear`, but of
// those that are seen to be right: in the table of their hash, begun to be looked for a few slots
// before at most, with no empty slot and no equal hash in between.
void scan_slots(const SlotTable& table, uint32_t begin, uint32_t end, SlotSet& set,
                SlotBits& unclear);

// The first slot from `begin` on that is empty or has that hash; `end` when none before it is.
uint32_t next_stop(const SlotTable& table, uint32_t begin, uint32_t end, uint32_t hash);

}  // namespace goromdb

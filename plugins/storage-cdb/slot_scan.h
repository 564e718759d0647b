// SPDX-License-Identifier: MIT
// The slots of a hash table, many at once: what they hold, and which of them need a closer look.
#pragma once

#include <array>
#include <cstdint>

#include "format.h"

namespace goromdb {

// What is told of a set of (hash, position), in any order, each as often as it is there: its sum.
// No two sets have the same one but by chance, and who does not know the secret cannot make two
// that have. One thread.
class SlotSet {
 public:
  explicit SlotSet(uint64_t secret) : secret_(secret) {}

  void add(uint32_t hash, uint32_t position) {
    uint64_t slot = uint64_t{position} << 32 | hash;
    mix(slot, secret_);
    add_mixed(slot, 1);
  }
  // The sum of some that were mixed elsewhere.
  void add_mixed(uint64_t sum, uint64_t size) {
    sum_ += sum;
    size_ += size;
  }
  void add(const SlotSet& other) { add_mixed(other.sum_, other.size_); }
  uint64_t secret() const { return secret_; }
  uint64_t size() const { return size_; }
  bool operator==(const SlotSet&) const = default;

  // Each bit of a slot, as the file has it (its position is the upper half), changes about half of
  // all bits, and how depends on all others: with a multiplication less, those of large positions
  // would not. `Slots`: uint64_t, or a vector of them.
  template <class Slots>
  [[gnu::always_inline]] static inline void mix(Slots& slots, uint64_t secret) {
    slots = (slots ^ secret) * 0xbf58476d1ce4e5b9;
    slots = (slots ^ (slots >> 32)) * 0x94d049bb133111eb;
    slots = (slots ^ (slots >> 29)) * 0xff51afd7ed558ccd;
    slots ^= slots >> 32;
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

constexpr size_t kAhead = 2048;     // bytes that are fetched into the processor's cache
constexpr uint32_t kScanned = 512;  // slots at once, at most
using SlotBits = std::array<uint64_t, kScanned / 64>;  // one for each of them, the first the lowest

// Adds the filled slots from `begin` to `end` to `set`. The bits of these are `unclear`, but of
// those that are seen to be right: in the table of their hash, begun to be looked for a few slots
// before at most, with no empty slot and no equal hash in between.
void scan_slots(const SlotTable& table, uint32_t begin, uint32_t end, SlotSet& set,
                SlotBits& unclear);

// The first slot from `begin` on that is empty or has that hash; `end` when none before it is.
uint32_t next_stop(const SlotTable& table, uint32_t begin, uint32_t end, uint32_t hash);

}  // namespace goromdb

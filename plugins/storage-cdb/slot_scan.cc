// SPDX-License-Identifier: MIT
#include "slot_scan.h"

#include <algorithm>
#include <bit>
#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace goromdb {
namespace {

constexpr uint32_t kFew = 4;  // slots before one that are looked at with it

#ifdef __x86_64__
constexpr uint32_t kLanes = 8;  // slots at once
using Words = uint32_t __attribute__((vector_size(kLanes * sizeof(uint32_t))));
using Signed = int32_t __attribute__((vector_size(sizeof(Words))));
using Floats = float __attribute__((vector_size(sizeof(Words))));
using Slots = uint64_t __attribute__((vector_size(sizeof(Words))));  // half of them

// A bit for each lane.
__attribute__((target("avx2"))) uint32_t bits_of(const Signed& lanes) {
  return static_cast<uint32_t>(_mm256_movemask_ps(reinterpret_cast<__m256>(lanes)));
}

// kLanes slots, their hashes apart from their positions.
struct Block {
  __attribute__((target("avx2"))) explicit Block(const uint8_t* slots) {
    std::memcpy(&low, slots, sizeof low);
    std::memcpy(&high, slots + sizeof low, sizeof high);
    hashes = __builtin_shufflevector(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
    are_filled = __builtin_shufflevector(low, high, 1, 3, 5, 7, 9, 11, 13, 15) != 0;
  }
  Words low, high, hashes;
  Signed are_filled;
};

// Whole blocks of kLanes slots.
__attribute__((target("avx2"))) void scan_in_lanes(const SlotTable& table, uint32_t begin,
                                                   uint32_t end, SlotSet& set, SlotBits& unclear) {
  const auto slots = static_cast<int32_t>(table.slots);
  const float turns = 1.0f / static_cast<float>(slots);
  const uint64_t secret = set.secret();
  const Signed lane = {0, 1, 2, 3, 4, 5, 6, 7};
  Words before = {};    // the hashes of the block before
  uint32_t filled = 0;  // a bit for each of the last 32 slots, the last one's is the highest
  Slots sum = {};
  size_t size = 0;
  for (uint32_t i = begin < kLanes ? begin : begin - kLanes; i < end; i += kLanes) {
    const uint8_t* const at = table.slot(i);
    __builtin_prefetch(at + kAhead);
    const Block block(at);
    const Words hash = block.hashes;
    const uint32_t bits = bits_of(block.are_filled);
    filled = filled >> kLanes | bits << (32 - kLanes);
    const Words last = before;
    before = hash;
    if (i < begin) continue;  // only what is before

    // Where the search for it begins: a remainder, by a quotient that is one off at most.
    const auto upper = reinterpret_cast<Signed>(hash >> 8);
    Signed first = upper - slots * __builtin_convertvector(
                                       __builtin_convertvector(upper, Floats) * turns, Signed);
    first += (first < 0) & slots;
    first -= (first >= slots) & slots;
    const Signed steps = static_cast<int32_t>(i) + lane - first;
    const Signed is_near = (steps >= 0) & (steps <= static_cast<int32_t>(kFew));
    const Words way = (Words{} + filled)
                      << reinterpret_cast<Words>(8 - lane);  // it ends at the top
    const Signed is_full =
        (way | ~uint32_t{0} >> reinterpret_cast<Words>(steps & 31)) == ~uint32_t{0};
    const Signed is_same =
        (hash == __builtin_shufflevector(last, hash, 7, 8, 9, 10, 11, 12, 13, 14)) |
        (hash == __builtin_shufflevector(last, hash, 6, 7, 8, 9, 10, 11, 12, 13)) |
        (hash == __builtin_shufflevector(last, hash, 5, 6, 7, 8, 9, 10, 11, 12)) |
        (hash == __builtin_shufflevector(last, hash, 4, 5, 6, 7, 8, 9, 10, 11));
    const Signed is_its = (hash % cdb::kTables) == table.number;
    const Signed is_unclear = block.are_filled & ~(is_near & is_full & ~is_same & is_its);
    unclear[(i - begin) / 64] |= uint64_t{bits_of(is_unclear)} << (i - begin) % 64;
    for (const Words& half : {block.low, block.high}) {
      auto each = reinterpret_cast<Slots>(half);
      const auto counts = reinterpret_cast<Slots>((each >> 32) != 0);
      SlotSet::mix(each, secret);
      sum += each & counts;
    }
    size += static_cast<size_t>(std::popcount(bits));
  }
  set.add_mixed(sum[0] + sum[1] + sum[2] + sum[3], size);
}

__attribute__((target("avx2"))) uint32_t stop_in_lanes(const SlotTable& table, uint32_t begin,
                                                       uint32_t end, uint32_t hash) {
  for (; end - begin >= kLanes; begin += kLanes) {
    const Block block(table.slot(begin));
    const uint32_t stops = bits_of(~block.are_filled | (block.hashes == hash));
    if (stops != 0) return begin + static_cast<uint32_t>(std::countr_zero(stops));
  }
  return begin;
}
#endif

}  // namespace

void scan_slots(const SlotTable& table, uint32_t begin, uint32_t end, SlotSet& set,
                SlotBits& unclear) {
  unclear = {};
  uint32_t i = begin;
#ifdef __x86_64__
  if (has_lanes()) {
    i = end - (end - begin) % kLanes;
    scan_in_lanes(table, begin, i, set, unclear);
  }
#endif
  uint32_t run = 0;  // of filled slots before this one, as far as is needed
  while (run < std::min(i, kFew) && table.position(i - run - 1) != 0) ++run;
  for (; i < end; ++i) {
    if (table.position(i) == 0) {
      run = 0;
      continue;
    }
    const uint32_t hash = table.hash(i);
    set.add(hash, table.position(i));
    bool is_same = false;  // as one that is on the way, or before it
    for (uint32_t k = 1; k <= std::min(i, kFew); ++k) is_same |= table.hash(i - k) == hash;
    const uint32_t steps = i - (hash >> 8) % table.slots;  // huge where it begins behind the slot
    const bool is_its = hash % cdb::kTables == table.number;
    if (steps > std::min(run, kFew) || is_same || !is_its) {
      unclear[(i - begin) / 64] |= uint64_t{1} << (i - begin) % 64;
    }
    ++run;
  }
}

uint32_t next_stop(const SlotTable& table, uint32_t begin, uint32_t end, uint32_t hash) {
#ifdef __x86_64__
  if (has_lanes()) begin = stop_in_lanes(table, begin, end, hash);
#endif
  while (begin < end && table.position(begin) != 0 && table.hash(begin) != hash) ++begin;
  return begin;
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// What is done in wide registers, beside one slot after the other.
#include "slot_scan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "rounds.hpp"

using namespace goromdb;

namespace {

class Chance {
 public:
  explicit Chance(uint32_t seed) : engine_(seed) {}
  uint32_t operator()() { return static_cast<uint32_t>(engine_()); }

 private:
  std::mt19937 engine_;
};

struct Slot {
  uint32_t hash = 0, position = 0;
};

// A table that half is filled, each where the search for it ends, and then `spoilt` slots changed.
std::vector<Slot> filled_table(uint32_t slots, uint32_t number, uint32_t spoilt, Chance& chance) {
  std::vector<Slot> table(slots);
  for (uint32_t n = 0; n < slots / 2; ++n) {
    const uint32_t hash = chance() / cdb::kTables * cdb::kTables + number;
    uint32_t at = (hash >> 8) % slots;
    while (table[at].position != 0) at = (at + 1) % slots;
    table[at] = {hash, 2048 + n};
  }
  for (; spoilt > 0; --spoilt) {
    Slot& one = table[chance() % slots];
    const Slot& other = table[chance() % slots];
    switch (chance() % 4) {
      case 0:
        one = {};
        break;
      case 1:
        one = other;
        break;
      case 2:
        one.hash ^= uint32_t{1} << chance() % 32;
        break;
      default:
        std::swap(one, table[chance() % slots]);
    }
  }
  return table;
}

// How many steps the search for the slot's key takes; nothing: it does not end there, since a slot
// on its way is empty or has the same hash, or the table is another one.
std::optional<uint32_t> steps_to(const std::vector<Slot>& table, uint32_t number, uint32_t slot) {
  const uint32_t hash = table[slot].hash, slots = static_cast<uint32_t>(table.size());
  if (hash % cdb::kTables != number) return {};
  uint32_t steps = 0;
  for (uint32_t i = (hash >> 8) % slots; i != slot; i = (i + 1) % slots, ++steps) {
    if (table[i].position == 0 || table[i].hash == hash) return {};
  }
  return steps;
}

bool may_be_unclear(const std::vector<Slot>& table, uint32_t slot, uint32_t steps) {
  constexpr uint32_t kFew = 4;
  if (steps > kFew || steps > slot) return true;
  for (uint32_t k = 1; k <= std::min(kFew, slot); ++k) {
    if (table[slot - k].hash == table[slot].hash) return true;  // on the way, or before it
  }
  return false;
}

void look_at(const std::vector<Slot>& slots, uint32_t number) {
  // Of exactly its bytes, at an odd address.
  std::vector<uint8_t> bytes(slots.size() * sizeof(Slot) + 1);
  std::memcpy(bytes.data() + 1, slots.data(), bytes.size() - 1);
  const SlotTable table{bytes.data() + 1, static_cast<uint32_t>(slots.size()), number};
  SlotSet found(12345), wanted(12345);
  for (uint32_t begin = 0; begin < table.slots; begin += kScanned) {
    SlotBits unclear;
    const uint32_t end = std::min(begin + kScanned, table.slots);
    scan_slots(table, begin, end, found, unclear);
    for (uint32_t i = begin; i < end; ++i) {
      const bool is_unclear = (unclear[(i - begin) / 64] >> (i - begin) % 64 & 1) != 0;
      if (slots[i].position == 0) {
        REQUIRE_FALSE(is_unclear);
        continue;
      }
      wanted.add(slots[i].hash, slots[i].position);
      const auto steps = steps_to(slots, number, i);
      if (!is_unclear) REQUIRE(steps.has_value());
      if (is_unclear && steps) REQUIRE(may_be_unclear(slots, i, *steps));
    }
  }
  CHECK((found == wanted));
}

}  // namespace

TEST_CASE("a slot is clear where the search for it ends with it soon, and only there") {
  Chance chance(11);
  for (const uint32_t slots :
       {1, 2, 7, 8, 9, 10, 15, 16, 24, 41, 47, 55, 61, 97, 100, 511, 512, 513, 520, 1030}) {
    for (int round = 0; round < test::rounds(400); ++round) {
      const uint32_t number = chance() % cdb::kTables;
      look_at(filled_table(slots, number, 0, chance), number);
      look_at(filled_table(slots, number, 1 + chance() % 3, chance), number);
    }
  }
  look_at(filled_table(1 << 19, 255, 0, chance), 255);
  look_at(filled_table(1 << 19 | 5, 0, 1000, chance), 0);
}

TEST_CASE("the sum is another one whatever changes in a set") {
  Chance chance(12);
  const auto table = filled_table(64, 7, 0, chance);
  const auto set_of = [](const std::vector<Slot>& slots) {
    SlotSet set(678);
    for (const auto& slot : slots) set.add(slot.hash, slot.position);
    return set;
  };
  const SlotSet whole = set_of(table);
  auto other = table;
  std::swap(other[3], other[40]);
  CHECK((set_of(other) == whole));
  for (size_t i = 0; i < table.size(); ++i) {
    for (int bit = 0; bit < 32; ++bit) {
      other = table;
      other[i].hash ^= uint32_t{1} << bit;
      REQUIRE_FALSE((set_of(other) == whole));
      std::swap(other[i].hash, other[(i + 1) % other.size()].hash);
      REQUIRE_FALSE((set_of(other) == whole));
      other = table;
      other[i].position += 1;
      other[(i + 1) % other.size()].position -= 1;
      REQUIRE_FALSE((set_of(other) == whole));
    }
  }
  other = table;
  other.push_back(other[5]);
  CHECK_FALSE((set_of(other) == whole));
}

TEST_CASE("no bits of a position are weaker than others") {
  std::mt19937_64 chance(14);
  for (int round = 0; round < test::rounds(400'000); ++round) {
    const auto hash = static_cast<uint32_t>(chance()), position = static_cast<uint32_t>(chance());
    const uint32_t one = uint32_t{1} << chance() % 32, other = uint32_t{1} << chance() % 32;
    if (one == other) continue;
    SlotSet a(chance()), b(a);
    a.add(hash, position);
    a.add(hash, position ^ one ^ other);
    b.add(hash, position ^ one);
    b.add(hash, position ^ other);
    REQUIRE_FALSE((a == b));
  }
}

TEST_CASE("a search stops at the first empty slot or equal hash") {
  Chance chance(13);
  for (int round = 0; round < test::rounds(2000); ++round) {
    std::vector<Slot> slots(1 + chance() % 70, Slot{1, 1});
    for (uint32_t n = chance() % 3; n > 0; --n) slots[chance() % slots.size()] = {1, 0};
    for (uint32_t n = chance() % 3; n > 0; --n) slots[chance() % slots.size()].hash = 2;
    const uint32_t size = static_cast<uint32_t>(slots.size());
    const SlotTable table{reinterpret_cast<const uint8_t*>(slots.data()), size, 0};
    const uint32_t begin = chance() % (size + 1), end = begin + chance() % (size - begin + 1);
    uint32_t wanted = begin;
    while (wanted < end && slots[wanted].position != 0 && slots[wanted].hash != 2) ++wanted;
    REQUIRE(next_stop(table, begin, end, 2) == wanted);
  }
}

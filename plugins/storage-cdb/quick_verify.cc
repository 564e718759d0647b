// SPDX-License-Identifier: MIT
#include "quick_verify.h"

#include <goromdb/flat_index.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <future>

#include "slot_scan.h"

namespace goromdb {
namespace {

constexpr uint64_t kTellEvery = uint64_t{1} << 22;  // bytes

// What records and tables hold; each thread has one of its own.
struct Seen {
  explicit Seen(uint64_t secret) : records(secret), slots(secret) {}
  void add(const Seen& other) {
    records.add(other.records);
    slots.add(other.slots);
    totals.add(other.totals);
  }

  SlotSet records, slots;
  EntryTotals totals;
};

// Also where one is no record. Long keys count as several probes.
bool same_key(const CdbFile& file, uint32_t a, uint32_t b, uint64_t& probes) {
  constexpr size_t kProbe = 64;
  CdbFile::Record first, second;
  if (!file.record(a, first) || !file.record(b, second)) return true;
  probes += first.key.size() / kProbe;
  return first.key == second.key;
}

// False: it is no list of records from one place to the other. `tell` is called now and then.
template <class Tell>
bool read_records(const CdbFile& file, uint64_t at, uint64_t end, Seen& seen, Tell tell) {
  SlotSet records = seen.records;  // here, where no pointer leads to
  EntryTotals totals = seen.totals;
  static_assert(cdb::kFirst >= kBeforeKeys);
  KeyGroups<cdb::kHashFactor, cdb::kHashBegin> keys;
  const auto add = [&](const SomeHashes& hashes, const SomeKnown& places, size_t count) {
    for (size_t k = 0; k < count; ++k) records.add(hashes[k], places[k]);
  };
  CdbFile::Record record;
  for (uint64_t told = at; at < end; at = record.next) {
    if (!file.record(at, record)) return false;
    for (const size_t more : {0, 64}) __builtin_prefetch(record.key.data() + kAhead + more);
    totals.add(record.key.size(), record.value.size());
    keys.add(record.key, static_cast<uint32_t>(at), add);
    if (at - told >= kTellEvery) tell(told = at);
  }
  keys.add_rest(add);
  seen.records = records;
  seen.totals = totals;
  return at == end;
}

// Whether the search for the key of that slot ends with it. Counts the slots on its way; false,
// too, where they are more than `most`. Calls `tell` now and then.
template <class Tell>
bool is_found(const CdbFile& file, const SlotTable& table, uint32_t slot, uint64_t& probes,
              uint64_t most, Tell tell) {
  constexpr uint64_t kProbesToTell = uint64_t{1} << 20;
  const uint32_t hash = table.hash(slot);
  if (hash % cdb::kTables != table.number) return false;
  for (uint32_t i = (hash >> 8) % table.slots; i != slot;) {
    const uint32_t end = i < slot ? slot : table.slots;
    const uint32_t stop = next_stop(table, i, end, hash);
    const uint64_t before = probes;
    probes += stop - i;
    if (stop != end) {
      const uint32_t other = table.position(stop);
      if (other == 0 || same_key(file, table.position(slot), other, ++probes)) return false;
    }
    if (probes > most) return false;
    if (probes / kProbesToTell != before / kProbesToTell) tell();
    i = stop == end ? end % table.slots : stop + 1;
  }
  return true;
}

// A run of filled slots in which some are unclear. It is looked at once for all of them: where keys
// are much alike runs are long, and so is the way to each of their slots.
class Run {
 public:
  explicit Run(const SlotTable& table) : table_(table) {}

  // Whether the search for that slot's key surely ends with it: it is in the table of its hash, its
  // way is in the run, and no hash before it looks like its own. Counts the slots on its way then.
  // Asked of slots in ascending order.
  bool is_clear(uint32_t slot, uint64_t& probes) {
    if (slot >= end_) look_at(slot);
    const uint32_t hash = table_.hash(slot), first = (hash >> 8) % table_.slots;
    const bool is_its = hash % cdb::kTables == table_.number;
    if (!is_its || first < begin_ || first > slot || looks_same_[slot - begin_]) return false;
    probes += slot - first;
    return true;
  }

 private:
  static constexpr uint32_t kMost = 2048, kMarkBits = 12;

  bool is_filled(uint32_t slot) const { return table_.position(slot) != 0; }

  // Of longer runs a part: half of it before the slot.
  void look_at(uint32_t slot) {
    const uint32_t least = slot - std::min(slot, kMost / 2);
    for (begin_ = slot; begin_ > least && is_filled(begin_ - 1);) --begin_;
    const uint32_t most = std::min(begin_ + kMost, table_.slots);
    ++number_;
    for (end_ = begin_; end_ < most && is_filled(end_); ++end_) {
      uint32_t& mark = marks_[table_.hash(end_) * 0x9e3779b1u >> (32 - kMarkBits)];
      looks_same_[end_ - begin_] = mark == number_;
      mark = number_;
    }
  }

  const SlotTable table_;
  uint32_t begin_ = 0, end_ = 0;
  uint32_t number_ = 0;                           // of this run among those looked at
  std::array<uint32_t, 1 << kMarkBits> marks_{};  // in which run a hash like that was last
  std::array<bool, kMost> looks_same_{};          // as one before it in the run
};

// False: a search does not end at each slot, or takes long, or a key comes twice.
template <class Tell>
bool read_tables(const CdbFile& file, Seen& seen, Tell tell) {
  uint64_t probes = 0;
  for (uint32_t n = 0; n < cdb::kTables; ++n) {
    const CdbFile::Table place = file.table(n);
    const SlotTable table{file.mapping().data() + place.position, place.slots, n};
    Run run(table);
    const auto tell_of = [&](uint32_t slot) {
      tell(place.position + uint64_t{slot} * cdb::kSlotSize);
    };
    for (uint32_t begin = 0, end; begin < table.slots; begin = end) {
      end = begin + std::min(kScanned, table.slots - begin);
      if (uint64_t{begin} * cdb::kSlotSize % kTellEvery == 0) tell_of(begin);
      SlotBits unclear;
      scan_slots(table, begin, end, seen.slots, unclear);
      for (uint32_t word = begin; uint64_t bits : unclear) {
        for (; bits != 0; bits &= bits - 1) {
          const uint32_t slot = word + static_cast<uint32_t>(std::countr_zero(bits));
          const uint64_t most = kMostProbes * seen.slots.size() + kFreeProbes;
          const bool is_right = run.is_clear(slot, probes) ? probes <= most
                                                           : is_found(file, table, slot, probes,
                                                                      most, [&] { tell_of(slot); });
          if (!is_right) return false;
        }
        word += 64;
      }
    }
  }
  return true;
}

// A record to begin at for the thread that has read the tables, so that both have as much to do: a
// slot takes about three times as long as the same bytes of small records.
uint64_t split(const CdbFile& file) {
  constexpr uint64_t kLooks = 4096;
  const uint64_t end = file.records_end(), tables = file.mapping().size() - end;
  const uint64_t wanted = CdbFile::kFirst + ((end - CdbFile::kFirst) + 3 * tables) / 2;
  uint64_t best = end;
  for (uint64_t i = 0; i < std::min(kLooks, tables / cdb::kSlotSize); ++i) {
    const uint64_t at = cdb::load(file.mapping().data() + end + i * cdb::kSlotSize + 4);
    if (at >= wanted && at < best) best = at;
  }
  return best;
}

}  // namespace

std::optional<EntryTotals> quick_verify(const CdbFile& file, const Host& host) {
  const ReadAhead ahead(file.mapping(), host.threads());
  const auto tell = [&](uint64_t at) { host.progress(at, file.mapping().size()); };
  const bool alone = host.threads() < 2;
  const uint64_t middle = alone ? file.records_end() : split(file);
  Seen seen(FlatIndex::random_seed()), also(seen);
  const auto rest = [&](auto told) {
    return read_tables(file, also, told) &&
           read_records(file, middle, file.records_end(), also, told);
  };
  std::future<bool> beside;
  if (!alone) beside = std::async([&] { return rest([](uint64_t) {}); });
  if (!read_records(file, CdbFile::kFirst, middle, seen, tell)) return std::nullopt;
  if (!(alone ? rest(tell) : awaited(beside, host, middle, file.mapping().size())))
    return std::nullopt;
  seen.add(also);
  return seen.records == seen.slots ? std::optional(seen.totals) : std::nullopt;
}

}  // namespace goromdb

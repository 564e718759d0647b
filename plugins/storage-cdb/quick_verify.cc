// SPDX-License-Identifier: MIT
#include "quick_verify.h"

#include <goromdb/flat_index.hpp>

#include <algorithm>
#include <future>

namespace goromdb {
namespace {

constexpr uint64_t kTellEvery = uint64_t{1} << 22;  // bytes
constexpr size_t kAhead = 2048;                     // that are fetched into the processor's cache

// A set of (hash, position), in any order.
class Set {
 public:
  explicit Set(uint64_t secret) : secret_(secret) {}
  void add(uint32_t hash, uint32_t at) {
    const uint64_t both = uint64_t{hash} << 32 | at;
    sum_ += XXH3_64bits_withSeed(&both, sizeof both, secret_);
    ++size_;
  }
  void add(const Set& other) {
    sum_ += other.sum_;
    size_ += other.size_;
  }
  uint64_t size() const { return size_; }
  bool operator==(const Set&) const = default;

 private:
  uint64_t secret_, sum_ = 0, size_ = 0;
};

// What records and tables hold; each thread has one of its own.
struct Seen {
  explicit Seen(uint64_t secret) : records(secret), slots(secret) {}
  void add(const Seen& other) {
    records.add(other.records);
    slots.add(other.slots);
    totals.add(other.totals);
  }

  Set records, slots;
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
  Set records = seen.records;  // here, where no pointer leads to
  EntryTotals totals = seen.totals;
  CdbFile::Record record;
  for (uint64_t told = at; at < end; at = record.next) {
    if (!file.record(at, record)) return false;
    __builtin_prefetch(record.key.data() + kAhead);
    records.add(cdb::hash_of(record.key), static_cast<uint32_t>(at));
    totals.add(record.key.size(), record.value.size());
    if (at - told >= kTellEvery) tell(told = at);
  }
  seen.records = records;
  seen.totals = totals;
  return at == end;
}

// Whether the search for that slot's key begins a few slots before it at most and meets no empty
// one and no other record with its hash. `run`: how many slots are filled without a gap that end
// with this one. False also where the table's end comes in between.
bool is_found_soon(const uint8_t* table, uint32_t slots, uint32_t i, uint32_t run) {
  constexpr uint32_t kFew = 4;
  if (i < kFew) return false;
  const auto hash_at = [&](uint32_t at) { return cdb::load(table + at * cdb::kSlotSize); };
  const uint32_t hash = hash_at(i);
  bool is_same = false;  // as one that is on the way, or before it
  for (uint32_t k = 1; k <= kFew; ++k) is_same |= hash_at(i - k) == hash;
  const uint32_t steps = i - (hash >> 8) % slots;  // huge where it begins behind the slot
  return ((steps < run) & (steps <= kFew) & !is_same) != 0;
}

// False: a search does not end at each slot, or takes long, or a key comes twice.
template <class Tell>
bool read_tables(const CdbFile& file, Seen& seen, Tell tell) {
  constexpr uint32_t kBlock = 8;  // slots in a line of the cache
  Set set = seen.slots;
  uint64_t probes = 0;
  for (uint32_t n = 0; n < cdb::kTables; ++n) {
    const auto [position, slots] = file.table(n);
    const uint8_t* const table = file.mapping().data() + position;
    uint32_t run = 0;  // of filled slots, up to here
    for (uint32_t begin = 0; begin < slots; begin += kBlock) {
      if (uint64_t{begin} * cdb::kSlotSize % kTellEvery == 0)
        tell(position + begin * cdb::kSlotSize);
      __builtin_prefetch(table + begin * cdb::kSlotSize + kAhead);
      // Without a branch: half of the slots are empty, and no processor guesses which.
      uint32_t filled[kBlock], runs[kBlock], count = 0;
      for (uint32_t i = begin; i < slots && i < begin + kBlock; ++i) {
        const uint32_t is_filled = cdb::load(table + i * cdb::kSlotSize + 4) != 0 ? 1 : 0;
        run = (run + 1) * is_filled;
        filled[count] = i;
        runs[count] = run;
        count += is_filled;
      }
      for (uint32_t k = 0; k < count; ++k) {
        const uint32_t i = filled[k];
        const uint8_t* slot = table + i * cdb::kSlotSize;
        const uint32_t hash = cdb::load(slot), at = cdb::load(slot + 4);
        if (hash % cdb::kTables != n) return false;
        set.add(hash, at);
        if (is_found_soon(table, slots, i, runs[k])) continue;
        for (uint32_t j = (hash >> 8) % slots; j != i; j = j + 1 == slots ? 0 : j + 1) {
          const uint8_t* before = table + j * cdb::kSlotSize;
          const uint32_t other = cdb::load(before + 4);
          if (other == 0 || ++probes > kMostProbes * set.size() + kFreeProbes) return false;
          if (cdb::load(before) == hash && same_key(file, at, other, probes)) return false;
        }
      }
    }
  }
  seen.slots = set;
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

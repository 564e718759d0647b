// SPDX-License-Identifier: MIT
#include "cdb_file.h"

#include <algorithm>

namespace goromdb {

using namespace cdb;

CdbFile::CdbFile(const DataFile& file) : mapping_(file) {
  const auto fault = table_fault(mapping_.data(), mapping_.size(), records_end_);
  if (!fault.empty()) {
    throw Failure(GOROMDB_E_CORRUPT, fault + ", so it is no cdb file" + kind_hint(file.head()));
  }
}

bool CdbFile::looks_like(std::string_view head, uint64_t size) {
  uint64_t records_end = 0;
  return head.size() >= kFirst &&
         table_fault(reinterpret_cast<const uint8_t*>(head.data()), size, records_end).empty();
}

// A cdb has no magic number; that its tables fill the end of the file without a gap is as good.
std::string CdbFile::table_fault(const uint8_t* header, uint64_t size, uint64_t& records_end) {
  if (size < kFirst) return "it has fewer than 2048 bytes";
  if (size > kLargestFile) return "it is larger than 4 GiB";
  uint64_t expected = 0;
  records_end = size;
  for (uint32_t i = 0; i < kTables; ++i) {
    const uint64_t position = load(header + i * 8), slots = load(header + i * 8 + 4);
    if (slots == 0) continue;
    if (expected == 0) {
      records_end = expected = position;
      if (position < kFirst) return "its first hash table lies inside the header";
    }
    if (position != expected) {
      return "its hash table " + std::to_string(i) + " is not where the one before ends";
    }
    expected += kSlotSize * slots;
  }
  if (expected == 0) expected = kFirst;
  if (expected > size) {
    return "its hash tables end at byte " + std::to_string(expected) + ", the file at " +
           std::to_string(size) + "; is it cut?";
  }
  return expected < size ? "there is something behind its hash tables" : "";
}

CdbFile::Table CdbFile::table(uint32_t index) const noexcept {
  return {number(uint64_t{index} * 8), number(uint64_t{index} * 8 + 4)};
}

CdbFile::Search CdbFile::locate(std::string_view key) const noexcept {
  const uint32_t hash = hash_of(key);
  const auto [position, slots] = table(hash % kTables);
  Search search{hash, 0, nullptr, slots, 0, false, 0};
  if (slots == 0) return search;
  search.slot = (hash >> 8) % slots;
  search.table = mapping_.data() + position;
  __builtin_prefetch(search.table + search.slot * kSlotSize);
  return search;
}

void CdbFile::start(const Search& search) const noexcept {
  if (search.table == nullptr) return;
  const uint8_t* slot = search.table + search.slot * kSlotSize;
  const uint32_t at = load(slot + 4);
  if (load(slot) == search.hash && at < records_end_) {
    __builtin_prefetch(mapping_.data() + at);
    __builtin_prefetch(mapping_.data() + at + 64);
  }
}

bool CdbFile::find(std::string_view key, Search& search, Record& found) const noexcept {
  while (search.seen < search.slots) {
    ++search.seen;
    const uint8_t* slot = search.table + search.slot * kSlotSize;
    const uint32_t at = load(slot + 4);
    if (at == 0) return false;
    if (load(slot) == search.hash) {
      if (!record(at, found)) {
        search.damaged = true;
        return false;
      }
      if (found.key == key) return true;
      if (found.key.size() == key.size()) search.compared += key.size();
      if (search.compared > most_compared()) {
        search.damaged = true;
        return false;
      }
    }
    if (++search.slot == search.slots) search.slot = 0;
  }
  return false;
}

bool CdbFile::find(std::string_view key, Record& found, bool& damaged) const noexcept {
  Search search = locate(key);
  const bool there = find(key, search, found);
  damaged = search.damaged;
  return there;
}

bool CdbFile::any(uint64_t random, Record& found) const noexcept {
  const uint64_t slots = (mapping_.size() - records_end_) / kSlotSize;
  return slots > 0 && record(number(records_end_ + random % slots * kSlotSize + 4), found);
}

uint64_t CdbFile::filled_slots(const Host& host) const {
  constexpr uint64_t kOften = uint64_t{1} << 20;
  uint64_t filled = 0;
  for (uint64_t at = records_end_; at < mapping_.size(); at += kSlotSize) {
    filled += number(at + 4) != 0;
    if ((at - records_end_) % kOften == 0) host.progress(at, mapping_.size());
  }
  return filled;
}

}  // namespace goromdb

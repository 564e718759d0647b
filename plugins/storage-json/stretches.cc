// SPDX-License-Identifier: MIT
// Counting first, so that the list is made in its right size and order.
#include "stretches.h"

#include <algorithm>

namespace goromdb {
namespace {

constexpr uint64_t kTellEveryRecords = uint64_t{1} << 16;  // records

// What is known of a namespace while the records go by.
struct Seen {
  uint64_t last = 0;     // the number of its last entry; 0: none yet
  uint64_t begins = 0;   // how many stretches, or where in the list the next goes
  uint32_t entries = 0;  // of the stretch
  bool has_gap = false;
};

// Calls entry(record, its, offset, begins) for each entry that lives; `begins`: it is the first of
// a stretch.
template <class Entry>
void for_each_entry(const RecordArena& arena, std::vector<Seen>& seen, const Host& host,
                    Entry&& entry) {
  uint64_t number = 0;
  for (uint64_t at = RecordArena::kFirst; at < arena.end_offset();) {
    if (++number % kTellEveryRecords == 0) host.progress(at, arena.end_offset());
    const RecordArena::Record record = arena.at(at);
    if (!record.dead && !record.is_namespace) {
      Seen& its = seen[record.ns];
      const bool is_first = its.last == 0;
      const bool gap = !is_first && number - its.last - 1 > Stretches::kMostPassed;
      const bool begins = is_first || gap || its.entries == Stretches::kMostEntries;
      its.entries = begins ? 1 : its.entries + 1;
      its.last = number;
      its.has_gap |= gap;
      entry(record, its, at, begins);
    }
    at = record.next;
  }
}

}  // namespace

Stretches::Stretches(const RecordArena& arena, std::span<Range> ranges, const Host& host) {
  std::vector<Seen> seen(ranges.size());
  for_each_entry(arena, seen, host,
                 [&](const RecordArena::Record& record, Seen& its, uint64_t at, bool begins) {
                   Range& range = ranges[record.ns];
                   if (its.begins == 0) range.begin = at;
                   range.end = record.next;
                   its.begins += begins ? 1 : 0;
                 });
  uint64_t size = 0;
  for (uint32_t ns = 0; ns < seen.size(); ++ns) {
    Seen& its = seen[ns];
    its.last = 0;
    if (!its.has_gap) continue;
    parts_.push_back({ns, size});
    size += std::exchange(its.begins, size);
  }
  if (size == 0) return;
  parts_.shrink_to_fit();
  begins_.resize(size);
  for_each_entry(arena, seen, host,
                 [&](const RecordArena::Record&, Seen& its, uint64_t at, bool begins) {
                   if (begins && its.has_gap) begins_[its.begins++] = at;
                 });
}

std::span<const uint64_t> Stretches::of(uint32_t ns) const {
  const auto part = std::lower_bound(parts_.begin(), parts_.end(), ns,
                                     [](const Part& p, uint32_t wanted) { return p.ns < wanted; });
  if (part == parts_.end() || part->ns != ns) return {};
  const uint64_t end = part + 1 == parts_.end() ? begins_.size() : part[1].first;
  return std::span(begins_).subspan(part->first, end - part->first);
}

bool Stretches::skip(uint32_t ns, uint64_t& at) const {
  const auto begins = of(ns);
  const auto next = std::lower_bound(begins.begin(), begins.end(), at);
  if (next == begins.end()) return false;
  at = *next;
  return true;
}

}  // namespace goromdb

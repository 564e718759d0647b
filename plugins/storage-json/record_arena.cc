// SPDX-License-Identifier: MIT
// How records are laid out and how the arena grows.
#include "record_arena.h"

#include <goromdb/sdk.hpp>

#include <algorithm>

namespace goromdb {
namespace {

constexpr size_t kSmallest = size_t{64} << 10;

char* put(char* p, uint32_t field) {
  std::memcpy(p, &field, sizeof field);
  return p + sizeof field;
}

}  // namespace

RecordArena::RecordArena(size_t expected) : memory_(std::max(expected, kSmallest)) {}

char* RecordArena::begin(uint32_t ns, uint32_t flags, bool is_namespace, size_t most) {
  head_ = (ns != 0 ? kHasNs : 0) | (flags != 0 ? kHasFlags : 0) | (is_namespace ? kIsNamespace : 0);
  const size_t need = used_ + sizeof head_ + sizeof ns + sizeof flags + most;
  watch_.grown_to(need);
  if (need > memory_.size()) {
    if (need > FlatIndex::kMaxOffset) {
      throw Failure(GOROMDB_E_TOO_BIG, "the entries need more than 16 TiB of memory");
    }
    memory_.resize(std::max(need, memory_.size() * 2));
  }
  char* const start = memory_.data() + used_;
  char* p = start + sizeof head_;
  if (ns != 0) p = put(p, ns);
  if (flags != 0) p = put(p, flags);
  head_size_ = static_cast<uint64_t>(p - start);
  return p;
}

uint64_t RecordArena::end(size_t key_size, size_t value_size) {
  head_ |= key_size | static_cast<uint64_t>(value_size) << kValueShift;
  const uint64_t offset = used_;
  std::memcpy(memory_.data() + offset, &head_, sizeof head_);
  used_ += head_size_ + key_size + value_size;
  if (count_++ % kMarkEvery == 0) marks_.push_back(offset);
  return offset;
}

void RecordArena::shrink() {
  memory_.resize(used_);
  marks_.shrink_to_fit();
}

// All records between two marks are hit alike, so a stretch at either end that is shorter than the
// others is missed as often as it is shorter.
uint64_t RecordArena::any(uint64_t begin, uint64_t end, std::mt19937_64& chance) const {
  if (begin >= end) return 0;
  const auto first = std::upper_bound(marks_.begin(), marks_.end(), begin);
  const auto last = std::lower_bound(first, marks_.end(), end);
  const auto stretches = static_cast<uint64_t>(last - first) + 1;
  const uint64_t stretch = chance() % stretches;
  const uint64_t stop = stretch + 1 == stretches ? end : first[static_cast<ptrdiff_t>(stretch)];
  uint64_t at = stretch == 0 ? begin : first[static_cast<ptrdiff_t>(stretch) - 1];
  for (uint64_t more = chance() % kMarkEvery; more > 0 && at < stop; --more) at = this->at(at).next;
  return at < stop ? at : 0;
}

void RecordArena::mark_dead(uint64_t offset) {
  const uint64_t head = load<uint64_t>(memory_.data() + offset) | kDead;
  std::memcpy(memory_.data() + offset, &head, sizeof head);
}

void RecordArena::set_ns(uint64_t offset, uint32_t ns) {
  put(memory_.data() + offset + sizeof head_, ns);
}

void RecordArena::set_namespace_id(uint64_t offset, uint32_t id) {
  const Record record = at(offset);
  put(memory_.data() + (record.value.data() - memory_.data()), id);
}

}  // namespace goromdb

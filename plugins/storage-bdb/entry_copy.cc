// SPDX-License-Identifier: MIT
#include "entry_copy.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace goromdb::bdb {
namespace {

constexpr uint64_t kSmallest = uint64_t{64} << 10;
constexpr uint64_t kProgressEvery = uint64_t{1} << 16;  // entries

char* put(char* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

}  // namespace

EntryCopy::EntryCopy(uint64_t expected)
    : seed_(FlatIndex::random_seed()), memory_(std::max(expected, kSmallest)) {}

void EntryCopy::add(const Key& key, std::string_view value, uint32_t flags) {
  const uint64_t end = used_ + sizeof(Head) + key.name.size() + value.size();
  if (end > FlatIndex::kMaxOffset) {
    throw Failure(GOROMDB_E_TOO_BIG,
                  "its entries are larger than the 16 TiB that index: hash can serve; use index: "
                  "none");
  }
  watch_.grown_to(end);
  if (end > memory_.size()) memory_.resize(std::max(end, memory_.size() * 2));
  const Head head = {static_cast<uint32_t>(key.name.size()), static_cast<uint32_t>(value.size()),
                     key.database, flags};
  char* const to = memory_.data() + used_;
  std::memcpy(to, &head, sizeof head);
  put(put(to + sizeof head, key.name), value);
  used_ = end;
  ++count_;
}

EntryCopy::Record EntryCopy::at(uint64_t offset) const {
  Head head;
  const char* const from = memory_.data() + offset;
  std::memcpy(&head, from, sizeof head);
  const char* const key = from + sizeof head;
  const uint64_t next = offset + sizeof head + head.key_size + head.value_size;
  return {{head.database, {key, head.key_size}},
          {key + head.key_size, head.value_size},
          head.flags,
          next};
}

bool EntryCopy::has_key(uint64_t offset, const Key& key) const {
  const Record record = at(offset);
  return record.key.database == key.database && record.key.name == key.name;
}

void EntryCopy::finish(const Host& host) {
  memory_.resize(used_);
  index_.emplace(count_);
  uint64_t next = kFirst, seen = 0;
  const auto pull = [&](uint64_t& key_hash, uint64_t& offset) {
    if (next == used_) return false;
    if (seen++ % kProgressEvery == 0) host.progress(seen, count_);
    const Record record = at(next);
    key_hash = hash(record.key);
    offset = next;
    next = record.next;
    return true;
  };
  index_->insert_all(
      pull, [&](uint64_t older, uint64_t newer) { return has_key(older, at(newer).key); },
      [&](uint64_t, uint64_t newer) {
        throw Failure(GOROMDB_E_CORRUPT, "a key comes twice, not as duplicates: " +
                                             std::string(at(newer).key.name.substr(0, 64)));
      });
}

void EntryCopy::get(std::span<const Key> keys, goromdb_value* out) const noexcept {
  uint64_t hashes[kBatch], offsets[kBatch];
  const auto n = static_cast<uint32_t>(keys.size());
  for (uint32_t i = 0; i < n; ++i) hashes[i] = hash(keys[i]);
  index_->find_batch(
      hashes, n, offsets,
      [&](uint64_t offset) {
        __builtin_prefetch(memory_.data() + offset);
        __builtin_prefetch(memory_.data() + offset + 64);  // a value that straddles the line
      },
      [&](uint32_t i, uint64_t offset) { return has_key(offset, keys[i]); });
  for (uint32_t i = 0; i < n; ++i) {
    out[i] = {};
    out[i].status = GOROMDB_NOT_FOUND;
    if (offsets[i] == 0) continue;
    const Record record = at(offsets[i]);
    out[i].ptr = record.value.data();
    out[i].len = static_cast<uint32_t>(record.value.size());
    out[i].flags = record.flags;
    out[i].status = GOROMDB_OK;
  }
}

}  // namespace goromdb::bdb

// SPDX-License-Identifier: MIT
// The entries of a data set, one behind the other in one piece of memory.
//
// A record is a head of eight bytes (24 bits length of the key, 32 bits length of the value, 8 bits
// marks), the namespace and the flags where it has them, the key, the value; nothing is aligned.
// Offsets of records are stable, pointers only once the arena has stopped growing. The offset 0 is
// no record.
#pragma once

#include <goromdb/flat_index.hpp>
#include <goromdb/memory.hpp>

#include <bit>
#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

namespace goromdb {

class RecordArena {
 public:
  static constexpr size_t kMaxKey = (size_t{1} << 24) - 1;
  static constexpr size_t kMaxValue = (size_t{1} << 32) - 1;
  static constexpr uint64_t kFirst = 8;

  struct Record {
    uint32_t ns;
    uint32_t flags;
    std::string_view key, value;
    bool is_namespace;  // the key is a namespace's name, the value its id in four bytes
    bool dead;          // a later record took its place
    uint64_t next;      // the offset behind it
  };

  // `expected` bytes are set aside (not touched) so that a file of that size fits without a move.
  explicit RecordArena(size_t expected);

  // A new record, in two steps: begin() makes room for key and value of `most` bytes together and
  // says where they go; end() takes their true lengths (at most kMaxKey, kMaxValue). A begin()
  // without an end() leaves nothing behind.
  char* begin(uint32_t ns, uint32_t flags, bool is_namespace, size_t most);
  uint64_t end(size_t key_size, size_t value_size);

  uint64_t end_offset() const { return used_; }
  uint64_t count() const { return count_; }
  size_t memory_bytes() const { return memory_.size() + marks_.capacity() * sizeof(uint64_t); }
  std::string_view memory() const { return {memory_.data(), used_}; }
  void shrink();
  // A record in [begin, end), both of them offsets of records or the end, each as likely; 0: chance
  // hit none, which is to be tried again.
  uint64_t any(uint64_t begin, uint64_t end, std::mt19937_64& chance) const;

  Record at(uint64_t offset) const {
    const char* p = memory_.data() + offset;
    const uint64_t head = load<uint64_t>(p);
    p += sizeof head;
    Record r{};
    if (head & kHasNs) p = take(p, r.ns);
    if (head & kHasFlags) p = take(p, r.flags);
    r.key = {p, head & kMaxKey};
    r.value = {p + r.key.size(), head >> kValueShift & kMaxValue};
    r.is_namespace = (head & kIsNamespace) != 0;
    r.dead = (head & kDead) != 0;
    r.next = static_cast<uint64_t>(r.value.end() - memory_.data());
    return r;
  }
  void prefetch(uint64_t offset) const {
    __builtin_prefetch(memory_.data() + offset);
    __builtin_prefetch(memory_.data() + offset + 64);  // a small value that straddles the line
  }

  void mark_dead(uint64_t offset);
  void set_ns(uint64_t offset, uint32_t ns);            // of a record that was begun with ns != 0
  void set_namespace_id(uint64_t offset, uint32_t id);  // of a record that is a namespace's name

 private:
  static constexpr unsigned kValueShift = 24;
  static constexpr uint64_t kHasNs = uint64_t{1} << 56;
  static constexpr uint64_t kHasFlags = uint64_t{1} << 57;
  static constexpr uint64_t kIsNamespace = uint64_t{1} << 58;
  static constexpr uint64_t kDead = uint64_t{1} << 59;

  template <class T>
  static T load(const char* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }
  static const char* take(const char* p, uint32_t& field) {
    field = load<uint32_t>(p);
    return p + sizeof field;
  }

  AnonymousMemory memory_;
  MemoryWatch watch_;
  static constexpr uint64_t kMarkEvery = 32;
  std::vector<uint64_t> marks_;  // the offset of every kMarkEvery-th record, from the first
  uint64_t used_ = kFirst;
  uint64_t count_ = 0;
  uint64_t head_ = 0;       // of the record that has been begun
  uint64_t head_size_ = 0;  // with the fields behind the head
};

}  // namespace goromdb

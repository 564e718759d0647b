// SPDX-License-Identifier: MIT
// An index over keys that lie somewhere else: eight bytes a slot, three quarters full at most.
//
// A slot is a 20-bit fingerprint of the key's hash and a 44-bit offset, a number that means
// something to the caller only: "where the key is". 0 is an empty slot, so offsets start at 1.
// Slots are grouped in cache lines of eight; a search starts at the head of the line that the hash
// names and ends at the first empty slot, so most hits and most misses touch one line. Equal
// fingerprints are settled by the caller, who compares the whole key.
//
// Built by one thread, then immutable: any number of threads may search. Header-only, not part of
// the ABI. Memory comes from mmap; running out of it throws std::bad_alloc.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <random>
#include <stdexcept>
#include <string_view>
#include <utility>

#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

namespace goromdb {

// Zeroed memory of a private mapping. Pages cost nothing before they are touched, so a size may be
// an upper bound; from kHugeFrom on the kernel is asked for huge pages.
class AnonymousMemory {
 public:
  static constexpr size_t kHugeFrom = size_t{4} << 20;

  AnonymousMemory() = default;
  explicit AnonymousMemory(size_t size) { resize(size); }
  AnonymousMemory(AnonymousMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AnonymousMemory& operator=(AnonymousMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~AnonymousMemory() {
    if (data_ != nullptr) munmap(data_, size_);
  }

  // Keeps the bytes that fit; may move them. `size` > 0.
  void resize(size_t size) {
    if (size == size_) return;
    void* p = data_ == nullptr ? map(size) : remap(size);
    if (p == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<char*>(p);
    size_ = size;
    if (size >= kHugeFrom)
      madvise(data_, size_, MADV_HUGEPAGE);  // a wish: failure costs speed only
  }

  char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  static void* map(size_t size) {
    return mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0);
  }

  void* remap(size_t size) {
#ifdef __SANITIZE_THREAD__
    // It does not know mremap and would take what another thread once wrote at the new place for a
    // race.
    void* p = map(size);
    if (p == MAP_FAILED) return p;
    std::memcpy(p, data_, std::min(size, size_));
    munmap(data_, size_);
    return p;
#else
    return mremap(data_, size_, size, MREMAP_MAYMOVE);
#endif
  }

  char* data_ = nullptr;
  size_t size_ = 0;
};

class FlatIndex {
 public:
  static constexpr unsigned kOffsetBits = 44;
  static constexpr uint64_t kMaxOffset = (uint64_t{1} << kOffsetBits) - 1;
  static constexpr uint32_t kBatch = 32;  // keys that are searched for together

  // Room for `keys` keys.
  explicit FlatIndex(uint64_t keys)
      : buckets_(keys / kKeysPerBucket + 1), memory_(buckets_ * kBucketSlots * sizeof(uint64_t)) {}

  // A hash of the key in its namespace. A `seed` that the writer of the keys cannot know keeps them
  // from choosing keys that collide.
  static uint64_t hash(uint64_t ns, std::string_view key, uint64_t seed) {
    return XXH3_64bits_withSeed(key.data(), key.size(), seed ^ (ns * 0x9E3779B97F4A7C15u));
  }

  static uint64_t random_seed() {
    std::random_device device;
    return uint64_t{device()} << 32 | device();
  }

  void prefetch(uint64_t hash) const { __builtin_prefetch(slots() + home(hash)); }

  // Adds `offset`, or puts it in the place of the one whose key is the same, which is returned;
  // 0: there was none. same(other): has the key at `other` the key that is being added?
  template <class Same>
  uint64_t insert(uint64_t hash, uint64_t offset, Same&& same) {
    const uint64_t fingerprint = hash & kFingerprintMask;
    uint64_t i = candidate(home(hash), fingerprint);
    while (slots()[i] != 0 && !same(slots()[i] & kMaxOffset)) i = candidate(next(i), fingerprint);
    const uint64_t replaced = slots()[i] & kMaxOffset;
    if (replaced == 0 && ++used_ >= slot_count()) {
      throw std::length_error("FlatIndex: more keys than it was made for");
    }
    slots()[i] = fingerprint << kOffsetBits | offset;
    return replaced;
  }

  // Adds all that `pull(hash, offset)` hands out until it returns false, with the memory of a batch
  // fetched ahead. same(older, newer) compares keys; replaced(older, newer) is told of each repeat.
  template <class Pull, class Same, class Replaced>
  void insert_all(Pull&& pull, Same&& same, Replaced&& replaced) {
    struct {
      uint64_t hash, offset;
    } batch[kBatch];
    for (uint32_t n = kBatch; n == kBatch;) {
      for (n = 0; n < kBatch && pull(batch[n].hash, batch[n].offset); ++n) prefetch(batch[n].hash);
      for (uint32_t i = 0; i < n; ++i) {
        const uint64_t newer = batch[i].offset;
        const uint64_t older =
            insert(batch[i].hash, newer, [&](uint64_t other) { return same(other, newer); });
        if (older != 0) replaced(older, newer);
      }
    }
  }

  // The offset whose key matches, or 0. match(offset): is the key there the wanted one?
  template <class Match>
  uint64_t find(uint64_t hash, Match&& match) const {
    return resolve(candidate(home(hash), hash & kFingerprintMask), hash, match);
  }

  // find() for at most kBatch keys at once: all slots are fetched ahead, then all records, then all
  // are compared. touch(offset) prefetches a record; match(i, offset) compares it with key i.
  template <class Touch, class Match>
  void find_batch(const uint64_t* hashes, uint32_t n, uint64_t* offsets, Touch&& touch,
                  Match&& match) const {
    find_batch(
        hashes, n, offsets, touch, [](uint64_t) {}, match);
  }

  // The same for records in two pieces: follow(offset) reads the first, which has been fetched, and
  // prefetches the second.
  template <class Touch, class Follow, class Match>
  void find_batch(const uint64_t* hashes, uint32_t n, uint64_t* offsets, Touch&& touch,
                  Follow&& follow, Match&& match) const {
    uint64_t at[kBatch];
    for (uint32_t i = 0; i < n; ++i) prefetch(hashes[i]);
    for (uint32_t i = 0; i < n; ++i) {
      at[i] = candidate(home(hashes[i]), hashes[i] & kFingerprintMask);
      if (slots()[at[i]] != 0) touch(slots()[at[i]] & kMaxOffset);
    }
    for (uint32_t i = 0; i < n; ++i) {
      if (slots()[at[i]] != 0) follow(slots()[at[i]] & kMaxOffset);
    }
    for (uint32_t i = 0; i < n; ++i) {
      offsets[i] = resolve(at[i], hashes[i], [&](uint64_t offset) { return match(i, offset); });
    }
  }

  uint64_t size() const { return used_; }
  size_t memory_bytes() const { return memory_.size(); }
  std::string_view memory() const { return {memory_.data(), memory_.size()}; }

 private:
  static constexpr uint64_t kBucketSlots = 8;  // a cache line
  static constexpr uint64_t kKeysPerBucket = 6;
  static constexpr uint64_t kFingerprintMask = (uint64_t{1} << (64 - kOffsetBits)) - 1;

  uint64_t* slots() const { return reinterpret_cast<uint64_t*>(memory_.data()); }
  uint64_t slot_count() const { return buckets_ * kBucketSlots; }
  uint64_t next(uint64_t i) const { return i + 1 == slot_count() ? 0 : i + 1; }

  // The high bits choose the bucket, whatever their number is; the low bits are the fingerprint.
  uint64_t home(uint64_t hash) const {
    __extension__ using Wide = unsigned __int128;
    return static_cast<uint64_t>(Wide{hash} * buckets_ >> 64) * kBucketSlots;
  }

  // The first slot from `i` on that is empty or has the fingerprint. There is always an empty one.
  uint64_t candidate(uint64_t i, uint64_t fingerprint) const {
    while (slots()[i] != 0 && slots()[i] >> kOffsetBits != fingerprint) i = next(i);
    return i;
  }

  template <class Match>
  uint64_t resolve(uint64_t i, uint64_t hash, Match&& match) const {
    while (slots()[i] != 0 && !match(slots()[i] & kMaxOffset)) {
      i = candidate(next(i), hash & kFingerprintMask);
    }
    return slots()[i] & kMaxOffset;
  }

  uint64_t buckets_;
  AnonymousMemory memory_;
  uint64_t used_ = 0;
};

// Of names that a file tells, for a std::unordered_map: who makes a file cannot have many of them
// in one place, as with std::hash.
struct SeededHash {
  using is_transparent = void;
  uint64_t seed = FlatIndex::random_seed();

  size_t operator()(std::string_view name) const { return FlatIndex::hash(0, name, seed); }
};

}  // namespace goromdb

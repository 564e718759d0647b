// SPDX-License-Identifier: MIT
// For storages whose files are hash tables, and that verify them: the hashes of many keys in little
// time. Header-only and not part of the ABI. Of any thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "page_walk.hpp"

namespace goromdb {

// Hands the bytes of a key to `take`, for a hash: four at a time, since a loop that asks after each
// whether it was the last one has twice as many instructions.
template <class Take>
inline void each_byte(std::string_view key, Take&& take) {
  const char* at = key.data();
  const char* const end = at + key.size();
  for (; end - at >= 4; at += 4) {
    take(static_cast<uint8_t>(at[0]));
    take(static_cast<uint8_t>(at[1]));
    take(static_cast<uint8_t>(at[2]));
    take(static_cast<uint8_t>(at[3]));
  }
  while (at < end) take(static_cast<uint8_t>(*at++));
}

// The hash that each byte makes of the one before: hash * kFactor ^ byte.
template <uint32_t kFactor>
inline uint32_t hash_of_bytes(std::string_view key, uint32_t begin) {
  uint32_t hash = begin;
  each_byte(key, [&](uint8_t byte) { hash = hash * kFactor ^ byte; });
  return hash;
}

// Whether this processor has wide registers, of 32 bytes. Without them, or where a test's build
// says so, all is done one after the other.
inline bool has_lanes() {
#if defined(__x86_64__) && !defined(GOROMDB_WITHOUT_LANES)
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
#else
  return false;
#endif
}

constexpr size_t kSideBySide = 16;
using SomeKeys = std::array<std::string_view, kSideBySide>;
using SomeHashes = std::array<uint32_t, kSideBySide>;
// Where some keys are longer than others, so many bytes before each of them can be read.
constexpr size_t kBeforeKeys = 512;

#ifdef __x86_64__
// Wide registers, each with some hashes. A product of 32 bits takes half as long in lanes of 64,
// whose upper half means nothing then.
struct NarrowLanes {
  using Lane = uint32_t;
  using Signed = int32_t;
  using Lanes = Lane __attribute__((vector_size(32)));
  using Places = Signed __attribute__((vector_size(32)));
  template <uint32_t kFactor>
  [[gnu::always_inline]] static void multiply(Lanes& lanes) {
    lanes *= kFactor;
  }
};
struct WideLanes {
  using Lane = uint64_t;
  using Signed = int64_t;
  using Lanes = Lane __attribute__((vector_size(32)));
  using Places = Signed __attribute__((vector_size(32)));
  template <uint32_t kFactor>
  __attribute__((target("avx2"), always_inline)) static void multiply(Lanes& lanes) {
    const auto product =
        _mm256_mul_epu32(reinterpret_cast<__m256i>(lanes), _mm256_set1_epi64x(int64_t{kFactor}));
    lanes = reinterpret_cast<Lanes>(product);
  }
};
// One more than a power of two is multiplied with by a shift.
template <uint32_t kFactor>
using HashLanes = std::conditional_t<std::has_single_bit(kFactor - 1), NarrowLanes, WideLanes>;

// From the hashes of what is before, those of the keys' last `length` bytes, as many at least as a
// lane has: a lane a key, all in step, since each step of a hash waits for the one before it. Or,
// `kAreUneven`, some keys have fewer: what is before one counts as zeros, and its hash begins with
// it.
template <uint32_t kFactor, uint32_t kBegin, bool kAreUneven>
__attribute__((target("avx2"))) void hash_in_lanes(const SomeKeys& keys, size_t length,
                                                   SomeHashes& hashes) {
  using Kind = HashLanes<kFactor>;
  using Lane = typename Kind::Lane;
  using Lanes = typename Kind::Lanes;
  using Signed = typename Kind::Signed;
  using Places = typename Kind::Places;
  constexpr size_t kWord = sizeof(Lane), kLanes = sizeof(Lanes) / kWord;
  constexpr size_t kRegisters = kSideBySide / kLanes;
  const char* from[kSideBySide];
  Lanes hash[kRegisters], words[kRegisters];
  Places begin[kRegisters];  // of the shorter keys
  for (size_t k = 0; k < kSideBySide; ++k) {
    from[k] = keys[k].data() + keys[k].size() - length;
    const bool is_shorter = kAreUneven && keys[k].size() < length;
    begin[k / kLanes][k % kLanes] = is_shorter ? Signed(length - keys[k].size()) : -1;
    hash[k / kLanes][k % kLanes] = is_shorter ? 0 : hashes[k];
  }
  const auto begin_at = [&](size_t r, size_t i) __attribute__((target("avx2"))) {
    if (kAreUneven && kBegin != 0)
      hash[r] ^= reinterpret_cast<Lanes>(begin[r] == static_cast<Signed>(i)) & kBegin;
  };
  const auto take_byte = [&](size_t i) __attribute__((target("avx2"))) {
    for (size_t r = 0; r < kRegisters; ++r) {
      begin_at(r, i);
      Kind::template multiply<kFactor>(hash[r]);
      hash[r] ^= words[r] & 0xff;
      words[r] >>= 8;
    }
  };
  const auto take_words = [&](size_t at) __attribute__((target("avx2"))) {
    for (size_t r = 0; r < kRegisters; ++r) {
      const auto word_of = [&](size_t k) { return load<Lane>(from[r * kLanes + k] + at); };
      if constexpr (kLanes == 4) {
        words[r] = Lanes{word_of(0), word_of(1), word_of(2), word_of(3)};
      } else {
        words[r] = Lanes{word_of(0), word_of(1), word_of(2), word_of(3),
                         word_of(4), word_of(5), word_of(6), word_of(7)};
      }
      if (!kAreUneven) continue;
      const Places until = begin[r] - static_cast<Signed>(at), none = {};
      const Places zeros = until > 0 ? until : none;
      words[r] &= reinterpret_cast<Lanes>(zeros < static_cast<Signed>(kWord)) &
                  (Lanes{} + ~Lane{0}) << reinterpret_cast<Lanes>((zeros & Signed{kWord - 1}) * 8);
    }
  };
  size_t i = 0;
  while (i + kWord <= length) {
    take_words(i);
    for (const size_t end = i + kWord; i < end; ++i) take_byte(i);
  }
  if (i < length) {  // with some of the word before
    take_words(length - kWord);
    for (auto& word : words) word >>= 8 * (i - (length - kWord));
    for (; i < length; ++i) take_byte(i);
  }
  for (size_t r = 0; r < kRegisters; ++r) begin_at(r, length);  // of keys without a byte
  for (size_t k = 0; k < kSideBySide; ++k)
    hashes[k] = static_cast<uint32_t>(hash[k / kLanes][k % kLanes]);
}
#endif

// The hashes of several keys, as hash_of_bytes() makes them, in less time. Of fewer keys the rest
// are any others, of which the same is true; empty ones take the least time.
template <uint32_t kFactor, uint32_t kBegin>
inline SomeHashes hashes_of_bytes(const SomeKeys& keys) {
  size_t shortest = keys[0].size(), longest = 0, all = 0;
  for (const auto& key : keys) {
    shortest = std::min(shortest, key.size());
    longest = std::max(longest, key.size());
    all += key.size();
  }
  size_t in_step = 0;  // so many of each key's last bytes
#ifdef __x86_64__
  // A few keys that are much longer than the others would have the lanes to themselves.
  const size_t most = std::min({longest, 2 * all / kSideBySide, shortest + kBeforeKeys});
  if (has_lanes() && most >= sizeof(typename HashLanes<kFactor>::Lane)) in_step = most;
#endif
  SomeHashes hashes;
  hashes.fill(kBegin);
  for (size_t k = 0; k < kSideBySide && longest > in_step; ++k) {
    const size_t size = keys[k].size();
    if (size > in_step)
      hashes[k] = hash_of_bytes<kFactor>(keys[k].substr(0, size - in_step), kBegin);
  }
#ifdef __x86_64__
  if (in_step > shortest) {
    hash_in_lanes<kFactor, kBegin, true>(keys, in_step, hashes);
  } else if (in_step > 0) {
    hash_in_lanes<kFactor, kBegin, false>(keys, in_step, hashes);
  }
#endif
  return hashes;
}

}  // namespace goromdb

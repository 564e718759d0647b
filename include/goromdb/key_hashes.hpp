// SPDX-License-Identifier: MIT
// For storages whose files are hash tables, and that verify them: the hashes of many keys in little
// time. Header-only and not part of the ABI. Of any thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

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
// Of less than 4 GiB each.
struct SomeKeys {
  std::array<const char*, kSideBySide> ends;
  std::array<uint32_t, kSideBySide> sizes;

  void set(size_t i, std::string_view key) {
    ends[i] = key.data() + key.size();
    sizes[i] = static_cast<uint32_t>(key.size());
  }
  // Sets the others from there on to what takes the least time: empty ones that lie as the first.
  void fill_from(size_t i) {
    for (; i < kSideBySide; ++i) {
      ends[i] = ends[0];
      sizes[i] = 0;
    }
  }
};
using SomeHashes = std::array<uint32_t, kSideBySide>;
using SomeKnown = std::array<uint32_t, kSideBySide>;
// Where some keys are longer than others, so many bytes before each of them can be read.
constexpr size_t kBeforeKeys = 512;

// From the hashes of what is before, those of all of the keys' bytes but the last `rest`.
template <uint32_t kFactor>
inline void hash_but_last(const SomeKeys& keys, size_t rest, SomeHashes& hashes) {
  for (size_t k = 0; k < kSideBySide; ++k) {
    const size_t size = keys.sizes[k];
    if (size > rest)
      hashes[k] = hash_of_bytes<kFactor>({keys.ends[k] - size, size - rest}, hashes[k]);
  }
}

#ifdef __x86_64__
// Wide registers, each with some hashes. A product of 32 bits takes half as long in lanes of 64,
// whose upper half means nothing then.
struct NarrowLanes {
  using Lane = uint32_t;
  using Signed = int32_t;
  using Lanes = Lane __attribute__((vector_size(32)));
  using Places = Signed __attribute__((vector_size(32)));
  using Stored = uint32_t __attribute__((vector_size(32)));
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
  using Stored = uint32_t __attribute__((vector_size(16)));
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

// How to take each lane's first, second, ... byte: where it lies in its half of the register.
template <class Lane>
struct alignas(32) ByteOfEach {
  std::array<Lane, 32 / sizeof(Lane)> places{};
  constexpr explicit ByteOfEach(size_t byte) {
    constexpr auto kNoOther = static_cast<Lane>(0x8080808080808000);
    for (size_t lane = 0; lane < places.size(); ++lane)
      places[lane] = kNoOther | static_cast<Lane>(lane * sizeof(Lane) % 16 + byte);
  }
  const __m256i* as_register() const { return reinterpret_cast<const __m256i*>(this); }
};
template <class Lane>
constexpr auto kByteOfEach = []<size_t... kByte>(std::index_sequence<kByte...>) {
  return std::array{ByteOfEach<Lane>(kByte)...};
}
(std::make_index_sequence<sizeof(Lane)>());

// From the hashes of what is before, those of the keys' last `length` bytes, as many at least as a
// lane has: a lane a key, all in step, since each step of a hash waits for the one before it. Some
// keys may have `lacking` bytes fewer: what is before one counts as zeros, and its hash begins with
// it.
template <uint32_t kFactor, uint32_t kBegin>
__attribute__((target("avx2"))) void hash_in_lanes(const SomeKeys& keys, size_t length,
                                                   size_t lacking, SomeHashes& hashes) {
  using Kind = HashLanes<kFactor>;
  using Lane = typename Kind::Lane;
  using Lanes = typename Kind::Lanes;
  using Signed = typename Kind::Signed;
  using Places = typename Kind::Places;
  using Stored = typename Kind::Stored;
  constexpr size_t kWord = sizeof(Lane), kLanes = sizeof(Lanes) / kWord;
  constexpr size_t kRegisters = kSideBySide / kLanes;
  Lanes hash[kRegisters], words[kRegisters];
  Places begin[kRegisters];  // of the shorter keys; of others 0
  const Stored most = Stored{} + static_cast<uint32_t>(length);
  for (size_t r = 0; r < kRegisters; ++r) {
    Stored sizes, before;
    std::memcpy(&sizes, keys.sizes.data() + r * kLanes, sizeof sizes);
    std::memcpy(&before, hashes.data() + r * kLanes, sizeof before);
    begin[r] = __builtin_convertvector(most - (sizes < most ? sizes : most), Places);
    hash[r] = __builtin_convertvector(before, Lanes) & reinterpret_cast<Lanes>(begin[r] == 0);
  }
  const auto begin_at = [&](size_t r, size_t i) __attribute__((target("avx2"))) {
    if (kBegin != 0 && i > 0)
      hash[r] ^= reinterpret_cast<Lanes>(begin[r] == static_cast<Signed>(i)) & kBegin;
  };
  const auto take_byte = [&](size_t r, size_t i) __attribute__((target("avx2"))) {
    const auto byte = _mm256_shuffle_epi8(reinterpret_cast<__m256i>(words[r]),
                                          _mm256_load_si256(kByteOfEach<Lane>[i].as_register()));
    Kind::template multiply<kFactor>(hash[r]);
    hash[r] ^= reinterpret_cast<Lanes>(byte);
  };
  const auto take_words = [&](size_t at) __attribute__((target("avx2"))) {
    for (size_t r = 0; r < kRegisters; ++r) {
      const auto word_of = [&](size_t k) {
        return load<Lane>(keys.ends[r * kLanes + k] - length + at);
      };
      if constexpr (kLanes == 4) {
        words[r] = Lanes{word_of(0), word_of(1), word_of(2), word_of(3)};
      } else {
        words[r] = Lanes{word_of(0), word_of(1), word_of(2), word_of(3),
                         word_of(4), word_of(5), word_of(6), word_of(7)};
      }
      if (at >= lacking) continue;
      const Places until = begin[r] - static_cast<Signed>(at), none = {};
      const Places zeros = until > 0 ? until : none;
      words[r] &= reinterpret_cast<Lanes>(zeros < static_cast<Signed>(kWord)) &
                  (Lanes{} + ~Lane{0}) << reinterpret_cast<Lanes>((zeros & Signed{kWord - 1}) * 8);
    }
  };
  size_t i = 0;
  while (i + kWord <= length) {
    take_words(i);
    if (i <= lacking) {
      for (size_t byte = 0; byte < kWord; ++byte) {
        for (size_t r = 0; r < kRegisters; ++r) {
          begin_at(r, i + byte);
          take_byte(r, byte);
        }
      }
    } else {
      for (size_t byte = 0; byte < kWord; ++byte) {
        for (size_t r = 0; r < kRegisters; ++r) take_byte(r, byte);
      }
    }
    i += kWord;
  }
  if (i < length) {  // with some of the word before
    const size_t at = length - kWord;
    take_words(at);
    for (; i < length; ++i) {
      for (size_t r = 0; r < kRegisters; ++r) {
        begin_at(r, i);
        take_byte(r, i - at);
      }
    }
  }
  for (size_t r = 0; r < kRegisters; ++r) {
    begin_at(r, length);  // of keys without a byte
    const Stored found = __builtin_convertvector(hash[r], Stored);
    std::memcpy(hashes.data() + r * kLanes, &found, sizeof found);
  }
}

// The hashes of all of the keys' bytes, of which none has any yet.
template <uint32_t kFactor, uint32_t kBegin>
__attribute__((target("avx2"))) void hash_mostly_in_lanes(const SomeKeys& keys,
                                                          SomeHashes& hashes) {
  uint32_t longest = 0, shortest = UINT32_MAX;
  uint64_t all = 0;
  for (const uint32_t size : keys.sizes) {
    longest = std::max(longest, size);
    shortest = std::min(shortest, size);
    all += size;
  }
  // A few keys that are much longer than the others would have the lanes to themselves.
  size_t in_step = std::min<size_t>({longest, 2 * all / kSideBySide, shortest + kBeforeKeys});
  if (in_step < sizeof(typename HashLanes<kFactor>::Lane)) in_step = 0;
  if (longest > in_step) hash_but_last<kFactor>(keys, in_step, hashes);
  if (in_step > 0)
    hash_in_lanes<kFactor, kBegin>(keys, in_step, in_step - std::min<size_t>(shortest, in_step),
                                   hashes);
}
#endif

// The hashes of several keys, as hash_of_bytes() makes them, in less time.
template <uint32_t kFactor, uint32_t kBegin>
inline SomeHashes hashes_of_bytes(const SomeKeys& keys) {
  SomeHashes hashes;
  hashes.fill(kBegin);
#ifdef __x86_64__
  if (has_lanes()) {
    hash_mostly_in_lanes<kFactor, kBegin>(keys, hashes);
    return hashes;
  }
#endif
  hash_but_last<kFactor>(keys, 0, hashes);
  return hashes;
}

// Keys wait here for others of about their length, with which they are hashed: in lanes all take as
// long as the longest. They have to stay where they are until then, and have kBeforeKeys. One
// thread.
template <uint32_t kFactor, uint32_t kBegin>
class KeyGroups {
 public:
  // With something that is known of the key. Of a group that is full then, `take`(hashes, known,
  // count) gets both; others follow the first `count`.
  template <class Take>
  void add(std::string_view key, uint32_t known, Take take) {
    Group& group = groups_[number_of(key.size())];
    group.keys.set(group.count, key);
    group.known[group.count] = known;
    if (++group.count == kSideBySide) take_group(group, take);
  }
  // Those that wait still.
  template <class Take>
  void add_rest(Take take) {
    for (Group& group : groups_) {
      if (group.count == 0) continue;
      group.keys.fill_from(group.count);
      take_group(group, take);
    }
  }

 private:
  struct Group {
    SomeKeys keys;
    SomeKnown known;
    size_t count = 0;
  };

  // Up to 64 bytes by fours, of which the first two are one; above by quarters of a power of two.
  static size_t number_of(size_t size) {
    if (size <= kFours * 4) return (std::max<size_t>(size, 5) - 1) / 4;
    const size_t bits = std::min<size_t>(std::bit_width(size - 1), kMostBits);
    return kFours + (bits - 7) * 4 + ((size - 1) >> (bits - 3) & 3);
  }
  template <class Take>
  [[gnu::noinline]] static void take_group(Group& group, Take take) {
    const size_t count = std::exchange(group.count, 0);
    const auto hashes = hashes_of_bytes<kFactor, kBegin>(group.keys);
    take(hashes, group.known, count);
  }

  static constexpr size_t kFours = 16, kMostBits = 16;
  std::array<Group, kFours + (kMostBits - 6) * 4> groups_{};
};

}  // namespace goromdb

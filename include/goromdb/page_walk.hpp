// SPDX-License-Identifier: MIT
// For storages that walk all pages of a file themselves and have a few ns for each entry.
// Header-only and not part of the ABI.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace goromdb {

template <class Word>
inline Word load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The first bytes as a number whose order is theirs.
template <class Word>
inline uint64_t big_endian(const char* at) {
  static_assert(std::endian::native == std::endian::little);
  const auto word = load<Word>(at);
  return sizeof word == sizeof(uint32_t) ? __builtin_bswap32(static_cast<uint32_t>(word))
                                         : __builtin_bswap64(word);
}

// < 0, 0 or > 0: the order of as many bytes as both have, without a call for each pair of keys.
// Words may have bytes of the ones before, which are the same in both where those are.
inline int compare_common(std::string_view a, std::string_view b) {
  constexpr size_t kWord = sizeof(uint64_t), kHalf = sizeof(uint32_t);
  const size_t common = std::min(a.size(), b.size());
  const auto order = [](uint64_t x, uint64_t y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (common >= kWord) {
    const size_t last = common - kWord;
    const auto order_at = [&](size_t i) {
      return order(big_endian<uint64_t>(a.data() + i), big_endian<uint64_t>(b.data() + i));
    };
    for (size_t i = 0; i < last; i += kWord) {
      if (load<uint64_t>(a.data() + i) != load<uint64_t>(b.data() + i)) return order_at(i);
    }
    return order_at(last);
  }
  if (common >= kHalf) {
    const auto both = [&](const char* at) {
      return big_endian<uint32_t>(at) << 32 | big_endian<uint32_t>(at + common - kHalf);
    };
    return order(both(a.data()), both(b.data()));
  }
  if (common == 0) return 0;
  const auto three = [&](std::string_view text) {
    const auto byte = [&](size_t i) {
      return static_cast<uint64_t>(static_cast<uint8_t>(text[i]));
    };
    return byte(0) << 16 | byte(common / 2) << 8 | byte(common - 1);
  };
  return order(three(a), three(b));
}

// As a == b, without a call. Words may have bytes of the ones before.
inline bool is_same(std::string_view a, std::string_view b) {
  constexpr size_t kWord = sizeof(uint64_t);
  if (a.size() != b.size()) return false;
  if (a.size() < kWord) return compare_common(a, b) == 0;
  const size_t last = a.size() - kWord;
  const auto differs = [&](size_t at) {
    return load<uint64_t>(a.data() + at) ^ load<uint64_t>(b.data() + at);
  };
  if (differs(0) || differs(last)) return false;
  for (size_t i = kWord; i < last; i += kWord) {
    if (differs(i)) return false;
  }
  return true;
}

// As a < b.
inline bool is_below(std::string_view a, std::string_view b) {
  const int order = compare_common(a, b);
  return order < 0 || (order == 0 && a.size() < b.size());
}

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
// are any others.
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

// Lets what lies there come from memory, while other things are done.
inline void expect(const void* at) { __builtin_prefetch(at, 0, 3); }

// The page that is looked at next comes from memory while this one is looked at, a bit with each of
// its entries, in the order in which it will be looked at: all at once would be waited for.
class ComingPage {
 public:
  // It is not known.
  ComingPage() = default;
  // All of it, in ascending order, in so many bits. `begin` nowhere: it is not known.
  ComingPage(const void* begin, size_t size, size_t bits)
      : ComingPage(static_cast<const char*>(begin), begin == nullptr ? 0 : size / kLine, bits,
                   kLine) {}
  // Of one that is filled from its end: its head, then what is from its end down to `lowest`.
  static ComingPage filled_from_end(const void* begin, size_t size, size_t head, size_t lowest,
                                    size_t bits) {
    if (begin == nullptr) return {};
    const auto at = static_cast<const char*>(begin);
    for (size_t line = 0; line < std::min(head, size); line += kLine) expect(at + line);
    const size_t lines = (size - std::min(lowest, size) + kLine - 1) / kLine;
    return {at + size - kLine, lines, bits, -ptrdiff_t{kLine}};
  }

  // What is behind the page comes as well where that is done too often.
  void a_bit() {
    for (due_ += lines_; due_ >= bits_; due_ -= bits_) {
      expect(at_);
      at_ += step_;
    }
  }

 private:
  static constexpr size_t kLine = 64;
  ComingPage(const char* at, size_t lines, size_t bits, ptrdiff_t step)
      : at_(at), lines_(lines), bits_(std::max<size_t>(bits, 1)), step_(step) {}

  const char* at_ = nullptr;
  size_t lines_ = 0, bits_ = 1, due_ = 0;  // so many lines in so many bits; due are parts of a line
  ptrdiff_t step_ = 0;
};

}  // namespace goromdb

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

namespace goromdb {

// < 0, 0 or > 0: the order of as many bytes as both have; of eight and more without a call for each
// pair of keys.
inline int compare_common(std::string_view a, std::string_view b) {
  static_assert(std::endian::native == std::endian::little);
  constexpr size_t kWord = sizeof(uint64_t);
  const size_t common = std::min(a.size(), b.size());
  if (common < kWord) return common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  const auto word_at = [](const char* at) {
    uint64_t word;
    std::memcpy(&word, at, kWord);
    return __builtin_bswap64(word);  // whose order is that of its bytes
  };
  // The last word may have bytes of the one before, which are the same in both.
  for (size_t i = 0;; i = std::min(i + kWord, common - kWord)) {
    const uint64_t x = word_at(a.data() + i), y = word_at(b.data() + i);
    if (x != y) return x < y ? -1 : 1;
    if (i + kWord == common) return 0;
  }
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

constexpr size_t kSideBySide = 8;
using SomeKeys = std::array<std::string_view, kSideBySide>;
using SomeHashes = std::array<uint32_t, kSideBySide>;

#ifdef __x86_64__
// The hashes of the keys' first `common` bytes, four at least, which all have: a lane a key.
template <uint32_t kFactor>
__attribute__((target("avx2"))) void hash_in_lanes(const SomeKeys& keys, size_t common,
                                                   uint32_t begin, SomeHashes& hashes) {
  using Lanes = uint32_t __attribute__((vector_size(sizeof(SomeHashes))));
  constexpr size_t kWord = sizeof(uint32_t);
  Lanes hash = Lanes{} + begin;
  for (size_t i = 0; i < common;) {
    const size_t at = std::min(i, common - kWord);  // nothing is read that is not the key's
    Lanes words;
    for (size_t k = 0; k < kSideBySide; ++k) {
      uint32_t word;
      std::memcpy(&word, keys[k].data() + at, kWord);
      words[k] = word;
    }
    for (words >>= 8 * (i - at); i < at + kWord; ++i, words >>= 8) {
      hash = hash * kFactor ^ (words & 0xff);
    }
  }
  std::memcpy(hashes.data(), &hash, sizeof hash);
}
#endif

// The hashes of several keys, as hash_of_bytes() makes them, in less time: by itself each step of
// one has to wait for the one before it.
template <uint32_t kFactor>
inline SomeHashes hashes_of_bytes(const SomeKeys& keys, uint32_t begin) {
  SomeHashes hashes;
  hashes.fill(begin);
  size_t done = 0;
#ifdef __x86_64__
  size_t common = keys[0].size();
  for (const auto& key : keys) common = std::min(common, key.size());
  if (has_lanes() && common >= sizeof(uint32_t)) {
    hash_in_lanes<kFactor>(keys, common, begin, hashes);
    done = common;
  }
#endif
  for (size_t k = 0; k < kSideBySide; ++k) {
    if (keys[k].size() > done) hashes[k] = hash_of_bytes<kFactor>(keys[k].substr(done), hashes[k]);
  }
  return hashes;
}

// The page that is looked at next comes from memory while this one is looked at, a bit with each of
// its entries: all at once would be waited for.
class ComingPage {
 public:
  // `begin` nowhere: it is not known.
  ComingPage(const void* begin, size_t size, size_t entries)
      : at_(static_cast<const char*>(begin)),
        lines_(begin == nullptr ? 0 : size / kLine),
        a_bit_(lines_ / std::max<size_t>(entries, 1) + 1) {}
  void a_bit() {
    const size_t bit = std::min(a_bit_, lines_);
    for (const char* const to = at_ + bit * kLine; at_ != to; at_ += kLine) {
      __builtin_prefetch(at_, 0, 2);
    }
    lines_ -= bit;
  }

 private:
  static constexpr size_t kLine = 64;
  const char* at_;
  size_t lines_, a_bit_;
};

}  // namespace goromdb

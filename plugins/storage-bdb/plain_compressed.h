// SPDX-License-Identifier: MIT
// The chunks of a compressed btree for plain_check, as libdb's default functions make them. libdb's
// own look at a file takes none apart, and its cursor reads behind the end of one whose first value
// or whose numbers say so: so all of that is looked at here. A chunk with duplicates, or with
// numbers of more than four bytes, is none here.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "format.h"

namespace goromdb::bdb {

// A number where `bytes` begin, which they lose. Nothing: there is none.
inline std::optional<uint32_t> take_number(std::string_view& bytes) {
  if (bytes.empty()) return {};
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const auto size = static_cast<size_t>(std::countl_one(byte(0))) + 1;
  if (size > kNumbersBegin.size() || size > bytes.size()) return {};
  uint32_t number = byte(0) & (0xffu >> size);
  for (size_t i = 1; i < size; ++i) number = number << 8 | byte(i);
  bytes.remove_prefix(size);
  return number + kNumbersBegin[size - 1];
}

// What is stored before the other bytes of a key.
struct PairSizes {
  size_t same, others, value;
};

inline std::optional<PairSizes> take_sizes(std::string_view& bytes) {
  if (uint32_t numbers = 0; bytes.size() >= sizeof numbers) {
    std::memcpy(&numbers, bytes.data(), sizeof numbers);
    if ((numbers & 0x808080) == 0) {  // each is a byte, as they mostly are
      bytes.remove_prefix(3);
      return PairSizes{numbers & 0x7f, numbers >> 8 & 0x7f, numbers >> 16 & 0x7f};
    }
  }
  const auto same = take_number(bytes), others = take_number(bytes), value = take_number(bytes);
  if (!same || !others || !value) return {};
  return PairSizes{*same, *others, *value};
}

// Takes chunks apart, one after the other.
class PlainChunks {
 public:
  // Hands all keys and values of a chunk that lies behind the key `first` to `take`, a key until
  // the next one. False: its keys are not in order, or do not fill it, or `take` said so.
  template <class Take>
  bool each(std::string_view first, std::string_view chunk, Take&& take);
  // Of a chunk that has no more than this key's value.
  void begin(std::string_view first) {
    if (key_.size() < first.size()) key_.resize(first.size());
    key_size_ = first.copy(key_.data(), first.size());
  }
  std::string_view last_key() const { return {key_.data(), key_size_}; }

 private:
  std::vector<char> key_{};
  size_t key_size_ = 0;
};

template <class Take>
bool PlainChunks::each(std::string_view first, std::string_view chunk, Take&& take) {
  constexpr size_t kWord = sizeof(uint64_t);
  const size_t most = first.size() + chunk.size() + kWord;
  if (key_.size() < most) key_.resize(most);
  begin(first);
  const auto first_size = take_number(chunk);
  if (!first_size || *first_size > chunk.size() || !take(first, chunk.substr(0, *first_size))) {
    return false;
  }
  chunk.remove_prefix(*first_size);
  char* const key = key_.data();
  size_t key_size = first.size();
  const auto byte = [](char stored) { return static_cast<uint8_t>(stored); };
  while (!chunk.empty()) {
    const auto sizes = take_sizes(chunk);
    if (!sizes) return false;
    const auto [same, others, value_size] = *sizes;
    if (others == 0 || others + value_size > chunk.size() || same > key_size) return false;
    // As many bytes are the same as can be: the first other one is above the one in its place.
    if (same < key_size && byte(chunk[0]) <= byte(key[same])) return false;
    if (others <= kWord && chunk.size() >= kWord) {
      std::memcpy(key + same, chunk.data(), kWord);
    } else {
      std::memcpy(key + same, chunk.data(), others);
    }
    key_size = same + others;
    if (!take(std::string_view(key, key_size), chunk.substr(others, value_size))) return false;
    chunk.remove_prefix(others + value_size);
  }
  key_size_ = key_size;
  return true;
}

}  // namespace goromdb::bdb

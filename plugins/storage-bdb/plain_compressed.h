// SPDX-License-Identifier: MIT
// The chunks of a compressed btree for plain_check, as libdb's default functions make them. libdb's
// own look at a file takes none apart, and its cursor reads behind the end of one whose first value
// or whose numbers say so: so all of that is looked at here. A chunk with duplicates, or with
// numbers of more than four bytes, is none here.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace goromdb::bdb {

// A number where `bytes` begin, which they lose. Nothing: there is none.
std::optional<uint32_t> take_any_number(std::string_view& bytes);
// The same, written for one with a byte, as it mostly is.
inline std::optional<uint32_t> take_packed_number(std::string_view& bytes) {
  if (const auto first = bytes.empty() ? 0xff : static_cast<uint8_t>(bytes[0]); first < 0x80) {
    bytes.remove_prefix(1);
    return first;
  }
  return take_any_number(bytes);
}

// Of a key how many bytes are as the one before has them, and how many others; of its value; and in
// how many all of that is stored. These are 0 where it is not there.
struct PairSizes {
  size_t same, others, value, stored;
};
PairSizes any_sizes(std::string_view bytes);
// The same, written for those with a byte each, as they mostly are.
inline PairSizes sizes_at(std::string_view bytes) {
  if (uint32_t numbers = 0; bytes.size() >= sizeof numbers) {
    std::memcpy(&numbers, bytes.data(), sizeof numbers);
    if ((numbers & 0x808080) == 0)
      return {numbers & 0x7f, numbers >> 8 & 0x7f, numbers >> 16 & 0x7f, 3};
  }
  const auto [same, others, value, stored] = any_sizes(bytes);
  return {same, others, value, stored};  // a copy: the usual ones stay in registers
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
  constexpr size_t kBlock = 16;
  const size_t most = first.size() + chunk.size();
  if (key_.size() < most) key_.resize(most);
  begin(first);
  const auto first_size = take_packed_number(chunk);
  if (!first_size || *first_size > chunk.size() || !take(first, chunk.substr(0, *first_size))) {
    return false;
  }
  char* const key = key_.data();
  size_t key_size = first.size();
  const auto byte = [](char stored) { return static_cast<uint8_t>(stored); };
  for (auto rest = chunk.substr(*first_size); !rest.empty();) {
    const auto [same, others, value_size, stored] = sizes_at(rest);
    if (stored == 0) return false;
    rest.remove_prefix(stored);
    if (others == 0 || others + value_size > rest.size() || same > key_size) return false;
    // As many bytes are the same as can be: the first other one is above the one in its place.
    if (same < key_size && byte(rest[0]) <= byte(key[same])) return false;
    if (others <= kBlock && rest.size() >= kBlock) {
      std::memcpy(key + same, rest.data(), kBlock);
    } else {
      std::memcpy(key + same, rest.data(), others);
    }
    key_size = same + others;
    if (!take(std::string_view(key, key_size), std::string_view(rest.data() + others, value_size)))
      return false;
    rest.remove_prefix(others + value_size);
  }
  key_size_ = key_size;
  return true;
}

}  // namespace goromdb::bdb

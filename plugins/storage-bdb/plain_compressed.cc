// SPDX-License-Identifier: MIT
#include "plain_compressed.h"

#include <bit>

#include "format.h"

namespace goromdb::bdb {

std::optional<uint32_t> take_any_number(std::string_view& bytes) {
  if (bytes.empty()) return {};
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const auto size = static_cast<size_t>(std::countl_one(byte(0))) + 1;
  if (size > kNumbersBegin.size() || size > bytes.size()) return {};
  uint32_t number = byte(0) & (0xffu >> size);
  for (size_t i = 1; i < size; ++i) number = number << 8 | byte(i);
  bytes.remove_prefix(size);
  return number + kNumbersBegin[size - 1];
}

PairSizes any_sizes(std::string_view bytes) {
  const size_t before = bytes.size();
  const auto same = take_packed_number(bytes), others = take_packed_number(bytes),
             value = take_packed_number(bytes);
  if (!same || !others || !value) return {};
  return {*same, *others, *value, before - bytes.size()};
}

}  // namespace goromdb::bdb

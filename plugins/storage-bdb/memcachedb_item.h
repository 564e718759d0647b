// SPDX-License-Identifier: MIT
// An entry's value as MemcacheDB keeps it: its struct _stritem, byte for byte (memcachedb.h of
// MemcacheDB 1.2, the same in 32- and 64-bit builds):
//   i32 length of the value and CRLF, in the writer's byte order; u8 length of the suffix; u8
//   length of the key; two bytes of padding; the key and a zero byte; the suffix " FLAGS
//   LENGTH\r\n"; the value and CRLF.
// Pure functions over bytes, of any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace goromdb::bdb {

struct Item {
  std::string_view key, value;
  uint32_t flags = 0;
};

constexpr size_t kMostItemKey = 255;

// Nothing when the bytes are no whole item. The views point into `bytes`. Bytes behind the item are
// left alone.
std::optional<Item> parse_item(std::string_view bytes);

// How many bytes clients get of what is stored for a key; nothing: it is no item of that key.
std::optional<uint64_t> served_size(std::string_view key, std::string_view stored);

// The key has at most kMostItemKey bytes, the value less than 2 GiB.
std::string item_of(const Item& item);

}  // namespace goromdb::bdb

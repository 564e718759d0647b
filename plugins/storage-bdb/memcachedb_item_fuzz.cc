// SPDX-License-Identifier: MIT
// Any bytes as a MemcacheDB item: refused, or its parts lie inside it and make an item that is read
// back as the same.
#include <cstdint>
#include <cstdlib>

#include "memcachedb_item.h"

namespace {

void must(bool kept) {
  if (!kept) std::abort();
}

bool is_inside(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace goromdb::bdb;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto item = parse_item(bytes);
  if (size >= 8) {  // the key that it names, whether it is an item or not
    const auto key = bytes.substr(8, data[5]);
    const auto served = usual_served_size(key, bytes);
    must(served == served_size(key, bytes));
    must(served == (item ? item->value.size() : kNoItem));
  }
  if (!item) return 0;
  must(is_inside(item->key, bytes) && is_inside(item->value, bytes));
  const auto made = item_of(*item);
  const auto again = parse_item(made);
  must(again && again->key == item->key && again->value == item->value);
  must(again->flags == item->flags);
  return 0;
}

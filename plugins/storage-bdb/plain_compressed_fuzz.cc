// SPDX-License-Identifier: MIT
// Any bytes as a chunk of a compressed btree: refused, or its keys are in order and its values
// inside it, and written again they are the same chunk.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "format.h"
#include "plain_compressed.h"

namespace {

using namespace goromdb::bdb;

void must(bool kept) {
  if (!kept) std::abort();
}

void append_number(std::string& chunk, size_t number) {
  size_t size = 1;
  while (size < kNumbersBegin.size() && number >= kNumbersBegin[size]) ++size;
  const size_t rest = number - kNumbersBegin[size - 1];
  const auto mark = static_cast<uint8_t>(0xff00 >> (size - 1));  // as many bits as bytes follow
  for (size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<uint8_t>(rest >> 8 * (size - 1 - i));
    chunk += static_cast<char>(i == 0 ? byte | mark : byte);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto first = bytes.substr(1, data[0]), chunk = bytes.substr(1 + first.size());
  std::string again, last;
  PlainChunks chunks;
  const bool is_sound = chunks.each(first, chunk, [&](auto key, auto value) {
    must(value.data() >= chunk.data() &&
         value.data() + value.size() <= chunk.data() + chunk.size());
    size_t same = key.size();
    if (again.empty()) {
      must(key == first);
    } else {
      must(last < key);
      for (same = 0; same < last.size() && last[same] == key[same]; ++same) continue;
      append_number(again, same);
      append_number(again, key.size() - same);
    }
    append_number(again, value.size());
    again += key.substr(same);
    again += value;
    last = key;
    return true;
  });
  if (is_sound) must(again == chunk && chunks.last_key() == last);
  return 0;
}

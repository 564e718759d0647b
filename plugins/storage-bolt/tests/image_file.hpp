// SPDX-License-Identifier: MIT
// The bytes of a Bolt file, to be changed by a test.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "../builder.h"
#include "database.hpp"

namespace goromdb::test {

struct ImageFile {
  std::string bytes;
  uint32_t page_size;

  explicit ImageFile(const Items& items, uint32_t size = 4096) : page_size(size) {
    TempDir dir;
    bolt::Builder builder(dir.file("made.db").c_str(), "default", size);
    for (const auto& [ns, entries] : items) {
      for (const auto& [key, item] : entries) builder.put(ns, key, item.value, 0);
    }
    builder.finish();
    std::ifstream in(dir.file("made.db"), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }

  uint8_t* page(uint64_t number) {
    return reinterpret_cast<uint8_t*>(bytes.data()) + number * page_size;
  }
  uint64_t pages() const { return bytes.size() / page_size; }
  uint8_t* element(uint64_t number, unsigned i) { return page(number) + 16 + 16 * i; }
  bool is_branch(uint64_t number) { return bolt::load<uint16_t>(page(number) + 8) == 1; }
  bool is_leaf(uint64_t number) { return bolt::load<uint16_t>(page(number) + 8) == 2; }
  uint64_t root() { return bolt::load<uint64_t>(page(1) + 16 + 16); }
  // A field of a meta page, by its place in the meta.
  void set64(uint64_t meta, unsigned at, uint64_t value) {
    bolt::store<uint64_t>(page(meta) + 16 + at, value);
  }
  // Makes the checksums of both metas right.
  void repair() {
    for (const uint64_t meta : {0, 1}) set64(meta, 56, bolt::fnv1a(page(meta) + 16, 56));
  }
};

}  // namespace goromdb::test

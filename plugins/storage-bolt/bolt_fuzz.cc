// SPDX-License-Identifier: MIT
// libFuzzer: the input as a Bolt file, both of its metas made right so that what lies behind them
// is reached, through everything that reads.
#include <string>

#include "tests/read_all.hpp"

namespace {

using namespace goromdb;

constexpr uint32_t kPageSize = 1024;  // small, so that a small input has many pages

void repair(std::string& file) {
  const size_t metas[] = {0, kPageSize};
  for (const size_t at : metas) {
    if (file.size() < at + bolt::kHeader + bolt::kMeta) return;
    auto* meta = reinterpret_cast<uint8_t*>(file.data()) + at + bolt::kHeader;
    bolt::store<uint32_t>(meta, bolt::kMagic);
    bolt::store<uint32_t>(meta + 4, bolt::kVersion);
    bolt::store<uint32_t>(meta + 8, kPageSize);
    const uint64_t pages = file.size() / kPageSize;
    if (bolt::load<uint64_t>(meta + 40) > pages) bolt::store<uint64_t>(meta + 40, pages);
    bolt::store<uint64_t>(meta + 56, bolt::fnv1a(meta, 56));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string file(reinterpret_cast<const char*>(data), size);
  if (size % 2 == 0) repair(file);
  test::ReadAll read(file);
  return 0;
}

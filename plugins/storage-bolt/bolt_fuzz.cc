// SPDX-License-Identifier: MIT
// libFuzzer. An input is a good file with some of its bytes changed, so that no corpus is needed,
// or a file of its own. Both metas are made right, so that what lies behind them is reached; then
// everything that reads has its turn.
#include <string>

#include "tests/image_file.hpp"
#include "tests/read_all.hpp"
#include "tests/sample.hpp"

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

const std::string& good(size_t which) {
  static const std::string files[] = {
      test::ImageFile({{"", {{"key", {"value"}}, {"large", {std::string(1500, 'l')}}}},
                       {"n/m/o", {{"key", {"value"}}}}},
                      kPageSize)
          .bytes,
      test::ImageFile({{"n",
                        {{std::string(900, 'a'), {}},
                         {std::string(900, 'b'), {}},
                         {std::string(900, 'c'), {}}}},
                       {"n/bb", {{"key", {"value"}}}}},
                      kPageSize)
          .bytes,
      test::ImageFile(test::sample(1, 300), kPageSize).bytes,
  };
  return files[which % std::size(files)];
}

// Four bytes say where and what.
std::string changed(std::string file, std::string_view by) {
  for (; by.size() >= 4; by.remove_prefix(4)) {
    const auto word = bolt::load<uint32_t>(reinterpret_cast<const uint8_t*>(by.data()));
    file[(word >> 8) % file.size()] = static_cast<char>(word);
  }
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string file = data[0] < 128 ? changed(good(data[0]), rest) : std::string(rest);
  if (data[0] != 255) repair(file);
  test::ReadAll read(file);
  return 0;
}

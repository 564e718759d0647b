// SPDX-License-Identifier: MIT
// Measures the plugin through its C table: bench-storage-bolt [FILE]; without a file it builds one
// of 1,000,000 keys in a temporary folder. Prints the time to build, open, verify and walk it, and
// the time of a look-up at several sizes of a batch, for keys that are there and keys that are not.
#include <goromdb/plugin.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "fake_host.hpp"

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr uint32_t kKeys = 1000000;
constexpr uint32_t kLookups = 2000000;

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

std::string key(uint32_t i) { return "key-" + std::to_string(10000000000 + i * 7919ull); }

void must(goromdb_status status, const goromdb_error& error) {
  if (status >= 0) return;
  std::fprintf(stderr, "%s\n", error.msg);
  std::exit(1);
}

void build(const goromdb_storage_ops& ops, goromdb_store* store, const fs::path& path) {
  goromdb_error error{};
  error.struct_size = sizeof error;
  goromdb_builder* builder = nullptr;
  std::mt19937 random(1);
  must(ops.build_open(store, path.c_str(), kKeys, &builder, &error), error);
  for (uint32_t i = 0; i < kKeys; ++i) {
    const std::string k = key(i), v(24 + random() % 61, static_cast<char>('a' + i % 26));
    must(ops.build_put(builder, {}, goromdb::slice(k), goromdb::slice(v), 0, &error), error);
  }
  must(ops.build_finish(builder, &error), error);
  ops.build_close(builder);
}

void look_up(const goromdb_storage_ops& ops, goromdb_reader* reader, uint32_t batch,
             const std::vector<std::string>& names) {
  std::vector<goromdb_key> keys(batch);
  std::vector<goromdb_value> values(batch);
  goromdb_arena arena;
  uint64_t found = 0, bytes = 0;
  const auto begin = Clock::now();
  for (uint32_t i = 0; i < kLookups; i += batch) {
    for (uint32_t j = 0; j < batch; ++j) {
      const std::string& name = names[(i + j) % names.size()];
      keys[j] = {name.data(), static_cast<uint32_t>(name.size()), 0};
    }
    ops.get(reader, 0, keys.data(), batch, values.data(), &arena);
    for (const goromdb_value& value : values) {
      if (value.status != GOROMDB_OK) continue;
      ++found;
      if (value.len > 0) bytes += static_cast<const unsigned char*>(value.ptr)[value.len / 2];
    }
  }
  std::printf("look-up in batches of %4u: %6.1f ns a key (%.0f %% found, sum %llu)\n", batch,
              milliseconds_since(begin) * 1e6 / kLookups,
              100. * static_cast<double>(found) / kLookups, static_cast<unsigned long long>(bytes));
}

}  // namespace

int main(int argc, char** argv) {
  goromdb::test::FakeHost host;
  const goromdb_plugin* plugin = goromdb_plugin_v0();
  goromdb::test::OptionValues options(plugin);
  const goromdb_storage_ops& ops = *plugin->storage;
  goromdb_error error{};
  error.struct_size = sizeof error;
  goromdb_store* store = nullptr;
  must(ops.create(host.table(), options.data(), options.size(), &store, &error), error);

  fs::path folder, path = argc > 1 ? argv[1] : "";
  if (path.empty()) {
    std::string name = (fs::temp_directory_path() / "goromdb-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) return 1;
    folder = name;
    path = folder / "sample.db";
    const auto begin = Clock::now();
    build(ops, store, path);
    std::printf("built %.1f MB, %u keys: %.0f ms\n", static_cast<double>(fs::file_size(path)) / 1e6,
                kKeys, milliseconds_since(begin));
  }
  goromdb_generation* generation = nullptr;
  goromdb_reader* reader = nullptr;
  auto begin = Clock::now();
  must(ops.open(store, path.c_str(), 1, &generation, &error), error);
  must(ops.reader_open(generation, 0, &reader, &error), error);
  std::printf("opened: %.2f ms\n", milliseconds_since(begin));
  begin = Clock::now();
  must(ops.verify(generation, &error), error);
  goromdb_generation_info info{};
  info.struct_size = sizeof info;
  ops.info(generation, &info);
  std::printf("verified: %.0f ms, %llu entries\n", milliseconds_since(begin),
              static_cast<unsigned long long>(info.entries));
  begin = Clock::now();
  goromdb_cursor* cursor = nullptr;
  must(ops.cursor_open(reader, 0, {}, &cursor, &error), error);
  std::vector<std::string> names;
  for (goromdb_status more = GOROMDB_OK; more == GOROMDB_OK;) {
    goromdb_key keys[64];
    goromdb_value values[64];
    uint32_t got = 0;
    goromdb_arena arena;
    must(more = ops.cursor_next(cursor, 64, keys, values, &got, &arena, &error), error);
    for (uint32_t i = 0; i < got; ++i) names.emplace_back(goromdb::view(keys[i]));
  }
  ops.cursor_close(cursor);
  std::printf("walked: %.0f ms, %zu keys without a namespace\n", milliseconds_since(begin),
              names.size());
  if (!names.empty()) {
    std::shuffle(names.begin(), names.end(), std::mt19937(2));
    for (uint32_t batch : {1, 2, 3, 4, 8, 16, 32, 100, 1000}) look_up(ops, reader, batch, names);
    for (std::string& name : names) name += '?';
    look_up(ops, reader, 100, names);
  }
  ops.reader_close(reader);
  ops.close(generation);
  ops.destroy(store);
  if (!folder.empty()) fs::remove_all(folder);
}

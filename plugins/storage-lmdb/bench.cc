// SPDX-License-Identifier: MIT
// Measures the plugin through its C table: bench-storage-lmdb [ENTRIES [BYTES-A-VALUE]]. Builds a
// file of 1,000,000 entries into a temporary folder, then opens, verifies and reads it. Prints the
// time of each and of a look-up at several sizes of a batch.
#include <goromdb/plugin.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "fake_host.hpp"

namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::string key(uint64_t i) { return "key-" + std::to_string(10000000000 + i * 7919); }

goromdb_slice slice(const std::string& s) { return {s.data(), s.size()}; }

void look_up(const goromdb_storage_ops& ops, goromdb_reader* reader,
             const std::vector<std::string>& names, uint32_t batch) {
  constexpr uint32_t kLookups = 2000000;
  std::vector<goromdb_key> keys(batch);
  std::vector<goromdb_value> values(batch);
  goromdb_arena arena;
  uint64_t found = 0, bytes = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < kLookups; i += batch) {
    for (uint32_t j = 0; j < batch; ++j) {
      const std::string& name = names[(i + j) % names.size()];
      keys[j] = {name.data(), static_cast<uint32_t>(name.size()), 0};
    }
    ops.get(reader, 0, keys.data(), batch, values.data(), &arena);
    for (const goromdb_value& value : values) {
      if (value.status != GOROMDB_OK) continue;
      ++found;
      bytes += static_cast<unsigned char>(static_cast<const char*>(value.ptr)[value.len / 2]);
    }
  }
  std::printf("look-up in batches of %3u: %6.1f ns a key (%llu of %u found, sum %llu)\n", batch,
              seconds_since(begin) * 1e9 / kLookups, static_cast<unsigned long long>(found),
              kLookups, static_cast<unsigned long long>(bytes));
}

// The time of what must succeed.
template <class Step>
double timed(const goromdb_error& error, Step&& step) {
  const auto begin = std::chrono::steady_clock::now();
  if (step() != GOROMDB_OK) {
    std::fprintf(stderr, "%s\n", error.msg);
    std::exit(1);
  }
  return seconds_since(begin) * 1e3;
}

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  const uint64_t entries = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000000;
  const std::string value(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 54, 'v');
  std::string folder = (fs::temp_directory_path() / "goromdb-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const std::string path = folder + "/data.db";

  goromdb::test::FakeHost host;
  const goromdb_plugin* plugin = goromdb_plugin_v0();
  goromdb::test::OptionValues options(plugin);
  goromdb_error error{};
  error.struct_size = sizeof error;
  goromdb_store* store = nullptr;
  goromdb_builder* builder = nullptr;
  goromdb_generation* generation = nullptr;
  goromdb_reader* reader = nullptr;
  const goromdb_storage_ops& ops = *plugin->storage;
  ops.create(host.table(), options.data(), options.size(), &store, &error);

  const double built = timed(error, [&] {
    goromdb_status status = ops.build_open(store, path.c_str(), entries, &builder, &error);
    for (uint64_t i = 0; i < entries && status == GOROMDB_OK; ++i) {
      const std::string name = key(i);
      status = ops.build_put(builder, {}, slice(name), slice(value), 0, &error);
    }
    return status == GOROMDB_OK ? ops.build_finish(builder, &error) : status;
  });
  ops.build_close(builder);
  const auto megabytes = static_cast<double>(fs::file_size(path)) / 1e6;
  std::printf("built %.1f MB, %llu keys: %.0f ms\n", megabytes,
              static_cast<unsigned long long>(entries), built);
  const double opened =
      timed(error, [&] { return ops.open(store, path.c_str(), 1, &generation, &error); });
  const double verified = timed(error, [&] { return ops.verify(generation, &error); });
  const double read = timed(error, [&] { return ops.reader_open(generation, 0, &reader, &error); });
  std::printf("open %.2f ms, verify %.0f ms (%.0f MB/s), first reader %.2f ms\n", opened, verified,
              megabytes / verified * 1e3, read);

  std::vector<std::string> names;
  for (uint64_t i = 0; i < std::min<uint64_t>(entries, 1000000); ++i) {
    names.push_back(key(i * entries / std::min<uint64_t>(entries, 1000000)));
  }
  std::shuffle(names.begin(), names.end(), std::mt19937(2));
  for (uint32_t batch : {1, 8, 16, 32, 100}) look_up(ops, reader, names, batch);

  ops.reader_close(reader);
  ops.close(generation);
  ops.destroy(store);
  fs::remove_all(folder);
}

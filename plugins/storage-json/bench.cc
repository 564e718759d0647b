// SPDX-License-Identifier: MIT
// Measures the plugin through its C table: bench-storage-json [FILE [THREADS]]; without a file it
// writes one of 1,000,000 string keys into a temporary folder. Prints the time to load it, the
// memory that it takes and the time of a look-up at several sizes of a batch.
#include <goromdb/plugin.h>

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "fake_host.hpp"

namespace {

constexpr uint32_t kKeys = 1000000;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::string key(uint32_t i) { return "key-" + std::to_string(10000000000 + i * 7919ull); }

void write_sample(const std::filesystem::path& path) {
  std::mt19937 random(1);
  std::ofstream out(path);
  for (uint32_t i = 0; i < kKeys; ++i) {
    out << (i == 0 ? "{\"" : ",\n\"") << key(i) << "\":\""
        << std::string(24 + random() % 61, static_cast<char>('a' + i % 26)) << '"';
  }
  out << "}\n";
}

long peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

void look_up(const goromdb_storage_ops& ops, goromdb_reader* reader, uint32_t batch) {
  constexpr uint32_t kLookups = 2000000;
  static std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (uint32_t i = 0; i < kKeys; ++i) all.push_back(key(i));
    std::shuffle(all.begin(), all.end(), std::mt19937(2));
    return all;
  }();
  std::vector<goromdb_key> keys(batch);
  std::vector<goromdb_value> values(batch);
  goromdb_arena arena;
  uint64_t found = 0, bytes = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < kLookups; i += batch) {
    for (uint32_t j = 0; j < batch; ++j) {
      const std::string& name = names[(i + j) % kKeys];
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

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  fs::path folder, path = argc > 1 ? argv[1] : "";
  if (path.empty()) {
    std::string name = (fs::temp_directory_path() / "goromdb-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) return 1;
    folder = name;
    path = folder / "sample.json";
    write_sample(path);
  }
  goromdb::test::FakeHost host;
  if (argc > 2) host.lend_threads(static_cast<uint32_t>(std::stoul(argv[2])));
  const goromdb_plugin* plugin = goromdb_plugin_v0();
  goromdb::test::OptionValues options(plugin);
  goromdb_error error{};
  error.struct_size = sizeof error;
  goromdb_store* store = nullptr;
  goromdb_generation* generation = nullptr;
  goromdb_reader* reader = nullptr;
  const goromdb_storage_ops& ops = *plugin->storage;
  ops.create(host.table(), options.data(), options.size(), &store, &error);
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    if (generation != nullptr) ops.close(generation);
    const auto begin = std::chrono::steady_clock::now();
    if (ops.open(store, path.c_str(), 1, &generation, &error) != GOROMDB_OK) {
      std::fprintf(stderr, "%s\n", error.msg);
      return 1;
    }
    best = std::min(best, seconds_since(begin));
  }
  goromdb_generation_info info{};
  info.struct_size = sizeof info;
  ops.info(generation, &info);
  const auto size = static_cast<double>(fs::file_size(path));
  const auto entries = static_cast<double>(std::max<uint64_t>(info.entries, 1));
  std::printf("loaded %.1f MB, %.0f keys: %.0f ms, %.0f MB/s (best of 5)\n", size / 1e6, entries,
              best * 1e3, size / 1e6 / best);
  std::printf("memory: %.1f MB, %.1f bytes a key beside its %.1f; peak of the process %ld MiB\n",
              static_cast<double>(info.resident_bytes) / 1e6,
              static_cast<double>(info.resident_bytes - info.bytes) / entries,
              static_cast<double>(info.bytes) / entries, peak_megabytes());
  ops.reader_open(generation, 0, &reader, &error);
  if (argc == 1) {
    for (uint32_t batch : {1, 8, 16, 32, 100}) look_up(ops, reader, batch);
  }
  ops.reader_close(reader);
  ops.close(generation);
  ops.destroy(store);
  if (!folder.empty()) fs::remove_all(folder);
}

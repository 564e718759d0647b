// SPDX-License-Identifier: MIT
// verify() with one thread and with two: both say the same of a file, whatever is in it.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>

#include "database.hpp"
#include "rounds.hpp"

namespace goromdb::test {

// The bytes of a file that the storage builds.
inline std::string built(const Items& items) {
  Database db;
  REQUIRE_MESSAGE(db.build(items), db.message);
  std::ifstream file(db.dir().file("built.db"), std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// What open() and verify() say, without a reader: some libraries die on what is damaged.
struct Verdict {
  goromdb_status status = GOROMDB_OK;
  std::string message;
  uint64_t entries = 0, bytes = 0, largest_key = 0, largest_value = 0;
  uint32_t namespaces = 0;
};

// With that many threads, or (0) as it is found by an index that open() makes.
inline Verdict verdict_on(const std::string& path, uint32_t threads) {
  const auto* plugin = goromdb_plugin_v0();
  const auto& ops = *plugin->storage;
  const auto caller = std::this_thread::get_id();
  FakeHost host;
  host.lend_threads(threads);
  host.on_progress = [&](uint64_t, uint64_t) {
    CHECK(std::this_thread::get_id() == caller);
    return 0;
  };
  OptionValues options(plugin);
  if (threads == 0) options.set("index", "hash");
  goromdb_error error{};
  error.struct_size = sizeof error;
  goromdb_store* store = nullptr;
  goromdb_generation* generation = nullptr;
  REQUIRE(ops.create(host.table(), options.data(), options.size(), &store, &error) == GOROMDB_OK);
  Verdict verdict;
  verdict.status = ops.open(store, path.c_str(), 1, &generation, &error);
  if (verdict.status == GOROMDB_OK) {
    verdict.status = ops.verify(generation, &error);
    goromdb_generation_info info{};
    info.struct_size = sizeof info;
    ops.info(generation, &info);
    if (verdict.status == GOROMDB_OK) {
      verdict.entries = info.entries;
      verdict.bytes = info.bytes;
      verdict.largest_key = info.largest_key;
      verdict.largest_value = info.largest_value;
      verdict.namespaces = info.namespaces;
    }
    ops.close(generation);
  }
  ops.destroy(store);
  verdict.message = error.msg;
  return verdict;
}

// Two threads say what one says, and what an index that is made entry by entry says.
inline Verdict checked_verdict_on(const std::string& path) {
  const Verdict one = verdict_on(path, 1);
  for (const uint32_t threads : {2u, 0u}) {
    const Verdict other = verdict_on(path, threads);
    CAPTURE(threads);
    CAPTURE(one.message);
    CAPTURE(other.message);
    CHECK(other.status == one.status);
    CHECK(other.entries == one.entries);
    CHECK(other.bytes == one.bytes);
    CHECK(other.largest_key == one.largest_key);
    CHECK(other.largest_value == one.largest_value);
    CHECK(other.namespaces == one.namespaces);
  }
  return one;
}

// The same of a whole file with a few bits changed, again and again, between two of its bytes. In
// every other file they are among the first 64 of a page (of `step` bytes), which are its header.
inline void check_damaged(const std::string& whole, size_t step, int times, size_t begin = 0,
                          size_t end = std::string::npos) {
  times = rounds(times);
  const TempDir dir;
  const auto path = dir.file("data.db");
  std::mt19937 random(11);
  int refused = 0, taken = 0;
  for (int i = 0; i < times; ++i) {
    std::string bytes = whole;
    for (int flips = 1 + i % 3; flips > 0; --flips) {
      size_t at = begin + random() % (std::min(end, bytes.size()) - begin);
      if (begin == 0 && i % 2 == 0) at = at / step * step + random() % 64;
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    }
    std::filesystem::remove(path);
    const auto verdict = checked_verdict_on(written(path, bytes));
    (verdict.status == GOROMDB_OK ? taken : refused) += 1;
  }
  CHECK(refused > times / 10);
  if (begin == 0) CHECK(taken > 0);
}

}  // namespace goromdb::test

// SPDX-License-Identifier: MIT
// libFuzzer: the input as a Bolt file, both of its metas made right so that what lies behind them
// is reached, through every operation of the C table that reads.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "fake_host.hpp"
#include "format.h"

namespace {

using namespace goromdb;

// Pages are small here, so that a small input has many.
constexpr uint32_t kPageSize = 1024;

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

// Every byte, so that a sanitizer sees those that are none of the file's.
void read(const void* p, size_t n) {
  volatile uint8_t sum = 0;
  for (size_t i = 0; i < n; ++i) sum = sum + static_cast<const uint8_t*>(p)[i];
}

void require(bool fact) {
  if (!fact) std::abort();
}

class Run {
 public:
  Run(const goromdb_storage_ops& ops, goromdb_store* store, const char* path) : ops_(ops) {
    error_.struct_size = sizeof error_;
    if (ops_.open(store, path, 1, &generation_, &error_) != GOROMDB_OK) return;
    require(ops_.reader_open(generation_, 0, &reader_, &error_) == GOROMDB_OK);
    whole_ = ops_.verify(generation_, &error_) == GOROMDB_OK;
    walk_and_get(0);
    std::vector<goromdb_slice> names(8);
    std::string last;
    for (int i = 0; i < 3; ++i) {
      goromdb_arena arena;
      uint32_t got = 0;
      const auto status = ops_.ns_list(reader_, i == 0 ? goromdb_slice{} : slice(last), 8,
                                       names.data(), &got, &arena, &error_);
      require(status >= 0 || !whole_);
      for (uint32_t n = 0; status >= 0 && n < got; ++n) {
        uint32_t id = 0;
        const auto known = ops_.ns_lookup(reader_, names[n], &id);
        require(known == GOROMDB_OK || !whole_);
        if (known == GOROMDB_OK) walk_and_get(id);
        last = view(names[n]);
      }
      if (status != GOROMDB_OK) break;
    }
    ops_.reader_close(reader_);
    ops_.close(generation_);
  }

 private:
  // What a walk gives, a get finds; what is verified does neither fail.
  void walk_and_get(uint32_t ns) {
    std::vector<goromdb_key> keys;
    std::vector<goromdb_value> values;
    // A walk leaves the reader to forget namespaces, a get does too: so the get comes first of all.
    get(ns, {{"key", 3, ns}, {"", 0, ns}, {"\xFF\xFF", 2, ns}, {"zzz", 3, ns}}, {});
    goromdb_cursor* cursor = nullptr;
    if (ops_.cursor_open(reader_, ns, {}, &cursor, &error_) != GOROMDB_OK) {
      require(!whole_);
      return;
    }
    for (goromdb_status more = GOROMDB_OK; more == GOROMDB_OK && keys.size() < 500;) {
      goromdb_key some[16];
      goromdb_value of_them[16];
      uint32_t got = 0;
      goromdb_arena arena;
      more = ops_.cursor_next(cursor, 16, some, of_them, &got, &arena, &error_);
      require(more >= 0 || !whole_);
      for (uint32_t i = 0; more >= 0 && i < got; ++i) {
        some[i].ns = ns;
        read(some[i].ptr, some[i].len);
        read(of_them[i].ptr, of_them[i].len);
        keys.push_back(some[i]);
        values.push_back(of_them[i]);
      }
    }
    ops_.cursor_close(cursor);
    get(ns, keys, values);
  }

  void get(uint32_t, const std::vector<goromdb_key>& keys,
           const std::vector<goromdb_value>& expected) {
    if (keys.empty()) return;
    std::vector<goromdb_value> values(keys.size());
    goromdb_arena arena;
    ops_.get(reader_, 0, keys.data(), static_cast<uint32_t>(keys.size()), values.data(), &arena);
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i].status == GOROMDB_OK) read(values[i].ptr, values[i].len);
      if (!whole_ || expected.empty()) continue;
      require(values[i].status == GOROMDB_OK && values[i].ptr == expected[i].ptr &&
              values[i].len == expected[i].len);
    }
  }

  const goromdb_storage_ops& ops_;
  goromdb_error error_{};
  goromdb_generation* generation_ = nullptr;
  goromdb_reader* reader_ = nullptr;
  bool whole_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static test::FakeHost host;
  static const goromdb_storage_ops& ops = *goromdb_plugin_v0()->storage;
  static goromdb_store* const store = [] {
    test::OptionValues options(goromdb_plugin_v0());
    goromdb_store* made = nullptr;
    goromdb_error error{};
    error.struct_size = sizeof error;
    require(ops.create(host.table(), options.data(), options.size(), &made, &error) == GOROMDB_OK);
    return made;
  }();
  static const std::string path = (::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") +
                                  std::string("/bolt_fuzz.") + std::to_string(::getpid());
  static const int made = std::atexit([] { ::unlink(path.c_str()); });
  (void)made;
  std::string file(reinterpret_cast<const char*>(data), size);
  repair(file);
  std::FILE* out = std::fopen(path.c_str(), "wb");
  require(out != nullptr && std::fwrite(file.data(), 1, file.size(), out) == file.size());
  std::fclose(out);
  host.log.clear();
  Run(ops, store, path.c_str());
  return 0;
}

// SPDX-License-Identifier: MIT
// Any bytes as a data file: the first byte chooses the options, the rest is the file. Whatever it
// holds, it is refused with a message, or everything that can be listed can be read back.
#include <goromdb/sdk.hpp>

#include <cstdlib>
#include <optional>
#include <vector>

#include "fake_host.hpp"
#include "fuzz_file.hpp"

namespace {

using namespace goromdb;
using test::FuzzFile;

void must(bool kept) {
  if (!kept) std::abort();
}

// What a walk gives, get() gives. How many entries it gave.
uint64_t check_walk(const goromdb_storage_ops& ops, goromdb_reader* reader, uint32_t ns,
                    std::optional<uint64_t> random = {}) {
  goromdb_arena arena;
  goromdb_error error{};
  error.struct_size = sizeof error;
  goromdb_cursor* cursor = nullptr;
  must((random ? ops.cursor_open_random(reader, ns, *random, &cursor, &error)
               : ops.cursor_open(reader, ns, {}, &cursor, &error)) == GOROMDB_OK);
  uint64_t entries = 0;
  goromdb_key keys[8];
  goromdb_value values[8], again[8];
  goromdb_status status = GOROMDB_OK;
  while (status == GOROMDB_OK) {
    uint32_t got = 0;
    status = ops.cursor_next(cursor, 8, keys, values, &got, &arena, &error);
    must(status == GOROMDB_END || got > 0);
    entries += got;
    if (got > 0) ops.get(reader, 0, keys, got, again, &arena);
    for (uint32_t i = 0; i < got; ++i) {
      must(again[i].status == GOROMDB_OK && again[i].ptr == values[i].ptr);
      must(again[i].len == values[i].len && again[i].flags == values[i].flags);
    }
  }
  ops.cursor_close(cursor);
  return entries;
}

// As many entries as are counted, and some of them from wherever the walk begins.
void check_walks(const goromdb_storage_ops& ops, goromdb_reader* reader, uint32_t ns) {
  uint64_t counted = 0;
  must(ops.ns_count(reader, ns, &counted) == GOROMDB_OK);
  must(check_walk(ops, reader, ns) == counted);
  for (uint64_t random = 0; random < 3; ++random) {
    const uint64_t entries = check_walk(ops, reader, ns, random);
    must(entries <= counted && (entries > 0 || counted == 0));
  }
}

void read_back(const goromdb_storage_ops& ops, goromdb_reader* reader) {
  goromdb_arena arena;
  goromdb_error error{};
  error.struct_size = sizeof error;
  std::vector<goromdb_slice> names(16);
  uint32_t got = 0;
  must(ops.ns_list(reader, {}, 16, names.data(), &got, &arena, &error) >= 0);
  for (uint32_t i = 0; i < got; ++i) {
    uint32_t id = 0;
    must(ops.ns_lookup(reader, names[i], &id) == GOROMDB_OK && id != 0);
    const goromdb_key key{names[i].ptr, static_cast<uint32_t>(names[i].len), id};
    goromdb_value value{};
    ops.get(reader, 0, &key, 1, &value, &arena);
    must(value.status == GOROMDB_OK || value.status == GOROMDB_NOT_FOUND);
    check_walks(ops, reader, id);
  }
  check_walks(ops, reader, 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const goromdb_plugin* plugin = goromdb_plugin_v0();
  const goromdb_storage_ops& ops = *plugin->storage;
  test::FakeHost host;
  test::OptionValues options(plugin);
  options.set("nested", (data[0] & 1) != 0 ? "text" : "namespace");
  options.set("format", (data[0] & 2) != 0 ? "ndjson" : (data[0] & 4) != 0 ? "json" : "auto");
  options.set("max_decompressed", "1MiB");
  goromdb_error error{};
  error.struct_size = sizeof error;
  goromdb_store* store = nullptr;
  must(ops.create(host.table(), options.data(), options.size(), &store, &error) == GOROMDB_OK);
  const FuzzFile file({reinterpret_cast<const char*>(data) + 1, size - 1});
  goromdb_generation* generation = nullptr;
  if (ops.open(store, file.path(), 1, &generation, &error) == GOROMDB_OK) {
    goromdb_reader* reader = nullptr;
    must(ops.reader_open(generation, 0, &reader, &error) == GOROMDB_OK);
    read_back(ops, reader);
    ops.reader_close(reader);
    ops.close(generation);
  } else {
    must(error.msg[0] != 0);
  }
  ops.destroy(store);
  return 0;
}

// SPDX-License-Identifier: MIT
// Memory of one batch: bump allocation, freed all at once. Belongs to one loop.
#pragma once

#include <goromdb/plugin.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

// What the ABI calls goromdb_arena. reset() keeps one block, so that steady traffic allocates
// nothing.
struct goromdb_arena {
 public:
  goromdb_arena() = default;
  ~goromdb_arena() { reset(); }
  goromdb_arena(const goromdb_arena&) = delete;
  goromdb_arena& operator=(const goromdb_arena&) = delete;

  // NULL when memory is short.
  void* alloc(size_t n, size_t align) noexcept;
  void on_free(void (*fn)(void*), void* ctx) { callbacks_.emplace_back(fn, ctx); }
  void reset() noexcept;
  size_t size() const;  // bytes of memory that it has taken
  bool empty() const { return used_ == 0 && callbacks_.empty(); }  // nothing since reset()

 private:
  static constexpr size_t kBlock = size_t{64} << 10;

  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    size_t size;
  };
  std::vector<Block> blocks_;
  size_t used_ = 0;  // of the last block
  std::vector<std::pair<void (*)(void*), void*>> callbacks_;
};

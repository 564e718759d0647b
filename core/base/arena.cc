// SPDX-License-Identifier: MIT
#include "core/base/arena.h"

#include <algorithm>
#include <new>

void* goromdb_arena::alloc(size_t n, size_t align) noexcept {
  auto place = [&]() -> void* {
    if (blocks_.empty()) return nullptr;
    auto& block = blocks_.back();
    auto base = reinterpret_cast<uintptr_t>(block.bytes.get());
    auto start = (base + used_ + align - 1) / align * align - base;
    if (start > block.size || block.size - start < n) return nullptr;
    used_ = start + n;
    return block.bytes.get() + start;
  };
  if (void* p = place()) return p;
  try {
    const size_t size = std::max(kBlock, n + align);
    blocks_.push_back({std::unique_ptr<std::byte[]>(new std::byte[size]), size});
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  used_ = 0;
  return place();
}

size_t goromdb_arena::size() const {
  size_t size = 0;
  for (const auto& block : blocks_) size += block.size;
  return size;
}

void goromdb_arena::reset() noexcept {
  for (auto [fn, ctx] : callbacks_) fn(ctx);
  callbacks_.clear();
  // One block of the usual size is worth keeping; a giant one is not.
  while (blocks_.size() > 1) blocks_.pop_back();
  if (!blocks_.empty() && blocks_.front().size > kBlock) blocks_.clear();
  used_ = 0;
}

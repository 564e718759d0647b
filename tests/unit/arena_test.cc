// SPDX-License-Identifier: MIT
#include "core/base/arena.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/unit/temp_folder.hpp"

TEST_CASE("memory of an arena is aligned, distinct and all of it may be written") {
  goromdb_arena arena;
  struct Piece {
    unsigned char* bytes;
    size_t size;
    unsigned char mark;
  };
  std::vector<Piece> pieces;
  const size_t sizes[] = {0, 1, 7, 8, 63, 64, 65, 1000, 4096, 65536, 65537, 1 << 20, 3};
  unsigned char mark = 0;
  for (int round = 0; round < 20; ++round) {
    for (size_t size : sizes) {
      for (size_t align : {1u, 2u, 8u, 16u, 64u}) {
        auto* bytes = static_cast<unsigned char*>(arena.alloc(size, align));
        REQUIRE(bytes != nullptr);
        REQUIRE(reinterpret_cast<uintptr_t>(bytes) % align == 0);
        std::memset(bytes, ++mark, size);
        pieces.push_back({bytes, size, mark});
      }
    }
  }
  for (const auto& piece : pieces) {
    CHECK(std::count(piece.bytes, piece.bytes + piece.size, piece.mark) ==
          static_cast<ptrdiff_t>(piece.size));
  }
}

TEST_CASE("a size that no machine has is NULL and the arena goes on") {
  goromdb_arena arena;
  CHECK(arena.alloc(SIZE_MAX, 1) == nullptr);
  CHECK(arena.alloc(SIZE_MAX - 8, 64) == nullptr);
  if (goromdb::test::kMemoryMayRunOut) {
    volatile size_t huge = SIZE_MAX / 2;  // hidden from the compiler, which knows better
    CHECK(arena.alloc(huge, 16) == nullptr);
  }
  CHECK(arena.alloc(16, 16) != nullptr);
}

TEST_CASE("a block of the usual size is used again after a reset") {
  goromdb_arena arena;
  void* first = arena.alloc(100, 8);
  arena.reset();
  CHECK(arena.alloc(100, 8) == first);
  for (int i = 0; i < 100; ++i) arena.alloc(60'000, 8);
  arena.reset();
  CHECK(arena.alloc(100, 8) == first);
}

TEST_CASE("callbacks run once, in order, when the arena is reset or goes") {
  std::vector<int> ran;
  struct Call {
    std::vector<int>* ran;
    int number;
  };
  std::vector<Call> calls = {{&ran, 1}, {&ran, 2}, {&ran, 3}};
  auto note = [](void* ctx) {
    auto* call = static_cast<Call*>(ctx);
    call->ran->push_back(call->number);
  };
  {
    goromdb_arena arena;
    arena.on_free(note, &calls[0]);
    arena.on_free(note, &calls[1]);
    CHECK(ran.empty());
    arena.reset();
    CHECK(ran == std::vector<int>{1, 2});
    arena.reset();
    CHECK(ran == std::vector<int>{1, 2});
    arena.on_free(note, &calls[2]);
  }
  CHECK(ran == std::vector<int>{1, 2, 3});
}

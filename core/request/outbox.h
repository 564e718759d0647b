// SPDX-License-Identifier: MIT
// Replies on their way out: literals in chunks of its own, large values by reference. Belongs to
// one loop.
#pragma once

#include <goromdb/plugin.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/base/arena.h"

namespace goromdb {

struct LoopView;

// Filled through the ABI's goromdb_out, then sent from the front. What it references (values of a
// generation or of its arena) stays in place until it has been sent, reset() ran.
class Outbox : private goromdb_out {
 public:
  Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  goromdb_out* sink() { return this; }
  goromdb_arena& arena() { return arena_; }

  size_t size() const { return sealed_ + static_cast<size_t>(cur - run_); }
  bool failed() const { return failed_; }  // memory was short; the reply is not whole

  // Ends the literal that is being written, so that segments() shows all of it.
  void seal();
  std::span<const uv_buf_t> segments() const {
    return {segments_.data() + head_, segments_.size() - head_};
  }
  void advance(size_t sent);
  void reset();

  // The generations whose values are referenced; kept by the loop that sends this.
  std::vector<LoopView*> views;

 private:
  // Values up to this size are copied behind their literal: one segment for the kernel instead of
  // three is worth more than the copy. docs/architecture.md has the measurement.
  static constexpr size_t kCopyLimit = 4096;
  // Beyond so many bytes of its own a batch references small values, too: a line of requests for
  // one value must not become a thousand copies of it.
  static constexpr size_t kOwnLimit = size_t{1} << 20;
  static constexpr size_t kChunk = size_t{64} << 10;
  static constexpr size_t kKeptChunks = 4;

  struct Chunk {
    std::unique_ptr<uint8_t[]> bytes;
    size_t size;
  };

  bool make_room(size_t need) noexcept;
  void append(const goromdb_value& value) noexcept;
  void use_chunk(size_t index);

  std::vector<Chunk> chunks_;
  size_t chunk_ = 0;        // the one that cur is in
  uint8_t* run_ = nullptr;  // where the literal that is being written began
  std::vector<uv_buf_t> segments_;
  size_t head_ = 0, sealed_ = 0, copied_ = 0;
  bool failed_ = false;
  goromdb_arena arena_;
};

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "core/request/outbox.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace goromdb {

Outbox::Outbox() : goromdb_out{} {
  grow = [](goromdb_out* out, size_t need) -> int32_t {
    return static_cast<Outbox*>(out)->make_room(need) ? 0 : -1;
  };
  value = [](goromdb_out* out, const goromdb_value* v) { static_cast<Outbox*>(out)->append(*v); };
  chunks_.push_back({std::unique_ptr<uint8_t[]>(new uint8_t[kChunk]), kChunk});
  segments_.reserve(64);
  use_chunk(0);
}

void Outbox::use_chunk(size_t index) {
  chunk_ = index;
  run_ = cur = chunks_[index].bytes.get();
  end = cur + chunks_[index].size;
}

void Outbox::seal() {
  if (cur == run_) return;
  const auto n = static_cast<size_t>(cur - run_);
  segments_.push_back(uv_buf_init(reinterpret_cast<char*>(run_), static_cast<unsigned>(n)));
  sealed_ += n;
  run_ = cur;
}

bool Outbox::make_room(size_t need) noexcept {
  if (static_cast<size_t>(end - cur) >= need) return true;
  try {
    seal();
    if (chunk_ + 1 == chunks_.size() || chunks_[chunk_ + 1].size < need) {
      const size_t size = std::max(kChunk, need);
      chunks_.insert(chunks_.begin() + static_cast<ptrdiff_t>(chunk_ + 1),
                     {std::unique_ptr<uint8_t[]>(new uint8_t[size]), size});
    }
    use_chunk(chunk_ + 1);
    return true;
  } catch (const std::bad_alloc&) {
    failed_ = true;
    return false;
  }
}

void Outbox::append(const goromdb_value& v) noexcept {
  if (v.len <= kCopyLimit && copied_ + v.len <= kOwnLimit) {
    if (!make_room(v.len)) return;
    copied_ += v.len;
    std::memcpy(cur, v.ptr, v.len);
    cur += v.len;
    return;
  }
  try {
    seal();
    auto* bytes = const_cast<char*>(static_cast<const char*>(v.ptr));  // libuv only reads it
    segments_.push_back(uv_buf_init(bytes, v.len));
    sealed_ += v.len;
  } catch (const std::bad_alloc&) {
    failed_ = true;
  }
}

void Outbox::advance(size_t sent) {
  sealed_ -= sent;
  while (head_ < segments_.size() && sent >= segments_[head_].len) sent -= segments_[head_++].len;
  if (sent > 0) {
    segments_[head_].base += sent;
    segments_[head_].len -= sent;
  }
}

void Outbox::reset() {
  segments_.clear();
  head_ = sealed_ = copied_ = 0;
  failed_ = false;
  // Chunks of the usual size are kept for the next batch, giants and crowds are not.
  if (chunks_.size() > 1) {
    std::erase_if(chunks_, [](const Chunk& c) { return c.size != kChunk; });
    if (chunks_.size() > kKeptChunks) chunks_.resize(kKeptChunks);
  }
  use_chunk(0);
  arena_.reset();
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "tools/read_ahead.h"

#include <new>
#include <utility>

namespace goromdb::tools {

ReadAhead::ReadAhead(std::unique_ptr<Source> inside)
    : inside_(std::move(inside)), total_(inside_->total()), thread_([this] { run(); }) {}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ReadAhead::run() {
  Source& source = *inside_;  // its place lies among what next() writes
  for (bool more = true; more;) {
    std::unique_ptr<Batch> batch;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || waiting_.size() < kMostWaiting; });
      if (stopping_) return;
      if (!free_.empty()) {
        batch = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (!batch) batch = std::make_unique<Batch>();
    read(source, *batch);
    more = batch->more && *batch->more;
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(batch));
    changed_.notify_all();
  }
}

void ReadAhead::read(Source& source, Batch& batch) {
  batch.bytes.clear();
  batch.pieces.clear();
  try {
    batch.bytes.reserve(kBatchBytes + kBatchBytes / 4);
    while (batch.bytes.size() < kBatchBytes) {
      Entry entry;
      batch.more = source.next(entry);
      if (!batch.more || !*batch.more) break;
      batch.bytes.append(entry.ns).append(entry.key).append(entry.value);
      batch.pieces.push_back(
          {entry.ns.size(), entry.key.size(), entry.value.size(), entry.flags, source.row()});
    }
  } catch (const std::bad_alloc&) {
    batch.more = fail("memory is short: a row does not fit");
  }
  batch.done = source.done();
}

Result<bool> ReadAhead::next(Entry& entry) {
  while (!batch_ || piece_ == batch_->pieces.size()) {
    if (batch_ && !(batch_->more && *batch_->more)) return batch_->more;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !waiting_.empty(); });
    // The room of a very long row is given back.
    if (batch_ && batch_->bytes.capacity() <= 2 * kBatchBytes) free_.push_back(std::move(batch_));
    batch_ = std::move(waiting_.front());
    waiting_.pop_front();
    changed_.notify_all();
    piece_ = at_ = 0;
  }
  const auto& piece = batch_->pieces[piece_++];
  const auto take = [&](size_t size) {
    return std::string_view(batch_->bytes).substr(std::exchange(at_, at_ + size), size);
  };
  entry.ns = take(piece.ns);
  entry.key = take(piece.key);
  entry.value = take(piece.value);
  entry.flags = piece.flags;
  row_ = piece.row;
  return true;
}

}  // namespace goromdb::tools

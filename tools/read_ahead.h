// SPDX-License-Identifier: MIT
// A source that is read on a thread of its own, ahead of whoever takes its entries: parsing and
// building have a core each.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tools/entry.h"

namespace goromdb::tools {

// The source inside is the thread's. A few batches of entries wait between the two. What each of
// the two writes with every entry has cache lines of its own.
class alignas(64) ReadAhead : public Source {
 public:
  explicit ReadAhead(std::unique_ptr<Source> inside);
  ~ReadAhead() override;

  Result<bool> next(Entry& entry) override;
  uint64_t row() const override { return row_; }
  uint64_t done() const override { return batch_ ? batch_->done : 0; }
  uint64_t total() const override { return total_; }

 private:
  static constexpr size_t kBatchBytes = size_t{256} << 10, kMostWaiting = 4;

  struct alignas(64) Batch {
    struct Piece {
      size_t ns, key, value;  // bytes, one behind the other in `bytes`
      uint32_t flags;
      uint64_t row;
    };
    std::string bytes;
    std::vector<Piece> pieces;
    uint64_t done = 0;
    Result<bool> more = true;  // behind these; or how the reading failed
  };

  void run();
  static void read(Source& source, Batch& batch);

  const std::unique_ptr<Source> inside_;
  const uint64_t total_;
  std::unique_ptr<Batch> batch_;  // that is being taken from
  size_t piece_ = 0, at_ = 0;
  uint64_t row_ = 0;

  alignas(64) std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Batch>> waiting_;
  std::vector<std::unique_ptr<Batch>> free_;  // taken, to be filled again
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace goromdb::tools

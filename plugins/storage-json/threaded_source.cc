// SPDX-License-Identifier: MIT
// A few blocks between two threads: one fills them in turn, the other empties them.
#include "threaded_source.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace goromdb {
namespace {

constexpr size_t kBlockSize = size_t{256} << 10;
constexpr size_t kBlocks = 4;

}  // namespace

class ThreadedSource::Blocks {
 public:
  explicit Blocks(Source& source) : source_(source), thread_([this] { fill_all(); }) {}
  ~Blocks() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;

  std::optional<size_t> read(char* out, size_t n) {
    Block& block = blocks_[emptied_ % kBlocks];
    if (used_ == 0) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return filled_ > emptied_; });
      if (block.error) std::rethrow_exception(block.error);
      if (block.last) return std::nullopt;
    }
    const size_t some = std::min(n, block.size - used_);
    std::memcpy(out, block.bytes.data() + used_, some);
    used_ += some;
    if (used_ == block.size) {
      const std::lock_guard lock(mutex_);
      ++emptied_;
      used_ = 0;
      changed_.notify_all();
    }
    return some;
  }

 private:
  struct Block {
    std::vector<char> bytes = std::vector<char>(kBlockSize);
    size_t size = 0;           // 0: the source had none yet
    bool last = false;         // has no bytes, and nothing follows
    std::exception_ptr error;  // the reason
  };

  void fill_all() {
    for (size_t i = 0;; ++i) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopping_ || filled_ - emptied_ < kBlocks; });
        if (stopping_) return;
      }
      Block& block = blocks_[i % kBlocks];
      std::optional<size_t> got;
      try {
        got = source_.read(block.bytes.data(), kBlockSize);
      } catch (...) {
        block.error = std::current_exception();
      }
      block.size = got.value_or(0);
      block.last = !got;
      {
        const std::lock_guard lock(mutex_);
        ++filled_;
      }
      changed_.notify_all();
      if (block.last) return;
    }
  }

  Source& source_;
  std::array<Block, kBlocks> blocks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t filled_ = 0, emptied_ = 0;  // how many blocks have been
  bool stopping_ = false;
  size_t used_ = 0;  // of the block that is being emptied; its reader's
  std::thread thread_;
};

ThreadedSource::ThreadedSource(Source& source) : blocks_(std::make_unique<Blocks>(source)) {}
ThreadedSource::~ThreadedSource() = default;

std::optional<size_t> ThreadedSource::read(char* out, size_t n) { return blocks_->read(out, n); }

}  // namespace goromdb

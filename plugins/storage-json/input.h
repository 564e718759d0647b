// SPDX-License-Identifier: MIT
// The bytes of a data file, decompressed where its first bytes say that it is compressed.
//
// The file is read with read(), never mapped: a file that is cut while it is being read is an
// error, not a SIGBUS. What is wrong is thrown as a Failure.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace goromdb {

// A regular file that is open for reading; links, devices and pipes are refused without blocking.
class File {
 public:
  explicit File(const char* path);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // At most `n` > 0 bytes; 0 at the end, which has to be where the size at the opening said.
  size_t read(char* out, size_t n);
  // The first `n` bytes or fewer; does not move the position.
  size_t peek(char* out, size_t n) const;
  uint64_t position() const { return position_.load(std::memory_order_relaxed); }  // any thread
  uint64_t size() const { return size_; }

 private:
  int fd_;
  uint64_t size_ = 0;
  std::atomic<uint64_t> position_ = 0;
};

// What a small compressed file may become.
struct Limits {
  // A ratio says nothing about a small file.
  static constexpr uint64_t kRatioFrom = uint64_t{64} << 20;

  uint64_t max_decompressed;
  uint64_t max_ratio;
};

class Source {
 public:
  virtual ~Source() = default;
  // At most `n` > 0 bytes of text; nothing at its end. 0: none yet, read on. No more than 256 KiB
  // of the file go into a call, whatever they become: between two of them the caller can say that
  // it lives, or give up.
  virtual std::optional<size_t> read(char* out, size_t n) = 0;
};

// Plain, gzip or zstd, by the file's first bytes. The file must outlive the source.
std::unique_ptr<Source> open_source(File& file, const Limits& limits);
bool is_compressed(const File& file);

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// A generation's data file once it is open: whether it still is what had been verified.
//
// A file that is mapped can be cut by whoever has it open for writing. Then a page that has gone
// raises SIGBUS (core/base/sigbus.h), and the page that the cut went through holds zeros from there
// on, which raise nothing: so the last byte of the file that is not zero is looked at after each
// read, in a mapping of our own. That tells of a file that is read without a mapping as well. What
// has been found lost is covered: from then on every touch of it, in any mapping of the file,
// raises SIGBUS, also when the file grows again.
#pragma once

#include <goromdb/mapped_ranges.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/file.h"

namespace goromdb {

class ServedFile {
 public:
  // `path` has just been opened by its storage, and its readers are open: whether it is mapped is
  // seen now. `caps`: what the storage says of the generation.
  ServedFile(const std::string& path, uint32_t caps);
  ~ServedFile();
  ServedFile(const ServedFile&) = delete;
  ServedFile& operator=(const ServedFile&) = delete;

  // ---- any thread, on the way of a request ----
  static bool any_is_watched() { return watched_.load(std::memory_order_relaxed) > 0; }
  // Not where all of it is in memory.
  bool is_watched() const { return last_byte_ != nullptr; }
  bool is_damaged() const { return damaged_.load(std::memory_order_relaxed); }
  bool is_lost() const { return lost_.load(std::memory_order_relaxed); }  // all of it
  // False: what has been read from the file may not be what it was. Guarded code only (sigbus.h).
  bool is_whole() const {
    std::atomic_signal_fence(std::memory_order_seq_cst);  // what was read was read before
    const bool same = last_byte_ == nullptr || *last_byte_ == expected_;
    return same && !is_damaged();
  }

  // Look-ups of names that were left at a lost page.
  std::atomic<uint32_t> names_lost{0};

  // ---- any thread; system calls ----
  // This thread's latest guarded code was left at a page that is perhaps of this file, or found a
  // file not whole. Finds out whether it was this one, and covers what has gone.
  void look();
  // The bytes that the file still has, of those it had; what has gone is covered.
  uint64_t size();
  // Whether it has been touched since this was asked last: then its content has to be compared, or
  // is_damaged() by now. For a poll.
  bool was_touched();
  // It holds something else now: nothing of it is to be served.
  void give_up(const std::string& reason);
  // What has become of it, for a message; empty while nothing is known against it.
  std::string reason() const;

 private:
  bool holds(uintptr_t address) const;
  void cover(uint64_t size);
  // A hash of the file's first bytes: in every format they tell one file from another.
  uint64_t beginning() const;

  static constexpr size_t kBeginning = 4096;
  void say(const std::string& reason);

  static inline std::atomic<int> watched_{0};

  const std::string path_;
  const bool covers_;  // the mappings stay as they are until the generation is closed
  Fd fd_;
  std::string identity_;             // as the kernel lists the mappings of it
  std::vector<MappedRange> ranges_;  // those it had when it was opened, and the last page's
  uint64_t size_ = 0, began_with_ = 0;
  void* last_page_ = nullptr;
  const volatile uint8_t* last_byte_ = nullptr;  // in it; NULL: the file is not watched
  uint8_t expected_ = 0;
  std::atomic<bool> damaged_{false}, lost_{false};

  mutable std::mutex mutex_;  // never on the way of a request for a file that is whole
  uint64_t covered_from_ = 0;
  int64_t mtime_ns_ = 0, newest_mtime_ns_ = 0;  // as it was, and as a cut may have left it
  std::string reason_;
};

}  // namespace goromdb

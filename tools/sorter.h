// SPDX-License-Identifier: MIT
// Sorts entries by (namespace, key), bytewise, in bounded memory: what does not fit goes to unnamed
// files beside the output.
//
// The order is that of unsigned bytes: namespaces first, the empty one before the others, then
// keys. One thread. Failure: a file of its own cannot be made, written or read; the message names
// the folder, which needs as much room as the entries take, and twice that beyond 256 times the
// memory. Its files have no name while they are in use: they vanish with the process, however that
// ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/error.h"
#include "tools/entry.h"

namespace goromdb::tools {

class Sorter {
 public:
  using Each = std::function<Result<void>(const Entry&, uint64_t row)>;

  // `memory_bytes` bounds what is kept of entries before they go to a file. A single entry larger
  // than that is accepted. Reading many runs back takes 64 KiB for each, 16 MiB at most.
  Sorter(std::string folder, size_t memory_bytes);
  ~Sorter();
  Sorter(const Sorter&) = delete;
  Sorter& operator=(const Sorter&) = delete;

  // Copies the entry. `row` is told again by drain(). Rejected: a part of 4 GiB or more, which no
  // storage serves.
  Result<void> add(const Entry& entry, uint64_t row);
  // Once, behind the last add(): all entries in order; of equal keys in the order they were added.
  // The entry is borrowed until `each` returns; an error of `each` ends it and is returned.
  Result<void> drain(const Each& each);
  uint64_t size() const { return size_; }  // entries

 private:
  class RunFile;
  class RunReader;
  struct Run;
  struct Record {
    uint64_t prefix;  // of what is compared, big-endian
    uint64_t offset;  // of the entry in the slab; grows as entries are added
  };
  struct Stored;

  bool fits(size_t entry_bytes) const;
  Stored stored_at(uint64_t offset) const;
  void sort();
  Result<void> spill();
  Result<void> need_file();
  Result<void> merge(const RunFile& file, const Run* runs, size_t count, const Each& each) const;

  const std::string folder_;
  const size_t memory_bytes_;

  // One block of memory: entries from its start, records from its end, the first one last. Pages
  // that are not reached cost nothing.
  size_t slots_ = 0;  // of the block, each as large as a record
  std::unique_ptr<Record[]> slab_;
  size_t used_ = 0;     // bytes of entries
  size_t records_ = 0;  // entries in the block

  std::unique_ptr<RunFile> file_;  // none as long as everything fits
  uint64_t size_ = 0;
};

}  // namespace goromdb::tools

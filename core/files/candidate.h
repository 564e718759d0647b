// SPDX-License-Identifier: MIT
// A data file that may become the next generation, and the check that it is the one its sum was
// made of.
#pragma once

#include <functional>
#include <string>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"

namespace goromdb {

// Told how many bytes are done, of how many; true = give up.
using Progress = std::function<bool(uint64_t done, uint64_t total)>;

struct Candidate {
  std::string file;
  FileIdentity data;
  SumKind kind = SumKind::kMd5;
  FileIdentity sum;  // of sum_path(file, kind); all 0 where kind is kNone
  // When the data's inode changed last: moves with every write and cannot be set back as mtime can.
  // 0 = not looked at.
  int64_t ctime_ns = 0;
  bool by_hand = false;  // it was asked for although its sum is refused

  // Whether `state` is still what was seen.
  bool still(const FileState& state) const {
    return state.identity == data && (ctime_ns == 0 || state.ctime_ns == ctime_ns);
  }
  bool same_files(const Candidate& other) const {
    return file == other.file && data == other.data && sum == other.sum;
  }
};

// The hex digest in the sum file of a data file. Rejected: there is none in it.
Result<std::string> read_sum(const std::string& file, SumKind kind);

// Hashes the data file on the calling thread and compares. On success the data is on disk, and the
// hex digest is returned. Rejected: the sum is another one. Changed: it was written to meanwhile.
// Failure: it cannot be read.
Result<std::string> verify_candidate(const Candidate& candidate, const Progress& progress);

// Its hex digest of another kind than its sum file's; nothing is compared, but that it is still the
// same file.
Result<std::string> hash_candidate(const Candidate& candidate, SumKind kind,
                                   const Progress& progress);

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// Data sets that were served before, kept for a rollback. One database's worker thread, and tools
// that only look; every call may block on the disk.
//
//   basedir/kept/GENERATION.db         the file, as it was served
//   basedir/kept/GENERATION.db.note    its manifest, a SlotNote; written before the file comes
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/files/slot_note.h"

namespace goromdb {

class KeptFiles {
 public:
  explicit KeptFiles(const std::string& basedir);

  // The manifests of the files that are there, newest generation first. Failure: the machine keeps
  // all of them from being seen.
  Result<std::vector<SlotNote>> find() const;
  std::vector<SlotNote> list() const { return find().value_or(std::vector<SlotNote>()); }
  // Moves `data` in. A file that has not been kept is where it was.
  Result<void> keep(const std::string& data, const SlotNote& note) const;
  // Leaves the newest `count` contents, each once, and removes what a crash left half done. A copy
  // of the content with the sum `served` takes nobody's place: it stays where there is room. Sums
  // of different kinds, and files without one, count as different.
  Result<void> trim(size_t count, const std::string& served) const;
  // Removes what a crash left half done.
  Result<void> tidy() const;
  // Its file has gone: so does its manifest.
  Result<void> forget(uint64_t generation) const;

  std::string path(uint64_t generation) const;
  const std::string& folder() const { return folder_; }

 private:
  std::string note_path(uint64_t generation) const { return path(generation) + ".note"; }

  std::string folder_;
};

}  // namespace goromdb

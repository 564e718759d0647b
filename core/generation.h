// SPDX-License-Identifier: MIT
// One opened data file and its readers, one per loop.
#pragma once

#include <goromdb/plugin.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/loader.h"
#include "core/plugin_host.h"

namespace goromdb {

// Immutable once it is open. Opened and destroyed on the database's worker thread; each reader is
// used and closed by its loop alone. Destroy it when every loop has closed its reader.
class Generation {
 public:
  // What has been learned about the file before it is opened.
  struct Facts {
    uint64_t id = 0;
    int slot = 0;
    std::string path;
    SlotNote note;
    bool verified = false;  // when an earlier process adopted it: it is not walked again
  };

  // Opens the file, verifies and warms it, and opens a reader for each loop. What has been verified
  // before is neither walked nor warmed: a start is to serve it at once. Rejected: the file is bad.
  static Result<std::unique_ptr<Generation>> open(Storage& storage, const Facts& facts,
                                                  uint32_t loops, const Progress& progress);
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  uint64_t id() const { return facts_.id; }
  int slot() const { return facts_.slot; }
  const Facts& facts() const { return facts_; }
  const goromdb_generation_info& info() const { return info_; }
  int64_t loaded_at_s() const { return loaded_at_s_; }
  const goromdb_storage_ops& ops() const { return storage_.ops(); }
  goromdb_reader* reader(uint32_t loop) const { return readers_[loop]; }
  // On the thread of `loop`, once.
  void close_reader(uint32_t loop);
  // Brings the next part of the file into memory; true: there is more. On the worker thread.
  Result<bool> warm();

 private:
  Generation(Storage& storage, Facts facts) : storage_(storage), facts_(std::move(facts)) {}

  Storage& storage_;
  Facts facts_;
  goromdb_generation* handle_ = nullptr;
  goromdb_generation_info info_{};
  uint64_t warmed_ = 0;  // bytes from the file's start
  int64_t loaded_at_s_ = 0;
  std::vector<goromdb_reader*> readers_;
};

}  // namespace goromdb

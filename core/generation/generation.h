// SPDX-License-Identifier: MIT
// One opened data file and its readers, one per loop.
#pragma once

#include <goromdb/plugin.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/files/loader.h"
#include "core/files/served_file.h"
#include "core/generation/hot_keys.h"
#include "core/generation/warming.h"
#include "core/plugin/plugin_host.h"

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
    bool verified = false;  // when an earlier process adopted it: it is neither walked again, nor
                            // warmed before it is served
    int64_t open_within_ms = 0;  // to open it and walk it; 0 = any time
    WarmConfig warm{};
    uint32_t verify_threads = 1;  // a server that stops does not wait for another's half
  };

  // Opens the file, verifies it, and opens a reader for each loop. Rejected: the file is bad.
  static Result<std::unique_ptr<Generation>> open(Storage& storage, const Facts& facts,
                                                  uint32_t loops, const Progress& progress);
  // The rest, before it is adopted: warms it, unless it has been verified before, since a start is
  // to serve it at once. At warm_rate it may take hours: what the config asks of the data is looked
  // at before. On the worker thread.
  Result<void> warm_all(const Progress& progress);
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  uint64_t id() const { return facts_.id; }
  int slot() const { return facts_.slot; }
  const Facts& facts() const { return facts_; }
  const goromdb_generation_info& info() const { return info_; }
  int64_t loaded_at_s() const { return loaded_at_s_; }
  const goromdb_storage_ops& ops() const { return storage_.ops(); }
  // For a reader beside the loops' own, while this lives.
  goromdb_generation* handle() const { return handle_; }
  goromdb_reader* reader(uint32_t loop) const { return readers_[loop]; }
  // On the thread of `loop`, once.
  void close_reader(uint32_t loop);
  // Brings the next part of it into memory; true: there is more. On the worker thread.
  Result<bool> warm();
  const Warming& warming() const { return warming_; }
  // Looks a key up with the reader of `loop`, so that what it leads to is in memory. On the worker
  // thread, before the loops have it.
  void look_up(uint32_t loop, const HotKey& key);

  // What the file is while it is served.
  ServedFile& file() { return *file_; }
  // A read has shown that the file is no longer what had been verified. Any thread, any number of
  // times: `tell` hears of the first, on the thread of that read.
  void note_bad(const std::string& reason);
  bool is_bad() const { return bad_.load(std::memory_order_relaxed); }
  void on_bad(std::function<void(const std::string& reason)> tell) { tell_bad_ = std::move(tell); }

 private:
  Generation(Storage& storage, Facts facts)
      : storage_(storage), facts_(std::move(facts)), warming_(facts_.warm) {}

  Storage& storage_;
  Facts facts_;
  goromdb_generation* handle_ = nullptr;
  goromdb_generation_info info_{};
  Warming warming_;
  bool touched_ = false;  // all of the file, by warm()
  int64_t loaded_at_s_ = 0;
  std::vector<goromdb_reader*> readers_;
  std::optional<ServedFile> file_;  // once it is open
  std::atomic<bool> bad_{false};
  std::function<void(const std::string&)> tell_bad_;
};

}  // namespace goromdb

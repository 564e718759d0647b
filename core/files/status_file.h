// SPDX-License-Identifier: MIT
// basedir/status: what a database's server tells any tool on its machine, without a protocol.
//
// One YAML document, replaced as a whole whenever it changes. It stays when the server ends:
// whether one runs is told by the lock on basedir. It is not synced: after a crash of the machine
// the next start writes it anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/error.h"

namespace goromdb {

struct StoreStatus {
  struct Rejected {
    std::string checksum;  // of the content; empty where it was not hashed or was not what its sum
                           // says
    std::string at;        // UTC, to the millisecond: no two rejections have the same
    std::string reason;
    bool operator==(const Rejected&) const = default;
  };
  int64_t pid = 0;
  std::string
      jail{};  // of the process that tries new files: landlock+netns+seccomp; empty: there is none
  uint64_t generation = 0;  // that every loop serves; 0 = none yet
  std::string checksum;     // its, "md5:HEX"; empty where it has none
  std::optional<uint64_t> entries;
  std::string adopted_at;  // UTC
  std::string bad{};       // why the file of this generation is no longer what had been verified
  std::optional<Rejected> rejected;  // the last one, also from before the server started
  uint64_t rolled_back_to = 0;  // the kept generation that the served one is again; 0 = it is none
  struct Rollback {
    uint64_t to = 0, as = 0;  // the kept generation, and the one that it became
    bool operator==(const Rollback&) const = default;
  };
  std::optional<Rollback> last_rollback{};  // adopted by every loop; also before a restart
  struct RefusedRollback {
    std::string at;  // UTC, to the millisecond: no two have the same
    std::string reason;
    bool operator==(const RefusedRollback&) const = default;
  };
  std::optional<RefusedRollback> refused_rollback{};  // the last one since the server started
  std::string busy{};   // what the server has been at for seconds; other work waits for it
  std::string trouble;  // what keeps the newest drop from being taken; empty when nothing does
  bool operator==(const StoreStatus&) const = default;
};

std::string status_path(const std::string& basedir);
// Any thread; both may block on the disk.
Result<void> write_status(const std::string& basedir, const StoreStatus& status);
// Failure: there is none. Rejected: it is something else.
Result<StoreStatus> read_status(const std::string& basedir);

// Now, as the file writes times: 2026-01-01T00:00:00.000Z.
std::string utc_now();
std::string utc_of(int64_t ns);  // since 1970

}  // namespace goromdb

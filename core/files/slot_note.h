// SPDX-License-Identifier: MIT
// What a store knows of a data file: the text beside each of them, "key value" lines. Any thread;
// every call may block on the disk.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/base/error.h"

namespace goromdb {

// Where it is decided whether a data set of a group is adopted (core/reload/group.h).
struct GroupRecord {
  std::string path;    // empty: of no group
  std::string member;  // whose line it is: the database's name at that time
};

struct SlotNote {
  uint64_t generation = 0;
  std::string checksum;  // "md5:HEX"; empty for a store that the Go program left
  int64_t size = 0;
  int64_t mtime_ns = 0;  // of the inode, by which it is known; follows a `touch` or a restore
  std::optional<int64_t> data_mtime_ns;  // as it came, for ever; unset in older manifests
  int64_t attempts = 0;                  // to open it; see Loader::count_attempts
  int64_t ctime_ns = 0;  // not on disk: of the inode as it was moved in; 0 = not known

  std::string source;           // the file that it came as
  uint64_t rolled_back_to = 0;  // the kept generation that this is again; 0: it came as a file
  bool by_hand = false;         // it was asked for although its sum is refused
  GroupRecord group;            // that it waits, or has waited, for; the config may name another

  // Known when it has been opened.
  std::optional<uint64_t> entries;  // where its storage counts them
  std::string adopted_at;           // UTC

  // How old the data is.
  int64_t data_time_ns() const { return data_mtime_ns.value_or(mtime_ns); }
};

Result<void> write_note(const std::string& path, const SlotNote& note);
// Nothing where there is none, or something else. That the machine keeps it from being read is an
// error.
Result<std::optional<SlotNote>> find_note(const std::string& path);

// The file's "key value" lines. Empty when it is missing or is something else.
using Pairs = std::map<std::string, std::string>;
Pairs read_pairs(const std::string& path);
// The same where it matters whether the machine keeps it from being read: that is an error.
Result<Pairs> find_pairs(const std::string& path);
uint64_t number_in(const Pairs& pairs, const std::string& key);        // 0 without one
int64_t signed_number_in(const Pairs& pairs, const std::string& key);  // 0 without one

}  // namespace goromdb

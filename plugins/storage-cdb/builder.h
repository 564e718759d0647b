// SPDX-License-Identifier: MIT
// Makes a cdb file, with tinycdb. One thread. tinycdb keeps some 8 bytes for each record.
#pragma once

#include <cdb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "format.h"

namespace goromdb {

// Takes entries sorted, so that a key that comes twice is seen. All throw a Failure: E_CONFIG for
// what a cdb cannot keep, E_TOO_BIG, E_IO.
class CdbBuilder {
 public:
  // Over nothing: a file at `path` is a failure.
  explicit CdbBuilder(const char* path);
  ~CdbBuilder();
  CdbBuilder(const CdbBuilder&) = delete;
  CdbBuilder& operator=(const CdbBuilder&) = delete;

  void put(std::string_view ns, std::string_view key, std::string_view value, uint32_t flags);
  void finish();

 private:
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void fail_errno(const char* what) const;

  const std::string path_;
  const int fd_;
  cdb_make make_{};
  bool finished_ = false;
  std::optional<std::string> last_;
  uint64_t size_ = cdb::kFirst;  // of the whole file
};

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "builder.h"

#include <goromdb/sdk.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace goromdb {

CdbBuilder::CdbBuilder(const char* path)
    : path_(path), fd_(::open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
  if (fd_ < 0 || cdb_make_start(&make_, fd_) != 0) fail_errno("cannot be made");
}

CdbBuilder::~CdbBuilder() {
  if (!finished_) cdb_make_finish(&make_);  // frees its memory
  ::close(fd_);
}

void CdbBuilder::put(std::string_view ns, std::string_view key, std::string_view value,
                     uint32_t flags) {
  if (!ns.empty()) refuse("a cdb file has no namespaces; drop \"" + std::string(ns) + "\"");
  if (flags != 0) refuse("a cdb file has no place for flags; use another storage, or flags 0");
  if (last_ && key <= *last_) refuse("keys must come sorted, each of them once");
  // The record, and its slots in a table that is half full.
  size_ += cdb::kHeadSize + key.size() + value.size() + 2 * cdb::kSlotSize;
  if (size_ > cdb::kLargestFile) {
    throw Failure(GOROMDB_E_TOO_BIG, path_ + ": a cdb file ends at 4 GiB; use another storage");
  }
  if (cdb_make_add(&make_, key.data(), static_cast<unsigned>(key.size()), value.data(),
                   static_cast<unsigned>(value.size())) != 0) {
    fail_errno("cannot be written");
  }
  last_ = key;
}

void CdbBuilder::finish() {
  finished_ = true;
  if (cdb_make_finish(&make_) != 0) fail_errno("cannot be written");
}

void CdbBuilder::refuse(const std::string& why) const {
  throw Failure(GOROMDB_E_CONFIG, path_ + ": " + why);
}

void CdbBuilder::fail_errno(const char* what) const {
  throw Failure(GOROMDB_E_IO, path_ + ": " + what + ": " + std::strerror(errno));
}

}  // namespace goromdb

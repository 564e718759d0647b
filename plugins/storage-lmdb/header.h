// SPDX-License-Identifier: MIT
// The two meta pages of an LMDB file: checked before liblmdb sees the file, which divides by what
// it finds there. Any thread.
#pragma once

#include "format.h"

#include <goromdb/data_file.hpp>

namespace goromdb::lmdb {

struct Header {
  uint32_t page_size = 0;
  uint64_t last_page = 0;  // the file may end before it, when the last pages are free
  Db free, main;
};

// Throws E_CORRUPT or E_UNSUPPORTED. Reads the two pages and nothing else.
Header read_header(const Mapping& file);

// A tree's record by itself: E_CORRUPT, with `what` as the subject, when no tree can be like that.
void check_record(const Db& db, const Header& header, uint64_t file_size, const std::string& what);

}  // namespace goromdb::lmdb

// SPDX-License-Identifier: MIT
// What the first page of a Berkeley DB file says, checked before libdb sees the file. Source: the
// generic meta page of libdb 5.3 (dbinc/db_page.h, struct _dbmeta33). Any thread.
#pragma once

#include <goromdb/data_file.hpp>

#include <cstdint>

namespace goromdb::bdb {

struct FileHeader {
  bool swapped = false;  // made on a machine of the other byte order
  bool hash = false;     // else a btree or a recno, or the list of the sub-databases
  bool checksums = false;
  bool has_subdbs = false;
  uint32_t page_size = 0;

  // libdb changes or checks the bytes of all other files as it reads them into its cache.
  bool is_mapped() const { return !swapped && !checksums && !hash; }
};

// E_CORRUPT: no such file, or not all of it. E_UNSUPPORTED: a kind, a version or a feature that is
// not served.
FileHeader read_header(const DataFile& file);

}  // namespace goromdb::bdb

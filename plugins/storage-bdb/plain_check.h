// SPDX-License-Identifier: MIT
// A look at a whole file without libdb, whose own takes some twenty times as long as to read the
// file. What is found sound here, libdb finds sound, too, and reads without being led astray: each
// page of the file is one page of one database, a part of one value, a first page or free; what
// else is true of a btree, a recno and a hash, plain_btree.h and plain_hash.h say.
//
// It says nothing against a file. What is not found sound is damaged or not plain (compressed keys
// that may have duplicates or are long, long values among sorted duplicates, entries that wait to
// be removed, a leaf without entries in a tree of several), and libdb's to judge.
#pragma once

#include <goromdb/sdk.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "file_header.h"
#include "plain_pages.h"

namespace goromdb::bdb {

class PlainCheck {
 public:
  // Which database that is, or nothing where it is not served; "" is the file's own.
  using IdOf = std::function<std::optional<uint32_t>(std::string_view name)>;

  // `file` is all of it and outlives this, `header` what read_header() found in it. Values are
  // MemcacheDB's items, or served as they are; then long ones are not put together.
  PlainCheck(std::string_view file, const FileHeader& header, IdOf id_of, bool has_items,
             Host host);

  // What the databases that are served hold, by id, for as many ids as there are; nothing: the file
  // was not found sound. Once. Throws E_CANCELLED when the server stops. One thread, and another
  // where the host lends one.
  std::optional<std::vector<EntryTotals>> run(size_t ids);

 private:
  bool is_sound(uint32_t meta, PlainDatabase& database);

  PlainPages pages_;
  const IdOf id_of_;
  const bool has_items_;
  uint32_t first_free_ = 0;
};

}  // namespace goromdb::bdb

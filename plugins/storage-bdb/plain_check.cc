// SPDX-License-Identifier: MIT
#include "plain_check.h"

#include <utility>

#include "format.h"
#include "plain_btree.h"
#include "plain_hash.h"

namespace goromdb::bdb {

PlainCheck::PlainCheck(std::string_view file, const FileHeader& header, IdOf id_of, bool has_items,
                       Host host)
    : pages_(file, header, host), id_of_(std::move(id_of)), has_items_(has_items) {}

std::optional<std::vector<EntryTotals>> PlainCheck::run(size_t ids) {
  std::vector<EntryTotals> totals(ids);
  const auto check = [&](std::string_view name, uint32_t meta) {
    const auto id = id_of_(name);
    PlainDatabase database;
    database.is_served = id.has_value();
    database.has_items = has_items_;
    if (!is_sound(meta, database)) return false;
    if (id) totals[*id] = database.totals;
    return true;
  };
  if (pages_.header().has_subdbs) {
    PlainDatabase list;
    list.is_list = true;
    if (!is_sound(0, list)) return {};
    for (const auto& [name, meta] : list.listed) {
      if (!check(name, meta)) return {};
    }
  } else if (!check("", 0)) {
    return {};
  }
  if (!pages_.take_free(first_free_) || !pages_.are_all_taken()) return {};
  return totals;
}

bool PlainCheck::is_sound(uint32_t number, PlainDatabase& database) {
  const auto meta = pages_.take(number);
  if (!meta) return false;
  const bool is_hash = meta->bytes[kTypeAt] == kHashMeta;
  const auto& header = pages_.header();
  if ((!is_hash && meta->bytes[kTypeAt] != kBtreeMeta) ||
      meta->u32(kMagicAt) != (is_hash ? kHashMagic : kBtreeMagic) ||
      meta->u32(kVersionAt) < kOldest || meta->u32(kVersionAt) > kNewest ||
      meta->u32(kPageSizeAt) != header.page_size || meta->bytes[kEncryptionAt] != 0 ||
      meta->bytes[kMetaFlagsAt] != (header.checksums ? kChecksummed : 0) ||
      meta->u32(kPartsAt) != 0) {
    return false;
  }
  const bool is_own = number == 0;
  const uint32_t first_free = meta->u32(kFreeAt);
  if (is_own) {
    first_free_ = first_free;
  } else if (first_free != 0) {  // those of a sub-database are the file's
    return false;
  }
  return is_hash ? PlainHash(pages_, database).is_sound(*meta)
                 : PlainBtree(pages_, database).is_sound(*meta);
}

}  // namespace goromdb::bdb

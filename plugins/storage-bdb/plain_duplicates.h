// SPDX-License-Identifier: MIT
// A tree of one key's duplicates for plain_check, of a btree's leaf or a hash's page: of sorted
// ones a btree whose leaves hold values alone, in the order of their bytes; else as a recno. Items
// fill their pages without a gap; leaves are linked; each branch counts what is below it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plain_items.h"
#include "plain_pages.h"

namespace goromdb::bdb {

class PlainDuplicates {
 public:
  // `behind`: the page that is looked at next, where that is known.
  PlainDuplicates(PlainPages& pages, PlainDatabase& database, std::string_view key, bool are_sorted,
                  const char* behind)
      : pages_(pages),
        database_(database),
        key_(key),
        are_sorted_(are_sorted),
        behind_(behind),
        coming_(behind),
        edges_(Tiles::edges_of(pages.header().page_size)) {}

  // No page of it was taken. Once; the first one is added to the database.
  bool is_sound(uint32_t root);

 private:
  bool below(uint32_t number, unsigned level);
  bool branch(const PlainPage& page, unsigned level);
  std::optional<PlainItem> branch_item(const PlainPage& page, size_t i) const;
  bool leaf(const PlainPage& page, const ComingPage& coming);
  bool values(PlainPage page, ComingPage coming);
  bool neat_values(PlainPage page, ComingPage coming);
  bool long_value(const PlainPage& page, size_t at, bool is_first);

  PlainPages& pages_;
  PlainDatabase& database_;
  const std::string_view key_;
  const bool are_sorted_;
  const char* const behind_;
  uint32_t count_ = 0;                      // so far
  std::optional<std::string_view> last_{};  // of sorted ones
  std::string_view separator_{};            // none behind it is smaller
  uint32_t leaf_ = 0, next_leaf_ = 0;
  const char* coming_;  // behind the page that is looked at
  Tiles::Edges edges_;
  std::string whole_{};  // a long one
};

}  // namespace goromdb::bdb

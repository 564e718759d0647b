// SPDX-License-Identifier: MIT
// A btree or a recno for plain_check: items fill their pages without a gap; keys are in the order
// of their bytes over all leaves, and on the right side of those in branches; leaves are linked in
// that order; where records are counted, each branch counts what is below. Duplicates lie beside
// each other in one leaf, in the order of their bytes where the file says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plain_pages.h"

namespace goromdb::bdb {

// Whether items fill a page from its end down to the lowest one, and none of them lies on another.
// Of runs of neighbours each end turns a bit. Where runs meet it is turned twice; and as they have
// as many bytes together as there are to fill, none of them lies on another one then.
class Tiles {
 public:
  explicit Tiles(size_t page_size) : edges_(page_size / kGrain / 64 + 1) {}
  void begin(size_t lowest, size_t page_size);
  // Inside of the page.
  void add(size_t at, size_t size);
  bool are_whole();

 private:
  void turn(size_t at);

  std::vector<uint64_t> edges_;  // a bit for each four bytes of a page
  bool has_edges_ = false;
  size_t first_ = 0, last_ = 0;  // where the present run begins and ends
  size_t used_ = 0, lowest_ = 0, page_size_ = 0;
};

struct PlainItem {
  size_t at, size;        // in the page
  std::string_view text;  // of a key or a value
};

// One thread, and another for half of a large tree.
class PlainBtree {
 public:
  PlainBtree(PlainPages& pages, PlainDatabase& database)
      : pages_(pages), database_(database), tiles_(pages.header().page_size) {}

  // Its first page was taken and says that it is a btree. Once.
  bool is_sound(const PlainPage& meta);

 private:
  struct Kind {  // what the first page says
    bool is_recno, counts_records, has_duplicates, sorts_duplicates;
    uint32_t record_size;  // 0: any
  };

  std::optional<Kind> kind_of(const PlainPage& meta) const;
  bool is_empty_tree(uint32_t root);
  bool below(uint32_t number, unsigned level);
  bool branch(const PlainPage& page, unsigned level);
  bool children(const PlainPage& page, unsigned level, size_t begin, size_t end);
  bool is_worth_two_threads(const PlainPage& page, unsigned level) const;
  bool halves(const PlainPage& page, unsigned level);
  std::optional<PlainItem> branch_item(const PlainPage& page, size_t i) const;
  uint32_t page_below(const PlainPage& page, size_t i) const;
  uint32_t records_below(const PlainPage& page, size_t i) const;
  bool leaf(const PlainPage& page);
  bool entries(const PlainPage& page);
  bool records(const PlainPage& page);
  bool key(const PlainPage& page, size_t at);
  bool value(const PlainPage& page, size_t at, std::string_view key, bool is_first);
  bool long_value(const PlainPage& page, size_t at, std::string_view key, bool is_first);

  PlainPages& pages_;
  PlainDatabase& database_;
  Kind kind_{};
  uint64_t records_ = 0;                    // so far, or entries
  std::optional<std::string_view> last_{};  // key
  std::string_view last_value_{};
  std::string_view separator_{};  // no key behind it is smaller
  uint32_t first_leaf_ = 0, before_first_ = 0, leaf_ = 0, next_leaf_ = 0;
  const char* coming_ = nullptr;  // the page that is looked at next, where that is known
  Tiles tiles_;                   // the items of a page
  std::string whole_{};           // a long value
};

}  // namespace goromdb::bdb

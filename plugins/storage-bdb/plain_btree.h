// SPDX-License-Identifier: MIT
// A btree or a recno for plain_check: items fill their pages without a gap; keys are in the order
// of their bytes over all leaves, and on the right side of those in branches; leaves are linked in
// that order; where records are counted, each branch counts what is below. Duplicates lie beside
// each other in one leaf, in the order of their bytes where the file says so, or in a tree of their
// own. Compressed keys are in order as well, those of chunks among them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plain_compressed.h"
#include "plain_items.h"
#include "plain_pages.h"

namespace goromdb::bdb {

// One thread, and another for half of a large tree.
class PlainBtree {
 public:
  PlainBtree(PlainPages& pages, PlainDatabase& database)
      : pages_(pages), database_(database), edges_(Tiles::edges_of(pages.header().page_size)) {}

  // Its first page was taken and says that it is a btree. Once.
  bool is_sound(const PlainPage& meta);

 private:
  struct Kind {  // what the first page says
    bool is_recno, counts_records, has_duplicates, sorts_duplicates;
    uint32_t record_size;  // 0: any
    bool is_compressed;
  };

  std::optional<Kind> kind_of(const PlainPage& meta) const;
  bool is_empty_tree(uint32_t root);
  bool below(uint32_t number, unsigned level);
  bool branch(const PlainPage& page, unsigned level);
  bool separate(const PlainPage& page, size_t i);
  bool children(const PlainPage& page, unsigned level, size_t begin, size_t end);
  bool is_worth_two_threads(const PlainPage& page, unsigned level) const;
  bool halves(const PlainPage& page, unsigned level);
  std::optional<PlainItem> branch_item(const PlainPage& page, size_t i) const;
  uint32_t page_below(const PlainPage& page, size_t i) const;
  uint32_t records_below(const PlainPage& page, size_t i) const;
  bool leaf(const PlainPage& page, const ComingPage& coming);
  bool entries(const PlainPage& page, ComingPage coming);
  size_t after_usual(const PlainPage& page, size_t i, ComingPage& coming, Tiles& tiles,
                     std::string_view& last, EntryTotals& found) const;
  template <class SizeOf>
  [[gnu::noinline]] size_t after_usual(PlainPage page, size_t i, ComingPage& coming, Tiles& tiles,
                                       std::string_view& last, EntryTotals& found,
                                       SizeOf size_of) const;
  bool entry(const PlainPage& page, size_t i, Tiles& tiles, std::string_view& last);
  bool is_alone(const PlainPage& page, size_t at) const;
  bool are_neat(const PlainPage& page, size_t count, const ComingPage& coming);
  // Each SizeOf has a function of its own: in one for both the registers would not do.
  template <class SizeOf>
  [[gnu::noinline]] bool neat_entries(PlainPage page, size_t count, ComingPage coming,
                                      SizeOf size_of);
  bool chunks(const PlainPage& page, const ComingPage& coming);
  template <class SizeOf>
  [[gnu::noinline]] bool chunks_of(PlainPage page, ComingPage coming, SizeOf size_of);
  bool add_long_chunk(const PlainPage& page, size_t at, std::string_view key);
  bool records(PlainPage page, ComingPage coming);
  bool has_tree(const PlainPage& page, size_t at) const;
  bool tree(const PlainPage& page, size_t i, std::string_view key);
  std::optional<PlainItem> leaf_key(const PlainPage& page, size_t at);
  std::optional<size_t> value_size(PlainPage page, size_t at, std::string_view key, bool is_first);

  PlainPages& pages_;
  PlainDatabase& database_;
  Kind kind_{};
  uint64_t records_ = 0;                    // so far, or entries
  std::optional<std::string_view> last_{};  // key, of an item
  bool are_neat_ = true;                    // the entries of all leaves so far
  std::string_view first_key_{};            // where they are compressed
  std::string_view separator_{};            // no key behind it is smaller
  uint32_t first_leaf_ = 0, before_first_ = 0, leaf_ = 0, next_leaf_ = 0;
  const char* coming_ = nullptr;  // the page that is looked at next, where that is known
  Tiles::Edges edges_;
  std::string whole_{};  // a long value
  struct LongTexts {     // stay where they are when another one has them
    LongKeys keys;
    std::string separator;
  };
  std::unique_ptr<LongTexts> long_ = std::make_unique<LongTexts>();
  PlainChunks chunks_{};
  size_t keys_in_leaf_ = 0;  // the last one, where they are compressed
};

}  // namespace goromdb::bdb

// SPDX-License-Identifier: MIT
// A look at a whole file of plain btrees without libdb, whose own takes some twenty times as long
// as to read the file. What is found sound here, libdb finds sound, too, and reads without being
// led astray: each page of the file is one page of one tree, a part of one value, a first page or
// free; items fill their pages without a gap; keys are in the order of their bytes over all leaves,
// and on the right side of those in branches; leaves are linked in that order.
//
// It says nothing against a file. What is not found sound is damaged or not plain (duplicates, long
// keys, compression, record numbers, entries that wait to be removed, a leaf without entries), and
// libdb's to judge.
#pragma once

#include <goromdb/sdk.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace goromdb::bdb {

class PlainCheck {
 public:
  // Which database that is, or nothing where it is not served; "" is the file's own.
  using IdOf = std::function<std::optional<uint32_t>(std::string_view name)>;
  // How many bytes clients get of a stored value; nothing: it is none that can be served.
  using SizeOf =
      std::function<std::optional<uint64_t>(std::string_view key, std::string_view stored)>;

  // `file` is all of it, in pages of `page_size`, and outlives this. Without `size_of` values are
  // served as they are, and long ones are not put together.
  PlainCheck(std::string_view file, uint32_t page_size, IdOf id_of, SizeOf size_of, Host host);

  // What the databases that are served hold, by id, for as many ids as there are; nothing: the file
  // was not found sound. Once. Throws E_CANCELLED when the server stops. One thread.
  std::optional<std::vector<EntryTotals>> run(size_t ids);

 private:
  struct Page;
  struct Tree;
  // Whether items fill a page from its end down to the lowest one, and none of them lies on
  // another. Of runs of neighbours each end turns a bit. Where runs meet it is turned twice; and as
  // they have as many bytes together as there are to fill, none of them lies on another one then.
  class Tiles {
   public:
    explicit Tiles(size_t page_size);
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
  using Listed = std::pair<std::string, uint32_t>;  // a sub-database and its first page

  bool database(uint32_t meta, Tree& tree);
  bool below(Tree& tree, uint32_t number, unsigned level);
  bool branch(Tree& tree, const Page& page, unsigned level);
  const char* page_below(const Page& branch, size_t item) const;
  bool leaf(Tree& tree, const Page& page);
  bool long_entry(Tree& tree, std::string_view key, const Page& page, size_t at);
  bool entry(Tree& tree, std::string_view key, std::string_view stored, uint64_t length);
  bool long_value(uint32_t number, uint64_t size, std::string* whole);
  bool free_pages(uint32_t first);
  // Nothing: there is no such page, or it was taken already.
  std::optional<Page> take(uint32_t number);

  const std::string_view file_;
  const uint32_t page_size_;
  const IdOf id_of_;
  const SizeOf size_of_;
  const Host host_;
  std::vector<bool> taken_;  // of all pages
  uint64_t taken_count_ = 0;
  std::vector<Listed> listed_;
  Tiles tiles_;        // the items of a page
  std::string whole_;  // a long value
};

}  // namespace goromdb::bdb

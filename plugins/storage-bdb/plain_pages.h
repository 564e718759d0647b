// SPDX-License-Identifier: MIT
// The pages of a file as plain_check reads them, without libdb and never outside of the file. A
// page is taken once: whatever leads to it again is no sound file.
#pragma once

#include <goromdb/key_hashes.hpp>
#include <goromdb/page_walk.hpp>
#include <goromdb/sdk.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "file_header.h"
#include "format.h"

namespace goromdb::bdb {

struct PlainPage {
  PlainPage(uint32_t its_number, const char* begin, const FileHeader& file)
      : number(its_number),
        bytes(reinterpret_cast<const uint8_t*>(begin)),
        size(file.page_size),
        header(file.checksums ? kHeaderWithSum : kHeader),
        swapped(file.swapped),
        lowest(u16(kLowestAt)) {}

  uint32_t number;
  const uint8_t* bytes;
  size_t size;
  size_t header;  // where the places of its items begin, or its part of a long value
  bool swapped;
  size_t lowest;  // item, in a btree

  uint16_t u16(size_t at) const { return std::rotl(load<uint16_t>(at), swapped ? 8 : 0); }
  uint32_t u32(size_t at) const {
    const auto stored = load<uint32_t>(at);
    return swapped ? __builtin_bswap32(stored) : stored;
  }
  template <class T>
  T load(size_t at) const {
    T value;
    std::memcpy(&value, bytes + at, sizeof value);
    return value;
  }
  bool is(uint8_t type, unsigned level) const {
    return bytes[kTypeAt] == type && bytes[kLevelAt] == level;
  }
  size_t count() const { return u16(kCountAt); }
  size_t item(size_t i) const { return u16(header + i * sizeof(uint16_t)); }
  size_t end_of_places() const { return header + count() * sizeof(uint16_t); }
  std::string_view text(size_t at, size_t length) const {
    return {reinterpret_cast<const char*>(bytes + at), length};
  }
  // Of a page that was taken: a bucket's may never have been, and is all zeros then.
  bool was_written() const { return u32(kNumberAt) == number; }
  bool is_hole() const;
};

class PlainPages {
 public:
  // `file` is all of it, and outlives this.
  PlainPages(std::string_view file, const FileHeader& header, const Host& host);

  const FileHeader& header() const { return header_; }
  uint32_t count() const { return count_; }
  // Where the page begins; nowhere: there is no such page.
  const char* begin_of(uint32_t number) const;
  // Nothing: there is no such page, it was taken already, or its number or its checksum is another.
  // Throws E_CANCELLED when the server stops. Another page comes meanwhile, bits_to_take() of it.
  std::optional<PlainPage> take(uint32_t number, ComingPage& coming);
  std::optional<PlainPage> take(uint32_t number);
  // The same of a page that may never have been written.
  std::optional<PlainPage> take_bucket(uint32_t number, ComingPage& coming);
  size_t bits_to_take() const;
  // All pages of a value of `size` bytes, which is put together in `whole`, where that is no NULL.
  bool take_value(uint32_t first, uint64_t size, std::string* whole);
  // The same of a key, whose item, which is all in its page, begins at `at`; what is found is in
  // the file or in `whole`. Nothing: it is not sound, or so long that it is libdb's to judge.
  std::optional<std::string_view> take_key(const PlainPage& page, size_t at, std::string& whole);
  bool take_free(uint32_t first);
  bool are_all_taken() const { return taken_count_ == count_; }

  // For another thread that looks at a part of the file: nothing is taken yet. Only one at a time,
  // and no more than are worth it.
  bool may_fork() const;
  PlainPages fork();
  // What that thread has found; the host is told meanwhile that it is waited for.
  bool awaits(std::future<bool>& found) const;
  // What the other one took; false: one page was taken by both.
  bool join(const PlainPages& other);

 private:
  bool has_its_sum(const PlainPage& page, ComingPage& coming) const;

  const std::string_view file_;
  const FileHeader header_;
  const Host host_;
  const uint32_t count_;
  std::vector<bool> taken_;
  const uint32_t behind_sum_;  // what the last byte of a page's sum counts in a sum of the page
  uint64_t taken_count_ = 0;
  bool is_forked_ = false;  // this is the other thread's, or there is one
  bool tells_ = true;       // the host, of progress
  unsigned forks_ = 0;
};

// Long keys, each of which is compared with the one before it, or hashed beside some.
class LongKeys {
 public:
  // As take_key() of `pages`; there until kSideBySide more are taken.
  std::optional<std::string_view> take(PlainPages& pages, const PlainPage& page, size_t at) {
    next_ = (next_ + 1) % texts_.size();
    return pages.take_key(page, at, texts_[next_]);
  }

 private:
  std::array<std::string, kSideBySide> texts_;
  size_t next_ = 0;
};

// What is found in one of the file's databases.
class PlainDatabase {
 public:
  using Listed = std::pair<std::string, uint32_t>;  // a sub-database and its first page

  bool is_list = false;  // of the sub-databases
  bool is_served = false;
  bool has_items = false;  // of MemcacheDB, or values are served as they are
  EntryTotals totals{};
  std::vector<Listed> listed{};

  // The value as `length` bytes that begin at `stored`; of a long one, if it is wanted, all of it,
  // else anything. false: it is none that can be.
  bool add(std::string_view key, std::string_view stored, uint64_t length);
  // Whether all that add() would do with what is not long is to count it.
  bool counts_only() const { return counts() && !has_items; }
  // Or to ask what there is to count.
  bool counts() const { return is_served && !is_list; }
  bool wants_long_values() const { return is_served && has_items; }
  PlainDatabase fork() const { return {is_list, is_served, has_items}; }
  void join(PlainDatabase other);
};

}  // namespace goromdb::bdb

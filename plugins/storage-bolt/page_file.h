// SPDX-License-Identifier: MIT
// Pages on their way into a new file.
#pragma once

#include "format.h"

#include <string>
#include <string_view>

namespace goromdb::bolt {

inline uint8_t* bytes(std::string& s) { return reinterpret_cast<uint8_t*>(s.data()); }

// The elements of one page. Keys and values follow the element array, in order.
class PageBuffer {
 public:
  bool empty() const { return count_ == 0; }
  uint32_t count() const { return count_; }
  const std::string& first() const { return first_; }
  // Of the page with one more element of `more` bytes.
  uint64_t size_with(uint64_t more) const {
    return kHeader + elements_.size() + data_.size() + kElement + more;
  }
  uint64_t size() const { return kHeader + elements_.size() + data_.size(); }
  void add_entry(std::string_view key, std::string_view value, uint32_t flags);
  void add_child(std::string_view key, uint64_t page);
  // The page as it lies in the file, with its number; empty from then on.
  std::string take(uint64_t number, uint16_t kind, uint32_t page_size);

 private:
  void add(std::string_view key);

  std::string first_;  // key
  std::string elements_, data_;
  uint32_t count_ = 0;
};

// A new file, written page after page from page 2 on. Throws Failure (E_IO).
class PageFile {
 public:
  PageFile(const char* path, uint32_t page_size);
  ~PageFile();
  PageFile(const PageFile&) = delete;
  PageFile& operator=(const PageFile&) = delete;

  uint32_t page_size() const { return page_size_; }
  uint64_t next() const { return next_; }  // the number of the page that is written next
  uint64_t pages_of(uint64_t bytes) const { return (bytes + page_size_ - 1) / page_size_; }
  // A page, or one part of it after another; the last one is filled up to whole pages.
  void append(std::string_view bytes);
  void end_page();
  std::string read(uint64_t page);  // without overflow
  void flush();
  void write_at(uint64_t page, std::string_view bytes);

 private:
  void write(std::string_view bytes, uint64_t at);
  [[noreturn]] void fail(const char* what) const;

  int fd_ = -1;
  const uint32_t page_size_;
  uint64_t next_ = 2;
  uint64_t begun_ = 0;    // bytes of the page that is being written
  uint64_t written_ = 0;  // where `buffer_` belongs
  std::string buffer_;
};

}  // namespace goromdb::bolt

// SPDX-License-Identifier: MIT
// The bytes of a whole Bolt file, and the state of it that the newest valid meta page names. Does
// not own the bytes. Immutable: any thread.
#pragma once

#include "format.h"

#include <span>
#include <string>

namespace goromdb::bolt {

class Image {
 public:
  // Throws Failure: no Bolt file, cut short, both metas bad. Reads a few pages only.
  explicit Image(std::span<const uint8_t> file);

  // The page at `id` with its overflow, which lies inside the file.
  Fault page(uint64_t id, Page& out) const noexcept {
    if (id < 2 || id >= pages_) return "is not in the file";
    out.data = data_ + (id << shift_);
    if (load<uint64_t>(out.data) != id) return "bears another page's number";
    const uint64_t span = uint64_t{load<uint32_t>(out.data + 12)} + 1;
    if (span > pages_ - id) return "reaches beyond the end of the file";
    out.bytes = span << shift_;
    return out.parse();
  }
  Fault root_of(const Tree& tree, Page& out) const noexcept;
  // Where a page begins, to have it fetched before it is asked for; any `id`.
  const uint8_t* place(uint64_t id) const noexcept {
    return data_ + (id < pages_ ? id << shift_ : 0);
  }

  // Where in the file a byte of it is, and the other way round.
  uint64_t place_of(const uint8_t* byte) const noexcept {
    return static_cast<uint64_t>(byte - data_);
  }
  const uint8_t* at(uint64_t place) const noexcept { return data_ + place; }

  const Tree& root() const { return root_; }  // the bucket of the top-level buckets
  uint64_t pages() const { return pages_; }
  uint32_t page_size() const { return uint32_t{1} << shift_; }
  uint64_t bytes() const { return pages_ << shift_; }
  // Something that a reader of the log should know; often empty.
  const std::string& warning() const { return warning_; }

 private:
  const uint8_t* data_;
  uint32_t shift_ = 0;
  uint64_t pages_ = 0;
  Tree root_;
  std::string warning_;
};

// "page 17 is ...", "an inline bucket is ...": Failure of a page.
[[noreturn]] void fail(const Tree& tree, Fault fault);
[[noreturn]] void fail(uint64_t page, Fault fault);

}  // namespace goromdb::bolt

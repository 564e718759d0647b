// SPDX-License-Identifier: MIT
#include "image.h"

#include <goromdb/data_file.hpp>
#include <goromdb/sdk.hpp>

#include <algorithm>

namespace goromdb::bolt {
namespace {

// What follows the header of page 0 or 1.
struct Meta {
  enum State { kAbsent, kForeign, kVersionUnknown, kDamaged, kValid };

  State state = kAbsent;
  uint32_t version = 0, page_size = 0;
  uint64_t root = 0, pages = 0, txid = 0;

  Meta(std::span<const uint8_t> file, uint64_t at) {
    if (file.size() < at + kHeader + kMeta) return;
    const uint8_t* p = file.data() + at + kHeader;
    version = load<uint32_t>(p + 4);
    page_size = load<uint32_t>(p + 8);
    root = load<uint64_t>(p + 16);
    pages = load<uint64_t>(p + 40);
    txid = load<uint64_t>(p + 48);
    if (load<uint32_t>(p) != kMagic) {
      state = kForeign;
    } else if (load<uint64_t>(p + 56) != fnv1a(p, 56)) {
      state = kDamaged;
    } else if (version != kVersion) {
      state = kVersionUnknown;
    } else if (!std::has_single_bit(page_size) || page_size < kSmallestPage ||
               page_size > kLargestPage) {
      state = kDamaged;
    } else {
      state = kValid;
    }
  }
};

// Page 1 of a file whose page 0 does not say how large a page is.
Meta search_second(std::span<const uint8_t> file) {
  for (uint64_t at = kSmallestPage; at <= kLargestPage; at *= 2) {
    const Meta meta(file, at);
    if (meta.state == Meta::kValid && meta.page_size == at) return meta;
  }
  return Meta({}, 0);
}

[[noreturn]] void refuse(std::span<const uint8_t> file, const Meta& first) {
  const std::string_view head(reinterpret_cast<const char*>(file.data()),
                              std::min<size_t>(file.size(), 4096));
  if (file.empty()) throw Failure(GOROMDB_E_CORRUPT, "it is empty");
  if (first.state == Meta::kVersionUnknown) {
    throw Failure(
        GOROMDB_E_UNSUPPORTED,
        "it has version " + std::to_string(first.version) +
            " of the Bolt format, of which only 2 can be read; write it with Bolt or bbolt 1");
  }
  if (first.state == Meta::kDamaged) {
    throw Failure(GOROMDB_E_CORRUPT, "both of its meta pages are damaged; copy it again");
  }
  if (first.state == Meta::kForeign && load<uint32_t>(file.data() + kHeader) == kSwappedMagic) {
    throw Failure(GOROMDB_E_UNSUPPORTED,
                  "it is a Bolt file of a big-endian machine; write it on a little-endian one");
  }
  throw Failure(GOROMDB_E_CORRUPT, "it is no Bolt file" + kind_hint(head));
}

}  // namespace

void fail(uint64_t page, Fault fault) {
  throw Failure(GOROMDB_E_CORRUPT, "page " + std::to_string(page) + " " + fault);
}

void fail(const Tree& tree, Fault fault) {
  if (tree.root != 0) fail(tree.root, fault);
  throw Failure(GOROMDB_E_CORRUPT, std::string("the page of an inline bucket ") + fault);
}

Image::Image(std::span<const uint8_t> file) : data_(file.data()) {
  const Meta first(file, 0);
  const bool have_first = first.state == Meta::kValid;
  const Meta second = have_first ? Meta(file, first.page_size) : search_second(file);
  const bool have_second =
      second.state == Meta::kValid && (!have_first || second.page_size == first.page_size);
  if (!have_first && !have_second) refuse(file, first);
  const Meta& meta = have_second && (!have_first || second.txid > first.txid) ? second : first;
  shift_ = static_cast<uint32_t>(std::countr_zero(meta.page_size));
  pages_ = meta.pages;
  root_.root = meta.root;
  if (pages_ > file.size() >> shift_) {
    throw Failure(GOROMDB_E_CORRUPT, "it is cut short: " + std::to_string(file.size()) +
                                         " bytes of at least " + std::to_string(pages_) +
                                         " pages of " + std::to_string(page_size()) +
                                         "; copy it again");
  }
  if (!have_first || !have_second) {
    warning_ = std::string("meta page ") + (have_first ? "1" : "0") +
               " is damaged; what the other one names is served, perhaps without the last commit";
  }
  Page page;
  if (Fault fault = root_of(root_, page)) fail(root_.root, fault);
}

Fault Image::root_of(const Tree& tree, Page& out) const noexcept {
  if (tree.root != 0) return page(tree.root, out);
  out.data = reinterpret_cast<const uint8_t*>(tree.inlined.data());
  out.bytes = tree.inlined.size();
  if (out.bytes < kHeader) return "is too short";
  if (Fault fault = out.parse()) return fault;
  return out.leaf ? nullptr : "is a branch";
}

}  // namespace goromdb::bolt

// SPDX-License-Identifier: MIT
#include "builder.h"

#include "namespaces.h"

#include <goromdb/sdk.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace goromdb::bolt {
namespace {

constexpr uint32_t kMostElements = 65534;   // 65535 means something else on a free list
constexpr uint64_t kMostInline = 64 << 20;  // bytes of small buckets that wait in memory
constexpr std::string_view kAgain = "; sort and merge the entries first";

[[noreturn]] void refuse(const std::string& why) { throw Failure(GOROMDB_E_CONFIG, why); }

std::string bucket_value(uint64_t root) {
  std::string value(kBucket, '\0');
  store<uint64_t>(bytes(value), root);
  return value;
}

Page parsed(const std::string& bytes) {
  Page page;
  page.data = reinterpret_cast<const uint8_t*>(bytes.data());
  page.bytes = bytes.size();
  if (Fault fault = page.parse()) throw Failure(GOROMDB_E_INTERNAL, fault);
  return page;
}

}  // namespace

struct Builder::Bucket {
  std::map<std::string, std::unique_ptr<Bucket>> nested;
  std::vector<Leaf> leaves;
  std::string small;  // the one page of a bucket that has no leaves in the file
};

Builder::Builder(const char* path, std::string_view plain, uint32_t page_size)
    : file_(path, page_size), plain_(plain), root_(std::make_unique<Bucket>()) {
  bucket_at(plain);
}

Builder::~Builder() = default;

void Builder::put(std::string_view ns, std::string_view key, std::string_view value,
                  uint32_t flags) {
  if (flags != 0) refuse("a Bolt file has no place for flags; build it without them");
  if (key.empty()) refuse("a Bolt file has no empty key; leave that entry out");
  if (key.size() > kMaxKey) refuse("a key of a Bolt file has at most 32768 bytes");
  if (value.size() > kMaxValue) refuse("a value of a Bolt file has at most 2147483646 bytes");
  check_order(ns, key);
  if (current_ == nullptr || ns != ns_) switch_to(ns);
  append(current_->leaves, key, value, 0);
  key_ = key;
}

void Builder::check_order(std::string_view ns, std::string_view key) const {
  if (current_ == nullptr) return;
  const auto last = std::tuple(std::string_view(ns_), std::string_view(key_));
  const auto next = std::tuple(ns, key);
  if (next == last) refuse("a key comes twice in its namespace" + std::string(kAgain));
  if (next < last) refuse("an entry is out of order" + std::string(kAgain));
}

void Builder::switch_to(std::string_view ns) {
  if (ns == plain_) {
    refuse("the bucket of the namespace \"" + plain_ +
           "\" holds the keys without a namespace; name another one with the option bucket");
  }
  if (current_ != nullptr) set_aside();
  current_ = &bucket_at(ns.empty() ? std::string_view(plain_) : ns);
  ns_ = ns;
}

Builder::Bucket& Builder::bucket_at(std::string_view path) {
  if (path.size() > kMaxName) refuse("a namespace's name has at most 65535 bytes");
  Bucket* bucket = root_.get();
  size_t level = 0;
  for (bool more = true; more; ++level) {
    const size_t slash = path.find('/');
    const auto name = path.substr(0, slash);
    if (name.empty() || name.size() > kMaxKey || level == kMaxNesting) {
      refuse(
          "a part of a namespace's name has 1 to 32768 bytes, and there are at most 256 of them");
    }
    auto& nested = bucket->nested[std::string(name)];
    if (!nested) nested = std::make_unique<Bucket>();
    bucket = nested.get();
    more = slash != path.npos;
    if (more) path.remove_prefix(slash + 1);
  }
  return *bucket;
}

// An entry to the page that is being filled, or to pages of its own.
void Builder::append(std::vector<Leaf>& leaves, std::string_view key, std::string_view value,
                     uint32_t flags) {
  const uint64_t more = key.size() + value.size();
  if (!page_.empty() &&
      (page_.size_with(more) > file_.page_size() || page_.count() == kMostElements)) {
    flush(leaves);
  }
  if (page_.size_with(more) <= file_.page_size()) {
    page_.add_entry(key, value, flags);
    return;
  }
  const uint64_t number = file_.next();
  const uint64_t pages = file_.pages_of(page_.size_with(more));
  std::string head(kHeader + kElement, '\0');
  store<uint64_t>(bytes(head), number);
  store<uint16_t>(bytes(head) + 8, kLeafPage);
  store<uint16_t>(bytes(head) + 10, 1);
  store<uint32_t>(bytes(head) + 12, static_cast<uint32_t>(pages - 1));
  store<uint32_t>(bytes(head) + 16, flags);
  store<uint32_t>(bytes(head) + 20, kElement);
  store<uint32_t>(bytes(head) + 24, static_cast<uint32_t>(key.size()));
  store<uint32_t>(bytes(head) + 28, static_cast<uint32_t>(value.size()));
  file_.append(head);
  file_.append(key);
  file_.append(value);
  file_.end_page();
  leaves.push_back({std::string(key), number, pages});
}

void Builder::flush(std::vector<Leaf>& leaves) {
  if (page_.empty()) return;
  leaves.push_back({page_.first(), file_.next(), 1});
  file_.append(page_.take(file_.next(), kLeafPage, file_.page_size()));
  file_.end_page();
}

// The last page of a namespace: into the file, unless it is all that there is and small, as Bolt
// itself does it.
void Builder::set_aside() {
  const bool small = current_->leaves.empty() && page_.size() <= file_.page_size() / 4;
  if (small && inline_bytes_ + page_.size() <= kMostInline) {
    inline_bytes_ += page_.size();
    current_->small = page_.take(0, kLeafPage, file_.page_size());
  } else {
    flush(current_->leaves);
  }
}

void Builder::finish() {
  if (current_ != nullptr) set_aside();
  const uint64_t root = close(*root_);
  write_free_list();
  file_.flush();
  write_metas(root);
}

// The page of the bucket's root, when all that is in it has been written.
uint64_t Builder::close(Bucket& bucket) {
  std::map<std::string, std::string> values;
  for (auto& [name, nested] : bucket.nested) {
    if (nested->nested.empty() && nested->leaves.empty()) {
      if (nested->small.empty()) nested->small = PageBuffer().take(0, kLeafPage, kSmallestPage);
      values.emplace(name, bucket_value(0) + nested->small);
    } else {
      values.emplace(name, bucket_value(close(*nested)));
    }
    nested.reset();
  }
  add_nested(bucket, values);
  return add_branches(std::move(bucket.leaves));
}

// Nested buckets come among the keys, which have been written: the pages they fall on are written
// once more.
void Builder::add_nested(Bucket& bucket, const std::map<std::string, std::string>& values) {
  std::vector<Leaf> leaves;
  auto value = values.begin();
  const auto add_before = [&](std::string_view key) {
    for (; value != values.end() && value->first < key; ++value) {
      append(leaves, value->first, value->second, kIsBucket);
    }
    if (value != values.end() && value->first == key) {
      refuse("in one bucket a key and a nested bucket have the same name; rename one of them");
    }
  };
  const auto merge = [&](const Page& page) {
    for (uint32_t i = 0; i < page.count; ++i) {
      std::string_view key, bytes;
      page.entry(i, key, bytes);
      add_before(key);
      append(leaves, key, bytes, 0);
    }
  };
  if (!bucket.small.empty()) merge(parsed(bucket.small));
  for (size_t i = 0; i < bucket.leaves.size(); ++i) {
    Leaf& leaf = bucket.leaves[i];
    const bool last = i + 1 == bucket.leaves.size();
    const bool hit = value != values.end() && (last || value->first < bucket.leaves[i + 1].first);
    if (hit && leaf.pages == 1) {
      merge(parsed(file_.read(leaf.page)));
      free_.push_back(leaf.page);
    } else {
      if (hit) add_before(leaf.first);
      flush(leaves);
      leaves.push_back(std::move(leaf));
    }
  }
  for (; value != values.end(); ++value) append(leaves, value->first, value->second, kIsBucket);
  flush(leaves);
  bucket.leaves = std::move(leaves);
}

uint64_t Builder::add_branches(std::vector<Leaf> level) {
  if (level.empty()) {
    const uint64_t number = file_.next();
    file_.append(page_.take(number, kLeafPage, file_.page_size()));
    file_.end_page();
    return number;
  }
  while (level.size() > 1) {
    std::vector<Leaf> above;
    PageBuffer branch;
    const auto end = [&] {
      const uint64_t number = file_.next();
      above.push_back({branch.first(), number, 0});
      file_.append(branch.take(number, kBranchPage, file_.page_size()));
      file_.end_page();
    };
    for (const Leaf& leaf : level) {
      // Two at least, however long they are, or the levels would not come to an end.
      if ((branch.count() >= 2 && branch.size_with(leaf.first.size()) > file_.page_size()) ||
          branch.count() == kMostElements) {
        end();
      }
      branch.add_child(leaf.first, leaf.page);
    }
    end();
    level = std::move(above);
  }
  return level.front().page;
}

void Builder::write_free_list() {
  std::sort(free_.begin(), free_.end());
  const bool many = free_.size() >= 0xFFFF;
  const uint64_t size = kHeader + 8 * (uint64_t{many} + free_.size());
  std::string page(static_cast<size_t>(size), '\0');
  free_list_ = file_.next();
  store<uint64_t>(bytes(page), free_list_);
  store<uint16_t>(bytes(page) + 8, kFreelistPage);
  store<uint16_t>(bytes(page) + 10, static_cast<uint16_t>(many ? 0xFFFF : free_.size()));
  store<uint32_t>(bytes(page) + 12, static_cast<uint32_t>(file_.pages_of(size) - 1));
  uint8_t* to = bytes(page) + kHeader;
  if (many) {
    store<uint64_t>(to, free_.size());
    to += 8;
  }
  for (const uint64_t number : free_) {
    store<uint64_t>(to, number);
    to += 8;
  }
  file_.append(page);
  file_.end_page();
}

void Builder::write_metas(uint64_t root) {
  for (uint64_t number : {0, 1}) {
    std::string page(file_.page_size(), '\0');
    store<uint64_t>(bytes(page), number);
    store<uint16_t>(bytes(page) + 8, kMetaPage);
    uint8_t* meta = bytes(page) + kHeader;
    store<uint32_t>(meta, kMagic);
    store<uint32_t>(meta + 4, kVersion);
    store<uint32_t>(meta + 8, file_.page_size());
    store<uint64_t>(meta + 16, root);
    store<uint64_t>(meta + 32, free_list_);
    store<uint64_t>(meta + 40, file_.next());
    store<uint64_t>(meta + 48, number);  // of the transaction
    store<uint64_t>(meta + 56, fnv1a(meta, 56));
    file_.write_at(number, page);
  }
}

}  // namespace goromdb::bolt

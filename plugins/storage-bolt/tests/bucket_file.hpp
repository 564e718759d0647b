// SPDX-License-Identifier: MIT
// Bolt files of buckets with any names, also those that the builder refuses: empty parts, slashes.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "../format.h"

namespace goromdb::test {

struct Buckets {
  std::map<std::string, Buckets> in;
  bool has_keys = false;  // an empty one without a value, "a/b", and one behind all names
};

class BucketFile {
 public:
  // With so many elements in a page, so that few make a tree of several.
  explicit BucketFile(const Buckets& top, size_t in_page = 1000)
      : in_page_(in_page), bytes_(2 * kSize, '\0') {
    const uint64_t root = add(top);
    for (const uint64_t meta : {0, 1}) {
      uint8_t* page = at(meta * kSize);
      bolt::store<uint64_t>(page, meta);
      bolt::store<uint16_t>(page + 8, bolt::kMetaPage);
      bolt::store<uint32_t>(page + 16, bolt::kMagic);
      bolt::store<uint32_t>(page + 20, bolt::kVersion);
      bolt::store<uint32_t>(page + 24, kSize);
      bolt::store<uint64_t>(page + 32, root);
      bolt::store<uint64_t>(page + 56, bytes_.size() / kSize);
      bolt::store<uint64_t>(page + 64, meta);
      bolt::store<uint64_t>(page + 72, bolt::fnv1a(page + 16, 56));
    }
  }

  const std::string& bytes() const { return bytes_; }

 private:
  struct Element {
    std::string key, value;  // of a branch: 8 bytes, the page
    bool is_bucket = false;
  };
  static constexpr size_t kSize = 1024;

  uint8_t* at(size_t place) { return reinterpret_cast<uint8_t*>(bytes_.data()) + place; }
  static std::string number(uint64_t n) { return {reinterpret_cast<const char*>(&n), sizeof n}; }

  static std::string page(uint64_t id, uint16_t kind, const std::vector<Element>& elements) {
    std::string page(bolt::kHeader + elements.size() * bolt::kElement, '\0');
    const auto field = [&](size_t at) { return reinterpret_cast<uint8_t*>(page.data()) + at; };
    bolt::store<uint64_t>(field(0), id);
    bolt::store<uint16_t>(field(8), kind);
    bolt::store<uint16_t>(field(10), static_cast<uint16_t>(elements.size()));
    for (size_t i = 0; i < elements.size(); ++i) {
      const Element& e = elements[i];
      const size_t at = bolt::kHeader + i * bolt::kElement;
      const auto position = static_cast<uint32_t>(page.size() - at);
      const auto size = static_cast<uint32_t>(e.key.size());
      if (kind == bolt::kLeafPage) {
        bolt::store<uint32_t>(field(at), e.is_bucket ? bolt::kIsBucket : 0);
        bolt::store<uint32_t>(field(at + 4), position);
        bolt::store<uint32_t>(field(at + 8), size);
        bolt::store<uint32_t>(field(at + 12), static_cast<uint32_t>(e.value.size()));
        page += e.key + e.value;
      } else {
        bolt::store<uint32_t>(field(at), position);
        bolt::store<uint32_t>(field(at + 4), size);
        e.value.copy(page.data() + at + 8, 8);
        page += e.key;
      }
    }
    return page;
  }

  uint64_t add_page(uint16_t kind, const std::vector<Element>& elements) {
    const uint64_t id = bytes_.size() / kSize;
    bytes_ += page(id, kind, elements);
    const size_t size = (bytes_.size() + kSize - 1) / kSize - id;
    bytes_.resize((id + size) * kSize);
    bolt::store<uint32_t>(at(id * kSize) + 12, static_cast<uint32_t>(size - 1));
    return id;
  }

  static std::vector<Element> keys_of(const Buckets& bucket) {
    if (!bucket.has_keys) return {};
    std::vector<Element> keys{{"", ""}, {"\xFF", "value"}};
    if (!bucket.in.contains("a/b")) keys.push_back({"a/b", "value"});
    return keys;
  }

  static std::vector<Element> sorted(std::vector<Element> all) {
    std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.key < b.key; });
    return all;
  }

  // The value of a bucket. One without others in it lies in the page of its parent, as Bolt does.
  std::string value(const Buckets& bucket) {
    if (!bucket.in.empty()) return number(add(bucket)) + number(0);
    return number(0) + number(0) + page(0, bolt::kLeafPage, sorted(keys_of(bucket)));
  }

  // The page of a bucket's root.
  uint64_t add(const Buckets& bucket) {
    std::vector<Element> all;
    for (const auto& [name, nested] : bucket.in) all.push_back({name, value(nested), true});
    for (auto& key : keys_of(bucket)) all.push_back(key);
    all = sorted(all);
    uint16_t kind = bolt::kLeafPage;
    while (all.size() > in_page_) {
      std::vector<Element> above;
      for (size_t i = 0; i < all.size(); i += in_page_) {
        const size_t end = std::min(all.size(), i + in_page_);
        const uint64_t id = add_page(kind, {all.begin() + i, all.begin() + end});
        above.push_back({all[i].key, number(id)});
      }
      all = std::move(above);
      kind = bolt::kBranchPage;
    }
    return add_page(kind, all);
  }

  const size_t in_page_;
  std::string bytes_;
};

}  // namespace goromdb::test

// SPDX-License-Identifier: MIT
// Everything that is ever read in a file, in memory of exactly its size: so that a sanitizer sees a
// step outside of it, which a mapping's last page would hide.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "../namespaces.h"
#include "../search.h"
#include "../verify.h"
#include "fake_host.hpp"

namespace goromdb::test {

inline void require(bool fact) {
  if (!fact) std::abort();
}

inline void touch(std::string_view bytes) {
  volatile uint8_t sum = 0;
  for (const char c : bytes) sum = sum + static_cast<uint8_t>(c);
}

class ReadAll {
 public:
  // Dies when something that was verified cannot be read, or reads differently.
  explicit ReadAll(std::string_view file) : bytes_(new uint8_t[file.size()]) {
    std::memcpy(bytes_.get(), file.data(), file.size());
    try {
      const bolt::Image image({bytes_.get(), file.size()});
      const bolt::Namespaces namespaces(image, "default");
      verify(namespaces);
      make_index(namespaces);
      whole_or_failing([&] { buckets(namespaces); });
      if (whole_) require(entries_ == expected_ || cut_off_);
    } catch (const Failure&) {
    }
  }

 private:
  static constexpr size_t kMostBuckets = 64, kMostEntries = 2000;

  template <class Body>
  void whole_or_failing(Body&& body) {
    try {
      body();
    } catch (const Failure&) {
      require(!whole_);
    }
  }

  void verify(const bolt::Namespaces& namespaces) {
    try {
      expected_ = bolt::verify(namespaces, Host(host_.table())).entries;
      whole_ = true;
    } catch (const Failure&) {
    }
  }

  // The index has what verify() counts, but for buckets inside of other ones' pages.
  void make_index(const bolt::Namespaces& namespaces) {
    const auto& image = namespaces.image();
    index_.emplace(image.bytes(), static_cast<unsigned>(std::countr_zero(image.page_size())));
    try {
      bolt::verify(namespaces, Host(host_.table()), &*index_);
      require(whole_);
      index_->finish(Host(host_.table()));
    } catch (const Failure&) {
      require(!whole_);
      index_.reset();
    }
  }

  void buckets(const bolt::Namespaces& namespaces) {
    bolt::BucketWalk walk(namespaces, std::nullopt);
    for (size_t n = 0; walk.next(); ++n) {
      if (n == kMostBuckets) {
        cut_off_ = true;
        return;
      }
      walk.is_listed();
      whole_or_failing([&] {
        const auto named = namespaces.find_from_top(walk.path());
        require(named == walk.tree() || walk.is_shadowed() || !whole_);
        bolt::BucketWalk again(namespaces, walk.path());
        again.next();
      });
      whole_or_failing([&] { bucket(namespaces.image(), walk.tree()); });
    }
  }

  void bucket(const bolt::Image& image, const bolt::Tree& tree) {
    std::vector<bolt::Element> elements;
    bolt::Page root;
    if (image.root_of(tree, root) == nullptr) {
      ask(image, root, {{"key", {}, false}, {"", {}, false}, {"\xFF\xFF", {}, false}});
    }
    bolt::Walk walk(image, tree, std::nullopt);
    for (bolt::Element element; walk.next(element);) {
      if (elements.size() == kMostEntries) {
        cut_off_ = true;
        break;
      }
      touch(element.key);
      touch(element.value);
      entries_ += element.is_bucket ? 0 : 1;
      elements.push_back(element);
    }
    for (uint64_t random = 0; random < 3; ++random) from_any(image, tree, elements, random);
    for (size_t at = 0; at < elements.size(); at += bolt::kLanes) {
      const size_t n = std::min(bolt::kLanes, elements.size() - at);
      ask(image, root, {elements.begin() + at, elements.begin() + at + n}, whole_);
      ask(image, root, {elements[at]}, whole_);
      if (index_) ask_index(image, tree, {elements.begin() + at, elements.begin() + at + n});
      bolt::Walk behind(image, tree, elements[at].key);
      bolt::Element next;
      const bool more = behind.next(next);
      if (whole_ && at + 1 < elements.size()) {
        require(more && next.key.data() == elements[at + 1].key.data());
      }
    }
  }

  // A walk from a key by chance gives the rest of the walk from the front.
  void from_any(const bolt::Image& image, const bolt::Tree& tree,
                const std::vector<bolt::Element>& elements, uint64_t random) {
    auto walk = bolt::walk_from_any(image, tree, random);
    bolt::Element element;
    if (!walk || !walk->next(element)) return;
    if (whole_) require(!element.is_bucket);
    const auto is_same = [&](const bolt::Element& other) {
      return other.key.data() == element.key.data();
    };
    auto at = std::find_if(elements.begin(), elements.end(), is_same);
    if (whole_ && !cut_off_) require(at != elements.end());
    for (size_t n = 0; n < kMostEntries && walk->next(element); ++n) {
      touch(element.key);
      touch(element.value);
      if (whole_ && !cut_off_) require(++at != elements.end() && is_same(*at));
    }
  }

  // What a walk gives, a search finds.
  void ask(const bolt::Image& image, const bolt::Page& root,
           const std::vector<bolt::Element>& elements, bool must = false) {
    std::vector<bolt::Seek> seeks(elements.size());
    for (size_t i = 0; i < seeks.size(); ++i) seeks[i].start(root, elements[i].key);
    bolt::search(image, seeks);
    for (size_t i = 0; i < seeks.size(); ++i) {
      if (seeks[i].found) touch(seeks[i].value);
      if (must) require(seeks[i].found && seeks[i].value.data() == elements[i].value.data());
    }
  }

  // What a walk gives, the index finds, and nothing in a tree that is not there.
  void ask_index(const bolt::Image& image, const bolt::Tree& tree,
                 const std::vector<bolt::Element>& elements) {
    struct Entries : bolt::Elements {
      uint64_t root;
      uint64_t tree(uint32_t ns) const noexcept { return ns == 0 ? root : root + 1000000; }
    };
    std::vector<goromdb_key> keys;
    for (const uint32_t ns : {0, 1}) {
      for (const auto& element : elements) {
        keys.push_back({element.key.data(), static_cast<uint32_t>(element.key.size()), ns});
      }
    }
    std::vector<goromdb_value> values(keys.size());
    index_->get(Entries{{image}, tree.root}, keys, values.data());
    for (size_t i = 0; i < elements.size(); ++i) {
      const bool is_there = tree.root != 0 && !elements[i].is_bucket;
      require((values[i].status == GOROMDB_OK) == is_there);
      if (is_there) require(values[i].ptr == elements[i].value.data());
      if (is_there) require(values[i].len == elements[i].value.size());
      require(values[elements.size() + i].status == GOROMDB_NOT_FOUND);
    }
  }

  FakeHost host_;
  std::optional<PlaceIndex> index_;
  const std::unique_ptr<uint8_t[]> bytes_;
  bool whole_ = false, cut_off_ = false;
  uint64_t entries_ = 0, expected_ = 0;
};

}  // namespace goromdb::test

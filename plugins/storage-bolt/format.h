// SPDX-License-Identifier: MIT
// The bytes of a Bolt file: pages and their elements, read with every bound checked. Nothing here
// allocates, throws or believes what it reads. Source: docs/formats/bolt.md, "The format".
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace goromdb::bolt {

static_assert(std::endian::native == std::endian::little, "Bolt files are read as they lie there");

constexpr uint32_t kMagic = 0xED0CDAED;
constexpr uint32_t kSwappedMagic = 0xEDDA0CED;
constexpr uint32_t kVersion = 2;
constexpr uint32_t kSmallestPage = 1024;
constexpr uint32_t kLargestPage = 16 << 20;
constexpr uint32_t kMaxKey = 32768;
constexpr uint64_t kMaxValue = (uint64_t{1} << 31) - 2;
constexpr uint32_t kHeader = 16;   // of a page
constexpr uint32_t kElement = 16;  // of a page of either kind
constexpr uint32_t kBucket = 16;   // a bucket's value: root, sequence; an inline page may follow
constexpr uint32_t kMeta = 64;
constexpr uint32_t kMaxDepth = 64;  // pages from a tree's root to its leaf
constexpr uint16_t kBranchPage = 0x01;
constexpr uint16_t kLeafPage = 0x02;
constexpr uint16_t kMetaPage = 0x04;
constexpr uint16_t kFreelistPage = 0x10;
constexpr uint32_t kIsBucket = 0x01;

// Inline pages lie wherever their value does, so nothing is aligned.
template <class Number>
Number load(const uint8_t* from) noexcept {
  Number n;
  std::memcpy(&n, from, sizeof n);
  return n;
}
template <class Number>
void store(uint8_t* to, std::type_identity_t<Number> n) noexcept {
  std::memcpy(to, &n, sizeof n);
}

inline uint64_t fnv1a(const uint8_t* bytes, size_t n) noexcept {
  uint64_t hash = 0xCBF29CE484222325;
  for (size_t i = 0; i < n; ++i) hash = (hash ^ bytes[i]) * 0x100000001B3;
  return hash;
}

// What is wrong with a page, as the end of a sentence; NULL: nothing.
using Fault = const char*;

// A branch or a leaf whose element array lies inside of it.
struct Page {
  const uint8_t* data = nullptr;
  uint64_t bytes = 0;
  uint32_t count = 0;
  bool leaf = false;

  // `data` and `bytes` are set, `bytes` is kHeader or more.
  Fault parse() noexcept {
    const auto flags = load<uint16_t>(data + 8);
    if (flags != kBranchPage && flags != kLeafPage) return "is neither a branch nor a leaf";
    leaf = flags == kLeafPage;
    count = load<uint16_t>(data + 10);
    if (kHeader + uint64_t{count} * kElement > bytes) return "has more elements than room";
    if (!leaf && count == 0) return "is a branch without elements";
    return nullptr;
  }

  const uint8_t* element(uint32_t i) const noexcept { return data + kHeader + i * kElement; }
  // The key of an element and what follows it, `more` bytes, if they lie inside of the page.
  bool span(uint32_t i, uint32_t pos, uint64_t size, const uint8_t*& out) const noexcept {
    const uint64_t begin = kHeader + uint64_t{i} * kElement + pos;
    if (begin + size > bytes) return false;
    out = data + begin;
    return true;
  }
  bool key(uint32_t i, std::string_view& out) const noexcept {
    const uint8_t* e = element(i) + (leaf ? 4 : 0);
    const auto size = load<uint32_t>(e + 4);
    const uint8_t* begin;
    if (!span(i, load<uint32_t>(e), size, begin)) return false;
    out = {reinterpret_cast<const char*>(begin), size};
    return true;
  }
  uint32_t flags(uint32_t i) const noexcept { return load<uint32_t>(element(i)); }      // of a leaf
  uint64_t child(uint32_t i) const noexcept { return load<uint64_t>(element(i) + 8); }  // a branch
  // Of a leaf.
  bool entry(uint32_t i, std::string_view& k, std::string_view& v) const noexcept {
    const uint8_t* e = element(i);
    const auto key_size = load<uint32_t>(e + 8);
    const auto size = load<uint32_t>(e + 12);
    const uint8_t* begin;
    if (!span(i, load<uint32_t>(e + 4), uint64_t{key_size} + size, begin)) return false;
    k = {reinterpret_cast<const char*>(begin), key_size};
    v = {reinterpret_cast<const char*>(begin) + key_size, size};
    return true;
  }
};

// The key and the value of a leaf's element that has been found whole.
struct LeafElement {
  const uint8_t* at;

  const char* key_begin() const noexcept {
    return reinterpret_cast<const char*>(at) + load<uint32_t>(at + 4);
  }
  std::string_view key() const noexcept { return {key_begin(), load<uint32_t>(at + 8)}; }
  std::string_view value() const noexcept {
    return {key_begin() + load<uint32_t>(at + 8), load<uint32_t>(at + 12)};
  }
};

constexpr Fault kElementOutside = "has an element that points outside of it";
constexpr Fault kTooDeep = "lies below more branches than any tree has";

// Where a bucket's entries are: at the page `root`, or in an inline page.
struct Tree {
  uint64_t root = 0;
  std::string_view inlined = {};  // the page, when root is 0

  bool operator==(const Tree& other) const noexcept {
    return root == other.root && inlined.data() == other.inlined.data();
  }
  // Out of a bucket's value; false: it is too short.
  bool parse(std::string_view value) noexcept {
    if (value.size() < kBucket) return false;
    root = load<uint64_t>(reinterpret_cast<const uint8_t*>(value.data()));
    inlined = root == 0 ? value.substr(kBucket) : std::string_view();
    return root != 0 || inlined.size() >= kHeader;
  }
};

}  // namespace goromdb::bolt

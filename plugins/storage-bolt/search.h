// SPDX-License-Identifier: MIT
// Finds several keys at once, each in a tree of its own or all in one: what they wait for from
// memory, they wait for together.
#pragma once

#include "image.h"

#include <optional>
#include <span>
#include <string_view>

namespace goromdb::bolt {

constexpr size_t kLanes = 32;  // as many misses as a core has in flight, and some that just arrive

struct Seek {
  Page page;  // of the tree's root; then where the key is being looked for
  std::string_view key;
  // The outcome. `value` lies in the file.
  std::string_view value;
  uint32_t flags = 0;
  bool found = false;
  Fault fault = nullptr;  // the tree is broken on the way to the key
  uint64_t at = 0;        // the page that the fault is in; 0: the one it began with

  void start(const Page& root, std::string_view k) noexcept {
    page = root;
    key = k;
    found = false;
    fault = nullptr;
    at = 0;
    base = 0;
    width = root.count;
  }

  // The search's own: the elements that are left, and the key of the one in their middle.
  uint32_t base = 0, width = 0;
  std::string_view probe;
};

// At most kLanes of them.
void search(const Image& image, std::span<Seek> seeks) noexcept;

// The bucket `name` right inside `parent`. Throws Failure when the way to it is broken.
std::optional<Tree> find_bucket(const Image& image, const Tree& parent, std::string_view name);

}  // namespace goromdb::bolt

// SPDX-License-Identifier: MIT
// A level of the trees at a time. On a page each key is searched for by halving; a step of it needs
// two things from memory, the element and the key that it points to, and all keys take each half of
// the step in turn, after having asked for the next.
#include "search.h"

#include <utility>

namespace goromdb::bolt {
namespace {

void fetch(const void* p) noexcept { __builtin_prefetch(p, 0, 3); }

void give_up(Seek& seek, Fault fault) noexcept {
  seek.fault = fault;
  seek.width = 0;
}

// The index of the last key that is not behind the wanted one, or 0, is in `base` at the end.
void halve_all(Seek* const* lanes, size_t n) noexcept {
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < n; ++i) {
      Seek& seek = *lanes[i];
      if (seek.width <= 1) continue;
      if (!seek.page.key(seek.base + seek.width / 2, seek.probe)) {
        give_up(seek, kElementOutside);
        continue;
      }
      fetch(seek.probe.data());
    }
    for (size_t i = 0; i < n; ++i) {
      Seek& seek = *lanes[i];
      if (seek.width <= 1) continue;
      const uint32_t half = seek.width / 2;
      if (seek.probe <= seek.key) seek.base += half;
      seek.width -= half;
      fetch(seek.page.element(seek.base + seek.width / 2));
      more |= seek.width > 1;
    }
  }
}

}  // namespace

void search(const Image& image, std::span<Seek> seeks) noexcept {
  Seek* lanes[kLanes];
  size_t n = 0;
  for (Seek& seek : seeks) {
    if (seek.width > 0) lanes[n++] = &seek;
  }
  for (uint32_t depth = 1; n > 0; ++depth) {
    halve_all(lanes, n);
    size_t left = 0;
    // Where to go on, or the last key to look at.
    for (size_t i = 0; i < n; ++i) {
      Seek& seek = *lanes[i];
      if (seek.width == 0) continue;
      if (seek.page.leaf) {
        if (!seek.page.entry(seek.base, seek.probe, seek.value)) {
          give_up(seek, kElementOutside);
          continue;
        }
        fetch(seek.probe.data());
      } else {
        if (depth == kMaxDepth) {
          give_up(seek, kTooDeep);
          continue;
        }
        seek.at = seek.page.child(seek.base);
        fetch(image.place(seek.at));
      }
      lanes[left++] = &seek;
    }
    n = std::exchange(left, 0);
    for (size_t i = 0; i < n; ++i) {
      Seek& seek = *lanes[i];
      if (seek.page.leaf) {
        seek.flags = seek.page.flags(seek.base);
        seek.found = seek.probe == seek.key;
        continue;
      }
      if (Fault fault = image.page(seek.at, seek.page)) {
        give_up(seek, fault);
        continue;
      }
      seek.base = 0;
      seek.width = seek.page.count;
      if (seek.width == 0) {
        give_up(seek, "is an empty leaf below a branch");
        continue;
      }
      fetch(seek.page.element(seek.width / 2));
      lanes[left++] = &seek;
    }
    n = left;
  }
}

std::optional<Tree> find_bucket(const Image& image, const Tree& parent, std::string_view name) {
  Page root;
  if (Fault fault = image.root_of(parent, root)) fail(parent, fault);
  Seek seek;
  seek.start(root, name);
  search(image, std::span(&seek, 1));
  if (seek.fault != nullptr) {
    seek.at != 0 ? fail(seek.at, seek.fault) : fail(parent, seek.fault);
  }
  if (!seek.found || (seek.flags & kIsBucket) == 0) return std::nullopt;
  Tree tree;
  if (!tree.parse(seek.value)) fail(parent, "has a bucket that is cut short");
  return tree;
}

}  // namespace goromdb::bolt

// SPDX-License-Identifier: MIT
// A level of the trees at a time. On a page each key is searched for by halving; a step of it needs
// two things from memory, the element and the key that it points to, and all keys take each half of
// the step in turn, after having asked for the next.
#include "search.h"

#include <algorithm>
#include <utility>

namespace goromdb::bolt {
namespace {

constexpr size_t kFewLanes = 4;

void fetch(const void* p) noexcept { __builtin_prefetch(p, 0, 3); }

// Eight bytes as a number that orders as they do.
uint64_t word(const char* p) noexcept {
  return __builtin_bswap64(load<uint64_t>(reinterpret_cast<const uint8_t*>(p)));
}

// a <= b, bytewise. Most keys differ in their first words, which a call of memcmp is too slow for.
bool not_behind(std::string_view a, std::string_view b) noexcept {
  const size_t n = std::min(a.size(), b.size());
  if (n < 8) return a <= b;
  for (size_t i = 0; i + 8 <= n; i += 8) {
    const uint64_t x = word(a.data() + i), y = word(b.data() + i);
    if (x != y) return x < y;
  }
  const uint64_t x = word(a.data() + n - 8), y = word(b.data() + n - 8);
  return x != y ? x < y : a.size() <= b.size();
}

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
      // No jump, which would be foreseen half of the time.
      seek.base += half & -static_cast<uint32_t>(not_behind(seek.probe, seek.key));
      seek.width -= half;
      fetch(seek.page.element(seek.base + seek.width / 2));
      more |= seek.width > 1;
    }
  }
}

// Asks for the key of an element.
void fetch_key(const Page& page, uint32_t i) noexcept {
  std::string_view key;
  if (i < page.count && page.key(i, key)) fetch(key.data());
}

// The same for a key that is alone. Nothing else is done while it waits: so the element array is
// asked for whole, and the keys of both elements that may be next; and the processor, which goes on
// from a guess, is let jump.
void halve_alone(Seek& seek) noexcept {
  constexpr uint32_t kLine = 64, kMostLines = 16;
  const uint8_t* array = seek.page.element(0);
  const uint32_t size = seek.page.leaf ? seek.page.count * kElement : 0;
  for (uint32_t at = 0; at < std::min(size, kMostLines * kLine); at += kLine) fetch(array + at);
  while (seek.width > 1) {
    const uint32_t half = seek.width / 2;
    if (!seek.page.key(seek.base + half, seek.probe)) return give_up(seek, kElementOutside);
    fetch(seek.probe.data());
    seek.width -= half;
    fetch_key(seek.page, seek.base + seek.width / 2);
    fetch_key(seek.page, seek.base + half + seek.width / 2);
    if (not_behind(seek.probe, seek.key)) seek.base += half;
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
    if (n < kFewLanes) {
      for (size_t i = 0; i < n; ++i) halve_alone(*lanes[i]);
    } else {
      halve_all(lanes, n);
    }
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

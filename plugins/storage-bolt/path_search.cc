// SPDX-License-Identifier: MIT
#include "path_search.h"

#include "search.h"

#include <algorithm>

namespace goromdb::bolt {

size_t common(std::string_view a, std::string_view b) noexcept {
  const size_t n = std::min(a.size(), b.size());
  const auto word = [](std::string_view name, size_t at) {
    return load<uint64_t>(reinterpret_cast<const uint8_t*>(name.data()) + at);
  };
  size_t same = 0;
  while (same + 8 <= n && word(a, same) == word(b, same)) same += 8;
  while (same < n && a[same] == b[same]) ++same;
  return same;
}

std::optional<Tree> PathSearch::step(size_t& used) {
  used = path_.size();
  if (path_.find('/') == path_.npos) return find_bucket(image_, tree_, path_);
  if (auto tree = find(used)) return tree;
  return part(used);
}

// From the longest to the shortest.
std::optional<Tree> PathSearch::part(size_t& used) {
  used = 0;
  std::optional<Tree> shortest;
  size_t at = path_.rfind('/');
  while (at != path_.npos) {
    if (auto tree = find(at)) {
      shortest = tree;
      used = at;
    }
    at = at > 0 ? path_.rfind('/', std::min(at - 1, shared_)) : path_.npos;
  }
  return shortest;
}

std::optional<Tree> PathSearch::find(size_t size) {
  Page page;
  uint64_t number = tree_.root;
  if (Fault fault = image_.root_of(tree_, page)) fail_at(number, fault);
  shared_ = 0;
  uint32_t n = not_behind(page, number, size);
  for (uint32_t depth = 1; !page.leaf; ++depth) {
    if (depth == kMaxDepth) fail_at(number, kTooDeep);
    number = page.child(n > 0 ? n - 1 : 0);
    if (Fault fault = image_.page(number, page)) fail_at(number, fault);
    if (page.count == 0) fail_at(number, "is an empty leaf below a branch");
    n = not_behind(page, number, size);
  }
  if (n == 0) return std::nullopt;
  std::string_view key, value;
  if (!page.entry(n - 1, key, value)) fail_at(number, kElementOutside);
  if (key != path_.substr(0, size) || (page.flags(n - 1) & kIsBucket) == 0) return std::nullopt;
  Tree tree;
  if (!tree.parse(value)) fail_at(number, "has a bucket that is cut short");
  return tree;
}

// How many of a page's keys are not behind the path's first `size` bytes.
uint32_t PathSearch::not_behind(const Page& page, uint64_t number, size_t size) {
  uint32_t low = 0, high = page.count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    std::string_view key;
    if (!page.key(middle, key)) fail_at(number, kElementOutside);
    const size_t same = common_of(page.element(middle), key);
    const bool is_behind = same >= size
                               ? key.size() > size
                               : same < key.size() && static_cast<uint8_t>(key[same]) >
                                                          static_cast<uint8_t>(path_[same]);
    if (is_behind) {
      high = middle;
    } else {
      low = middle + 1;
      shared_ = same;
    }
  }
  return low;
}

size_t PathSearch::common_of(const uint8_t* element, std::string_view key) {
  const auto [known, is_new] = common_.try_emplace(element);
  if (is_new) known->second = common(key, path_);
  return known->second;
}

void PathSearch::fail_at(uint64_t number, Fault fault) const {
  number != 0 ? fail(number, fault) : fail(tree_, fault);
}

}  // namespace goromdb::bolt

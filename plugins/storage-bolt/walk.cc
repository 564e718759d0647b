// SPDX-License-Identifier: MIT
#include "walk.h"

#include <goromdb/chance.hpp>

#include <utility>

namespace goromdb::bolt {

namespace {
constexpr Fault kOutOfOrder = "has keys that are out of order";

// How many of a page's elements have a key that is not behind `key`; false: a key lies outside.
bool not_behind(const Page& page, std::string_view key, uint32_t& n) {
  uint32_t low = 0, high = page.count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    std::string_view probe;
    if (!page.key(middle, probe)) return false;
    if (probe <= key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  n = low;
  return true;
}
}  // namespace

Walk::Walk(const Image& image, const Tree& tree, std::optional<std::string_view> after,
           Budget* budget)
    : image_(image), tree_(tree), budget_(budget) {
  frames_.emplace_back();
  numbers_.push_back(tree.root);
  if (Fault fault = image.root_of(tree, frames_.back().page)) fail_here(fault);
  while (true) {
    Frame& frame = frames_.back();
    uint32_t n = 0;
    if (after && !not_behind(frame.page, *after, n)) fail_here(kElementOutside);
    if (frame.page.leaf) {
      frame.at = n;
      if (after) {
        after_.assign(after->begin(), after->end());
        last_ = std::string_view(after_.data(), after_.size());
      }
      if (frame.page.count > 0) enter_leaf();
      return;
    }
    frame.at = n > 0 ? n - 1 : 0;
    push(frame.page.child(frame.at));
  }
}

Walk::Walk(const Image& image, const Tree& tree, std::mt19937_64& chance)
    : image_(image), tree_(tree), budget_(nullptr) {
  frames_.emplace_back();
  numbers_.push_back(tree.root);
  if (Fault fault = image.root_of(tree, frames_.back().page)) fail_here(fault);
  while (frames_.back().page.count > 0) {
    Frame& frame = frames_.back();
    frame.at = static_cast<uint32_t>(chance() % frame.page.count);
    ways_ *= frame.page.count;
    if (frame.page.leaf) {
      enter_leaf();
      return;
    }
    push(frame.page.child(frame.at));
  }
}

bool Walk::is_at_key() const {
  const Frame& frame = frames_.back();
  return frame.at < frame.page.count && (frame.page.flags(frame.at) & kIsBucket) == 0;
}

std::optional<Walk> walk_from_any(const Image& image, const Tree& tree, uint64_t random) {
  auto chosen =
      choose_by_chance(random, [&](std::mt19937_64& chance) -> std::optional<Candidate<Walk>> {
        Walk walk(image, tree, chance);
        if (!walk.is_at_key()) return std::nullopt;
        const double ways = walk.ways();
        return Candidate<Walk>{std::move(walk), ways};
      });
  if (!chosen) return std::nullopt;
  return std::move(chosen->found);
}

void Walk::fail_here(Fault fault) const {
  top_page() != 0 ? fail(top_page(), fault) : fail(tree_, fault);
}

void Walk::push(uint64_t page) {
  if (frames_.size() == kMaxDepth) fail_here(kTooDeep);
  frames_.emplace_back();
  numbers_.push_back(page);
  if (Fault fault = image_.page(page, frames_.back().page)) fail_here(fault);
  if (frames_.back().page.count == 0) fail_here("is an empty leaf below a branch");
}

void Walk::enter_leaf() {
  std::string_view first;
  if (!frames_.back().page.key(0, first)) fail_here(kElementOutside);
  if (leaf_ && first <= *leaf_) fail_here(kOutOfOrder);
  leaf_ = first;
  if (budget_ != nullptr && !budget_->spend(uint64_t{frames_.back().page.count} * kElement)) {
    fail_here("is part of several buckets");
  }
}

// To the next leaf that has an element left.
bool Walk::to_element() {
  while (frames_.back().at == frames_.back().page.count) {
    do {
      if (frames_.size() == 1) return false;
      frames_.pop_back();
      numbers_.pop_back();
    } while (++frames_.back().at == frames_.back().page.count);
    while (!frames_.back().page.leaf) push(frames_.back().page.child(frames_.back().at));
    enter_leaf();
  }
  return true;
}

bool Walk::next(Element& out) {
  if (!to_element()) return false;
  Frame& frame = frames_.back();
  if (!frame.page.entry(frame.at, out.key, out.value)) fail_here(kElementOutside);
  if (last_ && out.key <= *last_) fail_here(kOutOfOrder);
  out.is_bucket = (frame.page.flags(frame.at) & kIsBucket) != 0;
  last_ = out.key;
  ++frame.at;
  return true;
}

bool Walk::next_bucket(Element& out) {
  while (to_element()) {
    Frame& frame = frames_.back();
    while (frame.at < frame.page.count && (frame.page.flags(frame.at) & kIsBucket) == 0) ++frame.at;
    if (frame.at < frame.page.count) return next(out);
  }
  return false;
}

}  // namespace goromdb::bolt

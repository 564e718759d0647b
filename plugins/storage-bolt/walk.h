// SPDX-License-Identifier: MIT
// A bucket's elements in the order of their keys. Ends, whatever the pages say: no leaf is entered
// whose first key is not behind the first key of the leaf before it. Several walks may share a
// budget, so that together they end where buckets share pages.
#pragma once

#include "image.h"

#include <functional>
#include <optional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace goromdb::bolt {

struct Element {
  std::string_view key, value;
  bool is_bucket = false;
};

// How many bytes are still to be looked at: a walk takes kElement for each element of a leaf that
// it enters. Who waits is told that it goes on; what `tell` throws ends it.
class Budget {
 public:
  explicit Budget(uint64_t most, std::function<void()> tell = nullptr)
      : left_(most), tell_(std::move(tell)) {}

  // False: there is not so much left.
  bool spend(uint64_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    untold_ += bytes;
    if (untold_ >= kTellEvery) {
      untold_ = 0;
      if (tell_) tell_();
    }
    return true;
  }

 private:
  static constexpr uint64_t kTellEvery = 64 << 10;  // some milliseconds, or less

  uint64_t left_, untold_ = 0;
  const std::function<void()> tell_;
};

class Walk {
 public:
  // From the first element, or from the one behind `after`. Throws Failure, as next() does.
  Walk(const Image& image, const Tree& tree, std::optional<std::string_view> after,
       Budget* budget = nullptr);
  // From an element by chance: one of each page's on the way down. Throws Failure.
  Walk(const Image& image, const Tree& tree, std::mt19937_64& chance);

  // False: there are no more. Throws Failure where keys do not ascend.
  bool next(Element& out);
  // The same for buckets alone; what lies between them is passed over without a look at its key.
  bool next_bucket(Element& out);

  // Of a walk by chance: whether it begins at a key, and from how many ways to an element, as many
  // as if all pages were like those that it took, it took this one.
  bool is_at_key() const;
  double ways() const { return ways_; }

 private:
  struct Frame {
    Page page;
    uint32_t at = 0;  // of the element that comes next; in a branch, of the child that we are in
  };
  uint64_t top_page() const { return numbers_.back(); }
  [[noreturn]] void fail_here(Fault fault) const;
  void push(uint64_t page);
  void enter_leaf();
  bool to_element();

  const Image& image_;
  const Tree tree_;
  Budget* const budget_;
  std::vector<Frame> frames_;
  std::vector<uint64_t> numbers_;         // of the pages of `frames_`
  std::optional<std::string_view> leaf_;  // the first key of the leaf
  std::optional<std::string_view> last_;  // the last key that was given
  std::vector<char> after_;               // what `last_` is at first
  double ways_ = 1;
};

// From a key that `random` chooses, each about as likely. Nothing: chance met nothing but buckets,
// or there are no elements. Throws Failure.
std::optional<Walk> walk_from_any(const Image& image, const Tree& tree, uint64_t random);

}  // namespace goromdb::bolt

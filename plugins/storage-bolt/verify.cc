// SPDX-License-Identifier: MIT
#include "verify.h"

#include <goromdb/data_file.hpp>
#include <goromdb/page_walk.hpp>

#include <algorithm>
#include <future>
#include <optional>
#include <string>
#include <vector>

namespace goromdb::bolt {
namespace {

using Bound = std::optional<std::string_view>;

class Verifier {
 public:
  Verifier(const Namespaces& namespaces, const Host& host, PlaceIndex* index)
      : namespaces_(namespaces),
        image_(namespaces.image()),
        host_(host),
        index_(index),
        seen_(static_cast<size_t>(image_.pages())) {}

  Totals run() {
    enter_bucket(image_.root(), 0);
    while (!frames_.empty()) {
      if (is_worth_two_threads()) {
        halves();
      } else {
        step();
      }
    }
    count_shadowed();
    std::sort(totals_.branched.begin(), totals_.branched.end());
    return totals_;
  }

 private:
  // A page that we are in. Its keys have to lie in [from, to).
  struct Frame {
    Page page;
    uint64_t number = 0;
    uint32_t at = 0;
    uint32_t depth = 1;  // in its tree
    Bound from, to;
    Bound last;
    uint64_t used = 0;  // by the elements so far, their keys and their values
  };
  // A bucket that we are in.
  struct Bucket {
    size_t frame;   // of its root
    size_t prefix;  // the length of a nested bucket's path without its name
    bool plain;
    uint64_t keys = 0, buckets = 0;
  };

  void step() {
    Frame& here = frames_.back();
    if (here.at == here.page.count) {
      leave();
    } else if (here.page.leaf) {
      if (here.at > 0) plain_entries(here);
      entry(here);
    } else {
      descend(here);
    }
  }

  // We are at the begin of a page with some branches below it, and have not split many.
  bool is_worth_two_threads() const {
    constexpr uint32_t kSome =
        4;  // a root may have a full one and a small one, so a child is split
    const Frame& here = frames_.back();
    if (host_.threads() < 2 || index_ != nullptr || splits_ == kMostSplits) return false;
    if (here.at > 0 || here.page.leaf || here.page.count < kSome) return false;
    Page first;
    return image_.page(here.page.child(0), first) == nullptr && !first.leaf;
  }

  // All that is below the page that we are at, the second half on a thread of its own. What keys a
  // page may have is told by the page above it, so that all are in order; no page may be in both.
  void halves() {
    ++splits_;
    const uint32_t middle = frames_.back().page.count / 2, end = frames_.back().page.count;
    Verifier other(*this);
    other.become_second(middle);
    auto beside = std::async([&] { other.go(end); });
    go(middle);
    awaited(beside, host_, pages_ * image_.page_size(), image_.pages() * image_.page_size());
    frames_.back().at = end;
    use(frames_.back(), other.frames_.back().used);
    buckets_.back().keys += other.buckets_.back().keys;
    buckets_.back().buckets += other.buckets_.back().buckets;
    totals_.add(other.totals_);
    totals_.namespaces += other.totals_.namespaces;
    totals_.branched.insert(totals_.branched.end(), other.totals_.branched.begin(),
                            other.totals_.branched.end());
    has_slashes_ |= other.has_slashes_;
    pages_ += other.pages_;
    for (size_t i = 0; i < seen_.size(); ++i) {
      if (other.seen_[i] && seen_[i]) fail(i, kTwice);
      seen_[i] = seen_[i] || other.seen_[i];
    }
  }
  void become_second(uint32_t middle) {
    Frame& frame = frames_.back();
    std::string_view before;
    if (!frame.page.key(middle - 1, before)) fail_at(frame, kElementOutside);
    frame.last = before;
    frame.at = middle;
    frame.used = 0;
    buckets_.back().keys = buckets_.back().buckets = 0;
    totals_ = {};
    pages_ = 0;
    seen_.assign(seen_.size(), false);
    tells_ = false;
    splits_ = kMostSplits;
  }
  // Up to the element `end` of the page that we are at.
  void go(uint32_t end) {
    const size_t base = frames_.size();
    while (frames_.size() > base || frames_.back().at < end) step();
  }

  [[noreturn]] static void fail_at(const Frame& frame, Fault fault) {
    frame.number != 0 ? fail(frame.number, fault) : fail(Tree(), fault);
  }

  // Marks a page and what it overflows into.
  void take(const Frame& frame) {
    const uint64_t n = frame.page.bytes / image_.page_size();
    for (uint64_t i = 0; i < n; ++i) {
      auto seen = seen_[static_cast<size_t>(frame.number + i)];
      if (seen) fail(frame.number + i, kTwice);
      seen = true;
    }
    pages_ += n;
    if (tells_ && pages_ - told_ >= kTellEvery / image_.page_size()) {
      told_ = pages_;
      host_.progress(pages_ * image_.page_size(), image_.pages() * image_.page_size());
    }
  }

  void enter_bucket(const Tree& tree, size_t prefix) {
    if (buckets_.size() > kMaxNesting || prefix > kMaxName + 1) {
      throw Failure(GOROMDB_E_UNSUPPORTED, kNestedTooDeep);
    }
    Frame frame;
    frame.number = tree.root;
    if (Fault fault = image_.root_of(tree, frame.page)) fail(tree, fault);
    if (tree.root != 0) take(frame);
    buckets_.push_back({frames_.size(), prefix, namespaces_.plain() == tree});
    frames_.push_back(frame);
  }

  void leave() {
    const Bucket& bucket = buckets_.back();
    const bool is_root = frames_.size() == bucket.frame + 1;
    if (is_root && !frames_.back().page.leaf) {
      totals_.branched.emplace_back(frames_.back().number, bucket.keys);
    }
    frames_.pop_back();
    if (!is_root) return;
    const bool only_buckets = bucket.keys == 0 && bucket.buckets > 0;
    if (!frames_.empty() && !bucket.plain && !only_buckets) ++totals_.namespaces;
    buckets_.pop_back();
  }

  // No byte is of two elements: a page of them could take the square of its size, and more.
  static void use(Frame& frame, uint64_t size) {
    frame.used += size;
    if (frame.used > frame.page.bytes - kHeader) fail_at(frame, "has elements that overlap");
  }

  // Of the page's i-th key. They ascend, so the first and the last are in the range for all.
  void check_key(Frame& frame, uint32_t i, std::string_view key) const {
    if (key.size() > kMaxKey) fail_at(frame, "has a key of more than 32768 bytes");
    if (frame.last && !is_below(*frame.last, key)) fail_at(frame, "has keys that are out of order");
    const bool is_first = i == 0, is_last = i + 1 == frame.page.count;
    if ((is_first && frame.from && key < *frame.from) ||
        (is_last && frame.to && key >= *frame.to)) {
      fail_at(frame, "has keys that belong to another page");
    }
    frame.last = key;
  }

  // The entries from here on that are as they have to be, but for the last one of the page: that
  // and what else is to be said about one is left to entry(). This is most of the work, so what it
  // needs is at hand, not behind a pointer that may have changed.
  void plain_entries(Frame& frame) {
    if (index_ != nullptr || buckets_.size() == 1) return;
    const Page page = frame.page;
    const uint32_t begin = frame.at;
    std::string_view last = *frame.last, key, value;
    ComingPage coming = coming_;
    EntryTotals found;
    uint32_t at = begin;
    for (; at + 1 < page.count; ++at) {
      coming.a_bit();
      if (page.flags(at) != 0 || !page.entry(at, key, value) || key.size() > kMaxKey ||
          !is_below(last, key)) {
        break;
      }
      found.add(key.size(), value.size());
      last = key;
    }
    buckets_.back().keys += at - begin;
    frame.at = at;
    frame.last = last;
    coming_ = coming;
    totals_.add(found);
    use(frame, uint64_t{at - begin} * kElement + found.bytes);
  }

  void entry(Frame& frame) {
    std::string_view key, value;
    coming_.a_bit();
    const uint32_t at = frame.at++, flags = frame.page.flags(at);
    if (!frame.page.entry(at, key, value)) fail_at(frame, kElementOutside);
    check_key(frame, at, key);
    use(frame, kElement + key.size() + value.size());
    if (flags > kIsBucket) fail_at(frame, "has an element of an unknown kind");
    if (flags == 0) {
      if (buckets_.size() == 1) fail_at(frame, "has a key outside of all buckets");
      totals_.add(key.size(), value.size());
      ++buckets_.back().keys;
      if (index_ != nullptr && frame.number != 0) {
        index_->add(frames_[buckets_.back().frame].number, key,
                    image_.place_of(frame.page.element(at)));
      }
      return;
    }
    Tree tree;
    if (frame.number == 0) fail_at(frame, "has a bucket in it, which none has");
    if (key.empty()) fail_at(frame, "has a bucket without a name");
    if (!tree.parse(value)) fail_at(frame, "has a bucket that is cut short");
    has_slashes_ |= key.find('/') != key.npos;
    ++buckets_.back().buckets;
    enter_bucket(tree, buckets_.back().prefix + key.size() + 1);
  }

  void descend(Frame& frame) {
    std::string_view key;
    if (!frame.page.key(frame.at, key)) fail_at(frame, kElementOutside);
    check_key(frame, frame.at, key);
    use(frame, kElement + key.size());
    Frame child;
    child.number = frame.page.child(frame.at);
    child.depth = frame.depth + 1;
    // A key before the first one is looked for below the first one.
    child.from = frame.at == 0 ? frame.from : key;
    child.to = frame.to;
    const uint8_t* coming = nullptr;
    if (++frame.at < frame.page.count) {
      std::string_view next;
      if (!frame.page.key(frame.at, next)) fail_at(frame, kElementOutside);
      child.to = next;
      coming = image_.place(frame.page.child(frame.at));
    }
    if (child.depth > kMaxDepth) fail(child.number, kTooDeep);
    if (Fault fault = image_.page(child.number, child.page)) fail(child.number, fault);
    if (child.page.count == 0) fail(child.number, "is an empty leaf below a branch");
    take(child);
    coming_ = ComingPage(coming, image_.page_size(), child.page.count);
    frames_.push_back(child);
  }

  // Only where a bucket's own name has a slash can two have one path.
  void count_shadowed() {
    if (!has_slashes_) return;
    BucketWalk walk(namespaces_, std::nullopt,
                    [&] { host_.progress(image_.bytes(), image_.bytes()); });
    while (walk.next()) {
      if (!walk.is_shadowed()) continue;
      ++totals_.shadowed;
      if (!walk.holds_only_buckets()) --totals_.namespaces;
    }
  }

  static constexpr uint64_t kTellEvery = 4 << 20;
  static constexpr int kMostSplits = 16;  // each has a list of all pages
  static constexpr Fault kTwice = "is in use twice";

  const Namespaces& namespaces_;
  const Image& image_;
  const Host& host_;
  PlaceIndex* const index_;
  std::vector<bool> seen_;
  std::vector<Frame> frames_;
  std::vector<Bucket> buckets_;
  uint64_t pages_ = 0, told_ = 0;
  bool has_slashes_ = false;
  bool tells_ = true;  // the host, of progress; on the thread of the call alone
  int splits_ = 0;
  ComingPage coming_;
  Totals totals_;
};

}  // namespace

Totals verify(const Namespaces& namespaces, const Host& host, PlaceIndex* index) {
  return Verifier(namespaces, host, index).run();
}

}  // namespace goromdb::bolt

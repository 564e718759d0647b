// SPDX-License-Identifier: MIT
#include "namespaces.h"

#include "search.h"

#include <goromdb/sdk.hpp>

#include <algorithm>
#include <utility>

namespace goromdb::bolt {
namespace {

// A step down a path: the bucket whose name is all of it, else the one with the shortest name that
// ends at a slash. `used` is the length of the name; 0: there is none.
std::optional<Tree> step(const Image& image, const Tree& from, std::string_view path,
                         size_t& used) {
  used = path.size();
  if (auto tree = find_bucket(image, from, path)) return tree;
  for (used = path.find('/'); used != path.npos; used = path.find('/', used + 1)) {
    if (auto tree = find_bucket(image, from, path.substr(0, used))) return tree;
  }
  used = 0;
  return std::nullopt;
}

Tree tree_of(const Tree& parent, std::string_view value) {
  Tree tree;
  if (!tree.parse(value)) fail(parent, "has a bucket that is cut short");
  return tree;
}

bool is_too_long(std::string_view path) {
  return path.size() > kMaxName ||
         static_cast<size_t>(std::count(path.begin(), path.end(), '/')) >= kMaxNesting;
}

}  // namespace

Namespaces::Namespaces(const Image& image, std::string_view plain)
    : image_(image), plain_(find_from_top(plain)) {}

std::optional<Tree> Namespaces::find(std::string_view name) const {
  auto tree = find_from_top(name);
  return tree || !plain_ ? tree : descend(*plain_, name);
}

std::optional<Tree> Namespaces::find_from_top(std::string_view path) const {
  return descend(image_.root(), path);
}

std::optional<Tree> Namespaces::descend(Tree from, std::string_view path) const {
  if (is_too_long(path)) return std::nullopt;
  while (true) {
    size_t used = 0;
    const auto tree = step(image_, from, path, used);
    if (!tree || used == path.size()) return tree;
    path.remove_prefix(used + 1);
    from = *tree;
  }
}

bool BucketWalk::holds_only_buckets() {
  Walk walk(image_, tree_, std::nullopt, &budget_);
  Element element;
  if (!walk.next(element)) return false;
  do {
    if (!element.is_bucket) return false;
  } while (walk.next(element));
  return true;
}

bool BucketWalk::is_shadowed() const {
  return path_.find('/') != path_.npos && namespaces_.find_from_top(path_) != tree_;
}

bool BucketWalk::is_listed() {
  return namespaces_.plain() != tree_ && !is_shadowed() && !holds_only_buckets();
}

BucketWalk::BucketWalk(const Namespaces& namespaces, std::optional<std::string_view> after)
    : namespaces_(namespaces), image_(namespaces.image()), budget_(image_.bytes() / kElement * 2) {
  if (!after) {
    levels_.push_back({Walk(image_, image_.root(), std::nullopt, &budget_), 0});
    return;
  }
  if (is_too_long(*after)) {
    throw Failure(GOROMDB_E_UNSUPPORTED, "no namespace has so long a name");
  }
  path_ = *after;
  std::string_view rest = path_;
  Tree from = image_.root();
  while (true) {
    size_t used = 0;
    const auto tree = step(image_, from, rest, used);
    const auto name = rest.substr(0, tree ? used : rest.find('/'));
    levels_.push_back({Walk(image_, from, name, &budget_), path_.size() - rest.size()});
    if (!tree) return;
    if (used == rest.size()) {
      tree_ = *tree;
      in_bucket_ = true;
      return;
    }
    rest.remove_prefix(used + 1);
    from = *tree;
  }
}

bool BucketWalk::next() {
  if (std::exchange(in_bucket_, false)) enter(tree_);
  Element element;
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (!level.walk.next_bucket(element)) {
      levels_.pop_back();
      continue;
    }
    path_.resize(level.prefix);
    if (element.key.empty()) continue;
    if (levels_.size() > kMaxNesting || level.prefix + element.key.size() > kMaxName) {
      throw Failure(GOROMDB_E_UNSUPPORTED, kNestedTooDeep);
    }
    path_ += element.key;
    tree_ = tree_of(Tree(), element.value);
    in_bucket_ = true;
    return true;
  }
  return false;
}

void BucketWalk::enter(const Tree& tree) {
  path_ += '/';
  levels_.push_back({Walk(image_, tree, std::nullopt, &budget_), path_.size()});
}

}  // namespace goromdb::bolt

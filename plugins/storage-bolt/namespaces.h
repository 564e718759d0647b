// SPDX-License-Identifier: MIT
// Which bucket a namespace is. The name of a nested bucket is its path, "a/b"; a name that is no
// path from the top is looked for inside of the bucket that holds the keys without a namespace.
// Of several buckets with one path, the one that a single name leads to is meant.
#pragma once

#include "image.h"
#include "walk.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb::bolt {

// No longer name is looked up or listed, so that no nesting is endless.
constexpr size_t kMaxName = 65535;
constexpr size_t kMaxNesting = 256;
constexpr const char* kNestedTooDeep =
    "it has buckets nested more than 256 deep or with a path of more than 65535 bytes";

// All throw Failure where a page is broken.
class Namespaces {
 public:
  // Looks for `plain`, the bucket of the keys without a namespace.
  Namespaces(const Image& image, std::string_view plain);

  std::optional<Tree> find(std::string_view name) const;
  std::optional<Tree> find_from_top(std::string_view path) const;

  const Image& image() const { return image_; }
  const std::optional<Tree>& plain() const { return plain_; }

 private:
  std::optional<Tree> descend(Tree from, std::string_view path) const;

  const Image& image_;
  std::optional<Tree> plain_;
};

// All buckets, each before those that are nested in it, with their paths.
class BucketWalk {
 public:
  // From the first, or from the one behind the bucket at `after`; when there is none, from where it
  // would be.
  BucketWalk(const Namespaces& namespaces, std::optional<std::string_view> after);
  BucketWalk(const BucketWalk&) = delete;
  BucketWalk& operator=(const BucketWalk&) = delete;

  bool next();
  // Whether the bucket is listed as a namespace: not the one of the keys without a namespace, none
  // that holds nothing but buckets, none whose path means another one.
  bool is_listed();
  bool is_shadowed() const;
  bool holds_only_buckets();
  const std::string& path() const { return path_; }
  const Tree& tree() const { return tree_; }

 private:
  struct Level {
    Walk walk;
    size_t prefix;  // of path_: where the names of this level begin
  };
  void enter(const Tree& tree);

  const Namespaces& namespaces_;
  const Image& image_;
  uint64_t budget_;  // each element is passed at most twice: by a walk and to see what there is
  std::vector<Level> levels_;
  std::string path_;
  Tree tree_;
  bool in_bucket_ = false;  // tree_ is to be entered next
};

}  // namespace goromdb::bolt

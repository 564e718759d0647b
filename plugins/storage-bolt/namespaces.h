// SPDX-License-Identifier: MIT
// Which bucket a namespace is. The name of a nested bucket is its path, "a/b"; a name that is no
// path from the top is looked for inside of the bucket that holds the keys without a namespace.
// Of several buckets with one path, the one that a single name leads to is meant.
#pragma once

#include "image.h"
#include "walk.h"

#include <functional>
#include <map>
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
//
// Whether a path means its bucket is told without a search for it, which in names of many slashes
// takes as many searches. Buckets are named by what lies above them, so the paths of a level have a
// beginning in common, "a/b/", and what it means is found once:
// - It leads to the level if each step on the way was to the bucket with the shortest name that
//   ends at a slash. Names that another one begins with lie before it: a level knows those of its
//   own that its current name begins with.
// - Then another bucket is meant only if a level above has one whose name is all the rest of the
//   path: a rival. Those ascend as the names here do, so they are passed along with them.
// Each name is so compared with the one before it, and a rival once for each slash in it that ends
// the way to a level. With that of the searches, one where a level has its first bucket and one for
// each rival that goes on in it, this is in proportion to the file; how much more than its size a
// made-up one can still ask for, a budget bounds.
class BucketWalk {
 public:
  // From the first, or from the one behind the bucket at `after`; when there is none, from where it
  // would be. `tell` is called now and then; what it throws ends the walk.
  BucketWalk(const Namespaces& namespaces, std::optional<std::string_view> after,
             const std::function<void()>& tell = nullptr);
  BucketWalk(const BucketWalk&) = delete;
  BucketWalk& operator=(const BucketWalk&) = delete;

  bool next();
  // Whether the bucket is listed as a namespace: not the one of the keys without a namespace, none
  // that holds nothing but buckets, none whose path means another one.
  bool is_listed();
  bool is_shadowed();
  bool holds_only_buckets();
  const std::string& path() const { return path_; }
  const Tree& tree() const { return tree_; }

 private:
  // The next bucket of a level above whose name goes on as the path of this one does.
  struct Rival {
    size_t level;
    std::string_view key;      // its name
    std::optional<Walk> walk;  // behind it, once there was more to be known
  };
  using Rivals = std::multimap<std::string_view, Rival>;  // by what their names go on with
  struct Level {
    Tree tree;
    Walk walk;
    size_t prefix;            // of path_: where the names of this level begin
    size_t slashes;           // of path_ before it
    bool is_meant;            // by path_ up to there
    std::string behind = {};  // where in it the walk began
    // Of the names of this level that the current one begins with, itself among them: how long.
    // Before a walk's begin there may be one more, of `unseen` bytes.
    std::vector<size_t> begins = {};
    size_t unseen = 0;
    bool has_rivals = false;  // they have been looked for
    Rivals rivals = {};
  };

  void enter(const Tree& tree);
  void pass(Level& level, std::string_view name);
  bool leads_in(const Level& level, std::string_view name) const;
  std::string_view between(size_t level, size_t lower) const;
  void find_rivals(size_t level);
  void add_rival(size_t level, size_t above);
  std::optional<std::string_view> move_on(Rival& rival, size_t level);
  bool has_rival_at(size_t level, std::string_view name);
  void compare(uint64_t bytes);

  const Namespaces& namespaces_;
  const Image& image_;
  Budget elements_;  // each is passed at most twice: by a walk and to see what there is
  Budget compared_;
  std::vector<Level> levels_;
  std::string path_;
  Tree tree_;
  bool in_bucket_ = false;  // tree_ is to be entered next
};

}  // namespace goromdb::bolt

// SPDX-License-Identifier: MIT
#include "namespaces.h"

#include "path_search.h"
#include "search.h"

#include <goromdb/sdk.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace goromdb::bolt {
namespace {

// How many times the file's size a walk over the buckets compares at most, which takes some tenths
// of a second for 5 MiB; what is not made for it needs a few times. A search counts as so many
// keys.
constexpr uint64_t kMostCompared = 256, kSearch = 16;

Tree tree_of(const Tree& parent, std::string_view value) {
  Tree tree;
  if (!tree.parse(value)) fail(parent, "has a bucket that is cut short");
  return tree;
}

size_t slashes_in(std::string_view name) {
  size_t n = 0;
  for (size_t at = name.find('/'); at != name.npos; at = name.find('/', at + 1)) ++n;
  return n;
}

bool is_too_long(std::string_view path) {
  return path.size() > kMaxName || slashes_in(path) >= kMaxNesting;
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
    const auto tree = PathSearch(image_, from, path).step(used);
    if (!tree || used == path.size()) return tree;
    path.remove_prefix(used + 1);
    from = *tree;
  }
}

bool BucketWalk::holds_only_buckets() {
  Walk walk(image_, tree_, std::nullopt, &elements_);
  Element element;
  if (!walk.next(element)) return false;
  do {
    if (!element.is_bucket) return false;
  } while (walk.next(element));
  return true;
}

bool BucketWalk::is_shadowed() {
  const Level& level = levels_.back();
  const auto name = std::string_view(path_).substr(level.prefix);
  return !level.is_meant || level.slashes + slashes_in(name) >= kMaxNesting ||
         has_rival_at(levels_.size() - 1, name);
}

bool BucketWalk::is_listed() {
  return namespaces_.plain() != tree_ && !is_shadowed() && !holds_only_buckets();
}

BucketWalk::BucketWalk(const Namespaces& namespaces, std::optional<std::string_view> after,
                       const std::function<void()>& tell)
    : namespaces_(namespaces),
      image_(namespaces.image()),
      elements_(image_.bytes() * 2, tell),
      compared_(image_.bytes() * kMostCompared, tell) {
  static_assert(std::is_nothrow_move_constructible_v<Level>);
  Tree from = image_.root();
  if (!after) {
    levels_.push_back({from, Walk(image_, from, std::nullopt, &elements_), 0, 0, true});
    return;
  }
  if (is_too_long(*after)) {
    throw Failure(GOROMDB_E_UNSUPPORTED, "no namespace has so long a name");
  }
  path_ = *after;
  std::string_view rest = path_;
  size_t slashes = 0;
  while (true) {
    size_t used = 0;
    const auto tree = PathSearch(image_, from, rest).step(used);
    const auto name = rest.substr(0, tree ? used : rest.find('/'));
    levels_.push_back(
        {from, Walk(image_, from, name, &elements_), path_.size() - rest.size(), slashes, true});
    Level& level = levels_.back();
    level.behind = name;
    level.unseen = name.size();
    if (!tree) return;
    if (used == rest.size()) {
      if (PathSearch(image_, from, name).part(used)) level.begins.push_back(used);
      tree_ = *tree;
      in_bucket_ = true;
      return;
    }
    slashes += slashes_in(name) + 1;
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
    pass(level, element.key);
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
  const Level& above = levels_.back();
  const auto name = std::string_view(path_).substr(above.prefix);
  const bool is_meant = above.is_meant && leads_in(above, name);
  const size_t slashes = above.slashes + slashes_in(name) + 1;
  path_ += '/';
  levels_.push_back(
      {tree, Walk(image_, tree, std::nullopt, &elements_), path_.size(), slashes, is_meant});
}

// From the name that the path still has to the next one.
void BucketWalk::pass(Level& level, std::string_view name) {
  compare(name.size());
  const size_t same = common(name, std::string_view(path_).substr(level.prefix));
  level.unseen = std::min(level.unseen, same);
  while (!level.begins.empty() && level.begins.back() > same) level.begins.pop_back();
  level.begins.push_back(name.size());
}

// Whether a path that goes on behind the name goes on in its bucket.
bool BucketWalk::leads_in(const Level& level, std::string_view name) const {
  for (const size_t size : level.begins) {
    if (size < name.size() && name[size] == '/') return false;
  }
  return level.unseen == name.size() || name[level.unseen] != '/' ||
         !find_bucket(image_, level.tree, name.substr(0, level.unseen));
}

// What the path has from where a level begins to where a lower one does.
std::string_view BucketWalk::between(size_t level, size_t lower) const {
  const size_t begin = levels_[level].prefix;
  return std::string_view(path_).substr(begin, levels_[lower].prefix - begin);
}

// Those of the level above that go on in this one, and that level itself. Where a walk begins,
// those of the level above are not known, once for each of its levels.
void BucketWalk::find_rivals(size_t level) {
  levels_[level].has_rivals = true;
  if (level == 0) return;
  const size_t above = level - 1;
  if (levels_[above].has_rivals) {
    auto name = between(above, level);
    name.remove_suffix(1);
    has_rival_at(above, name);
    const Rivals& rivals = levels_[above].rivals;
    for (auto i = rivals.begin(); i != rivals.end() && i->first.starts_with(name); ++i) {
      const Rival& rival = i->second;
      const auto rest = i->first.substr(name.size());
      if (rest.starts_with('/')) {
        levels_[level].rivals.emplace(rest.substr(1), Rival{rival.level, rival.key, std::nullopt});
      } else {
        compare(rival.key.size() * kSearch);
        add_rival(level, rival.level);
      }
    }
  } else {
    for (size_t i = 0; i < above; ++i) add_rival(level, i);
  }
  compare(between(above, level).size() * kSearch);
  add_rival(level, above);
}

void BucketWalk::add_rival(size_t level, size_t above) {
  const std::string behind = std::string(between(above, level)) + levels_[level].behind;
  Rival rival{above, {}, Walk(image_, levels_[above].tree, behind)};
  if (const auto name = move_on(rival, level))
    levels_[level].rivals.emplace(*name, std::move(rival));
}

// To the next bucket; the name that it has from the level on. Nothing: no other one goes on in it.
std::optional<std::string_view> BucketWalk::move_on(Rival& rival, size_t level) {
  const auto begin = between(rival.level, level);
  if (!rival.walk) {
    compare(rival.key.size() * kSearch);
    rival.walk.emplace(image_, levels_[rival.level].tree, rival.key);
  }
  Element element;
  while (rival.walk->next(element) && element.key.starts_with(begin)) {
    compare(kElement + element.key.size());
    rival.key = element.key;
    if (element.is_bucket) return element.key.substr(begin.size());
  }
  return std::nullopt;
}

// Whether another bucket has the path up to a level and that name behind it.
bool BucketWalk::has_rival_at(size_t level, std::string_view name) {
  if (!levels_[level].has_rivals) find_rivals(level);
  Rivals& rivals = levels_[level].rivals;
  while (!rivals.empty() && rivals.begin()->first < name) {
    auto first = rivals.extract(rivals.begin());
    const auto next = move_on(first.mapped(), level);
    if (!next) continue;
    first.key() = *next;
    rivals.insert(std::move(first));
  }
  return !rivals.empty() && rivals.begin()->first == name;
}

void BucketWalk::compare(uint64_t bytes) {
  if (compared_.spend(bytes)) return;
  throw Failure(GOROMDB_E_UNSUPPORTED,
                "it has too many buckets whose names are the paths of others; use no slashes in "
                "the names of buckets");
}

}  // namespace goromdb::bolt

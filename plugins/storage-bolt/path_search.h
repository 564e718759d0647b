// SPDX-License-Identifier: MIT
// The next bucket on a path where names may have slashes: there may be as many parts of the path to
// look for as it has slashes. All are looked for with each key on the ways to them compared once.
#pragma once

#include "image.h"

#include <optional>
#include <string_view>
#include <unordered_map>

namespace goromdb::bolt {

// How many bytes two names begin with in common; by words, since they may be long.
size_t common(std::string_view a, std::string_view b) noexcept;

// In one tree. All throw Failure when a way is broken.
class PathSearch {
 public:
  PathSearch(const Image& image, const Tree& tree, std::string_view path)
      : image_(image), tree_(tree), path_(path) {}

  // The bucket whose name is all of the path, else the one of part().
  std::optional<Tree> step(size_t& used);
  // The bucket with the shortest name that ends at a slash of the path. `used` is the length of the
  // name; 0: there is none.
  std::optional<Tree> part(size_t& used);

 private:
  std::optional<Tree> find(size_t size);
  uint32_t not_behind(const Page& page, uint64_t number, size_t size);
  size_t common_of(const uint8_t* element, std::string_view key);
  [[noreturn]] void fail_at(uint64_t number, Fault fault) const;

  const Image& image_;
  const Tree tree_;
  const std::string_view path_;
  // How much of the path the last key has that is not behind what was looked for. No name that the
  // path begins with and that lies before is longer: it lies before that key, which so begins with
  // it as well.
  size_t shared_ = 0;
  std::unordered_map<const uint8_t*, size_t> common_;  // how much the key of an element has
};

}  // namespace goromdb::bolt

// SPDX-License-Identifier: MIT
// Which bucket a path means where names of buckets have slashes, against the plain definition.
#include <doctest/doctest.h>

#include <ctime>
#include <random>

#include "../namespaces.h"
#include "../path_search.h"
#include "../verify.h"
#include "bucket_file.hpp"
#include "database.hpp"
#include "rounds.hpp"

using namespace goromdb;
using namespace goromdb::test;

namespace {

std::span<const uint8_t> span_of(const std::string& bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

// The rule of docs/formats/bolt.md: a whole name, else the shortest part of it.
const Buckets* meant(const Buckets& from, const std::string& path) {
  if (const auto whole = from.in.find(path); whole != from.in.end()) return &whole->second;
  for (size_t at = path.find('/'); at != path.npos; at = path.find('/', at + 1)) {
    const auto part = from.in.find(path.substr(0, at));
    if (part != from.in.end()) return meant(part->second, path.substr(at + 1));
  }
  return nullptr;
}

struct Listed {
  std::string path;
  const Buckets* bucket;
};

// Each bucket before those in it.
void list(const Buckets& from, const std::string& prefix, std::vector<Listed>& out) {
  for (const auto& [name, bucket] : from.in) {
    out.push_back({prefix + name, &bucket});
    list(bucket, prefix + name + "/", out);
  }
}

std::string random_name(std::mt19937& random, bool may_be_empty) {
  std::string name;
  for (size_t n = random() % 5 + (may_be_empty ? 0 : 1); n > 0; --n) {
    name += "ab//.!"[random() % (random() % 4 == 0 ? 6 : 4)];
  }
  return name;
}

Buckets random_buckets(std::mt19937& random, int depth) {
  Buckets buckets;
  buckets.has_keys = depth < 4 && random() % 2 == 0;
  for (size_t n = depth > 0 ? random() % 6 + 1 : 0; n > 0; --n) {
    const auto name = random_name(random, false);
    buckets.in[name] = random_buckets(random, random() % 4 == 0 ? 0 : depth - 1);
  }
  return buckets;
}

// What a walk gives.
struct Seen {
  std::string path;
  bolt::Tree tree;
  bool is_shadowed;

  bool operator==(const Seen&) const = default;
};

std::vector<Seen> walked(const bolt::Namespaces& namespaces,
                         std::optional<std::string_view> after = std::nullopt) {
  std::vector<Seen> seen;
  for (bolt::BucketWalk walk(namespaces, after); walk.next();) {
    seen.push_back({walk.path(), walk.tree(), walk.is_shadowed()});
  }
  return seen;
}

}  // namespace

TEST_CASE("a path means the bucket that the rule says, in a walk from anywhere") {
  std::mt19937 random(5);
  size_t shadowed = 0, all = 0;
  for (int round = 0; round < rounds(250); ++round) {
    CAPTURE(round);
    Buckets top = random_buckets(random, 4);
    top.has_keys = false;
    const BucketFile file(top, round % 2 == 0 ? 1000 : 2);
    const bolt::Image image(span_of(file.bytes()));
    const bolt::Namespaces namespaces(image, "default");
    std::vector<Listed> buckets;
    list(top, "", buckets);
    const auto seen = walked(namespaces);
    REQUIRE(seen.size() == buckets.size());
    std::map<const Buckets*, bolt::Tree> trees;
    for (size_t i = 0; i < seen.size(); ++i) trees[buckets[i].bucket] = seen[i].tree;
    const auto is_right = [&](const std::string& path) {
      const auto* its = meant(top, path);
      const auto found = namespaces.find_from_top(path);
      return its == nullptr ? !found : found == trees.at(its);
    };
    size_t here = 0;
    for (size_t i = 0; i < seen.size(); ++i) {
      CAPTURE(seen[i].path);
      REQUIRE(seen[i].path == buckets[i].path);
      REQUIRE(seen[i].is_shadowed == (meant(top, buckets[i].path) != buckets[i].bucket));
      REQUIRE(is_right(seen[i].path));
      here += seen[i].is_shadowed ? 1 : 0;
    }
    // It matters for none whether it was asked for the others.
    bolt::BucketWalk some(namespaces, std::nullopt);
    for (const Seen& one : seen) {
      REQUIRE(some.next());
      if (random() % 4 == 0) REQUIRE(some.is_shadowed() == one.is_shadowed);
    }
    // A walk goes on from each bucket that a name leads to; from names of none it is no worse.
    for (int i = 0; i < 12; ++i) {
      const size_t at = random() % seen.size();
      CAPTURE(seen[at].path);
      if (!seen[at].is_shadowed) {
        REQUIRE(walked(namespaces, seen[at].path) ==
                std::vector<Seen>(seen.begin() + static_cast<ptrdiff_t>(at) + 1, seen.end()));
      }
      std::string path = random_name(random, true);
      if (i % 2 == 0) path = seen[at].path + path;
      CAPTURE(path);
      REQUIRE(is_right(path));
      bool is_same = true;
      for (const Seen& one : walked(namespaces, path)) {
        is_same &= one.is_shadowed == (namespaces.find_from_top(one.path) != one.tree);
      }
      REQUIRE(is_same);
    }
    FakeHost host;
    REQUIRE(bolt::verify(namespaces, Host(host.table())).shadowed == here);
    shadowed += here;
    all += seen.size();
  }
  CHECK(shadowed > all / 10);
  CHECK(shadowed < all / 10 * 9);
}

namespace {

std::string digits(size_t i) { return std::to_string(1000000 + i); }
std::string times(size_t n, const char* part) {
  std::string out;
  for (; n > 0; --n) out += part;
  return out;
}

// A bucket with a long name that ends in many parts, and others beside it and in it.
Buckets long_names() {
  const std::string begin(32000, 'x'), name = begin + times(250, "/y");
  Buckets top;
  for (size_t i = 0; i < 50; ++i) {
    top.in[begin + "!" + digits(i)];
    top.in[begin + times(5 * i, "/y") + "."];
    top.in[name + "/" + digits(7 * i)].has_keys = true;
  }
  for (size_t i = 0; i < 3000; ++i) top.in[name].in[digits(i)].has_keys = true;
  return top;
}

// Many buckets far below, and in each one above them some whose names are ways to their neighbours.
Buckets deep_rivals() {
  constexpr size_t kDepth = 200;
  Buckets top;
  Buckets* at = &top;
  for (size_t i = 0; i < kDepth; ++i) {
    const std::string way = times(kDepth - i, "a/");
    at->in[way + "zzzz"];
    for (size_t n = 0; n < 5; ++n) at->in[way + digits(n * 200 + i)];
    at = &at->in["a"];
  }
  for (size_t i = 0; i < 2000; ++i) at->in[digits(i)].in["b"].has_keys = true;
  return top;
}

// Names each of which the next one begins with, and above them, in many buckets, one that begins
// with all of them.
Buckets chain() {
  constexpr size_t kDepth = 200, kLength = 250;
  Buckets top;
  Buckets* at = &top;
  for (size_t i = 0; i < kDepth; ++i) {
    at->in[times(kDepth - i, "a/") + std::string(kLength, '!') + "z"];
    at = &at->in["a"];
  }
  for (size_t i = 1; i < kLength; ++i) at->in[std::string(i, '!')].in["b"];
  return top;
}

// How often it is told that a walk over all buckets goes on, each time after as much work, for each
// MiB of the file; and how many buckets are shadowed.
std::pair<double, size_t> work(const Buckets& top, size_t in_page) {
  const BucketFile file(top, in_page);
  const bolt::Image image(span_of(file.bytes()));
  const bolt::Namespaces namespaces(image, "default");
  size_t calls = 0, shadowed = 0;
  bolt::BucketWalk walk(namespaces, std::nullopt, [&] { ++calls; });
  while (walk.next()) shadowed += walk.is_shadowed() ? 1 : 0;
  return {static_cast<double>(calls << 20) / static_cast<double>(file.bytes().size()), shadowed};
}

}  // namespace

TEST_CASE("paths that are told from others take as much work as the file is large") {
  for (const size_t in_page : {1000, 2}) {
    CAPTURE(in_page);
    const auto long_ones = work(long_names(), in_page);
    CHECK(long_ones.first < 40);
    CHECK(long_ones.second == 50);
    const auto deep = work(deep_rivals(), in_page);
    CHECK(deep.first < 1500);
    CHECK(deep.second == 1199);
    CHECK_THROWS_WITH(work(chain(), in_page), doctest::Contains("use no slashes"));
  }
}

TEST_CASE("a walk that begins amid names does not begin with those before it") {
  Buckets top;
  for (size_t i = 0; i < 20000; ++i) {
    top.in["a/" + digits(i) + "!"];
    top.in["a"].in[digits(i)];
  }
  const BucketFile file(top);
  const bolt::Image image(span_of(file.bytes()));
  const bolt::Namespaces namespaces(image, "default");
  size_t calls = 0;
  bolt::BucketWalk walk(namespaces, "a/" + digits(10000), [&] { ++calls; });
  REQUIRE(walk.next());
  CHECK(walk.path() == "a/" + digits(10001));
  CHECK_FALSE(walk.is_shadowed());
  CHECK(calls == 0);
}

TEST_CASE("what shadows a bucket may lie two buckets above, where a walk begins, too") {
  Buckets top;
  top.in["a/b/d"].has_keys = true;
  for (const char* name : {"c", "d", "e"}) top.in["a"].in["b"].in[name].has_keys = true;
  const BucketFile file(top);
  const bolt::Image image(span_of(file.bytes()));
  const auto seen = walked(bolt::Namespaces(image, "default"), "a/b/c");
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].path == "a/b/d");
  CHECK(seen[0].is_shadowed);
  CHECK_FALSE(seen[1].is_shadowed);
}

TEST_CASE("a bucket is told from others also when nobody asked for the one around it") {
  Buckets top;
  top.in["a/aa/x"];
  top.in["a/b/d"];
  top.in["a"].in["a0"];
  top.in["a"].in["b"].in["d"];
  const BucketFile file(top);
  const bolt::Image image(span_of(file.bytes()));
  const bolt::Namespaces namespaces(image, "default");
  for (bolt::BucketWalk walk(namespaces, std::nullopt); walk.next();) {
    CAPTURE(walk.path());
    if (walk.path() == "a/a0") CHECK_FALSE(walk.is_shadowed());
    if (walk.path() == "a/b/d") {
      CHECK(walk.is_shadowed());
      break;
    }
  }
}

TEST_CASE("what two names begin with in common ends at the first byte that differs") {
  const std::string name = "a name of some words, and more";
  for (size_t size = 0; size <= name.size(); ++size) {
    CHECK(bolt::common(name, name.substr(0, size)) == size);
    if (size == name.size()) break;
    std::string other = name;
    other[size] = '!';
    CHECK(bolt::common(name, other) == size);
    CHECK(bolt::common(other, name) == size);
  }
}

TEST_CASE("a path of 256 slashes means nothing, in however many names they are") {
  for (const size_t slashes : {255, 256}) {
    Buckets top;
    top.in[times(100, "a/") + "b"].in[times(slashes - 101, "c/") + "d"].has_keys = true;
    const BucketFile file(top);
    const bolt::Image image(span_of(file.bytes()));
    const auto seen = walked(bolt::Namespaces(image, "default"));
    REQUIRE(seen.size() == 2);
    CHECK_FALSE(seen[0].is_shadowed);
    CHECK(seen[1].is_shadowed == (slashes == 256));
  }
}

TEST_CASE("long names of many slashes are listed and looked up at once") {
  Database db(BucketFile(long_names()).bytes());
  REQUIRE_MESSAGE(db.status == GOROMDB_OK, db.message);
  constexpr int kSlower = rounds(8) == 8 ? 1 : 8;
  const std::clock_t begin = std::clock();  // the process's, on a machine that others hold up
  CHECK(db.verify() == GOROMDB_OK);
  const auto names = db.ns_names(64);
  CHECK(names.size() == db.info().namespaces);
  for (size_t i = 0; i < names.size(); i += 10 * kSlower) {
    CHECK(db.ns_id(names[i]) != UINT32_MAX);
    CHECK(db.ns_id(names[i] + "/z") == UINT32_MAX);
  }
  CHECK((std::clock() - begin) / CLOCKS_PER_SEC < 10 * kSlower);
}

TEST_CASE("a stopping server ends the search for shadowed buckets, and that for a bucket") {
  Database db(BucketFile(deep_rivals()).bytes(), kNoIndex);
  REQUIRE_MESSAGE(db.status == GOROMDB_OK, db.message);
  size_t calls = 0;
  db.host.on_progress = [&](uint64_t done, uint64_t total) {
    CHECK(done == total);
    return ++calls == 10 ? 1 : 0;
  };
  CHECK(db.verify() == GOROMDB_E_CANCELLED);
  CHECK(calls == 10);

  Buckets many;  // with names of 7 bytes: most of what is told is that elements are passed
  for (size_t i = 0; i < 20000; ++i) many.in[digits(i)];
  const BucketFile file(many, 1000);
  const bolt::Image image(span_of(file.bytes()));
  calls = 0;
  const bolt::Namespaces namespaces(image, "default");
  bolt::BucketWalk walk(namespaces, std::nullopt, [&] { ++calls; });
  while (walk.next()) CHECK_FALSE(walk.is_shadowed());
  CHECK(calls > 4);

  Database wanting(Settings{{"bucket", "wanted"}});
  const auto path = wanting.dir().file("many.db");
  written(path, BucketFile(many, 5000).bytes());
  CHECK(wanting.open(path) == GOROMDB_E_CONFIG);
  wanting.host.on_progress = [](uint64_t, uint64_t) { return 1; };
  CHECK(wanting.open(path) == GOROMDB_E_CANCELLED);
}

// SPDX-License-Identifier: MIT
// Data sets whose namespaces are mixed: what a walk gives, and what it does not look at.
#include <doctest/doctest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "database.hpp"
#include "dataset.h"
#include "rounds.hpp"

using goromdb::Dataset;
using goromdb::DatasetBuilder;
using goromdb::Host;
using goromdb::Names;
using goromdb::RecordArena;
using goromdb::Stretches;
using goromdb::test::FakeHost;

namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;  // keys and values in their order

// The same entries, kept in the plainest way: "" is the name of no namespace.
class Model {
 public:
  explicit Model(Names names) : names_(names) { living_[""] = {}; }
  void add_namespace(const std::string& name) {
    living_[name] = {};
    if (names_ == Names::kAmongKeys) remove(living_[""], name);
  }
  void add(const std::string& ns, const std::string& key, const std::string& value) {
    if (ns.empty() && names_ == Names::kAmongKeys) living_.erase(key);
    Entries& entries = living_[ns];
    remove(entries, key);
    entries.emplace_back(key, value);
  }
  const std::map<std::string, Entries>& living() const { return living_; }
  bool has(const std::string& ns) const { return living_.contains(ns); }

 private:
  static void remove(Entries& entries, const std::string& key) {
    std::erase_if(entries, [&](const auto& entry) { return entry.first == key; });
  }
  const Names names_;
  std::map<std::string, Entries> living_;
};

Entries walk(const Dataset& data, uint32_t ns, uint64_t at = 0) {
  Entries all;
  RecordArena::Record entry;
  while (data.next(ns, at, entry)) all.emplace_back(entry.key, entry.value);
  return all;
}

// Each key is chosen about `draws` times.
void check_namespace(const Dataset& data, uint32_t ns, const Entries& expected, size_t draws) {
  REQUIRE(walk(data, ns) == expected);
  REQUIRE(data.count(ns) == expected.size());
  std::map<std::string, int> times;
  RecordArena::Record entry;
  for (size_t i = 0; i < expected.size(); ++i) {
    uint64_t at = data.behind(ns, expected[i].first);
    REQUIRE(at != 0);
    REQUIRE(data.next(ns, at, entry) == (i + 1 < expected.size()));
    if (i + 1 < expected.size()) REQUIRE(entry.key == expected[i + 1].first);
    times[expected[i].first] = 0;
  }
  for (size_t i = 0; i < draws * expected.size(); ++i) {
    uint64_t at = data.any(ns, i);
    REQUIRE(data.next(ns, at, entry));
    ++times.at(std::string(entry.key));
  }
  if (draws < 60) return;
  for (const auto& [key, n] : times) CHECK((n > 20 && n < 140));
}

void check_all(const Dataset& data, const Model& model, size_t draws) {
  REQUIRE(data.namespaces() + 1 == model.living().size());
  uint64_t entries = 0;
  for (const auto& [name, expected] : model.living()) {
    CAPTURE(name);
    const uint32_t ns = name.empty() ? 0 : data.namespace_id(name);
    REQUIRE((ns != 0 || name.empty()));
    check_namespace(data, ns, expected, draws);
    entries += expected.size();
  }
  CHECK(data.entries() == entries);
  RecordArena::Record entry;
  uint64_t at = 0;
  CHECK_FALSE(data.next(data.namespaces() + 1, at, entry));
}

// Entries of `n` namespaces, in pieces of up to `piece` of one, each key now and then once more.
void check_random(Names names, uint32_t seed, uint32_t n, uint32_t piece) {
  std::mt19937 generator(seed);
  const auto random = [&] { return static_cast<uint32_t>(generator()); };
  const uint32_t keys = 1 + random() % 60;
  DatasetBuilder builder(names, 0);
  Model model(names);
  std::map<std::string, uint32_t> ids{{"", 0}};
  for (uint32_t i = 0; i < 600;) {
    const uint32_t which = random() % (n + 1);
    const std::string ns = which == 0 ? "" : "n" + std::to_string(which);
    // An object's namespace may come anew, in the place of the earlier one or of a key.
    if (!model.has(ns) || (names == Names::kAmongKeys && which != 0 && random() % 20 == 0)) {
      ids[ns] = builder.add_namespace(ns, nullptr);
      model.add_namespace(ns);
    }
    for (uint32_t more = 1 + random() % piece; more > 0; --more, ++i) {
      const std::string value = std::to_string(i);
      std::string key = "k" + std::to_string(random() % keys);
      if (which == 0 && random() % 30 == 0) key = "n" + std::to_string(1 + random() % n);
      builder.add(ids[ns], 0, key, value, nullptr);
      model.add(ns, key, value);
    }
  }
  FakeHost host;
  check_all(std::move(builder).finish(Host(host.table())), model, seed == 0 && piece == 7 ? 60 : 1);
}

// So many entries of namespace 1, of namespace 2, of namespace 1, ...
Dataset mixed(const std::vector<uint32_t>& pieces, const Host& host) {
  DatasetBuilder builder(Names::kApart, 0);
  const uint32_t ids[] = {builder.add_namespace("one", nullptr),
                          builder.add_namespace("two", nullptr)};
  uint32_t number = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    for (uint32_t more = pieces[i]; more > 0; --more) {
      builder.add(ids[i % 2], 0, "key " + std::to_string(++number), "the value", nullptr);
    }
  }
  return std::move(builder).finish(host);
}

// While it lives, whoever looks at the whole pages between two places ends the program.
class Forbidden {
 public:
  Forbidden(const char* begin, const char* end) {
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const uintptr_t first = (reinterpret_cast<uintptr_t>(begin) + page - 1) / page * page;
    begin_ = reinterpret_cast<void*>(first);
    size_ = reinterpret_cast<uintptr_t>(end) / page * page - first;
    REQUIRE(reinterpret_cast<uintptr_t>(end) > first + page);
    REQUIRE(mprotect(begin_, size_, PROT_NONE) == 0);
  }
  ~Forbidden() { mprotect(begin_, size_, PROT_READ | PROT_WRITE); }
  Forbidden(const Forbidden&) = delete;
  Forbidden& operator=(const Forbidden&) = delete;

 private:
  void* begin_;
  size_t size_;
};

const char* memory_of(const Dataset& data) {
  return static_cast<const char*>(data.memory().front().ptr);
}

}  // namespace

TEST_CASE("mixed namespaces are walked, counted and chosen from as a plain list of entries is") {
  for (int round = 0; round < goromdb::test::rounds(10); ++round) {
    CAPTURE(round);
    for (const Names names : {Names::kAmongKeys, Names::kApart}) {
      for (const uint32_t n : {1u, 3u, 8u, 9u, 12u, 60u}) {
        for (const uint32_t piece : {1u, 7u, 100u}) {
          CAPTURE(n);
          CAPTURE(piece);
          check_random(names, static_cast<uint32_t>(round), n, piece);
        }
      }
    }
  }
}

TEST_CASE(
    "what a list of places costs is counted, and there is none where few records are passed") {
  FakeHost fake;
  const Host host(fake.table());
  const uint32_t most = Stretches::kMostPassed, full = Stretches::kMostEntries;
  constexpr uint64_t kPart = 16, kBegin = 8;
  const struct {
    std::vector<uint32_t> pieces;
    uint64_t parts, begins;
  } cases[] = {
      {{100, 100}, 0, 0},
      {{50, most, 50, 100 - most}, 1, 4},  // of the second: both in full, and their rest
      {{50, most, 5, 100 - most, 45}, 1, 4},
      {{95, most, 5, 100 - most}, 0, 0},
      {{50, most + 1, 50, 99 - most}, 2, 2 + 2 + 1 + 3},
      {{full, most + 1, 100 - full, 99 - most}, 2, 1 + 3 + 1 + 3},
      {{full + 1, most + 1, 99 - full, 99 - most}, 2, 2 + 3 + 1 + 3},
  };
  const uint64_t bare = mixed(cases[0].pieces, host).resident_bytes();
  for (const auto& each : cases) {
    CAPTURE(each.pieces);
    CHECK(mixed(each.pieces, host).resident_bytes() - bare ==
          each.parts * kPart + each.begins * kBegin);
  }
}

TEST_CASE("a walk does not look at what lies far from its entries, nor does the choice of one") {
  FakeHost fake;
  const Host host(fake.table());
  constexpr size_t kNear = 1000;  // room for some more records than a walk passes over
  constexpr uint32_t kMany = 5000;
  const Dataset data = mixed({1, kMany, 2, kMany, 1}, host);
  std::vector<const char*> own;
  RecordArena::Record entry;
  for (uint64_t at = 0; data.next(1, at, entry);) own.push_back(entry.key.data());
  REQUIRE(own.size() == 4);
  const Forbidden one(own[0] + kNear, own[1] - kNear), two(own[2] + kNear, own[3] - kNear);
  CHECK(walk(data, 1).size() == 4);
  std::set<uint64_t> chosen;
  for (uint64_t random = 0; random < 200; ++random) chosen.insert(data.any(1, random));
  CHECK(chosen.size() == 4);
}

TEST_CASE("a walk does not look at what was replaced, wherever it lies") {
  FakeHost fake;
  const Host host(fake.table());
  constexpr size_t kNear = 1000;
  constexpr uint32_t kMany = 5000;
  {  // before the only entry
    DatasetBuilder builder(Names::kApart, 0);
    for (uint32_t i = 0; i < kMany; ++i) builder.add(0, 0, "key", "the value", nullptr);
    const Dataset data = std::move(builder).finish(host);
    RecordArena::Record entry;
    uint64_t at = 0;
    REQUIRE(data.next(0, at, entry));
    const Forbidden all(memory_of(data), entry.key.data() - kNear);
    CHECK(walk(data, 0).size() == 1);
    CHECK(data.any(0, 1) + entry.key.size() + entry.value.size() + 8 == at);
  }
  for (const uint32_t living : {0u, 1u}) {  // behind the last, or all
    DatasetBuilder builder(Names::kAmongKeys, 0);
    if (living > 0) builder.add(0, 0, "lives", "", nullptr);
    for (uint32_t i = 0; i < kMany; ++i) builder.add(0, 0, std::to_string(i), "value", nullptr);
    for (uint32_t i = 0; i < kMany; ++i) builder.add_namespace(std::to_string(i), nullptr);
    const Dataset data = std::move(builder).finish(host);
    const Forbidden all(memory_of(data) + kNear, memory_of(data) + size_t{10} * kMany);
    CHECK(walk(data, 0).size() == living);
    CHECK(data.count(0) == living);
    uint64_t at = data.any(0, 1);
    RecordArena::Record entry;
    CHECK(data.next(0, at, entry) == (living > 0));
  }
}

TEST_CASE("the search for mixed namespaces tells its progress, and can be stopped") {
  constexpr uint32_t kMany = 70000;  // a call of progress, in each pass over them
  int calls = 0, stop_at = 0;
  FakeHost fake;
  fake.on_progress = [&](uint64_t done, uint64_t total) {
    CHECK(done < total);
    return ++calls == stop_at ? 1 : 0;
  };
  const Host host(fake.table());
  CHECK(mixed({1, kMany}, host).count(2) == kMany);
  CHECK(calls == 2);
  calls = 0;
  CHECK(mixed({1, kMany, 1}, host).count(1) == 2);
  CHECK(calls == 4);
  for (stop_at = 1; stop_at <= 4; ++stop_at) {
    calls = 0;
    CHECK_THROWS_WITH_AS(mixed({1, kMany, 1}, host), "the server is stopping", goromdb::Failure);
  }
}

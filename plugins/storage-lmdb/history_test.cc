// SPDX-License-Identifier: MIT
// Files with a past: whatever a program has put, changed, removed and dropped with liblmdb, the
// file is taken and read whole. Nothing that liblmdb writes may look damaged to the walk.
#include "rounds.hpp"
#include "test_files.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

namespace {

using goromdb::lmdb::bytes_of;
using goromdb::lmdb::File;
using goromdb::lmdb::name_of;
using goromdb::test::Database;
using goromdb::test::Items;
namespace lmdb = goromdb::lmdb;

struct Kind {
  const char* name;
  unsigned flags;
};
constexpr Kind kKinds[] = {
    {"", 0},
    {"plain", 0},
    {"reversed", MDB_REVERSEKEY},
    {"many", MDB_DUPSORT},
    {"reversed many", MDB_DUPSORT | MDB_REVERSEKEY | MDB_REVERSEDUP},
    {"fixed", MDB_DUPSORT | MDB_DUPFIXED},
    {"numbers", MDB_DUPSORT | MDB_DUPFIXED | MDB_INTEGERDUP},
    {"integers", MDB_INTEGERKEY},
    {"integers, many", MDB_INTEGERKEY | MDB_DUPSORT},
};

// One environment and what should be in it.
class History {
 public:
  History(const std::string& path, uint32_t seed, unsigned flags)
      : random_(seed), file_(path, MDB_NOSUBDIR | flags, size_t{256} << 20) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    file_.commit();
  }
  // Without empty ones, which are no namespaces; the first of each key's values.
  Items items() const {
    Items all;
    for (const auto& [name, entries] : content_) {
      for (const auto& [key, values] : entries) all[name][key] = {first(name, values)};
    }
    return all;
  }
  MDB_env* env() { return file_.env(); }

 private:
  size_t pick(size_t n) { return random_() % n; }

  static std::string first(const std::string& name, const std::set<std::string>& values) {
    if (name == "reversed many") {
      return *std::min_element(values.begin(), values.end(), [](auto a, auto b) {
        return std::string(a.rbegin(), a.rend()) < std::string(b.rbegin(), b.rend());
      });
    }
    if (name == "numbers") {
      return *std::min_element(values.begin(), values.end(), [](auto& a, auto& b) {
        return lmdb::load<uint32_t>(a.data()) < lmdb::load<uint32_t>(b.data());
      });
    }
    return *values.begin();
  }
  std::string key(unsigned flags) {
    const uint64_t n = pick(pick(3) == 0 ? 20 : 3000);
    if ((flags & MDB_INTEGERKEY) != 0) return {reinterpret_cast<const char*>(&n), sizeof n};
    return name_of(n) + std::string(n % 7 == 0 ? n % 480 : n % 3, 'k');
  }
  std::string value(unsigned flags) {
    const auto n = static_cast<uint32_t>(pick(100000));
    if ((flags & MDB_DUPFIXED) != 0) return {reinterpret_cast<const char*>(&n), sizeof n};
    if ((flags & MDB_DUPSORT) != 0) return name_of(n) + std::string(n % 200, 'v');
    return name_of(n) + std::string(pick(12) == 0 ? pick(15000) : pick(300), 'v');
  }

  void step() {
    const Kind& kind = kKinds[pick(std::size(kKinds))];
    const std::string name = kind.name;
    file_.make(name, kind.flags);
    auto& entries = content_[name];
    const size_t what = pick(1000);
    if (what < 4) {
      file_.commit();
      file_.begin();
    } else if (what < 6 && !name.empty()) {
      file_.clear(name);
      entries.clear();
    } else if (what < 60 && !entries.empty()) {  // a run of neighbours goes: pages merge
      auto it = entries.lower_bound(key(kind.flags));
      for (size_t n = pick(150); n > 0 && it != entries.end(); --n) {
        file_.remove(name, it->first);
        it = entries.erase(it);
      }
    } else {
      const bool many = (kind.flags & MDB_DUPSORT) != 0;
      const std::string k = key(kind.flags);
      auto& values = entries[k];
      for (size_t n = many ? 1 + pick(pick(20) == 0 ? 300 : 4) : 1; n > 0; --n) {
        const std::string v = value(kind.flags);
        file_.put(name, k, v);
        if (!many) values.clear();
        values.insert(v);
      }
    }
  }

  std::mt19937 random_;
  File file_;
  std::map<std::string, std::map<std::string, std::set<std::string>>> content_;
};

void check_taken(const std::string& path, Items expected) {
  Database db;
  REQUIRE(db.open(path) == GOROMDB_OK);
  const auto verified = db.verify();
  CAPTURE(db.message);
  REQUIRE(verified == GOROMDB_OK);
  std::erase_if(expected, [](const auto& ns) { return ns.second.empty(); });
  REQUIRE(db.items() == expected);
}

}  // namespace

TEST_CASE("files with a long past, and compact copies of them, are read whole") {
  for (uint32_t seed = 1; seed <= goromdb::test::rounds(6u); ++seed) {
    for (const unsigned flags : {0u, unsigned{MDB_WRITEMAP}}) {
      CAPTURE(seed);
      CAPTURE(flags);
      const goromdb::test::TempDir dir;
      const std::string path = dir.file("data.db");
      History history(path, seed, flags);
      history.run(static_cast<int>(seed) * 1000);
      check_taken(path, history.items());
      lmdb::check(mdb_env_copy2(history.env(), dir.file("compact").c_str(), MDB_CP_COMPACT),
                  "copy");
      check_taken(dir.file("compact"), history.items());
      lmdb::check(mdb_env_copy2(history.env(), dir.file("copy").c_str(), 0), "copy");
      check_taken(dir.file("copy"), history.items());
    }
  }
}

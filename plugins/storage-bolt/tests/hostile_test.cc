// SPDX-License-Identifier: MIT
// Files that are cut, changed or made up: refused in words, or read without a step outside of them.
#include <doctest/doctest.h>

#include <chrono>

#include "image_file.hpp"
#include "read_all.hpp"
#include "rounds.hpp"
#include "sample.hpp"
#include "walk_rules.hpp"

using namespace goromdb::test;

namespace {

// Every operation on the bytes; all may fail, none may do worse.
void use(const std::string& bytes, const Items& items) {
  const ReadAll in_memory(bytes);
  Database db(bytes);
  if (db.status != GOROMDB_OK) {
    REQUIRE(db.in_one_line());
    REQUIRE(db.says("data.db: "));
    return;
  }
  const bool whole = db.verify() == GOROMDB_OK;
  const auto tried = [&](auto&& walk) {
    try {
      walk();
    } catch (const std::runtime_error&) {
      REQUIRE_FALSE(whole);  // what was verified is walked over without a failure
    }
  };
  std::vector<std::string> names;
  tried([&] { names = db.ns_names(); });
  names.resize(std::min<size_t>(names.size(), 30));
  names.emplace_back();
  for (const auto& name : names) {
    tried([&] { db.walk(name); });
    for (const uint64_t random : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) {
      tried([&] { db.keys(name, random); });
    }
    db.count(name);
    if (whole) REQUIRE(broken_walk_rule(db, name) == "");
  }
  for (const auto& [ns, entries] : items) {
    std::vector<std::pair<uint32_t, std::string>> keys;
    for (const auto& [key, item] : entries) keys.emplace_back(ns.empty() ? 0 : db.ns_id(ns), key);
    for (const auto& value : db.get_all(keys)) {
      if (whole) REQUIRE(value.status >= 0);
      if (value.status != GOROMDB_OK) continue;
      // Each byte is read, so that a sanitizer sees it when it is none of the file's.
      volatile uint8_t sum = 0;
      for (uint32_t i = 0; i < value.len; ++i)
        sum = sum + static_cast<const uint8_t*>(value.ptr)[i];
    }
  }
}

Items small_sample() {
  Items items;
  for (int i = 0; i < 150; ++i) items[""]["key" + std::to_string(i)] = {std::string(i % 50, 'v')};
  for (int i = 0; i < 60; ++i) items["deep/er"]["key" + std::to_string(i)] = {std::string(i, 'w')};
  items["inline"]["key"] = {"value"};
  items["large"]["key"] = {std::string(3000, 'l')};
  return items;
}

}  // namespace

TEST_CASE("files of other kinds are refused by name") {
  struct Case {
    std::string bytes;
    goromdb_status status;
    const char* says;
  };
  using namespace std::string_literals;
  ImageFile version(small_sample(), 1024), endian(small_sample(), 1024),
      damaged(small_sample(), 1024);
  for (const uint64_t meta : {0, 1}) {
    goromdb::bolt::store<uint32_t>(version.page(meta) + 20, 3);
    goromdb::bolt::store<uint32_t>(endian.page(meta) + 16, 0xEDDA0CED);
    damaged.page(meta)[16 + 20] ^= 0x40;
  }
  version.repair();
  std::mt19937 random(1);
  for (const Case& c : std::initializer_list<Case>{
           {"", GOROMDB_E_CORRUPT, "data.db: it is empty"},
           {"x", GOROMDB_E_CORRUPT, "no Bolt file"},
           {random_bytes(random, 100000), GOROMDB_E_CORRUPT, "no Bolt file"},
           {std::string(100000, '\0'), GOROMDB_E_CORRUPT, "no Bolt file"},
           {"{\"a\": 1}", GOROMDB_E_CORRUPT, "a JSON file"},
           {std::string(16, '\0') + "\xDE\xC0\xEF\xBE" + std::string(8192, '\0'), GOROMDB_E_CORRUPT,
            "an LMDB file"},
           {std::string(24, '\0') + "\xDE\xC0\xEF\xBE" + std::string(8192, '\0'), GOROMDB_E_CORRUPT,
            "an LMDB file of version 1.0"},
           {std::string(12, '\0') + "\x62\x31\x05\x00"s + std::string(8192, '\0'),
            GOROMDB_E_CORRUPT, "a Berkeley DB btree file"},
           {version.bytes, GOROMDB_E_UNSUPPORTED, "version 3"},
           {endian.bytes, GOROMDB_E_UNSUPPORTED, "big-endian"},
           {damaged.bytes, GOROMDB_E_CORRUPT, "both of its meta pages are damaged"}}) {
    CAPTURE(c.says);
    Database db(c.bytes);
    CHECK(db.status == c.status);
    CHECK_MESSAGE(db.says(c.says), db.message);
    CHECK(db.in_one_line());
  }
  Database db;
  CHECK(db.open(db.dir().file("absent.db")) == GOROMDB_E_IO);
  CHECK(db.open("/dev/null") == GOROMDB_E_CORRUPT);
}

TEST_CASE("a file that is cut anywhere is refused") {
  const ImageFile file(small_sample(), 1024);
  for (int part = 0; part < 64; ++part) {
    CAPTURE(part);
    Database db(file.bytes.substr(0, file.bytes.size() * part / 64));
    CHECK(db.status == GOROMDB_E_CORRUPT);
    CHECK(db.in_one_line());
  }
}

TEST_CASE("one changed bit does no harm, wherever it is") {
  const Items items = small_sample();
  const ImageFile file(items, 1024);
  std::mt19937 random(7);
  for (int i = 0; i < goromdb::test::rounds(1500); ++i) {
    CAPTURE(i);
    std::string bytes = file.bytes;
    // Mostly where headers and elements are.
    size_t at = random() % bytes.size();
    if (i % 3 != 0) at = at / 1024 * 1024 + random() % 256;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    use(bytes, items);
  }
}

TEST_CASE("many changed bytes and right checksums do no harm") {
  const Items items = small_sample();
  ImageFile file(items, 1024);
  const std::string good = file.bytes;
  std::mt19937 random(8);
  const uint64_t kOdd[] = {0, 1, 2, 3, 0x7FFFFFFF, 0xFFFFFFFF, UINT64_MAX, UINT64_MAX - 1, 1 << 16};
  for (int i = 0; i < goromdb::test::rounds(1500); ++i) {
    CAPTURE(i);
    file.bytes = good;
    for (size_t n = random() % 6 + 1; n > 0; --n) {
      const uint64_t page = random() % file.pages();
      uint8_t* field = file.page(page) + 4 * (random() % (page < 2 ? 18 : 60));
      const uint64_t value = random() % 2 == 0 ? kOdd[random() % std::size(kOdd)] : random() % 40;
      if (random() % 2 == 0) {
        goromdb::bolt::store<uint32_t>(field, static_cast<uint32_t>(value));
      } else {
        goromdb::bolt::store<uint64_t>(field, value);
      }
    }
    file.repair();
    use(file.bytes, items);
  }
}

namespace {

struct Damage {
  const char* what;
  const char* says;
  void (*make)(ImageFile&);
};

// The first page of each kind below the root.
uint64_t branch(ImageFile& file) {
  uint64_t page = 2;
  while (!file.is_branch(page)) ++page;
  return page;
}

const Damage kDamages[] = {
    {"a branch that leads to itself", "in use twice",
     [](ImageFile& f) {
       const uint64_t b = branch(f);
       goromdb::bolt::store<uint64_t>(f.element(b, 0) + 8, b);
     }},
    {"a leaf that a branch leads to twice", "in use twice",
     [](ImageFile& f) {
       const uint64_t b = branch(f);
       goromdb::bolt::store<uint64_t>(f.element(b, 1) + 8,
                                      goromdb::bolt::load<uint64_t>(f.element(b, 0) + 8));
     }},
    {"a branch without elements", "a branch without elements",
     [](ImageFile& f) { goromdb::bolt::store<uint16_t>(f.page(branch(f)) + 10, 0); }},
    {"a leaf without elements", "an empty leaf below a branch",
     [](ImageFile& f) { goromdb::bolt::store<uint16_t>(f.page(2) + 10, 0); }},
    {"a page with two kinds", "neither a branch nor a leaf",
     [](ImageFile& f) { goromdb::bolt::store<uint16_t>(f.page(2) + 8, 3); }},
    {"a page with another's number", "another page's number",
     [](ImageFile& f) { goromdb::bolt::store<uint64_t>(f.page(2), 3); }},
    {"too many elements", "more elements than room",
     [](ImageFile& f) { goromdb::bolt::store<uint16_t>(f.page(2) + 10, 0xFFFF); }},
    {"an overflow beyond the file", "beyond the end of the file",
     [](ImageFile& f) { goromdb::bolt::store<uint32_t>(f.page(2) + 12, 0xFFFFFFFF); }},
    {"a key outside of its page", "points outside of it",
     [](ImageFile& f) { goromdb::bolt::store<uint32_t>(f.element(2, 1) + 4, 0xFFFFFFF0); }},
    {"a value outside of its page", "points outside of it",
     [](ImageFile& f) { goromdb::bolt::store<uint32_t>(f.element(2, 1) + 12, 0xFFFFFFFF); }},
    {"values that all reach the end of their page", "elements that overlap",
     [](ImageFile& f) {
       const auto count = goromdb::bolt::load<uint16_t>(f.page(2) + 10);
       for (uint32_t i = 0; i < count; ++i) {
         uint8_t* e = f.element(2, i);
         const uint8_t* value =
             e + goromdb::bolt::load<uint32_t>(e + 4) + goromdb::bolt::load<uint32_t>(e + 8);
         goromdb::bolt::store<uint32_t>(e + 12, static_cast<uint32_t>(f.page(2) + 1024 - value));
       }
     }},
    {"an unknown kind of element", "an unknown kind",
     [](ImageFile& f) { goromdb::bolt::store<uint32_t>(f.element(2, 1), 2); }},
    {"keys in a wrong order", "out of order",
     [](ImageFile& f) {
       const auto from = goromdb::bolt::load<uint32_t>(f.element(2, 1) + 4);
       f.element(2, 1)[from + 3] = '!';
     }},
    {"a key outside of all buckets", "outside of all buckets",
     [](ImageFile& f) { goromdb::bolt::store<uint32_t>(f.element(f.root(), 0), 0); }},
    {"a bucket that is cut short", "a bucket that is cut short",
     [](ImageFile& f) { goromdb::bolt::store<uint32_t>(f.element(f.root(), 1) + 12, 15); }},
    {"a bucket without a name", "without a name",
     [](ImageFile& f) {
       uint8_t* e = f.element(f.root(), 0);
       goromdb::bolt::store<uint32_t>(
           e + 4, goromdb::bolt::load<uint32_t>(e + 4) + goromdb::bolt::load<uint32_t>(e + 8));
       goromdb::bolt::store<uint32_t>(e + 8, 0);
     }},
    {"a bucket that is its own parent", "in use twice",
     [](ImageFile& f) {
       uint8_t* e = f.element(f.root(), 1);
       goromdb::bolt::store<uint64_t>(
           e + goromdb::bolt::load<uint32_t>(e + 4) + goromdb::bolt::load<uint32_t>(e + 8),
           f.root());
     }},
};

}  // namespace

TEST_CASE("every kind of damage is found, and none does more than fail") {
  const Items items = small_sample();
  for (const Damage& damage : kDamages) {
    CAPTURE(damage.what);
    ImageFile file(items, 1024);
    damage.make(file);
    Database db(file.bytes);
    if (db.status == GOROMDB_OK) CHECK(db.verify() == GOROMDB_E_CORRUPT);
    CHECK_MESSAGE(db.says(damage.says), db.message);
    CHECK(db.in_one_line());
    use(file.bytes, items);
  }
}

TEST_CASE("a fault on the way to a key is that key's failure and no miss") {
  const Items items = small_sample();
  ImageFile file(items, 1024);
  goromdb::bolt::store<uint16_t>(file.page(2) + 8,
                                 3);  // the first leaf of the keys without a namespace
  Database db(file.bytes, kNoIndex);
  REQUIRE(db.status == GOROMDB_OK);
  size_t failed = 0, right = 0;
  std::vector<std::pair<uint32_t, std::string>> keys;
  for (const auto& [key, item] : items.at("")) keys.emplace_back(0, key);
  const auto values = db.get_all(keys);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (values[i].status == GOROMDB_E_CORRUPT) {
      ++failed;
    } else {
      CHECK(Database::text_of(values[i]) == items.at("").at(keys[i].second).value);
      ++right;
    }
  }
  CHECK(failed > 0);
  CHECK(right > 0);
}

TEST_CASE("buckets and pages that are shared a thousandfold are no work without end") {
  // Levels of buckets each of which has the next one twice: 2^28 paths in a file of some pages.
  Items items;
  std::string path;
  for (int i = 0; i < 28; ++i) {
    for (const char* name : {"a", "b"}) items[path + name + "/x"]["k"] = {std::string(2000, 'v')};
    path += "a/";
  }
  ImageFile file(items, 1024);
  for (uint64_t p = 2; p < file.pages(); ++p) {
    if (!file.is_leaf(p) || goromdb::bolt::load<uint16_t>(file.page(p) + 10) < 2) continue;
    uint8_t* a = file.element(p, 0);
    uint8_t* b = file.element(p, 1);
    const uint8_t* from = a + goromdb::bolt::load<uint32_t>(a + 4);
    uint8_t* to = b + goromdb::bolt::load<uint32_t>(b + 4);
    if (*from == 'a' && *to == 'b') std::memcpy(to + 1, from + 1, 16);
  }
  Database db(file.bytes, kNoIndex);
  REQUIRE(db.status == GOROMDB_OK);
  const auto begin = std::chrono::steady_clock::now();
  CHECK_THROWS(db.ns_names(100000));
  CHECK(db.verify() == GOROMDB_E_CORRUPT);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}

TEST_CASE("a leaf that branches lead to a thousandfold is walked once") {
  // Forty levels of branches, both elements of each of which lead to the next: 2^40 ways.
  constexpr uint32_t kSize = 1024, kLevels = 40;
  ImageFile file({{"", {{"a", {std::string(2000, 'v')}}}}}, kSize);
  const uint64_t leaf = 2;
  const uint64_t first = file.pages();
  for (uint64_t level = 0; level < kLevels; ++level) {
    file.bytes += std::string(kSize, '\0');
    const uint64_t number = first + level;
    goromdb::bolt::store<uint64_t>(file.page(number), number);
    goromdb::bolt::store<uint16_t>(file.page(number) + 8, 1);
    goromdb::bolt::store<uint16_t>(file.page(number) + 10, 2);
    for (unsigned i : {0, 1}) {
      goromdb::bolt::store<uint32_t>(file.element(number, i), 32 - 16 * i + i);
      goromdb::bolt::store<uint32_t>(file.element(number, i) + 4, 1);
      goromdb::bolt::store<uint64_t>(file.element(number, i) + 8,
                                     level + 1 < kLevels ? number + 1 : leaf);
    }
    file.page(number)[48] = 'a';
    file.page(number)[49] = 'b';
  }
  uint8_t* bucket = file.element(file.root(), 0);
  goromdb::bolt::store<uint64_t>(bucket + goromdb::bolt::load<uint32_t>(bucket + 4) + 7, first);
  for (const uint64_t meta : {0, 1}) file.set64(meta, 40, file.pages());
  file.repair();
  Database db(file.bytes, kNoIndex);
  REQUIRE_MESSAGE(db.status == GOROMDB_OK, db.message);
  CHECK(db.get("a") == std::string(2000, 'v'));
  CHECK_THROWS_WITH(db.walk(), doctest::Contains("out of order"));
  CHECK_THROWS_WITH(db.walk("", 1, true), doctest::Contains("out of order"));
  CHECK(db.verify() == GOROMDB_E_CORRUPT);
  CHECK_THROWS(db.ns_names());
  // The same as the bucket of all buckets, of which none is the wanted one.
  for (const uint64_t meta : {0, 1}) file.set64(meta, 16, first);
  file.repair();
  Database wanting(file.bytes, Settings{{"bucket", "b"}});
  CHECK(wanting.status == GOROMDB_E_CORRUPT);
  CHECK_MESSAGE(wanting.says("out of order"), wanting.message);
}

TEST_CASE("a walk ends where the keys of a page do not ascend") {
  ImageFile file({{"", {{"a", {std::string(300, 'v')}}, {"b", {"w"}}, {"c", {"x"}}}}}, 1024);
  file.element(2, 1)[goromdb::bolt::load<uint32_t>(file.element(2, 1) + 4)] = 'd';
  Database db(file.bytes, kNoIndex);
  REQUIRE(db.status == GOROMDB_OK);
  CHECK_THROWS_WITH(db.walk(), doctest::Contains("page 2 has keys that are out of order"));
}

TEST_CASE("buckets are followed 256 deep") {
  const auto nested = [](int depth) {
    std::string path;
    for (int i = 0; i < depth; ++i) path += i == 0 ? "n" : "/n";
    return path;
  };
  Database db;
  REQUIRE_MESSAGE(db.build({{nested(256), {{"k", {"v"}}}}}), db.message);
  CHECK(db.verify() == GOROMDB_OK);
  CHECK(db.items() == Items{{nested(256), {{"k", {"v"}}}}});
  CHECK_FALSE(db.build({{nested(257), {{"k", {"v"}}}}}));
}

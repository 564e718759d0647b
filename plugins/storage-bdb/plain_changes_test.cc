// SPDX-License-Identifier: MIT
// Beside libdb itself: what the check without libdb finds sound, libdb finds sound, and counts the
// same. libdb's look ends this process where it dies on such a file.
#include "plain_test.h"
#include "rounds.hpp"

using namespace goromdb::bdb;
using namespace goromdb::test;

namespace {

constexpr size_t kSmallPage = 512;

struct Kind {
  const char* name;
  Written how{};
  bool is_among_others = false, is_sorted = false, has_trees = false, has_long_keys = false;
};
const Kind kKinds[] = {
    {"a btree", {}},
    {"a btree among others", {}, true},
    {"a btree of sorted entries", {}, false, true},
    {"a btree of sorted entries with checksums that counts records",
     {.flags = DB_CHKSUM | DB_RECNUM},
     true,
     true},
    {"a btree of sorted entries that may have duplicates", {.flags = DB_DUP}, false, true},
    {"a btree with duplicates", {.flags = DB_DUP}},
    {"a btree with sorted duplicates", {.flags = DB_DUP | DB_DUPSORT}, true},
    {"a btree that counts records", {.flags = DB_RECNUM}, true},
    {"a recno", {.type = DB_RECNO}},
    {"a recno among others", {.type = DB_RECNO, .flags = DB_RENUMBER}, true},
    {"a recno with records of one size", {.type = DB_RECNO, .record_size = 30}},
    {"a btree with checksums", {.flags = DB_CHKSUM}, true},
    {"a btree of the other byte order", {.byte_order = 4321}},
    {"compressed keys", {.compressed = true}},
    {"sorted compressed keys among others", {.compressed = true}, true, true},
    {"compressed keys with checksums", {.flags = DB_CHKSUM, .compressed = true}, true},
    {"compressed keys of the other byte order", {.byte_order = 4321, .compressed = true}},
    {"a hash", {.type = DB_HASH}},
    {"a hash among others", {.type = DB_HASH}, true},
    {"a hash with checksums", {.type = DB_HASH, .flags = DB_CHKSUM}},
    {"a hash of the other byte order", {.type = DB_HASH, .byte_order = 4321}, true},
    {"a hash that may have duplicates", {.type = DB_HASH, .flags = DB_DUP}, false, true},
    {"a hash with duplicates", {.type = DB_HASH, .flags = DB_DUP}},
    {"a hash with sorted duplicates", {.type = DB_HASH, .flags = DB_DUP | DB_DUPSORT}, true},
    {"a hash with sorted duplicates with checksums of the other byte order",
     {.type = DB_HASH, .flags = DB_DUP | DB_DUPSORT | DB_CHKSUM, .byte_order = 4321}},
    {"a hash with duplicates in trees", {.type = DB_HASH, .flags = DB_DUP}, false, false, true},
    {"a hash with sorted duplicates in trees",
     {.type = DB_HASH, .flags = DB_DUP | DB_DUPSORT},
     true,
     false,
     true},
    {"a hash with sorted duplicates in trees with checksums",
     {.type = DB_HASH, .flags = DB_DUP | DB_DUPSORT | DB_CHKSUM},
     false,
     false,
     true},
    {"a btree with duplicates in trees", {.flags = DB_DUP}, false, false, true},
    {"a btree with duplicates in trees with checksums of the other byte order",
     {.flags = DB_DUP | DB_CHKSUM, .byte_order = 4321},
     true,
     false,
     true},
    {"a btree with sorted duplicates in trees", {.flags = DB_DUP | DB_DUPSORT}, false, false, true},
    {"a btree with sorted duplicates in trees of the other byte order",
     {.flags = DB_DUP | DB_DUPSORT, .byte_order = 4321},
     true,
     false,
     true},
    {.name = "a btree with long keys", .has_long_keys = true},
    {.name = "a btree of long keys that are sorted, with checksums",
     .how = {.flags = DB_CHKSUM},
     .is_among_others = true,
     .is_sorted = true,
     .has_long_keys = true},
    {.name = "a btree with long keys that counts records",
     .how = {.flags = DB_RECNUM, .byte_order = 4321},
     .has_long_keys = true},
    {.name = "a btree with duplicates of long keys",
     .how = {.flags = DB_DUP},
     .is_among_others = true,
     .has_long_keys = true},
    {.name = "a hash with long keys", .how = {.type = DB_HASH}, .has_long_keys = true},
    {.name = "a hash with long keys and checksums, of the other byte order",
     .how = {.type = DB_HASH, .flags = DB_CHKSUM, .byte_order = 4321},
     .is_among_others = true,
     .has_long_keys = true},
    {.name = "a hash with duplicates of long keys in trees, with checksums",
     .how = {.type = DB_HASH, .flags = DB_DUP | DB_CHKSUM},
     .is_among_others = true,
     .has_trees = true,
     .has_long_keys = true},
    {.name = "a btree with sorted duplicates of long keys in trees, with checksums",
     .how = {.flags = DB_DUP | DB_DUPSORT | DB_CHKSUM, .byte_order = 4321},
     .has_trees = true,
     .has_long_keys = true},
    {"both", {.type = DB_HASH, .flags = DB_CHKSUM, .byte_order = 4321}},
};

Entries some_of(const Kind& kind) {
  const bool has_duplicates = (kind.how.flags & DB_DUP) != 0 && !kind.is_sorted,
             is_recno = kind.how.type == DB_RECNO;
  Entries some;
  for (int i = 0; i < (kind.has_trees ? 60 : 400); ++i) {
    const bool is_long = i % 100 == 0 && !has_duplicates && kind.how.record_size == 0;
    const size_t size = is_long ? 3000 : static_cast<size_t>(i % 30);
    const int number = kind.is_sorted ? 1000 + i : i * 7919 % 10007;
    const size_t common = kind.has_long_keys && i % 3 == 0 ? 130 + i % 7 * 100 : 0;
    const auto key = is_recno ? std::to_string(i + 1)
                              : std::string(common, 'k') + "key" + std::to_string(number);
    for (int more = 0; more <= (has_duplicates ? i % 3 : 0); ++more)
      some.emplace_back(key, std::string(size, 'v') + std::string(more, 'w'));
  }
  for (int i = 0; kind.has_trees && i < 300; ++i) {
    const auto text = std::to_string(10000 + i * 7919 % 10007);
    const bool is_long = i == 5 && (kind.how.flags & DB_DUPSORT) == 0;
    const auto key =
        std::string(kind.has_long_keys ? 300 : 0, 'm') + (i % 40 == 0 ? "few" : "many");
    some.emplace_back(key, text + std::string(is_long ? 900 : 40, 'v'));
  }
  return some;
}

// Makes a page's checksum fit it again, as libdb says what it is: h = 33 h + each byte, of zeros
// where it is stored itself.
void seal(std::string& bytes, size_t page, const FileHeader& header) {
  if (!header.checksums) return;
  const auto type = static_cast<uint8_t>(bytes[page + kTypeAt]);
  const bool is_meta = type == kHashMeta || type == kBtreeMeta;
  const size_t at = page + (is_meta ? kMetaSumAt : kSumAt);
  put(bytes, at, 0);
  uint32_t sum = 0;
  for (size_t i = 0; i < (is_meta ? kSummedOfMeta : kSmallPage); ++i)
    sum = 33 * sum + static_cast<uint8_t>(bytes[page + i]);
  put(bytes, at, header.swapped ? __builtin_bswap32(sum) : sum);
}

// One page is another then.
std::string changed(const std::string& whole, const FileHeader& header, int kind_of_change,
                    std::mt19937& random) {
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  auto bytes = whole;
  const auto flip = [&](size_t at) { bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); };
  const size_t page = below(whole.size() / kSmallPage) * kSmallPage,
               places = page + (header.checksums ? kHeaderWithSum : kHeader),
               entry = places + below(40) * 2;
  const auto item = [&] {
    const uint16_t at = short_at(bytes, entry);
    return header.swapped ? __builtin_bswap16(at) : at;
  };
  switch (kind_of_change) {
    case 0:
      flip(page + below(kSmallPage));
      break;
    case 1:
      flip(page + below(kHeader));
      break;
    case 2:
      flip(entry + below(2));
      break;
    case 3:  // an item, or what is where one might be
      flip(page + (item() + below(kLongItemSize)) % kSmallPage);
      break;
    case 4:  // another page, under this one's number
      bytes.replace(page, kSmallPage, whole, below(whole.size() / kSmallPage) * kSmallPage,
                    kSmallPage);
      bytes.replace(page + kNumberAt, 4, whole, page + kNumberAt, 4);
      break;
    case 5:
      put_short(bytes, entry, short_at(bytes, places + below(40) * 2));
      break;
    default:
      bytes.replace(page, kSmallPage, kSmallPage, '\0');
  }
  if (below(10) != 0) seal(bytes, page, header);
  return bytes;
}

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  Environment env(1 << 20);
  const auto list = DbHandle::open(env, path, nullptr);
  const auto cursor = list.cursor(env);
  DBT name{}, page{};
  while (cursor->get(cursor.get(), &name, &page, DB_NEXT) == 0) names.emplace_back(view(name));
  return names;
}

}  // namespace

TEST_CASE("whatever is changed, libdb finds sound what is found sound here, and counts the same") {
  for (const auto& kind : kKinds) {
    const std::string name = kind.name;
    CAPTURE(name);
    const TempDir dir;
    const auto path = dir.file("f");
    auto how = kind.how;
    how.page_size = kSmallPage;
    auto some = some_of(kind);
    if (kind.is_among_others) how.subdb = "served";
    write(path, some, how);
    how.subdb = "other";
    some.resize(100);
    how.flags &= ~uint32_t{DB_RECNUM};
    if (how.type == DB_RECNO) how.type = DB_BTREE, how.flags = 0;
    if (kind.is_among_others) write(path, some, how, {some[30].first, some[10].first});
    how.subdb = "empty";
    if (kind.is_among_others) write(path, {}, how);
    const auto whole = bytes_of(path);
    const auto header = read_header(goromdb::DataFile(path.c_str()));
    REQUIRE(check_file(path));
    const uint8_t leaf_of_tree = (how.flags & DB_DUPSORT) != 0 ? kSortedLeaf : kRecnoLeaf;
    if (kind.has_trees) REQUIRE(page_of(whole, leaf_of_tree, kSmallPage) != 0);
    std::mt19937 random(11);
    const int times = rounds(300);
    int taken = 0;
    for (int i = 0; i < times; ++i) {
      CAPTURE(i);
      written(path, changed(whole, header, i % 7, random));
      const auto found = check_file(path);
      if (!found) continue;
      ++taken;
      REQUIRE(fault_of(path) == "");
      if (!kind.is_among_others) {
        check_same(found, counted(path));
      } else if (names_in(path) == std::vector<std::string>{"empty", "other", "served"}) {
        check_same(found, counted(path, "served"));
        counted(path, "other");  // and libdb comes to its end
      }
      if (how.compressed && !kind.is_among_others) CHECK(finds_all(path));
    }
    INFO(taken, " found sound");
    CHECK(taken > times / 50);
    CHECK(taken < times * 2 / 3);
  }
}

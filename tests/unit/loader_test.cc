// SPDX-License-Identifier: MIT
#include "core/files/loader.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "core/base/units.h"
#include "tests/unit/temp_folder.hpp"

using namespace goromdb;
using test::contains;
using test::identity_of;
using test::message_of;
using test::set_mtime_ns;
using test::TempFolder;

namespace {

bool never(uint64_t, uint64_t) { return false; }

std::string hex_of(const std::string& content, SumKind kind = SumKind::kMd5) {
  Digest digest(kind);
  digest.update(content);
  return digest.hex();
}

// A drop folder and a store, by default on one file system.
struct Shop {
  TempFolder drop, store;
  Loader loader{store.path()};

  explicit Shop(const std::string& drop_parent = std::filesystem::temp_directory_path().string())
      : drop(drop_parent) {
    REQUIRE(loader.lock().has_value());
  }

  // Puts a file and its sum there and returns what the watcher would make of them.
  Candidate put(const std::string& content, SumKind kind = SumKind::kMd5) {
    Candidate candidate;
    candidate.kind = kind;
    candidate.file = drop.write("data.json", content);
    candidate.data = identity_of(candidate.file);
    if (kind != SumKind::kNone) {
      const auto name = "data.json." + std::string(name_of(kind));
      candidate.sum = identity_of(drop.write(name, hex_of(content, kind) + "  data.json\n"));
    }
    return candidate;
  }
  std::optional<SlotNote> whole(int slot) const { return loader.whole(slot).value(); }
  Result<SlotNote> take(const Candidate& candidate, const std::string& content, int slot,
                        uint64_t generation) {
    return loader.take(candidate, hex_of(content, candidate.kind), slot, generation, never);
  }

  void note(int slot, uint64_t generation, const std::string& content, int64_t attempts = 0) {
    const auto data = store / (Loader::slot_name(slot) + "/data.db");
    const auto mtime = identity_of(data).mtime_ns;
    store.write(Loader::slot_name(slot) + "/data.db.note",
                fmt::format("generation {}\nchecksum md5:{}\nsize {}\nmtime_ns {}\nattempts {}\n",
                            generation, hex_of(content), content.size(), mtime, attempts));
  }
  void data(int slot, const std::string& content) {
    store.write(Loader::slot_name(slot) + "/data.db", content);
  }
  void filled(int slot, uint64_t generation, const std::string& content) {
    data(slot, content);
    note(slot, generation, content);
  }
  void pointer(int slot, uint64_t generation) {
    store.write("current",
                fmt::format("slot {}\ngeneration {}\n", Loader::slot_name(slot), generation));
  }
  // The data of the slots found, in their order; adopted ones have a star.
  std::string recovered() {
    auto found = loader.recover();
    REQUIRE_MESSAGE(found.has_value(), message_of(found));
    std::vector<std::string> contents;
    for (const auto& each : *found) {
      contents.push_back(store.read(Loader::slot_name(each.slot) + "/data.db") +
                         (each.adopted ? "*" : ""));
    }
    return join(contents, ", ");
  }
};

// A rename gives an inode the ctime of its instant, which moves in the kernel's ticks.
void touch_until_newer(const std::string& path, const std::string& than) {
  for (;;) {
    REQUIRE(::rename(path.c_str(), (path + ".x").c_str()) == 0);
    REQUIRE(::rename((path + ".x").c_str(), path.c_str()) == 0);
    if ((*look_at(path))->ctime_ns > (*look_at(than))->ctime_ns) return;
  }
}

// Another file system than that of temporary folders, or "".
std::string other_file_system() {
  struct stat here, there;
  if (::stat(std::filesystem::temp_directory_path().c_str(), &here) != 0) return {};
  if (::stat("/dev/shm", &there) != 0 || here.st_dev == there.st_dev) return {};
  return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "";
}

#define REQUIRE_OTHER_FILE_SYSTEM(name)                                     \
  const std::string name = other_file_system();                             \
  if (name.empty()) {                                                       \
    MESSAGE("skipped: /dev/shm is not another file system than /tmp here"); \
    return;                                                                 \
  }

}  // namespace

// ---- locking ----

TEST_CASE("a store is made and locked once, and who asks second is told who has it") {
  TempFolder folder;
  const auto basedir = folder / "deep/store";
  Loader first(basedir);
  REQUIRE(first.lock().has_value());
  CHECK(folder.has("deep/store/data00"));
  CHECK(folder.has("deep/store/data01"));
  {
    Loader second(basedir);
    const auto message = message_of(second.lock());
    CHECK(contains(message, basedir + " is in use by "));
    CHECK(contains(message, fmt::format("process {} (", ::getpid())));
  }
  CHECK_FALSE(message_of(Loader(basedir).lock()).empty());
}

TEST_CASE("a store is free again when its loader has gone") {
  TempFolder folder;
  { REQUIRE(Loader(folder.path()).lock().has_value()); }
  CHECK(message_of(Loader(folder.path()).lock()).empty());
}

TEST_CASE("a basedir that is a file cannot be locked") {
  TempFolder folder;
  CHECK_FALSE(message_of(Loader(folder.write("store", "")).lock()).empty());
}

TEST_CASE("a slot that is a link, or is the other slot, is refused") {
  for (const char* target : {"data00", "../elsewhere"}) {
    CAPTURE(target);
    TempFolder folder;
    std::filesystem::create_directories(folder / "store/data00");
    std::filesystem::create_directories(folder / "elsewhere");
    std::filesystem::create_directory_symlink(target, folder / "store/data01");
    CHECK(message_of(Loader(folder / "store").lock()) ==
          folder /
              "store/data01 must be a folder of its own, not a link; put a folder in its place");
  }
}

// ---- take ----

TEST_CASE("a candidate is moved into its slot, noted, and its sum goes") {
  for (auto kind : {SumKind::kMd5, SumKind::kSha256, SumKind::kNone}) {
    CAPTURE(name_of(kind));
    Shop shop;
    const auto candidate = shop.put("content", kind);
    auto note = shop.take(candidate, "content", 1, 7);
    REQUIRE_MESSAGE(note.has_value(), message_of(note));
    CHECK(note->generation == 7);
    const std::string title = kind == SumKind::kSha256 ? "sha256" : "md5";
    CHECK(note->checksum == title + ":" + hex_of("content", kind));
    CHECK(note->size == 7);
    CHECK(note->mtime_ns == candidate.data.mtime_ns);
    CHECK(note->attempts == 0);
    CHECK(identity_of(shop.loader.data_path(1)) == candidate.data);  // the very file, not a copy
    CHECK(std::filesystem::is_empty(shop.drop.path()));
    CHECK_FALSE(shop.store.has("current"));

    auto whole = shop.whole(1);
    REQUIRE(whole.has_value());
    CHECK(whole->generation == 7);
    CHECK(whole->checksum == note->checksum);
    CHECK(whole->size == note->size);
    CHECK(whole->mtime_ns == note->mtime_ns);
    CHECK(shop.loader.check_untouched(1, *whole).has_value());
  }
}

TEST_CASE("what lay in the slot goes before the next comes") {
  Shop shop;
  shop.filled(0, 1, "old");
  REQUIRE(shop.take(shop.put("new"), "new", 0, 2).has_value());
  CHECK(shop.store.read("data00/data.db") == "new");
  CHECK(shop.whole(0)->generation == 2);
}

TEST_CASE("a sum file that changed after the hash stays") {
  Shop shop;
  const auto candidate = shop.put("content");
  shop.drop.write("data.json.md5", hex_of("a later drop") + "\n");
  set_mtime_ns(shop.drop / "data.json.md5", 1'000'000'000);
  REQUIRE(shop.take(candidate, "content", 0, 1).has_value());
  CHECK(shop.drop.read("data.json.md5") == hex_of("a later drop") + "\n");
  CHECK_FALSE(shop.drop.has("data.json"));
  CHECK_FALSE(shop.drop.has("data.json.md5.taken"));
}

TEST_CASE("a sum file that has gone is no trouble") {
  Shop shop;
  const auto candidate = shop.put("content");
  std::filesystem::remove(shop.drop / "data.json.md5");
  CHECK(shop.take(candidate, "content", 0, 1).has_value());
  CHECK(shop.whole(0).has_value());
}

TEST_CASE("a file that took the candidate's place after the hash is given back with its sum") {
  Shop shop;
  const auto candidate = shop.put("content");
  shop.drop.write("next", "later content");
  std::filesystem::rename(shop.drop / "next", shop.drop / "data.json");
  const auto later = identity_of(shop.drop / "data.json");
  const auto taken = shop.take(candidate, "content", 0, 1);
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().kind == Error::Kind::kChanged);
  CHECK(identity_of(shop.drop / "data.json") == later);
  CHECK(shop.drop.read("data.json") == "later content");
  CHECK(shop.drop.has("data.json.md5"));
  CHECK_FALSE(shop.store.has("data00/data.db"));
  CHECK_FALSE(shop.whole(0).has_value());
}

TEST_CASE("a folder or a link that took the candidate's place is given back") {
  for (const bool folder : {true, false}) {
    CAPTURE(folder);
    Shop shop;
    const auto candidate = shop.put("content");
    std::filesystem::remove(candidate.file);
    if (folder) {
      shop.drop.write("data.json/inside", "kept");
    } else {
      std::filesystem::create_symlink("elsewhere", candidate.file);
    }
    CHECK_FALSE(shop.take(candidate, "content", 0, 1).has_value());
    CHECK(shop.drop.has("data.json"));
    CHECK_FALSE(shop.store.has("data00/data.db"));
    if (folder) CHECK(shop.drop.read("data.json/inside") == "kept");
  }
}

TEST_CASE("a file that was written to in place after the hash is given back") {
  Shop shop;
  const auto candidate = shop.put("content");
  const auto inode = identity_of(candidate.file).inode;
  SUBCASE("with another size") { shop.drop.write("data.json", "content and more"); }
  SUBCASE("with the same size") {
    shop.drop.write("data.json", "CONTENT");
    set_mtime_ns(candidate.file, 1'000'000'000);
  }
  REQUIRE(identity_of(candidate.file).inode == inode);
  CHECK_FALSE(shop.take(candidate, "content", 1, 1).has_value());
  CHECK(identity_of(candidate.file).inode == inode);
  CHECK_FALSE(shop.store.has("data01/data.db"));
}

TEST_CASE("a candidate that has gone is a failure that names it") {
  Shop shop;
  const auto candidate = shop.put("content");
  std::filesystem::remove(candidate.file);
  const auto taken = shop.take(candidate, "content", 0, 1);
  CHECK(contains(message_of(taken), candidate.file));
  CHECK(taken.error().kind != Error::Kind::kRejected);
  CHECK(shop.drop.has("data.json.md5"));
  CHECK_FALSE(shop.whole(0).has_value());
}

TEST_CASE("a note that cannot be written leaves the candidate where it is") {
  Shop shop;
  const auto candidate = shop.put("content");
  std::filesystem::create_directory(shop.store / "data00/data.db.note.tmp");  // as a full disk
  CHECK_FALSE(shop.take(candidate, "content", 0, 1).has_value());
  CHECK(identity_of(candidate.file) == candidate.data);
  CHECK(shop.drop.has("data.json.md5"));
  CHECK_FALSE(shop.store.has("data00/data.db"));
}

// ---- take from another file system ----

TEST_CASE("a candidate on another file system is copied whole and then removed") {
  REQUIRE_OTHER_FILE_SYSTEM(other);
  Shop shop(other);
  const std::string content(3'000'000, 'x');  // more than a block
  const auto candidate = shop.put(content);
  auto note = shop.take(candidate, content, 1, 3);
  REQUIRE_MESSAGE(note.has_value(), message_of(note));
  CHECK((shop.store.read("data01/data.db") == content));
  CHECK(shop.loader.check_untouched(1, *note).has_value());
  CHECK(identity_of(shop.loader.data_path(1)).mtime_ns == candidate.data.mtime_ns);
  CHECK(std::filesystem::is_empty(shop.drop.path()));
  CHECK_FALSE(shop.store.has("data01/data.db.tmp"));
}

TEST_CASE("a file on another file system that changed after the hash is not taken") {
  REQUIRE_OTHER_FILE_SYSTEM(other);
  Shop shop(other);
  const auto candidate = shop.put("content");
  shop.drop.write("data.json", "CONTENT");
  CHECK(contains(message_of(shop.take(candidate, "content", 0, 1)), "changed after it was hashed"));
  CHECK(shop.drop.read("data.json") == "CONTENT");
  CHECK(shop.drop.has("data.json.md5"));
  CHECK_FALSE(shop.store.has("data00/data.db"));
  CHECK_FALSE(shop.store.has("data00/data.db.tmp"));
}

TEST_CASE("a later file that came while the copy was made stays") {
  REQUIRE_OTHER_FILE_SYSTEM(other);
  Shop shop(other);
  const auto candidate = shop.put("content");
  auto replace = [&](uint64_t, uint64_t) {
    shop.drop.write("next", "later content");
    std::filesystem::rename(shop.drop / "next", shop.drop / "data.json");
    return false;
  };
  auto note = shop.loader.take(candidate, hex_of("content"), 0, 1, replace);
  REQUIRE_MESSAGE(note.has_value(), message_of(note));
  CHECK(shop.store.read("data00/data.db") == "content");
  CHECK(shop.drop.read("data.json") == "later content");
  CHECK_FALSE(shop.drop.has("data.json.taken"));
}

TEST_CASE("a copy ends when the server does and leaves nothing half done") {
  REQUIRE_OTHER_FILE_SYSTEM(other);
  Shop shop(other);
  const auto candidate = shop.put("content");
  auto taken =
      shop.loader.take(candidate, hex_of("content"), 0, 1, [](uint64_t, uint64_t) { return true; });
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().kind == Error::Kind::kCancelled);
  CHECK(identity_of(candidate.file) == candidate.data);
  CHECK_FALSE(shop.store.has("data00/data.db.tmp"));
  CHECK_FALSE(shop.whole(0).has_value());
}

TEST_CASE("a file on another file system from before 1970 is taken as any other") {
  REQUIRE_OTHER_FILE_SYSTEM(other);
  Shop shop(other);
  auto candidate = shop.put("content");
  set_mtime_ns(candidate.file, -2, 500'000'000);
  candidate.data = identity_of(candidate.file);
  REQUIRE(candidate.data.mtime_ns == -1'500'000'000);
  auto note = shop.take(candidate, "content", 0, 1);
  REQUIRE_MESSAGE(note.has_value(), message_of(note));
  CHECK(shop.loader.check_untouched(0, *note).has_value());
}

// ---- remove_if_same ----

TEST_CASE("a file is removed only while it is the one that was meant") {
  TempFolder folder;
  const auto path = folder.write("sum", "one");
  const auto identity = identity_of(path);

  folder.write("sum", "another");
  CHECK(*remove_if_same(path, identity) == false);
  CHECK(folder.read("sum") == "another");

  CHECK(*remove_if_same(path, identity_of(path)) == true);
  CHECK_FALSE(folder.has("sum"));

  CHECK(*remove_if_same(path, identity) == false);  // nothing there
  CHECK(std::filesystem::is_empty(folder.path()));
}

// ---- recover ----

TEST_CASE("a fresh store has nothing") {
  Shop shop;
  CHECK(shop.recovered().empty());
}

TEST_CASE("a start finds the adopted slot first, whichever it is") {
  for (int slot : {0, 1}) {
    CAPTURE(slot);
    Shop shop;
    shop.filled(slot, 7, "served");
    shop.pointer(slot, 7);
    CHECK(shop.recovered() == "served*");
    shop.filled(1 - slot, 8, "newer");
    CHECK(shop.recovered() == "served*, newer");
    auto found = shop.loader.recover();
    CHECK((*found)[0].note.generation == 7);
    CHECK((*found)[1].note.generation == 8);
    CHECK((*found)[0].note.checksum == "md5:" + hex_of("served"));
  }
}

TEST_CASE("without a pointer the newest generation is first") {
  for (int newer : {0, 1}) {
    CAPTURE(newer);
    Shop shop;
    shop.filled(newer, 8, "newer");
    shop.filled(1 - newer, 7, "older");
    CHECK(shop.recovered() == "newer, older");
  }
}

TEST_CASE("a pointer to an empty slot adopts nothing") {
  Shop shop;
  shop.pointer(0, 7);
  CHECK(shop.recovered().empty());
  shop.filled(1, 3, "other");
  CHECK(shop.recovered() == "other");
}

TEST_CASE("a pointer that is garbage is none") {
  const std::string cases[] = {"",
                               "\n\n",
                               "garbage",
                               "slot\ngeneration\n",
                               "slot data02\ngeneration 9\n",
                               "slot ../data00\ngeneration 9\n",
                               std::string("\0\0\0\0", 4),
                               "slot data00" + std::string(5000, ' ')};
  for (const auto& content : cases) {
    CAPTURE(content);
    Shop shop;
    shop.filled(0, 1, "older");
    shop.filled(1, 2, "newer");
    shop.store.write("current", content);
    CHECK(shop.recovered() == "newer, older");
  }
  Shop shop;
  shop.filled(0, 1, "data");
  std::filesystem::create_directory(shop.store / "current");
  CHECK(shop.recovered() == "data");
}

// A slot that was pointed at, rejected at a start and filled again holds a file that no server has
// ever opened; as an adopted one, it would be tried for ever though it kills its reader.
TEST_CASE("a pointer from an earlier generation does not adopt what came into its slot later") {
  Shop shop;
  shop.pointer(0, 7);
  shop.filled(0, 8, "never opened");
  CHECK(shop.recovered() == "never opened");
}

TEST_CASE("a note without data goes") {
  Shop shop;
  shop.store.write("data00/data.db.note", "generation 9\nsize 1\n");
  CHECK(shop.recovered().empty());
  CHECK_FALSE(shop.store.has("data00/data.db.note"));
}

TEST_CASE("unfinished copies and notes go, whatever else is there") {
  for (const bool with_data : {false, true}) {
    CAPTURE(with_data);
    Shop shop;
    if (with_data) {
      shop.filled(0, 1, "served");
      shop.pointer(0, 1);
    }
    for (const char* name : {"data00/data.db.tmp", "data01/data.db.tmp", "data00/data.db.note.tmp",
                             "data01/data.db.note.tmp", "current.tmp"}) {
      shop.store.write(name, "half");
    }
    CHECK(shop.recovered() == (with_data ? "served*" : ""));
    for (const char* name : {"data00/data.db.tmp", "data01/data.db.tmp", "data00/data.db.note.tmp",
                             "data01/data.db.note.tmp", "current.tmp"}) {
      CAPTURE(name);
      CHECK_FALSE(shop.store.has(name));
    }
  }
}

TEST_CASE("what was rejected stays and is no data set") {
  Shop shop;
  shop.store.write("data00/data.db.rejected", "bad");
  shop.store.write("data00/data.db.rejected.reason", "why\n");
  CHECK(shop.recovered().empty());
  CHECK(shop.store.read("data00/data.db.rejected") == "bad");
  CHECK(shop.store.read("data00/data.db.rejected.reason") == "why\n");
}

TEST_CASE("of a store without notes the slot that changed last is first") {
  for (int newer : {0, 1}) {
    CAPTURE(newer);
    Shop shop;
    shop.data(0, "in slot 0");
    shop.data(1, "in slot 1");
    // The mtime is the batch job's and says nothing.
    set_mtime_ns(shop.loader.data_path(newer), 1'000'000'000);
    touch_until_newer(shop.loader.data_path(newer), shop.loader.data_path(1 - newer));
    const std::string first = newer == 0 ? "in slot 0" : "in slot 1";
    const std::string second = newer == 0 ? "in slot 1" : "in slot 0";
    CHECK(shop.recovered() == first + ", " + second);
    auto found = shop.loader.recover();
    for (const auto& each : *found) {
      CHECK(each.note.generation == 0);
      CHECK(each.note.checksum.empty());
      CHECK(shop.loader.check_untouched(each.slot, each.note).has_value());
    }
  }
}

TEST_CASE("an adopted slot without a note has the pointer's generation") {
  Shop shop;
  shop.data(1, "data");
  shop.pointer(1, 12);
  auto found = shop.loader.recover();
  REQUIRE(found.has_value());
  REQUIRE(found->size() == 1);
  CHECK((*found)[0].adopted);
  CHECK((*found)[0].note.generation == 12);
  CHECK(shop.loader.check_untouched(1, (*found)[0].note).has_value());
}

TEST_CASE("a file that the operator put beside the adopted one stays and comes second") {
  Shop shop;
  shop.filled(0, 5, "served");
  shop.pointer(0, 5);
  shop.data(1, "by hand");
  CHECK(shop.recovered() == "served*, by hand");
}

TEST_CASE("a note that is garbage is none: the data file is served all the same") {
  const std::string cases[] = {"",
                               "garbage",
                               "\n\n\n",
                               std::string("\0\0\0\0\0", 5),
                               std::string(5000, 'x'),
                               "hello world\n",
                               "generation 3\n",
                               "<html> <body> 404 </body> </html>\n"};
  for (const auto& content : cases) {
    CAPTURE(content.substr(0, 40));
    Shop shop;
    shop.data(0, "data");
    shop.store.write("data00/data.db.note", content);
    auto found = shop.loader.recover();
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 1);
    CHECK(message_of(shop.loader.check_untouched(0, (*found)[0].note)).empty());
  }
}

TEST_CASE("the attempts of a file that was never adopted are remembered") {
  Shop shop;
  shop.data(0, "data");
  shop.note(0, 4, "data", 2);
  auto found = shop.loader.recover();
  REQUIRE(found->size() == 1);
  CHECK((*found)[0].note.attempts == 2);
}

TEST_CASE("a recovery changes nothing that a second one would see otherwise") {
  Shop shop;
  shop.filled(0, 7, "served");
  shop.filled(1, 8, "newer");
  shop.pointer(0, 7);
  const auto first = shop.recovered();
  CHECK(shop.recovered() == first);
}

// "The served file is never deleted before another one has been adopted by every loop": at the
// crash data00 was being served, and nobody knows yet whether data01 can be opened again.
TEST_CASE("the older of two data sets stays until the newer one has been opened") {
  Shop shop;
  shop.filled(0, 7, "served at the crash");
  shop.filled(1, 8, "pointed at");
  shop.pointer(1, 8);
  CHECK(shop.recovered() == "pointed at*, served at the crash");
}

TEST_CASE("a group's record adopts the data set that it names, and none where that has gone") {
  const auto adopted = [](Shop& shop, const GroupRecord& group) {
    auto found = shop.loader.recover(group);
    REQUIRE(found.has_value());
    return found->empty() || !found->front().adopted ? 0 : found->front().note.generation;
  };
  const auto first = [&](Shop& shop, uint64_t generation, const std::string& content) {
    const auto line = fmt::format("prices {} md5:{}\n", generation, hex_of(content));
    return adopted(shop, {shop.store.write("current.group.shop", line), "prices"});
  };
  Shop shop;
  shop.filled(0, 7, "served at the crash");
  shop.filled(1, 8, "recorded");
  shop.pointer(0, 7);
  CHECK(first(shop, 0, "") == 7);
  CHECK(first(shop, 6, "recorded") == 7);
  CHECK(first(shop, 7, "served at the crash") == 7);
  CHECK(first(shop, 8, "recorded") == 8);
  CHECK(shop.loader.pointed_generation() == 8);
  CHECK(first(shop, 8, "another of that number") == 0);
  CHECK(first(shop, 9, "recorded") == 0);
  CHECK(shop.loader.pointed_generation() == 9);
  Shop fresh;
  CHECK(first(fresh, 1, "recorded") == 0);
  fresh.filled(1, 1, "recorded");
  CHECK(first(fresh, 1, "recorded") == 1);

  // The config names another group by now, or none, and another database.
  const auto known = shop.store.write("old.group", "goods 8 md5:" + hex_of("recorded") + "\n");
  CHECK(adopted(shop, {}) == 7);
  SlotNote note = *shop.whole(1);
  note.group = {known, "goods"};
  REQUIRE(shop.loader.note(1, note).has_value());
  CHECK(shop.whole(1)->group.path == known);
  CHECK(adopted(shop, {}) == 8);
  CHECK(adopted(shop, {shop.store / "none", "prices"}) == 8);
  shop.store.write("old.group", "goods 9 md5:" + hex_of("recorded") + "\n");
  CHECK(adopted(shop, {}) == 7);
  std::filesystem::remove(known);
  CHECK(adopted(shop, {}) == 7);
  // Of what is adopted nobody asks.
  note.group.path = shop.store / "current/below a file";
  REQUIRE(shop.loader.note(1, note).has_value());
  CHECK(shop.loader.recover().error().is_trouble());
  shop.pointer(1, 8);
  CHECK(adopted(shop, {}) == 8);
}

// ---- point, set_aside, clear, count_attempts, whole, check_untouched ----

TEST_CASE("the pointer moves to the slot that it is given") {
  Shop shop;
  shop.filled(0, 1, "one");
  shop.filled(1, 2, "two");
  REQUIRE(shop.loader.point(0, 1).has_value());
  CHECK(shop.recovered() == "one*, two");
  shop.filled(0, 3, "three");
  REQUIRE(shop.loader.point(0, 3).has_value());
  CHECK(shop.recovered().starts_with("three*"));
  CHECK_FALSE(shop.store.has("current.tmp"));
}

TEST_CASE("a file that is set aside is kept with the reason, and the last one is kept") {
  Shop shop;
  for (const std::string content : {"first", "second"}) {
    shop.filled(1, 5, content);
    REQUIRE(shop.loader.set_aside(1, "not a " + content + " file").has_value());
    CHECK(shop.store.read("data01/data.db.rejected") == content);
    CHECK(shop.store.read("data01/data.db.rejected.reason") == "not a " + content + " file\n");
    CHECK_FALSE(shop.store.has("data01/data.db"));
    CHECK_FALSE(shop.store.has("data01/data.db.note"));
    CHECK(shop.recovered().empty());
  }
}

TEST_CASE("a folder in a slot can be set aside") {
  Shop shop;
  shop.store.write("data00/data.db/inside", "x");
  REQUIRE(shop.loader.set_aside(0, "it is a folder").has_value());
  CHECK(shop.store.read("data00/data.db.rejected/inside") == "x");
}

TEST_CASE("a slot that is empty can be set aside and cleared") {
  Shop shop;
  CHECK(shop.loader.set_aside(0, "gone").has_value());
  CHECK(shop.loader.clear(0).has_value());
}

TEST_CASE("a cleared slot keeps what was rejected in it") {
  Shop shop;
  shop.filled(0, 1, "data");
  shop.store.write("data00/data.db.rejected", "bad");
  REQUIRE(shop.loader.clear(0).has_value());
  CHECK_FALSE(shop.store.has("data00/data.db"));
  CHECK_FALSE(shop.store.has("data00/data.db.note"));
  CHECK(shop.store.has("data00/data.db.rejected"));
}

TEST_CASE("attempts are counted on disk and the rest of the note stays") {
  Shop shop;
  auto note = shop.take(shop.put("content"), "content", 0, 4);
  REQUIRE(note.has_value());
  for (int64_t attempts : {1, 2, 3, 0}) {
    REQUIRE(shop.loader.count_attempts(0, *note, attempts).has_value());
    CHECK(note->attempts == attempts);
    auto read = shop.whole(0);
    REQUIRE(read.has_value());
    CHECK(read->attempts == attempts);
    CHECK(read->generation == 4);
    CHECK(read->checksum == note->checksum);
    CHECK(read->mtime_ns == note->mtime_ns);
  }
}

TEST_CASE("a slot is whole with its data and its note only") {
  Shop shop;
  CHECK_FALSE(shop.whole(0).has_value());
  shop.data(0, "data");
  CHECK_FALSE(shop.whole(0).has_value());
  shop.note(0, 1, "data");
  CHECK(shop.whole(0).has_value());
  std::filesystem::remove(shop.store / "data00/data.db");
  CHECK_FALSE(shop.whole(0).has_value());
}

TEST_CASE("a touched file is told from an untouched one") {
  Shop shop;
  auto note = shop.take(shop.put("content"), "content", 0, 1);
  REQUIRE(note.has_value());
  const auto path = shop.loader.data_path(0);
  CHECK(shop.loader.check_untouched(0, *note).has_value());

  auto error_of = [&] { return shop.loader.check_untouched(0, *note).error(); };
  SUBCASE("longer") {
    shop.data(0, "content!");
    CHECK(error_of().kind == Error::Kind::kRejected);
  }
  SUBCASE("dated otherwise") {
    set_mtime_ns(path, 1'000'000'000);
    CHECK(error_of().kind == Error::Kind::kRejected);
  }
  SUBCASE("a link") {
    std::filesystem::rename(path, path + ".x");
    std::filesystem::create_symlink("data.db.x", path);
    CHECK(error_of().message == "it is a symbolic link, not a regular file");
    CHECK(error_of().kind == Error::Kind::kRejected);
  }
  SUBCASE("gone") {
    std::filesystem::remove(path);
    CHECK(error_of().kind == Error::Kind::kFailure);
  }
}

TEST_CASE("a file that was touched is known by its new time and stays as old as it came") {
  Shop shop;
  const auto candidate = shop.put("content");
  const auto made = candidate.data.mtime_ns;
  REQUIRE(shop.take(candidate, "content", 0, 1).has_value());
  auto noted = [&] { return shop.whole(0).value_or(SlotNote{}); };
  CHECK(noted().data_mtime_ns == std::optional<int64_t>(made));
  SUBCASE("also where the manifest is an older version's") {
    auto old = noted();
    old.data_mtime_ns.reset();
    REQUIRE(shop.loader.note(0, old).has_value());
  }
  for (const int64_t seconds : {1'000'000'000, 1'500'000'000}) {
    set_mtime_ns(shop.loader.data_path(0), seconds);
    auto note = noted();
    REQUIRE(shop.loader.check_restored(0, note, never).has_value());
    CHECK(noted().mtime_ns == seconds * 1'000'000'000);
    CHECK(noted().data_time_ns() == made);
    CHECK(note.data_time_ns() == made);
  }
  const auto kept = shop.store / "kept.db";
  auto note = noted();
  std::filesystem::rename(shop.loader.data_path(0), kept);
  REQUIRE(shop.loader.bring_back(kept, note, 1, 2).has_value());
  CHECK(shop.whole(1)->data_time_ns() == made);
}

// ---- drop_stale_sum ----

TEST_CASE("after a crash the sum of what was taken goes, others stay") {
  struct Case {
    const char* what;
    bool data_there, sum_matches, goes;
  };
  const Case cases[] = {{"the crash came between the move and the sum", false, true, true},
                        {"a later drop's sum came first", false, false, false},
                        {"the same file was dropped again", true, true, false},
                        {"a later drop is there", true, false, false}};
  for (const auto& each : cases) {
    CAPTURE(each.what);
    Shop shop;
    SlotNote note;
    note.checksum = "md5:" + hex_of("taken");
    if (each.data_there) shop.drop.write("data.json", "something");
    shop.drop.write("data.json.md5", hex_of(each.sum_matches ? "taken" : "later") + "\n");
    shop.loader.drop_stale_sum(shop.drop / "data.json", SumKind::kMd5, note);
    CHECK(shop.drop.has("data.json.md5") != each.goes);
    CHECK(shop.drop.has("data.json") == each.data_there);
  }
}

TEST_CASE("a sum that is garbage stays for the watcher to reject") {
  Shop shop;
  shop.drop.write("data.json.md5", "garbage");
  shop.loader.drop_stale_sum(shop.drop / "data.json", SumKind::kMd5, SlotNote{});
  CHECK(shop.drop.read("data.json.md5") == "garbage");
}

TEST_CASE("the generation before the served one is seen as long as it lies whole in its slot") {
  Shop shop;
  CHECK_FALSE(shop.loader.left().has_value());
  REQUIRE(shop.take(shop.put("one"), "one", 0, 1).has_value());
  CHECK_FALSE(shop.loader.left().has_value());
  REQUIRE(shop.loader.point(0, 1).has_value());
  CHECK_FALSE(shop.loader.left().has_value());
  REQUIRE(shop.take(shop.put("two"), "two", 1, 2).has_value());
  CHECK_FALSE(shop.loader.left().has_value());  // it is the next one
  REQUIRE(shop.loader.point(1, 2).has_value());
  const auto left = Loader(shop.store.path()).left();
  REQUIRE(left.has_value());
  CHECK(left->generation == 1);
  CHECK(left->checksum == "md5:" + hex_of("one"));
  SUBCASE("not when it was written to") {
    set_mtime_ns(shop.loader.data_path(0), 1);
    CHECK_FALSE(shop.loader.left().has_value());
  }
  SUBCASE("not when it has gone") {
    REQUIRE(shop.loader.clear(0).has_value());
    CHECK_FALSE(shop.loader.left().has_value());
  }
}

TEST_CASE("files that a crash left aside are given back") {
  for (auto kind : {SumKind::kMd5, SumKind::kSha256, SumKind::kNone}) {
    CAPTURE(name_of(kind));
    Shop shop;
    shop.drop.write("data.json.taken", "data");
    shop.loader.drop_stale_sum(shop.drop / "data.json", kind, SlotNote{});
    CHECK(shop.drop.read("data.json") == "data");
    CHECK_FALSE(shop.drop.has("data.json.taken"));
  }
  Shop shop;
  shop.drop.write("data.json.md5.taken", hex_of("later"));
  shop.loader.drop_stale_sum(shop.drop / "data.json", SumKind::kMd5, SlotNote{});
  CHECK(shop.drop.read("data.json.md5") == hex_of("later"));
  CHECK_FALSE(shop.drop.has("data.json.md5.taken"));
}

TEST_CASE("a file left aside yields to the newer one of its name") {
  Shop shop;
  shop.drop.write("data.json.taken", "older");
  shop.drop.write("data.json", "newer");
  shop.loader.drop_stale_sum(shop.drop / "data.json", SumKind::kMd5, SlotNote{});
  CHECK(shop.drop.read("data.json") == "newer");
  CHECK_FALSE(shop.drop.has("data.json.taken"));
}

TEST_CASE("a sum left aside in the instant of its removal goes") {
  Shop shop;
  SlotNote note;
  note.checksum = "md5:" + hex_of("taken");
  shop.drop.write("data.json.md5.taken", hex_of("taken") + "\n");
  shop.loader.drop_stale_sum(shop.drop / "data.json", SumKind::kMd5, note);
  CHECK(std::filesystem::is_empty(shop.drop.path()));
}

TEST_CASE("a note that cannot be read is not taken for none") {
  Shop shop;
  REQUIRE(shop.take(shop.put("one"), "one", 0, 7).has_value());
  REQUIRE(shop.loader.point(0, 7).has_value());
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{0, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto whole = shop.loader.whole(0);
  const auto found = shop.loader.recover();
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(whole.error().is_trouble());
  CHECK(found.error().is_trouble());
  CHECK(shop.whole(0)->checksum == "md5:" + hex_of("one", SumKind::kMd5));
}

TEST_CASE("a note that cannot be read keeps no other slot's file from a start") {
  Shop shop;
  REQUIRE(shop.take(shop.put("one"), "one", 0, 7).has_value());
  REQUIRE(shop.loader.point(0, 7).has_value());
  REQUIRE(shop.take(shop.put("two"), "two", 1, 8).has_value());
  const auto unreadable = [&](int slot) {
    const auto note = shop.loader.data_path(slot) + ".note";
    REQUIRE(::unlink(note.c_str()) == 0);
    REQUIRE(::mknod(note.c_str(), S_IFSOCK | 0600, 0) == 0);
  };
  unreadable(1);
  const auto found = shop.loader.recover().value();
  REQUIRE(found.size() == 1);
  CHECK(found[0].adopted);
  CHECK(found[0].note.generation == 7);
  unreadable(0);
  CHECK(shop.loader.recover().error().is_trouble());
}

TEST_CASE("what is doubted is compared with its sum, also by the next process") {
  Shop shop;
  auto note = shop.take(shop.put("one"), "one", 0, 7).value();
  const auto mtime_ns = note.mtime_ns;
  Loader::doubt(note);
  REQUIRE(shop.loader.note(0, note).has_value());
  auto found = shop.loader.recover().value();
  REQUIRE(found.size() == 1);
  SUBCASE("the same content") {
    REQUIRE(shop.loader.check_restored(0, found[0].note, never).has_value());
    CHECK(shop.whole(0)->mtime_ns == mtime_ns);
    CHECK(shop.whole(0)->data_time_ns() == mtime_ns);
  }
  SUBCASE("another one, of the same size and time") {
    const auto data = shop.loader.data_path(0);
    std::filesystem::permissions(data, std::filesystem::perms::owner_all);
    shop.store.write("data00/data.db", "two");
    set_mtime_ns(data, mtime_ns / 1'000'000'000, mtime_ns % 1'000'000'000);
    const auto checked = shop.loader.check_restored(0, found[0].note, never);
    CHECK(checked.error().kind == Error::Kind::kRejected);
  }
}

// ---- a whole life ----

TEST_CASE("a store lives through takes, points and restarts") {
  Shop shop;
  uint64_t generation = 0;
  int slot = 0;
  for (const std::string content : {"one", "two", "three", "four"}) {
    CAPTURE(content);
    REQUIRE(shop.take(shop.put(content), content, slot, ++generation).has_value());
    REQUIRE(shop.loader.point(slot, generation).has_value());
    auto found = shop.loader.recover();
    REQUIRE(found.has_value());
    REQUIRE_FALSE(found->empty());
    CHECK(found->front().adopted);
    CHECK(found->front().note.generation == generation);
    CHECK(shop.store.read(Loader::slot_name(found->front().slot) + "/data.db") == content);
    slot = 1 - slot;
  }
}

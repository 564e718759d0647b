// SPDX-License-Identifier: MIT
#include "core/files/served_file.h"

#include <doctest/doctest.h>
#include <goromdb/plugin.h>
#include <sys/mman.h>
#include <unistd.h>

#include <thread>

#include "core/base/sigbus.h"
#include "tests/unit/sigbus_once.hpp"
#include "tests/unit/temp_folder.hpp"

using namespace goromdb;

namespace {

constexpr size_t kPage = 4096;

// A file of some pages, mapped as a storage maps it, and what the core makes of it.
struct MappedRoom {
  explicit MappedRoom(const std::string& content,
                      uint32_t caps = GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION)
      : path(folder.write("data.db", content)), size(content.size()) {
    test::handle_sigbus_once();
    const Fd fd = *open_regular(path);
    map = static_cast<const volatile char*>(
        ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0));
    REQUIRE((map != MAP_FAILED));
    file.emplace(path, caps);
  }
  ~MappedRoom() { ::munmap(const_cast<char*>(map), size); }

  void cut(size_t to) { REQUIRE(::truncate(path.c_str(), static_cast<off_t>(to)) == 0); }
  // '!' where the byte cannot be read.
  char at(size_t i) const {
    char byte = '!';
    return survives([&] { byte = map[i]; }) ? byte : '!';
  }
  bool is_whole() const {
    bool whole = false;
    return survives([&] { whole = file->is_whole(); }) && whole;
  }

  test::TempFolder folder;
  std::string path;
  size_t size;
  const volatile char* map;
  std::optional<ServedFile> file;
};

}  // namespace

TEST_CASE("guarded code is left at a page that has gone, the innermost first") {
  MappedRoom room(std::string(2 * kPage, 'x'));
  room.cut(kPage);
  bool inner = true, went_on = false;
  const bool outer = survives([&] {
    inner = survives([&] { (void)room.map[kPage]; });
    went_on = true;
  });
  CHECK(outer);
  CHECK_FALSE(inner);
  CHECK(went_on);
  CHECK_FALSE(survives([&] { (void)room.map[kPage]; }));
  CHECK(lost_address() == reinterpret_cast<uintptr_t>(room.map + kPage));
  CHECK(survives([&] { (void)room.map[0]; }));
  CHECK(lost_address() == 0);
}

TEST_CASE("each thread is left by itself") {
  MappedRoom room(std::string(2 * kPage, 'x'));
  room.cut(kPage);
  std::vector<std::thread> threads;
  std::atomic<int> left{0}, whole{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 1000; ++n) {
        const size_t at = i % 2 == 0 ? kPage : 0;
        survives([&] { (void)room.map[at]; }) ? ++whole : ++left;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(left == 2000);
  CHECK(whole == 2000);
}

TEST_CASE("a file that nobody touches is whole, and only mapped ones count") {
  MappedRoom room(std::string(3 * kPage + 10, 'x'));
  CHECK(room.file->is_watched());
  CHECK(ServedFile::any_is_watched());
  CHECK(room.is_whole());
  CHECK(room.file->reason().empty());
  const ServedFile other(room.folder.write("other.db", "not mapped"), 0);
  CHECK_FALSE(other.is_watched());
  CHECK(other.is_whole());
}

TEST_CASE("a file that is read without a mapping is watched, too") {
  test::handle_sigbus_once();
  const test::TempFolder folder;
  for (const size_t to : {size_t{0}, size_t{1}, kPage, 2 * kPage + 9}) {
    CAPTURE(to);
    const auto path = folder.write("data.db", std::string(2 * kPage + 10, 'x'));
    ServedFile file(path, GOROMDB_CAP_READS_FILE);
    REQUIRE(file.is_watched());
    CHECK(file.is_whole());
    CHECK_FALSE(file.was_touched());
    REQUIRE(::truncate(path.c_str(), static_cast<off_t>(to)) == 0);
    bool whole = true;
    CHECK_FALSE((survives([&] { whole = file.is_whole(); }) && whole));
    file.look();
    CHECK(file.is_damaged());
    CHECK(file.size() == to);
  }
  const auto path = folder.write("other.db", std::string(10, 'x'));
  ServedFile file(path, GOROMDB_CAP_READS_FILE);
  folder.write("other.db", std::string(10, 'y'));
  CHECK(file.was_touched());
}

TEST_CASE(
    "a cut is noticed by the file's last byte, wherever it is, and the page of the cut goes") {
  for (const size_t to : {size_t{0}, size_t{1}, kPage, kPage + 100, 3 * kPage, 3 * kPage + 9}) {
    CAPTURE(to);
    MappedRoom room(std::string(3 * kPage + 10, 'x'));
    room.cut(to);
    CHECK_FALSE(room.is_whole());
    room.file->look();
    CHECK(room.file->is_damaged());
    CHECK_FALSE(room.file->is_lost());
    CHECK(room.file->size() == to);
    CHECK(room.file->reason() ==
          fmt::format("{}: it was cut to {} of {} bytes", room.path, to, room.size));
    for (size_t page = 0; page < 4; ++page) {
      CHECK(room.at(page * kPage) == (page < to / kPage ? 'x' : '!'));
    }
  }
}

TEST_CASE("zeros at the end may go") {
  MappedRoom room(std::string(kPage, 'x') + "y" + std::string(99, '\0'));
  room.cut(kPage + 1);
  CHECK(room.is_whole());
  room.cut(kPage);
  CHECK_FALSE(room.is_whole());
}

TEST_CASE("what was cut does not come back when the file grows again") {
  MappedRoom room(std::string(3 * kPage, 'x'));
  room.cut(kPage);
  CHECK_FALSE(room.is_whole());
  room.file->look();
  room.folder.write("data.db", std::string(3 * kPage, 'z'));
  CHECK(room.at(kPage) == '!');
  CHECK(room.at(2 * kPage) == '!');
}

TEST_CASE("a second cut takes more") {
  MappedRoom room(std::string(4 * kPage, 'x'));
  room.cut(3 * kPage);
  CHECK_FALSE(room.is_whole());
  room.file->look();
  CHECK(room.file->size() == 3 * kPage);
  room.cut(kPage + 5);
  CHECK(room.file->size() == kPage + 5);
  CHECK(room.at(0) == 'x');
  CHECK(room.at(kPage) == '!');
}

TEST_CASE("a file whose end is another one, at the same size, is lost") {
  MappedRoom room(std::string(2 * kPage, 'x'));
  room.folder.write("data.db", std::string(2 * kPage, 'z'));
  CHECK_FALSE(room.is_whole());
  room.file->look();
  CHECK(room.file->is_lost());
  CHECK(room.file->reason() == fmt::format("{}: it was written to", room.path));
}

TEST_CASE("mappings that their storage may replace are not covered") {
  MappedRoom room(std::string(2 * kPage, 'x'), 0);
  room.cut(kPage + 5);
  CHECK_FALSE(room.is_whole());
  room.file->look();
  CHECK(room.file->is_damaged());
  CHECK(room.at(kPage) == 'x');
}

TEST_CASE("of several files only the one with the lost page is damaged") {
  MappedRoom room(std::string(2 * kPage, 'x')), other(std::string(2 * kPage, 'y'));
  room.cut(kPage);
  CHECK(room.at(kPage) == '!');
  other.file->look();
  room.file->look();
  CHECK_FALSE(other.file->is_damaged());
  CHECK(room.file->is_damaged());
}

// A storage maps a page for a moment, and a look-up in a list of all mappings takes one: what lies
// there then is somebody else's.
TEST_CASE("mappings that have come since the file was opened are not covered") {
  MappedRoom room(std::string(2 * kPage, 'x'));
  const Fd fd = *open_regular(room.path);
  void* const later = ::mmap(nullptr, 2 * kPage, PROT_READ, MAP_SHARED, fd.get(), 0);
  REQUIRE((later != MAP_FAILED));
  room.cut(kPage + 5);
  CHECK_FALSE(room.is_whole());
  room.file->look();
  CHECK(room.at(kPage) == '!');
  CHECK_FALSE(room.file->is_lost());
  char byte = '!';
  CHECK(survives([&] { byte = static_cast<const volatile char*>(later)[kPage]; }));
  CHECK(byte == 'x');
  ::munmap(later, 2 * kPage);
}

TEST_CASE("what the kernel lists as several mappings, or as one again, is covered all the same") {
  for (const bool apart : {true, false}) {
    CAPTURE(apart);
    MappedRoom room(std::string(5 * kPage, 'x'));
    void* const middle = const_cast<char*>(room.map) + kPage;
    room.file.reset();
    if (!apart) REQUIRE(::madvise(middle, 2 * kPage, MADV_RANDOM) == 0);
    room.file.emplace(room.path, GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION);
    REQUIRE(::madvise(middle, 2 * kPage, apart ? MADV_RANDOM : MADV_NORMAL) == 0);
    room.cut(2 * kPage);
    CHECK_FALSE(room.is_whole());
    room.file->look();
    CHECK_FALSE(room.file->is_lost());
    room.folder.write("data.db", std::string(5 * kPage, 'z'));
    for (size_t page = 2; page < 5; ++page) CHECK(room.at(page * kPage) == '!');
  }
}

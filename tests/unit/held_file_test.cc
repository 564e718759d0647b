// SPDX-License-Identifier: MIT
#include "core/files/held_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include "tests/unit/temp_folder.hpp"

namespace goromdb {
namespace {

constexpr const char* kName = "data.db";

TEST_CASE("what lies at the path is the file that is held, untouched") {
  test::TempFolder folder;
  const auto path = folder.write(kName, "content");
  const auto held = HeldFile::open(path);
  REQUIRE(held.has_value());
  CHECK(held->check().has_value());
  CHECK(held->state().identity.size == 7);

  const auto other = folder.write("other", "CONTENT");
  std::function<void()> change;
  SUBCASE("another file of the same size and time") {
    change = [&] {
      struct stat st;
      REQUIRE(::stat(path.c_str(), &st) == 0);
      test::set_mtime_ns(other, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
      std::filesystem::rename(other, path);
    };
  }
  SUBCASE("it was away for a while") {
    change = [&] {
      std::filesystem::rename(path, path + ".away");
      std::filesystem::rename(path + ".away", path);
    };
  }
  SUBCASE("written to") {
    change = [&] { folder.write(kName, "CONTENT"); };
  }
  SUBCASE("gone") {
    change = [&] { std::filesystem::remove(path); };
  }
  // Times move in the kernel's ticks.
  do {
    change();
  } while (held->check());
  const auto checked = held->check();
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().kind == Error::Kind::kRejected);
  CHECK(checked.error().message == "it was changed after it had been verified");
}

TEST_CASE("no link is held") {
  test::TempFolder folder;
  folder.write("target", "content");
  std::filesystem::create_symlink("target", folder / "link");
  const auto held = HeldFile::open(folder / "link");
  REQUIRE_FALSE(held.has_value());
  CHECK(held.error().kind == Error::Kind::kRejected);
}

}  // namespace
}  // namespace goromdb

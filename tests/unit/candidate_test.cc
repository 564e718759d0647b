// SPDX-License-Identifier: MIT
#include "core/files/candidate.h"

#include <doctest/doctest.h>

#include "tests/unit/temp_folder.hpp"

using namespace goromdb;
using test::contains;
using test::identity_of;
using test::message_of;
using test::TempFolder;

namespace {

bool never(uint64_t, uint64_t) { return false; }

std::string hex_of(const std::string& content, SumKind kind) {
  Digest digest(kind);
  digest.update(content);
  return digest.hex();
}

Candidate put(const TempFolder& folder, const std::string& content, const std::string& sum,
              SumKind kind = SumKind::kMd5) {
  Candidate candidate;
  candidate.kind = kind;
  candidate.file = folder.write("data", content);
  candidate.data = identity_of(candidate.file);
  if (kind != SumKind::kNone) {
    candidate.sum = identity_of(folder.write("data." + std::string(name_of(kind)), sum));
  }
  return candidate;
}

}  // namespace

TEST_CASE("a file that matches its sum is verified, at every size around a block") {
  for (auto kind : {SumKind::kMd5, SumKind::kSha256}) {
    for (size_t size : {size_t{0}, size_t{1}, (size_t{1} << 20) - 1, size_t{1} << 20,
                        (size_t{1} << 20) + 1, size_t{3} << 20}) {
      CAPTURE(size);
      TempFolder folder;
      const std::string content(size, 'x');
      const auto hex = hex_of(content, kind);
      auto verified = verify_candidate(put(folder, content, hex + "  data\n", kind), never);
      REQUIRE_MESSAGE(verified.has_value(), message_of(verified));
      CHECK(*verified == hex);
    }
  }
}

TEST_CASE("without sums the digest is made all the same") {
  TempFolder folder;
  auto verified = verify_candidate(put(folder, "content", "", SumKind::kNone), never);
  REQUIRE(verified.has_value());
  CHECK(*verified == hex_of("content", SumKind::kMd5));
}

TEST_CASE("another sum and what is no sum reject the file and say why") {
  struct Case {
    std::string sum, message;
  };
  TempFolder folder;
  const std::string zeros(32, '0');
  const Case cases[] = {
      {zeros, fmt::format("its MD5 is {}, {}/data.md5 says {}", hex_of("content", SumKind::kMd5),
                          folder.path(), zeros)},
      {"garbage", fmt::format("{}/data.md5: no MD5 sum in it", folder.path())},
      {hex_of("content", SumKind::kSha256),
       fmt::format("{}/data.md5: no MD5 sum in it", folder.path())},
      {std::string(70'000, '0'), "data.md5 is larger than"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.sum.substr(0, 80));
    auto verified = verify_candidate(put(folder, "content", each.sum), never);
    REQUIRE_FALSE(verified.has_value());
    CHECK(verified.error().kind == Error::Kind::kRejected);
    CHECK(contains(verified.error().message, each.message));
  }
}

TEST_CASE("files that changed since they were seen are worth another try") {
  TempFolder folder;
  const auto candidate = put(folder, "content", hex_of("content", SumKind::kMd5));
  SUBCASE("replaced") {
    folder.write("next", "content");
    std::filesystem::rename(folder / "next", candidate.file);
  }
  SUBCASE("longer") { folder.write("data", "content and more"); }
  SUBCASE("dated otherwise") { test::set_mtime_ns(candidate.file, 1'000'000'000); }
  SUBCASE("gone") { std::filesystem::remove(candidate.file); }
  SUBCASE("without its sum") { std::filesystem::remove(folder / "data.md5"); }
  auto verified = verify_candidate(candidate, never);
  REQUIRE_FALSE(verified.has_value());
  CHECK(verified.error().kind != Error::Kind::kRejected);
}

TEST_CASE("a file that is written to while it is hashed is not taken") {
  TempFolder folder;
  const std::string content(3 << 20, 'x');
  const auto candidate = put(folder, content, hex_of(content, SumKind::kMd5));
  bool written = false;
  auto verified = verify_candidate(candidate, [&](uint64_t, uint64_t) {
    // The same byte at a place that has been hashed already: only the file's times tell.
    if (!std::exchange(written, true)) {
      Fd fd(::open(candidate.file.c_str(), O_WRONLY | O_CLOEXEC));
      REQUIRE(::pwrite(fd.get(), "y", 1, 0) == 1);
    }
    return false;
  });
  REQUIRE(written);
  REQUIRE_FALSE(verified.has_value());
  CHECK(contains(verified.error().message, "changed while it was hashed"));
  CHECK(verified.error().kind == Error::Kind::kChanged);
}

TEST_CASE("a file that grows for ever is given up at once") {
  TempFolder folder;
  const auto candidate = put(folder, "content", hex_of("content", SumKind::kMd5));
  uint64_t calls = 0;
  auto verified = verify_candidate(candidate, [&](uint64_t, uint64_t) {
    std::ofstream(candidate.file, std::ios::app) << std::string(1000, 'x');
    return ++calls > 1000;
  });
  REQUIRE_FALSE(verified.has_value());
  CHECK(verified.error().kind == Error::Kind::kChanged);
  CHECK(calls < 10);
}

TEST_CASE("hashing ends when the server does and tells how far it is") {
  TempFolder folder;
  const std::string content(2 << 20, 'x');
  uint64_t done = 0, total = 0;
  auto verified = verify_candidate(put(folder, content, std::string(32, '0')),
                                   [&](uint64_t so_far, uint64_t of) {
                                     done = so_far;
                                     total = of;
                                     return true;
                                   });
  REQUIRE_FALSE(verified.has_value());
  CHECK(verified.error().kind == Error::Kind::kCancelled);
  CHECK(done == 1 << 20);
  CHECK(total == 2 << 20);
}

TEST_CASE("links, folders and fifos are rejected without waiting for anyone") {
  TempFolder folder;
  auto candidate = put(folder, "content", hex_of("content", SumKind::kMd5));
  std::filesystem::remove(candidate.file);
  std::string_view what;
  SUBCASE("a link") {
    std::filesystem::create_symlink(folder.write("target", "content"), candidate.file);
    what = "a symbolic link";
  }
  SUBCASE("a folder") {
    std::filesystem::create_directory(candidate.file);
    what = "a folder";
  }
  SUBCASE("a fifo") {
    REQUIRE(::mkfifo(candidate.file.c_str(), 0600) == 0);
    what = "a fifo";
  }
  auto verified = verify_candidate(candidate, never);
  REQUIRE_FALSE(verified.has_value());
  CHECK(verified.error().kind == Error::Kind::kRejected);
  CHECK(verified.error().message ==
        fmt::format("{} is {}, not a regular file", candidate.file, what));
}

TEST_CASE("candidates are the same when both files are") {
  Candidate one;
  one.file = "f";
  one.data = {1, 2, 3, 4};
  one.sum = {1, 5, 6, 7};
  Candidate other = one;
  CHECK(one.same_files(other));
  SUBCASE("inode") { ++other.data.inode; }
  SUBCASE("size") { ++other.data.size; }
  SUBCASE("mtime") { ++other.data.mtime_ns; }
  SUBCASE("device") { ++other.data.device; }
  SUBCASE("sum") { ++other.sum.mtime_ns; }
  SUBCASE("file") { other.file += "g"; }
  CHECK_FALSE(one.same_files(other));
}

// SPDX-License-Identifier: MIT
#include "core/generation/warming.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <thread>

#include "core/base/faults.h"
#include "tests/unit/fake_plugin.hpp"
#include "tests/unit/temp_folder.hpp"

using namespace goromdb;
using std::chrono::steady_clock;
using test::message_of;

namespace {

constexpr size_t kPageBytes = 4096, kPages = 1000;

// A file of a size of its own, warmed as a storage does it; it counts the calls.
struct FakeFile {
  uint64_t size = 0, largest_budget = 0;
  int calls = 0;

  static goromdb_storage_ops ops() {
    goromdb_storage_ops ops{};
    ops.struct_size = sizeof ops;
    ops.warm = [](goromdb_generation* g, uint64_t offset, uint64_t budget, uint64_t* next,
                  goromdb_error*) -> goromdb_status {
      auto& file = *reinterpret_cast<FakeFile*>(g);
      ++file.calls;
      file.largest_budget = std::max(file.largest_budget, budget);
      *next = std::min(offset + budget, file.size);
      return *next < file.size ? GOROMDB_OK : GOROMDB_END;
    };
    return ops;
  }
  goromdb_generation* handle() { return reinterpret_cast<goromdb_generation*>(this); }
};

void touch_all(const WarmConfig& config, FakeFile& file) {
  Warming warming(config);
  for (;;) {
    auto more = warming.touch(FakeFile::ops(), file.handle());
    REQUIRE(more.has_value());
    if (!*more) break;
  }
  CHECK(warming.touched() == (config.mode == WarmMode::kOff ? 0 : file.size));
}

// A sanitizer would look into memory of its own with each byte, which faults as well.
__attribute__((no_sanitize_address, no_sanitize_thread)) void touch_each_page(const char* at) {
  for (size_t i = 0; i < kPages; ++i) (void)*static_cast<const volatile char*>(at + i * kPageBytes);
}

// A mapped file of kPages pages, in the page cache and not in the table of pages.
struct MappedFile {
  test::TempFolder folder;
  Fd fd{::open(folder.write("data", std::string(kPages* kPageBytes, 'x')).c_str(), O_RDONLY)};
  char* at =
      static_cast<char*>(::mmap(nullptr, kPages* kPageBytes, PROT_READ, MAP_SHARED, fd.get(), 0));

  MappedFile() { ::madvise(at, kPages * kPageBytes, MADV_RANDOM); }
  ~MappedFile() { ::munmap(at, kPages * kPageBytes); }
  goromdb_slice slice() const { return {at, kPages * kPageBytes}; }
  // Page faults of a walk over all of it.
  uint64_t faults() const {
    const auto before = thread_faults();
    touch_each_page(at);
    const auto after = thread_faults() - before;
    return after.minor + after.major;
  }
};

// Runs `body` in a thread that may lock `limit` bytes, also where this is root.
template <class Body>
void with_limit_of_locked_memory(rlim_t limit, Body&& body) {
  rlimit before{};
  getrlimit(RLIMIT_MEMLOCK, &before);
  const rlimit small{limit, before.rlim_max};
  setrlimit(RLIMIT_MEMLOCK, &small);
  std::thread([&] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    syscall(SYS_capget, &header, data);
    data[0].effective &= ~(1u << CAP_IPC_LOCK);
    syscall(SYS_capset, &header, data);
    body();
  }).join();
  setrlimit(RLIMIT_MEMLOCK, &before);
}

}  // namespace

TEST_CASE("a file is read in parts, unless it is to stay cold") {
  FakeFile file{.size = 40u << 20};
  touch_all({WarmMode::kTouch, 0}, file);
  CHECK(file.calls == 3);
  CHECK(file.largest_budget == 16u << 20);
  FakeFile cold{.size = 40u << 20};
  touch_all({WarmMode::kOff, 0}, cold);
  CHECK(cold.calls == 0);
}

TEST_CASE("a file is not read faster than the rate says, and in parts of a tenth of a second") {
  FakeFile file{.size = 300'000};
  const auto began = steady_clock::now();
  touch_all({WarmMode::kTouch, 1'000'000}, file);
  CHECK(steady_clock::now() - began >= std::chrono::milliseconds(290));
  CHECK(file.calls == 3);
  CHECK(file.largest_budget == 100'000);
}

TEST_CASE("memory that is populated does not fault any more") {
  const MappedFile file;
  const auto populated = populate(file.slice());
  REQUIRE_MESSAGE(populated.has_value(), message_of(populated));
  CHECK(file.faults() == 0);
  ::madvise(file.at, kPages * kPageBytes, MADV_DONTNEED);
  CHECK(file.faults() > 0);
}

TEST_CASE("memory need not begin or end with a page") {
  const MappedFile file;
  REQUIRE(populate({file.at + 100, kPages * kPageBytes - 200}).has_value());
  CHECK(file.faults() == 0);
}

TEST_CASE("memory behind the end of its file cannot be populated") {
  const MappedFile file;
  REQUIRE(::truncate((file.folder / "data").c_str(), kPageBytes) == 0);
  const auto populated = populate(file.slice());
  REQUIRE_FALSE(populated.has_value());
  CHECK(populated.error().kind == Error::Kind::kFailure);
  CHECK(message_of(populated).starts_with("cannot populate 3.9 MiB of memory: "));
}

TEST_CASE("memory that must not be locked is a failure that says what to do") {
  const MappedFile file;
  with_limit_of_locked_memory(uint64_t{1} << 20, [&] {
    const auto locked = lock(file.slice());
    REQUIRE_FALSE(locked.has_value());
    CHECK(locked.error().kind == Error::Kind::kFailure);
    CHECK(message_of(locked) ==
          "cannot lock it into memory: Cannot allocate memory; the limit of locked memory is 1.0 "
          "MiB, and a reload needs room for the old and the new data set; raise it (ulimit -l, "
          "LimitMEMLOCK=) or set warm: populate");
    CHECK(lock({file.at, 100 * kPageBytes}).has_value());
  });
}

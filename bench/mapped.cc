// SPDX-License-Identifier: MIT
// What a reader of all of a mapped file takes at least: its pages are mapped, by one touch in 64
// KiB as the kernel maps so much around it, one word of each cache line is looked at, and the pages
// are given back. One thread. Prints the seconds of the three, and their sum.
//   mapped FILE

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <system_error>

namespace {

constexpr size_t kFaultAround = size_t{64} << 10, kLine = 64;

void must(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

template <class Work>
double seconds_of(Work&& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void measure(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  must(fd >= 0, path);
  struct stat found {};
  must(::fstat(fd, &found) == 0, path);
  const auto size = static_cast<size_t>(found.st_size);
  void* map = nullptr;
  const auto touch_each = [&](size_t step) {
    const volatile auto* bytes = static_cast<const volatile uint8_t*>(map);
    for (size_t i = 0; i < size; i += step) static_cast<void>(bytes[i]);
  };
  const double mapping = seconds_of([&] {
    map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    must(map != MAP_FAILED, path);
    touch_each(kFaultAround);
  });
  const double looking = seconds_of([&] { touch_each(kLine); });
  const double giving_back = seconds_of([&] { must(::munmap(map, size) == 0, path); });
  ::close(fd);
  fmt::print("map {:.4f} look {:.4f} give-back {:.4f} all {:.4f}\n", mapping, looking, giving_back,
             mapping + looking + giving_back);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    fmt::print(stderr, "usage: mapped FILE\n");
    return 2;
  }
  measure(argv[1]);
  return 0;
} catch (const std::exception& e) {
  fmt::print(stderr, "mapped: {}\n", e.what());
  return 1;
}

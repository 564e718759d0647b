// SPDX-License-Identifier: MIT
#include "core/generation/warming.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "core/base/units.h"
#include "core/plugin/plugin_host.h"

namespace goromdb {
namespace {

using std::chrono::steady_clock;

constexpr uint64_t kMostAtOnce = uint64_t{16} << 20;
constexpr int64_t kPartsASecond = 10;  // at a rate: a server that stops waits for one

uint64_t page_size() {
  static const auto size = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

// The whole pages that hold it.
struct Pages {
  char* begin;
  size_t size;

  explicit Pages(const goromdb_slice& memory) {
    const auto first = reinterpret_cast<uintptr_t>(memory.ptr);
    const auto last = first + memory.len + page_size() - 1;
    const auto from = first / page_size() * page_size();
    begin = reinterpret_cast<char*>(from);
    size = last / page_size() * page_size() - from;
  }
};

std::string limit_of_locked_memory() {
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  return limit.rlim_cur == RLIM_INFINITY ? "none" : format_size(limit.rlim_cur);
}

}  // namespace

Result<void> populate(const goromdb_slice& memory) {
#ifndef MADV_POPULATE_READ
  constexpr int MADV_POPULATE_READ = 22;
#endif
  const Pages pages(memory);
  int failed = 0;
  do {
    failed = ::madvise(pages.begin, pages.size, MADV_POPULATE_READ);
  } while (failed != 0 && (errno == EINTR || errno == EAGAIN));
  if (failed == 0) return {};
  const std::string what =
      fmt::format("populate {} of memory", format_size(static_cast<uint64_t>(pages.size)));
  if (errno != EINVAL) return fail_errno(what);
  return fail(fmt::format("cannot {}: that needs Linux 5.14; set warm: touch", what));
}

Result<void> lock(const goromdb_slice& memory) {
  const Pages pages(memory);
  if (::mlock2(pages.begin, pages.size, 0) == 0) return {};  // mlock() is nothing to a sanitizer
  return fail(
      fmt::format("cannot lock it into memory: {}; the limit of locked memory is {}, and a reload "
                  "needs room for the old and the new data set; raise it (ulimit -l, "
                  "LimitMEMLOCK=) or set warm: populate",
                  std::strerror(errno), limit_of_locked_memory()));
}

uint64_t Warming::budget() const {
  if (config_.bytes_per_s == 0) return kMostAtOnce;
  return std::clamp<uint64_t>(static_cast<uint64_t>(config_.bytes_per_s / kPartsASecond), 1,
                              kMostAtOnce);
}

void Warming::keep_pace(uint64_t bytes, steady_clock::time_point began) const {
  if (config_.bytes_per_s == 0) return;
  const std::chrono::duration<double> takes(static_cast<double>(bytes) /
                                            static_cast<double>(config_.bytes_per_s));
  std::this_thread::sleep_until(began + std::chrono::duration_cast<steady_clock::duration>(takes));
}

Result<bool> Warming::touch(const goromdb_storage_ops& ops, goromdb_generation* generation) {
  if (config_.mode == WarmMode::kOff || ops.warm == nullptr) return false;
  const auto began = steady_clock::now();
  PluginError error;
  uint64_t next = touched_;
  const auto status = ops.warm(generation, touched_, budget(), &next, error.get());
  if (status < 0) return error.as_error(status);
  keep_pace(next - touched_, began);
  touched_ = next;
  return status == GOROMDB_OK;
}

Result<bool> Warming::hold(const goromdb_storage_ops& ops, goromdb_generation* generation) {
  const bool wanted = config_.mode == WarmMode::kPopulate || config_.mode == WarmMode::kLock;
  if (!wanted || ops.memory == nullptr) return false;
  goromdb_slice part{};
  if (ops.memory(generation, part_, &part) != GOROMDB_OK) return false;
  if (at_ >= part.len) {
    ++part_;
    at_ = 0;
    return true;
  }
  const goromdb_slice next{static_cast<const char*>(part.ptr) + at_,
                           std::min<uint64_t>(kMostAtOnce, part.len - at_)};
  auto done = config_.mode == WarmMode::kLock ? lock(next) : populate(next);
  if (!done) return tl::unexpected(done.error());
  at_ += next.len;
  held_ += next.len;
  return true;
}

void Warming::say(spdlog::logger& log, uint64_t generation) const {
  const bool locks = config_.mode == WarmMode::kLock;
  if (!locks && config_.mode != WarmMode::kPopulate) {
    if (config_.mode == WarmMode::kTouch) log.debug("generation {} is warm", generation);
  } else if (held_ > 0) {
    log.info("generation {} is warm: {} {}", generation, format_size(held_),
             locks ? "locked into memory" : "populated");
  } else {
    log.warn("generation {} is warm, but its storage has no memory of this file to {}", generation,
             locks ? "lock" : "populate");
  }
}

}  // namespace goromdb

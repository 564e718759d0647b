// SPDX-License-Identifier: MIT
#include "core/files/served_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <goromdb/plugin.h>

#include "core/base/sigbus.h"

namespace goromdb {
namespace {

uint64_t page_size() {
  static const auto size = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

// Reading any page of a mapping of it raises SIGBUS: it has none.
const Fd& empty_file() {
  static const Fd fd(::memfd_create("goromdb-lost", MFD_CLOEXEC));
  return fd;
}

// True: whoever reads there gets a SIGBUS from now on. Not inlined: tests/lib/thread_sanitizer.supp
// names it.
[[gnu::noinline]] bool map_nothing(const MappedRange& range) {
  void* const at = reinterpret_cast<void*>(range.begin);
  return ::mmap(at, range.end - range.begin, PROT_READ, MAP_SHARED | MAP_FIXED, empty_file().get(),
                0) == at;
}

// What both have of the file, from its byte `from` on.
MappedRange common_part(const MappedRange& a, const MappedRange& b, uint64_t from) {
  MappedRange part = a;
  part.begin = std::max(a.begin, b.begin);
  part.end = std::max(part.begin, std::min(a.end, b.end));
  part.offset += part.begin - a.begin;
  const uint64_t skip = from > part.offset ? from - part.offset : 0;
  part.begin += std::min<uint64_t>(skip, part.end - part.begin);
  return part;
}

}  // namespace

ServedFile::ServedFile(const std::string& path, uint32_t caps)
    : path_(path), covers_((caps & GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION) != 0) {
  auto fd = open_regular(path);
  if (!fd) return;
  fd_ = std::move(*fd);
  auto state = look_at(fd_, path);
  if (!state || state->identity.size == 0) return;
  size_ = covered_from_ = static_cast<uint64_t>(state->identity.size);
  began_with_ = beginning();
  mtime_ns_ = newest_mtime_ns_ = state->identity.mtime_ns;
  const uint64_t begin = (size_ - 1) / page_size() * page_size();
  void* const page =
      ::mmap(nullptr, page_size(), PROT_READ, MAP_SHARED, fd_.get(), static_cast<off_t>(begin));
  if (page == MAP_FAILED) return;
  ranges_ = mapped_ranges();
  const auto own = std::find_if(ranges_.begin(), ranges_.end(), [&](const MappedRange& range) {
    return range.begin == reinterpret_cast<uintptr_t>(page);
  });
  if (own != ranges_.end()) identity_ = own->identity;
  std::erase_if(ranges_, [&](const MappedRange& range) { return range.identity != identity_; });
  const bool is_mapped = ranges_.size() > 1;  // by others than us
  if (!is_mapped && (caps & GOROMDB_CAP_READS_FILE) == 0) {
    ::munmap(page, page_size());
    fd_ = Fd();
    return;
  }
  last_page_ = page;
  last_byte_ = static_cast<const volatile uint8_t*>(page);
  ++watched_;
  // A cut behind it takes zeros only, and zeros are read there afterwards.
  const bool read = survives([&] {
    uint64_t at = size_ - 1 - begin;
    while (at > 0 && last_byte_[at] == 0) --at;
    last_byte_ += at;
    expected_ = *last_byte_;
  });
  if (!read) look();
}

ServedFile::~ServedFile() {
  if (last_page_ == nullptr) return;
  ::munmap(last_page_, page_size());
  --watched_;
}

bool ServedFile::holds(uintptr_t address) const {
  const auto all = mapped_ranges();
  return std::any_of(all.begin(), all.end(), [&](const MappedRange& range) {
    return range.identity == identity_ && address >= range.begin && address < range.end;
  });
}

void ServedFile::look() {
  if (!is_watched()) return;
  const auto page = lost_address();
  (void)size();
  if (is_damaged()) return;
  uint8_t last = 0;
  const auto at = last_byte_ - static_cast<const uint8_t*>(last_page_);
  const auto offset = (size_ - 1) / page_size() * page_size() + static_cast<uint64_t>(at);
  if (page != 0 && holds(page)) {
    say("a page of it cannot be read");
  } else if (::pread(fd_.get(), &last, 1, static_cast<off_t>(offset)) != 1 || last != expected_) {
    give_up("it was written to");
  }
}

uint64_t ServedFile::size() {
  struct stat st;
  std::lock_guard lock(mutex_);
  if (::fstat(fd_.get(), &st) != 0) return covered_from_;
  const auto state = state_of(st);
  const auto now = static_cast<uint64_t>(state.identity.size);
  if (now < covered_from_) {
    cover(now);
  } else if (damaged_ && now > covered_from_) {  // what is only cut does not grow
    lost_ = true;
    reason_ = "it was written to";
  } else if (state.identity.mtime_ns > newest_mtime_ns_ || state.identity.mtime_ns < mtime_ns_) {
    lost_ = damaged_ = true;  // what had been cut may have come back as something else, too
    reason_ = "it was written to";
  }
  return covered_from_;
}

bool ServedFile::was_touched() {
  struct stat st;
  if (!is_watched() || ::fstat(fd_.get(), &st) != 0) return false;
  const auto state = state_of(st);
  std::lock_guard lock(mutex_);
  if (static_cast<uint64_t>(state.identity.size) < covered_from_) {
    cover(static_cast<uint64_t>(state.identity.size));
    return true;
  }
  if (is_damaged() && static_cast<uint64_t>(state.identity.size) > covered_from_) lost_ = true;
  if (is_damaged() || state.identity.mtime_ns == mtime_ns_) return false;
  mtime_ns_ = newest_mtime_ns_ = state.identity.mtime_ns;
  return true;
}

// The page of the cut, too: its rest is zeros. Of the file's mappings only those that it had when
// it was opened: others go at any time, and something else comes to where they were. So may these,
// where an older generation had the same file: what is there now has to be the file still.
void ServedFile::cover(uint64_t size) {
  constexpr int64_t kLongCutNs = 2'000'000'000;  // its time is set before its size, and at its end
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  newest_mtime_ns_ = now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec + kLongCutNs;
  covered_from_ = size;
  reason_ = fmt::format("it was cut to {} of {} bytes", size, size_);
  damaged_ = true;
  // Another file that was copied over this one is shorter for a while, too.
  if (size >= kBeginning && beginning() != began_with_) {
    lost_ = true;
    reason_ = "it was written to";
  }
  if (!covers_) return;
  const uint64_t from = size / page_size() * page_size();
  bool is_covered = bool(empty_file());
  for (const auto& range : mapped_ranges()) {
    if (range.identity != identity_) continue;
    for (const auto& then : ranges_) {
      const auto lost = common_part(range, then, from);
      if (lost.begin == lost.end) continue;
      is_covered = is_covered && map_nothing(lost);
    }
  }
  if (!is_covered) lost_ = true;
}

uint64_t ServedFile::beginning() const {
  char bytes[kBeginning];
  const ssize_t n = ::pread(fd_.get(), bytes, sizeof bytes, 0);
  return XXH3_64bits(bytes, static_cast<size_t>(std::max<ssize_t>(n, 0)));
}

void ServedFile::give_up(const std::string& reason) {
  lost_ = true;
  say(reason);
}

void ServedFile::say(const std::string& reason) {
  std::lock_guard lock(mutex_);
  if (reason_.empty()) reason_ = reason;
  damaged_ = true;
}

std::string ServedFile::reason() const {
  std::lock_guard lock(mutex_);
  return reason_.empty() ? "" : fmt::format("{}: {}", path_, reason_);
}

}  // namespace goromdb

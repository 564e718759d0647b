// SPDX-License-Identifier: MIT
#include "core/served_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <sstream>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/sigbus.h"

namespace goromdb {
namespace {

uint64_t page_size() {
  static const auto size = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

struct Mapped {  // "begin-end rwxp offset device inode path", see proc(5)
  uintptr_t begin, end;
  uint64_t offset;       // in the file
  std::string identity;  // device and inode, which need not be those of fstat()
};

// All mappings of this process.
std::vector<Mapped> mappings() {
  constexpr size_t kLimit = size_t{64} << 20;
  std::vector<Mapped> found;
  std::istringstream maps(read_small_file("/proc/self/maps", kLimit).value_or(""));
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    Mapped mapped{};
    std::string access, device, inode;
    char dash;
    words >> std::hex >> mapped.begin >> dash >> mapped.end >> access >> mapped.offset >> device >>
        inode;
    if (!words) continue;
    mapped.identity = device + " " + inode;
    found.push_back(std::move(mapped));
  }
  return found;
}

// Reading any page of a mapping of it raises SIGBUS: it has none.
const Fd& empty_file() {
  static const Fd fd(::memfd_create("goromdb-lost", MFD_CLOEXEC));
  return fd;
}

}  // namespace

ServedFile::ServedFile(const std::string& path, bool covers) : path_(path), covers_(covers) {
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
  const auto all = mappings();
  const auto own = std::find_if(all.begin(), all.end(), [&](const Mapped& m) {
    return m.begin == reinterpret_cast<uintptr_t>(page);
  });
  if (own != all.end()) identity_ = own->identity;
  const auto is_another = [&](const Mapped& m) {
    return m.identity == identity_ && m.begin != reinterpret_cast<uintptr_t>(page);
  };
  if (std::none_of(all.begin(), all.end(), is_another)) {
    ::munmap(page, page_size());
    fd_ = Fd();
    return;
  }
  last_page_ = page;
  last_byte_ = static_cast<const volatile uint8_t*>(page);
  ++mapped_;
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
  --mapped_;
}

bool ServedFile::holds(uintptr_t address) const {
  const auto all = mappings();
  return std::any_of(all.begin(), all.end(), [&](const Mapped& m) {
    return m.identity == identity_ && address >= m.begin && address < m.end;
  });
}

void ServedFile::look() {
  if (!is_mapped()) return;
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
  if (!is_mapped() || ::fstat(fd_.get(), &st) != 0) return false;
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

// The page of the cut, too: its rest is zeros.
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
  for (const auto& m : mappings()) {
    const uint64_t length = m.end - m.begin;
    if (m.identity != identity_ || from >= m.offset + length) continue;
    const uint64_t skip = from > m.offset ? from - m.offset : 0;
    void* const at = reinterpret_cast<void*>(m.begin + skip);
    is_covered = is_covered && ::mmap(at, length - skip, PROT_READ, MAP_SHARED | MAP_FIXED,
                                      empty_file().get(), 0) == at;
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

// SPDX-License-Identifier: MIT
// For storages that read a data file themselves: opening it, mapping it, and telling whose file it
// is. Header-only and not part of the ABI. Failures are thrown as Failure (sdk.hpp).
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <goromdb/mapped_ranges.hpp>
#include <goromdb/sdk.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <future>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace goromdb {

// An open file, read-only. Any thread.
class DataFile {
 public:
  // E_IO when it cannot be opened, E_CORRUPT when it is something else than a regular file.
  explicit DataFile(const char* path)
      : DataFile(::open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {
    // From here on the destructor closes it, also where this throws.
    if (fd_ < 0) fail("cannot be opened");
    struct stat st;
    if (::fstat(fd_, &st) != 0) fail("cannot be looked at");
    if (!S_ISREG(st.st_mode)) throw Failure(GOROMDB_E_CORRUPT, "it is no regular file");
    size_ = static_cast<uint64_t>(st.st_size);
    is_own_ = st.st_uid == ::geteuid();
  }
  DataFile(DataFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        size_(std::exchange(other.size_, 0)),
        is_own_(other.is_own_) {}
  DataFile& operator=(DataFile&&) = delete;
  ~DataFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }
  uint64_t size() const { return size_; }
  bool is_own() const { return is_own_; }  // this process's user's
  // Its first bytes, fewer when it is shorter.
  std::string head(size_t most = 4096) const {
    std::string bytes(most, '\0');
    size_t have = 0;
    while (have < most) {
      const ssize_t n = ::pread(fd_, bytes.data() + have, most - have, static_cast<off_t>(have));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("cannot be read");
      if (n == 0) break;
      have += static_cast<size_t>(n);
    }
    bytes.resize(have);
    return bytes;
  }

  // A storage's warm(): brings at most `budget` bytes from `offset` into the page cache. They are
  // read, so that the caller's pace is the disk's, and not through a mapping, which would make the
  // whole file this process's resident memory. [STO-11]
  goromdb_status warm(uint64_t offset, uint64_t budget, uint64_t& next) const {
    next = offset;
    if (offset >= size_) return GOROMDB_END;
    const uint64_t end = offset + std::clamp<uint64_t>(budget, 1, size_ - offset);
    ::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(end - offset),
                    POSIX_FADV_WILLNEED);
    std::array<char, size_t{64} << 10> scratch;
    while (next < end) {
      const auto most = static_cast<size_t>(std::min<uint64_t>(scratch.size(), end - next));
      const ssize_t n = ::pread(fd_, scratch.data(), most, static_cast<off_t>(next));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("cannot be read");
      if (n == 0) return GOROMDB_END;  // it has become shorter
      next += static_cast<uint64_t>(n);
    }
    return next < size_ ? GOROMDB_OK : GOROMDB_END;
  }

 private:
  explicit DataFile(int fd) : fd_(fd) {}
  [[noreturn]] static void fail(const char* what) {
    throw Failure(errno == ENOMEM ? GOROMDB_E_NO_MEMORY : GOROMDB_E_IO,
                  std::string(what) + ": " + std::strerror(errno));
  }

  int fd_;
  uint64_t size_ = 0;
  bool is_own_ = false;
};

// A whole file in memory, read-only and shared with the page cache. Any thread.
class Mapping {
 public:
  Mapping() = default;
  // E_NO_MEMORY when there is no room. An empty file is a mapping of no bytes.
  explicit Mapping(const DataFile& file)
      : size_(static_cast<size_t>(file.size())), is_own_(file.is_own()) {
    if (size_ == 0) return;
    void* p = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.fd(), 0);
    if (p == MAP_FAILED) {
      throw Failure(GOROMDB_E_NO_MEMORY, std::string("cannot be mapped: ") + std::strerror(errno));
    }
    data_ = static_cast<const uint8_t*>(p);
    // Keys are hashed or sorted, not read in the order of the file: what lies around a page that is
    // read is of no use.
    ::madvise(p, size_, MADV_RANDOM);
  }
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        is_own_(other.is_own_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(is_own_, other.is_own_);
    return *this;
  }
  ~Mapping() {
    if (data_ != nullptr) ::munmap(const_cast<uint8_t*>(data_), size_);
  }

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  goromdb_slice memory() const { return {data_, size_}; }

  // Whether the page cache has all of that part, as far as `samples` of its pages tell: to ask for
  // all would take half as long as to map them. Of a file that is somebody else's the kernel does
  // not tell: false.
  bool seems_cached(size_t begin, size_t size, size_t samples) const {
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    for (size_t i = 0; is_own_ && i < samples; ++i) {
      const size_t at = (begin + size / samples * i) / page * page;
      unsigned char is_cached = 0;
      const int failed = ::mincore(const_cast<uint8_t*>(data_) + at, 1, &is_cached);
      if (failed != 0 || (is_cached & 1) == 0) return false;
    }
    return is_own_;
  }

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  bool is_own_ = false;
};

// Where this process has mapped the file, for a library that does not say where it has.
inline std::vector<goromdb_slice> mappings_of(const DataFile& file) {
  // The kernel's numbers of a file need not be those of fstat(): a page of our own shows them.
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void* own = ::mmap(nullptr, page, PROT_READ, MAP_SHARED, file.fd(), 0);
  if (own == MAP_FAILED) return {};
  const auto ranges = mapped_ranges();
  ::munmap(own, page);
  const auto is_own = [&](const MappedRange& range) {
    return range.begin == reinterpret_cast<uintptr_t>(own);
  };
  const auto wanted = std::find_if(ranges.begin(), ranges.end(), is_own);
  if (wanted == ranges.end()) return {};
  std::vector<goromdb_slice> parts;
  for (const auto& range : ranges) {
    const bool is_its = range.identity == wanted->identity && !is_own(range);
    if (!is_its || range.offset >= file.size()) continue;
    const auto size = std::min<uint64_t>(range.end - range.begin, file.size() - range.offset);
    parts.push_back({reinterpret_cast<const void*>(range.begin), size});
  }
  return parts;
}

// For a walk over a whole mapping, in the order of the file, more or less. What the page cache has
// is mapped before, nearly all of it, so that pages can be fetched before they are looked at: one
// thread touches them for that, as the walk does. Else, while this lives, the file is read ahead.
// At the end its pages are the page cache's again, and those that are needed come back as they are
// touched. Two `threads` share both.
class ReadAhead {
 public:
  explicit ReadAhead(const Mapping& map, uint32_t threads = 1) : map_(map), threads_(threads) {
    advise(0, map_.size(), MADV_NORMAL);
    in_parts([this](size_t at, size_t size) { map_in(at, size); });
  }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead() {
    in_parts([this](size_t at, size_t size) { advise(at, size, MADV_DONTNEED); });
    advise(0, map_.size(), MADV_RANDOM);
  }

 private:
  void advise(size_t at, size_t size, int advice) const {
    if (size > 0) ::madvise(const_cast<uint8_t*>(map_.data()) + at, size, advice);
  }

  // A fault maps what the page cache has of the 64 KiB around it, which takes two thirds of what
  // MADV_POPULATE_READ takes: that asks for each page once more. But it never ends a thread that
  // has nothing to catch a page with that has gone.
  void map_in(size_t begin, size_t size) const {
    constexpr size_t kPart = size_t{64} << 20, kSamples = 16, kFaultAround = size_t{64} << 10;
    constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ, of Linux 5.14 and newer headers
    const volatile uint8_t* bytes = map_.data();
    for (size_t at = begin; at < begin + size; at += kPart) {
      const size_t end = std::min(at + kPart, begin + size);
      if (!map_.seems_cached(at, end - at, kSamples)) continue;
      if (threads_ > 1) {
        advise(at, end - at, kPopulateRead);
      } else {
        for (size_t i = at; i < end; i += kFaultAround) static_cast<void>(bytes[i]);
      }
    }
  }

  // All of it by one thread, or half of it by each of two.
  template <class Work>
  void in_parts(Work&& work) const {
    constexpr size_t kWorthIt = size_t{16} << 20,
                     kGrain = size_t{2} << 20;  // about what a table maps
    const size_t half = map_.size() / 2 / kGrain * kGrain;
    std::future<void> beside;
    if (threads_ > 1 && map_.size() >= kWorthIt) {
      try {
        beside = std::async(std::launch::async, [&] { work(half, map_.size() - half); });
      } catch (const std::exception&) {  // there is no other thread to be had
      }
    }
    work(0, beside.valid() ? half : map_.size());
    if (beside.valid()) beside.wait();
  }

  const Mapping& map_;
  const uint32_t threads_;
};

// What another thread finds, by std::async. While it is waited for, the host is told so each
// second: a guard takes a long silence for a reader that hangs. Throws as Host::progress() does.
template <class Found>
Found awaited(std::future<Found>& found, const Host& host, uint64_t done, uint64_t total) {
  while (found.wait_for(std::chrono::seconds(1)) == std::future_status::timeout) {
    host.progress(done, total);
  }
  return found.get();
}

// The end of a path, for a message: it has 503 bytes and must reach its cause.
inline std::string end_of(std::string_view path) {
  constexpr size_t kMost = 240;
  if (path.size() <= kMost) return std::string(path);
  return "..." + std::string(path.substr(path.size() - kMost));
}

// Runs `body`; the message of a Failure begins with the file's path.
template <class Body>
auto about_file(std::string_view path, Body&& body) {
  try {
    return body();
  } catch (const Failure& e) {
    throw Failure(e.code(), end_of(path) + ": " + e.what());
  }
}

// What kind of data file begins with these bytes, for a message: "an LMDB file". Empty when they
// say nothing: cdb has no magic number. Sources: the formats' own headers (docs/formats/).
inline std::string_view format_of(std::string_view head) {
  struct Magic {
    size_t at;
    std::string_view bytes;
    std::string_view name;
  };
  using namespace std::string_view_literals;
  static constexpr auto kMagics = std::to_array<Magic>({
      {16, "\xDE\xC0\xEF\xBE"sv, "an LMDB file"},
      {12, "\xDE\xC0\xEF\xBE"sv, "an LMDB file of a 32-bit machine"},
      {16, "\xBE\xEF\xC0\xDE"sv, "an LMDB file of a big-endian machine"},
      {24, "\xDE\xC0\xEF\xBE"sv, "an LMDB file of version 1.0"},
      {16, "\xED\xDA\x0C\xED"sv, "a Bolt file"},
      {16, "\xED\x0C\xDA\xED"sv, "a Bolt file of a big-endian machine"},
      {12, "\x62\x31\x05\x00"sv, "a Berkeley DB btree file"},
      {12, "\x00\x05\x31\x62"sv, "a Berkeley DB btree file"},
      {12, "\x61\x15\x06\x00"sv, "a Berkeley DB hash file"},
      {12, "\x00\x06\x15\x61"sv, "a Berkeley DB hash file"},
      {12, "\x53\x22\x04\x00"sv, "a Berkeley DB queue file"},
      {12, "\x00\x04\x22\x53"sv, "a Berkeley DB queue file"},
      {12, "\x82\x45\x07\x00"sv, "a Berkeley DB heap file"},
      {12, "\x00\x07\x45\x82"sv, "a Berkeley DB heap file"},
      {0, "\x1F\x8B"sv, "a gzip file"},
      {0, "\x28\xB5\x2F\xFD"sv, "a zstd file"},
      {0, "\x95\x9C\xB3\x49"sv, "a sparkey log file"},
      {0, "\x8F\x31\x11\x9A"sv, "a sparkey index file"},
      {0, "SQLite format 3\0"sv, "an SQLite file"},
  });
  for (const auto& magic : kMagics) {
    if (head.size() >= magic.at + magic.bytes.size() &&
        head.substr(magic.at, magic.bytes.size()) == magic.bytes) {
      return magic.name;
    }
  }
  const size_t first = head.find_first_not_of(" \t\r\n", head.starts_with("\xEF\xBB\xBF") ? 3 : 0);
  if (first != head.npos && head[first] == '{') return "a JSON file";
  return {};
}

// The same as a sentence that ends a message: "; this is an LMDB file", or nothing.
inline std::string kind_hint(std::string_view head) {
  const auto name = format_of(head);
  return name.empty() ? std::string() : "; this is " + std::string(name);
}

}  // namespace goromdb

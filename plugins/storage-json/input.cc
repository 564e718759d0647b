// SPDX-License-Identifier: MIT
// Files, and the two decompressors behind one face.
#include "input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <goromdb/sdk.hpp>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

namespace goromdb {
namespace {

constexpr size_t kCompressedChunk = size_t{256} << 10;
constexpr size_t kMostAtOnce = size_t{1} << 30;  // fits zlib's counters and read()'s

[[noreturn]] void io_failure(const char* what, int error) {
  throw Failure(GOROMDB_E_IO, std::string(what) + ": " + std::generic_category().message(error));
}

enum class Compression { kNone, kGzip, kZstd };

Compression compression(const File& file) {
  unsigned char m[4] = {};
  file.peek(reinterpret_cast<char*>(m), sizeof m);
  if (m[0] == 0x1F && m[1] == 0x8B) return Compression::kGzip;
  if (m[0] == 0x28 && m[1] == 0xB5 && m[2] == 0x2F && m[3] == 0xFD) return Compression::kZstd;
  // A skippable frame, which some compressors put in front.
  if ((m[0] & 0xF0) == 0x50 && m[1] == 0x2A && m[2] == 0x4D && m[3] == 0x18) {
    return Compression::kZstd;
  }
  return Compression::kNone;
}

class PlainSource : public Source {
 public:
  explicit PlainSource(File& file) : file_(file) {}
  std::optional<size_t> read(char* out, size_t n) override {
    const size_t got = file_.read(out, n);
    return got > 0 ? std::optional(got) : std::nullopt;
  }

 private:
  File& file_;
};

// What the decompressors share: the compressed bytes, and the limits on what they become.
class CompressedSource : public Source {
 public:
  CompressedSource(File& file, const Limits& limits)
      : file_(file), limits_(limits), chunk_(kCompressedChunk) {}

  std::optional<size_t> read(char* out, size_t n) final {
    n = std::min(n, kMostAtOnce);
    size_t made = decompress(out, n);  // what it has held back
    if (made == 0 && pending_ == 0) {
      next_ = chunk_.data();
      pending_ = file_.read(chunk_.data(), chunk_.size());
      if (pending_ == 0) {
        if (!at_boundary()) fail("the compressed data are cut off");
        return std::nullopt;
      }
    }
    // An empty member or block becomes nothing; a file may be full of them.
    while (made == 0 && pending_ > 0) made = decompress(out, n);
    count(made);
    return made;
  }

 protected:
  // Turns some of the pending bytes into at most `n` bytes.
  virtual size_t decompress(char* out, size_t n) = 0;
  // Would the end of the file be in order here?
  virtual bool at_boundary() const = 0;

  char* next() const { return next_; }
  size_t pending() const { return pending_; }
  void take(size_t n) {
    next_ += n;
    pending_ -= n;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Failure(GOROMDB_E_CORRUPT,
                  what + ", before byte " + std::to_string(file_.position() - pending_));
  }

 private:
  void count(size_t made) {
    total_ += made;
    if (total_ > limits_.max_decompressed) {
      throw Failure(GOROMDB_E_TOO_BIG, "the data are larger than max_decompressed (" +
                                           std::to_string(limits_.max_decompressed) +
                                           " bytes) when decompressed");
    }
    if (total_ > Limits::kRatioFrom && total_ / limits_.max_ratio > file_.size()) {
      throw Failure(GOROMDB_E_TOO_BIG, "the data grow by more than max_ratio (" +
                                           std::to_string(limits_.max_ratio) +
                                           ") when decompressed");
    }
  }

  File& file_;
  const Limits limits_;
  std::vector<char> chunk_;
  char* next_ = nullptr;
  size_t pending_ = 0;
  uint64_t total_ = 0;
};

// RFC 1952: members one behind the other; zlib checks CRC-32 and length of each.
class GzipSource : public CompressedSource {
 public:
  GzipSource(File& file, const Limits& limits) : CompressedSource(file, limits) {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

 private:
  size_t decompress(char* out, size_t n) override {
    if (between_members_ && pending() == 0) return 0;
    if (between_members_ && inflateReset(&stream_) != Z_OK) throw std::bad_alloc();
    between_members_ = false;
    stream_.next_in = reinterpret_cast<Bytef*>(next());
    stream_.avail_in = static_cast<uInt>(pending());
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(n);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    take(pending() - stream_.avail_in);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      fail(std::string("wrong gzip data or bytes behind them (") +
           (stream_.msg != nullptr ? stream_.msg : "unknown") + ")");
    }
    between_members_ = result == Z_STREAM_END;
    return n - stream_.avail_out;
  }
  bool at_boundary() const override { return between_members_; }

  z_stream stream_{};
  bool between_members_ = false;
};

// RFC 8878: frames one behind the other; the library checks the checksum of those that have one.
class ZstdSource : public CompressedSource {
 public:
  ZstdSource(File& file, const Limits& limits)
      : CompressedSource(file, limits), stream_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }

 private:
  size_t decompress(char* out, size_t n) override {
    if (between_frames_ && pending() == 0) return 0;
    ZSTD_inBuffer in{next(), pending(), 0};
    ZSTD_outBuffer to{out, n, 0};
    const size_t result = ZSTD_decompressStream(stream_.get(), &to, &in);
    take(in.pos);
    if (ZSTD_isError(result)) {
      fail(std::string("wrong zstd data or bytes behind them (") + ZSTD_getErrorName(result) + ")");
    }
    between_frames_ = result == 0;
    return to.pos;
  }
  bool at_boundary() const override { return between_frames_; }

  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> stream_;
  bool between_frames_ = false;
};

}  // namespace

// O_NONBLOCK: opening a pipe must not wait for its writer.
File::File(const char* path)
    : fd_(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY)) {
  if (fd_ < 0 && errno == ELOOP) throw Failure(GOROMDB_E_IO, "is a link, not a regular file");
  if (fd_ < 0) io_failure("cannot be opened", errno);
  struct stat st {};
  const int error = fstat(fd_, &st) == 0 ? 0 : errno;
  if (error == 0 && S_ISREG(st.st_mode)) {
    size_ = static_cast<uint64_t>(st.st_size);
    return;
  }
  ::close(fd_);
  if (error != 0) io_failure("cannot be examined", error);
  throw Failure(GOROMDB_E_IO, "is not a regular file");
}

File::~File() { ::close(fd_); }

size_t File::read(char* out, size_t n) {
  ssize_t got;
  do {
    got = ::read(fd_, out, std::min(n, kMostAtOnce));
  } while (got < 0 && errno == EINTR);
  if (got < 0) io_failure("cannot be read", errno);
  const uint64_t behind = position() + static_cast<uint64_t>(got);
  position_.store(behind, std::memory_order_relaxed);
  if (behind > size_ || (got == 0 && behind != size_)) {
    throw Failure(GOROMDB_E_IO,
                  "changed its size while it was being read: put it there whole, by "
                  "renaming it");
  }
  return static_cast<size_t>(got);
}

size_t File::peek(char* out, size_t n) const {
  const ssize_t got = ::pread(fd_, out, n, 0);
  if (got < 0) io_failure("cannot be read", errno);
  return static_cast<size_t>(got);
}

bool is_compressed(const File& file) { return compression(file) != Compression::kNone; }

std::unique_ptr<Source> open_source(File& file, const Limits& limits) {
  switch (compression(file)) {
    case Compression::kGzip:
      return std::make_unique<GzipSource>(file, limits);
    case Compression::kZstd:
      return std::make_unique<ZstdSource>(file, limits);
    case Compression::kNone:
      break;
  }
  return std::make_unique<PlainSource>(file);
}

}  // namespace goromdb

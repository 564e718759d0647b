// SPDX-License-Identifier: MIT
#include "core/base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

namespace goromdb {
namespace {

constexpr size_t kBlock = size_t{1} << 20;

int64_t nanoseconds(const timespec& t) { return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; }

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

timespec time_of(int64_t ns) {
  constexpr int64_t kSecond = 1'000'000'000;
  int64_t seconds = ns / kSecond, rest = ns % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  return {seconds, rest};
}

FileState state_of(const struct stat& st) {
  return {{st.st_dev, st.st_ino, st.st_size, nanoseconds(st.st_mtim)},
          st.st_mode,
          nanoseconds(st.st_ctim)};
}

Result<std::optional<FileState>> look_at(const std::string& path) {
  struct stat st;
  if (::lstat(path.c_str(), &st) == 0) return state_of(st);
  if (errno == ENOENT) return std::nullopt;
  return fail_errno(fmt::format("look at {}", path));
}

Result<FileState> look_at(const Fd& fd, const std::string& path) {
  struct stat st;
  if (::fstat(fd.get(), &st) != 0) return fail_errno(fmt::format("look at {}", path));
  return state_of(st);
}

std::string_view irregularity(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return {};
    case S_IFDIR:
      return "a folder";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a fifo";
    case S_IFSOCK:
      return "a socket";
    default:
      return "a device";
  }
}

Result<Fd> open_regular(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) {
    if (errno == ELOOP)
      return reject(fmt::format("{} is a symbolic link, not a regular file", path));
    return fail_errno(fmt::format("open {}", path));
  }
  auto state = look_at(fd, path);
  if (!state) return tl::unexpected(state.error());
  if (auto what = irregularity(state->mode); !what.empty()) {
    return reject(fmt::format("{} is {}, not a regular file", path, what));
  }
  return fd;
}

Result<std::string> read_small_file(const std::string& path, size_t limit) {
  auto fd = open_regular(path);
  if (!fd) return tl::unexpected(fd.error());
  std::string content;
  auto read = read_blocks(*fd, path, [&](std::string_view block) -> Result<void> {
    content += block;
    if (content.size() > limit)
      return reject(fmt::format("{} is larger than {} bytes", path, limit));
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  return content;
}

Result<void> sync_file(const Fd& fd, const std::string& path) {
  if (::fsync(fd.get()) != 0) return fail_errno(fmt::format("sync {}", path));
  return {};
}

Result<void> sync_folder(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno(fmt::format("open the folder {}", path));
  return sync_file(fd, path);
}

Result<void> write_all(const Fd& fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(fmt::format("write {}", path));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<void> write_file_durably(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  {
    Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd) return fail_errno(fmt::format("create {}", temporary));
    auto done =
        write_all(fd, content, temporary).and_then([&] { return sync_file(fd, temporary); });
    if (!done) {
      ::unlink(temporary.c_str());
      return done;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    auto failed = fail_errno(fmt::format("rename {} to {}", temporary, path));
    ::unlink(temporary.c_str());
    return failed;
  }
  return sync_folder(parent_folder(path));
}

Result<void> remove_durably(const std::string& path) {
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno(fmt::format("remove {}", path));
  }
  return sync_folder(parent_folder(path));
}

Result<void> make_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail(fmt::format("cannot create the folder {}: {}", path, error.message()));
  return {};
}

Result<void> read_blocks(const Fd& fd, const std::string& path,
                         const std::function<Result<void>(std::string_view)>& each) {
  auto block = std::make_unique_for_overwrite<char[]>(kBlock);
  for (off_t offset = 0;;) {
    ssize_t n = ::pread(fd.get(), block.get(), kBlock, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno(fmt::format("read {}", path));
    if (n == 0) return {};
    offset += n;
    if (auto done = each({block.get(), static_cast<size_t>(n)}); !done) return done;
  }
}

std::string parent_folder(const std::string& path) {
  auto parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string join_path(const std::string& base, const std::string& path) {
  return (std::filesystem::path(base) / path).lexically_normal().string();
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "core/files/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"

namespace goromdb {
namespace {

constexpr mode_t kReadOnly = 0444, kOthersWrite = S_IWGRP | S_IWOTH;

bool is_trusted(uid_t owner) { return owner == ::geteuid() || owner == 0; }

void check_folder(const std::string& folder, std::vector<std::string>& out) {
  struct stat st;
  if (::stat(folder.c_str(), &st) != 0) return;
  if (!is_trusted(st.st_uid)) {
    out.push_back(fmt::format(
        "the folder {} belongs to user {}, who may replace what is served; give it to user {}",
        folder, st.st_uid, ::geteuid()));
  } else if ((st.st_mode & kOthersWrite) != 0) {
    out.push_back(
        fmt::format("the folder {} may be written to by others, who may replace what is served; "
                    "chmod go-w {}",
                    folder, folder));
  }
}

// A read lease is refused while there is a writer. Whoever comes in this instant waits for it to
// end.
bool has_writer(const Fd& fd) {
  if (::fcntl(fd.get(), F_SETLEASE, F_RDLCK) == 0) {
    ::fcntl(fd.get(), F_SETLEASE, F_UNLCK);
    return false;
  }
  return errno == EAGAIN;
}

}  // namespace

void make_read_only(const std::string& path) {
  auto fd = open_regular(path);
  struct stat st;
  if (!fd || ::fstat(fd->get(), &st) != 0 || (st.st_mode & 07777) == kReadOnly) return;
  (void)::fchmod(fd->get(), kReadOnly);
}

std::vector<std::string> weaknesses_of(const std::string& path, const std::string& basedir) {
  std::vector<std::string> found;
  check_folder(basedir, found);
  check_folder(parent_folder(path), found);
  auto fd = open_regular(path);
  struct stat st;
  if (!fd || ::fstat(fd->get(), &st) != 0) return found;
  if (!is_trusted(st.st_uid)) {
    found.push_back(fmt::format(
        "{} belongs to user {}, who may write to it while it is served; drop files as user {}",
        path, st.st_uid, ::geteuid()));
  } else if ((st.st_mode & (S_IWUSR | kOthersWrite)) != 0) {
    found.push_back(
        fmt::format("{} could not be made read-only; see its file system's mount options", path));
  }
  if (has_writer(*fd)) {
    found.push_back(
        fmt::format("a program has {} open for writing, and what it writes from now on would be "
                    "served; close files before their checksums come",
                    path));
  }
  return found;
}

}  // namespace goromdb

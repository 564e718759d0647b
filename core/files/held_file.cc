// SPDX-License-Identifier: MIT
#include "core/files/held_file.h"

namespace goromdb {

Result<HeldFile> HeldFile::open(const std::string& path) {
  auto fd = open_regular(path);
  if (!fd) return tl::unexpected(fd.error());
  return inherit(fd->release(), path);
}

Result<HeldFile> HeldFile::inherit(int fd, const std::string& path) {
  HeldFile held;
  held.path_ = path;
  held.fd_ = Fd(fd);
  auto state = look_at(held.fd_, path);
  if (!state) return tl::unexpected(state.error());
  held.state_ = *state;
  return held;
}

Result<void> HeldFile::check() const {
  auto now = look_at(path_);
  if (!now) return tl::unexpected(now.error());
  if (!*now || (*now)->identity != state_.identity || (*now)->ctime_ns != state_.ctime_ns) {
    return reject("it was changed after it had been verified");
  }
  return {};
}

}  // namespace goromdb

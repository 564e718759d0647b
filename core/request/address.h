// SPDX-License-Identifier: MIT
// Where a listener listens: parsed, bound, and who has it already.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>

#include "core/base/error.h"
#include "core/base/file.h"

namespace goromdb {

class Address {
 public:
  // host:port, :port (every address), [::1]:port, unix:/path. A host's name is looked up here.
  static Result<Address> parse(const std::string& text);

  bool is_unix() const { return !path_.empty(); }
  const std::string& path() const { return path_; }
  std::string text() const;  // with the port that the kernel chose
  uint16_t port() const;

  // A bound socket that does not listen yet. The first of an address is bound without SO_REUSEPORT
  // for an instant, since with it a second server would bind silently: Failure names the process
  // that has it. Takes over a socket file that no process listens on.
  Result<Fd> bind();
  // One more of the same port, for the next loop.
  Result<Fd> bind_another() const;
  // Whether this machine has the address and this process may use it.
  Result<void> check() const;

 private:
  Result<void> claim();
  Result<Fd> socket_for(bool share) const;

  std::string path_;
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
  std::shared_ptr<Fd> claim_;  // held while the server runs
};

// "127.0.0.1:4711", "[::1]:4711", "unix"
std::string text_of(const sockaddr_storage& address);

}  // namespace goromdb

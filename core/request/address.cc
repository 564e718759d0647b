// SPDX-License-Identifier: MIT
#include "core/request/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "core/base/checksum.h"
#include "core/base/units.h"
#include "core/files/holder.h"

namespace goromdb {
namespace {

constexpr std::string_view kUnix = "unix:";

}  // namespace

std::string text_of(const sockaddr_storage& address) {
  char host[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
    return fmt::format("{}:{}", host, ntohs(in.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
    return fmt::format("[{}]:{}", host, ntohs(in6.sin6_port));
  }
  return "unix";
}

Result<Address> Address::parse(const std::string& text) {
  Address address;
  if (text.starts_with(kUnix)) {
    address.path_ = text.substr(kUnix.size());
    auto& un = reinterpret_cast<sockaddr_un&>(address.storage_);
    un.sun_family = AF_UNIX;
    if (address.path_.empty() || address.path_.size() >= sizeof un.sun_path) {
      return fail(fmt::format("the path of a unix socket has 1 to {} bytes, this one {}",
                              sizeof un.sun_path - 1, address.path_.size()));
    }
    std::copy(address.path_.begin(), address.path_.end(), un.sun_path);
    address.length_ = sizeof un;
    return address;
  }
  const auto colon = text.rfind(':');
  const auto port =
      colon == std::string::npos ? std::nullopt : parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) {
    return fail(fmt::format(
        "\"{}\" is no address; write HOST:PORT, :PORT, [IPV6]:PORT or unix:PATH", text));
  }
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "*") host.clear();

  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  const auto service = std::to_string(*port);
  int status = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &list);
  if (status != 0) {
    return fail(fmt::format("the host of \"{}\" cannot be found: {}", text, gai_strerror(status)));
  }
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
  const addrinfo* chosen = list;
  if (host.empty()) {  // every address: IPv6 takes IPv4 as well, where the machine has it
    for (const auto* each = list; each != nullptr; each = each->ai_next) {
      if (each->ai_family == AF_INET6 && Fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
        chosen = each;
      }
    }
  }
  std::copy_n(reinterpret_cast<const char*>(chosen->ai_addr), chosen->ai_addrlen,
              reinterpret_cast<char*>(&address.storage_));
  address.length_ = chosen->ai_addrlen;
  return address;
}

std::string Address::text() const {
  return is_unix() ? fmt::format("{}{}", kUnix, path_) : text_of(storage_);
}

uint16_t Address::port() const {
  return ntohs(storage_.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
}

Result<Fd> Address::socket_for(bool share) const {
  Fd fd(::socket(storage_.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno(fmt::format("open a socket for {}", text()));
  const int on = 1, off = 0;
  if (!is_unix()) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (share) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (storage_.ss_family == AF_INET6) {
      const auto& any = reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr;
      const int* only = IN6_IS_ADDR_UNSPECIFIED(&any) ? &off : &on;
      ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, only, sizeof *only);
    }
  }
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage_), length_) != 0) {
    return fail_errno(fmt::format("listen on {}", text()));
  }
  return fd;
}

// Two servers that start at one instant would both find the address free. Of two sockets with one
// abstract name (unix(7)) only one can be: whoever has it may go on to look.
Result<void> Address::claim() {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  auto claimed = fmt::format("goromdb:{}", text());
  if (claimed.size() >= sizeof name.sun_path) {
    Digest digest(SumKind::kSha256);
    digest.update(claimed);
    claimed = fmt::format("goromdb:{}", digest.hex());
  }
  std::copy(claimed.begin(), claimed.end(), name.sun_path + 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + claimed.size());
  const auto* address = reinterpret_cast<const sockaddr*>(&name);
  claim_ = std::make_shared<Fd>(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(claim_->get(), address, size) == 0) {
    ::listen(claim_->get(), SOMAXCONN);  // so that the next one can ask who we are
    return {};
  }
  if (errno != EADDRINUSE) return {};  // no such names here: the other checks have to do
  std::string holder = is_unix() ? "another process" : holder_of_port(port());
  for (int attempt = 0; attempt < 400; ++attempt) {  // for two seconds: it may not listen yet
    Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(probe.get(), address, size) == 0) {
      holder = holder_of_other_end(probe);
      break;
    }
    if (errno != ECONNREFUSED) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return fail(fmt::format("cannot listen on {}: {} has it; stop it or use another address", text(),
                          holder));
}

Result<Fd> Address::bind() {
  if (is_unix() || port() != 0) {
    if (auto claimed = claim(); !claimed) return tl::unexpected(claimed.error());
  }
  if (is_unix()) {
    auto there = look_at(path_);
    if (there && *there) {
      if (!S_ISSOCK((*there)->mode)) {
        return fail(
            fmt::format("cannot listen on {}: there is something else than a socket", text()));
      }
      Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&storage_), length_) == 0 ||
          errno != ECONNREFUSED) {
        return fail(fmt::format("cannot listen on {}: {} has it; stop it or use another path",
                                text(), holder_of_other_end(probe)));
      }
      ::unlink(path_.c_str());
    }
    return socket_for(false);
  }
  {
    auto alone = socket_for(false);
    // Two sockets may be bound as long as none of them listens, and the other server's does.
    if (alone && ::listen(alone->get(), 1) != 0) {
      if (errno != EADDRINUSE) return fail_errno(fmt::format("listen on {}", text()));
      alone = fail("");
    } else if (!alone && errno != EADDRINUSE) {
      return alone;
    }
    if (!alone) {
      return fail(fmt::format("cannot listen on {}: {} has it; stop it or use another address",
                              text(), holder_of_port(port())));
    }
    length_ = sizeof storage_;
    ::getsockname(alone->get(), reinterpret_cast<sockaddr*>(&storage_), &length_);
  }
  return socket_for(true);
}

Result<Fd> Address::bind_another() const { return socket_for(true); }

Result<void> Address::check() const {
  if (is_unix()) {
    const auto folder = parent_folder(path_);
    if (::access(folder.c_str(), W_OK | X_OK) != 0) {
      return fail(fmt::format("cannot make a socket in {}: {}", folder, std::strerror(errno)));
    }
    auto there = look_at(path_);
    if (there && *there && !S_ISSOCK((*there)->mode)) {
      return fail(fmt::format("{} is there and is no socket; use another path", path_));
    }
    return {};
  }
  auto bound = socket_for(true);
  if (bound || errno == EADDRINUSE) return {};
  return fail(bound.error().message +
              "; use an address of this machine and a port that is allowed");
}

}  // namespace goromdb

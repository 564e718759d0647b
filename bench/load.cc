// SPDX-License-Identifier: MIT
#include "load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>

namespace goromdb::bench {
namespace {

constexpr uint64_t kSecond = 1000000000, kPatience = 30 * kSecond;
constexpr size_t kBuffer = 256 << 10;

uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * kSecond + static_cast<uint64_t>(t.tv_nsec);
}

uint64_t to_ns(double seconds) { return static_cast<uint64_t>(seconds * 1e9); }

std::runtime_error failed(const std::string& what) {
  return std::runtime_error(what + ": " + strerror(errno));
}

}  // namespace

int connect_to(const Target& target) {
  sockaddr_storage address{};
  socklen_t size = 0;
  std::string name;
  if (!target.unix_path.empty()) {
    auto* un = reinterpret_cast<sockaddr_un*>(&address);
    name = target.unix_path;
    if (name.size() >= sizeof un->sun_path)
      throw std::runtime_error(name + ": too long for a socket");
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, name.c_str(), name.size() + 1);
    size = sizeof *un;
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&address);
    name = target.host + ":" + std::to_string(target.port);
    in->sin_family = AF_INET;
    in->sin_port = htons(target.port);
    if (inet_pton(AF_INET, target.host.c_str(), &in->sin_addr) != 1) {
      throw std::runtime_error(target.host + ": not a numeric IPv4 address");
    }
    size = sizeof *in;
  }
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failed("socket");
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), size) != 0)
    throw failed("connect to " + name);
  if (address.ss_family == AF_INET) {
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  return fd;
}

Load::Load(const Plan& plan, Protocol protocol, const Requests& requests, uint32_t keys_per_request,
           std::vector<Checker> checkers)
    : plan_(plan),
      requests_(requests),
      checkers_(std::move(checkers)),
      buffer_(ReplyReader::kHeader + kBuffer),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  connections_.reserve(plan_.connections);
  for (uint32_t i = 0; i < plan_.connections; ++i) {
    const int fd = connect_to(plan_.target);
    connections_.push_back({fd,
                            ReplyReader(protocol, keys_per_request),
                            checkers_.empty() ? nullptr : &checkers_[i],
                            {},
                            {},
                            {}});
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    watch(connections_.back(), EPOLL_CTL_ADD);
  }
}

Load::~Load() {
  for (const Connection& conn : connections_) close(conn.fd);
  close(epoll_);
}

void Load::watch(Connection& conn, int operation) {
  epoll_event event{};
  event.events = EPOLLIN | (conn.wants_to_write ? EPOLLOUT : 0u);
  event.data.ptr = &conn;
  if (epoll_ctl(epoll_, operation, conn.fd, &event) != 0) throw failed("epoll_ctl");
}

Outcome Load::run() {
  started_ = last_reply_ = now_ns();
  begin_ = started_ + (plan_.once ? 0 : to_ns(plan_.warmup));
  end_ = begin_ + to_ns(plan_.seconds);
  if (begin_ == started_) begin_measuring(started_);
  if (plan_.rate == 0) {
    for (Connection& conn : connections_) send(conn, plan_.together, now_ns());
  }
  std::array<epoll_event, 512> events;
  while (true) {
    const uint64_t now = now_ns();
    if (phase_ == Phase::kWarmup && now >= begin_) begin_measuring(now);
    if (finished(now)) break;
    if (plan_.rate > 0) send_due(now);
    const uint64_t wait = sleep_ns(now);
    const timespec timeout{0, static_cast<long>(wait)};
    const int count = epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
    if (count < 0 && errno != EINTR) throw failed("epoll_pwait2");
    for (int i = 0; i < count; ++i) {
      auto& conn = *static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr);
      if (events[static_cast<size_t>(i)].events & EPOLLOUT) write_on(conn);
      if (events[static_cast<size_t>(i)].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) read_from(conn);
    }
  }
  if (phase_ == Phase::kMeasured) end_measuring(now_ns());
  return std::move(outcome_);
}

bool Load::finished(uint64_t now) {
  if (outstanding_ > 0 && now - last_reply_ > kPatience) {
    throw std::runtime_error("no reply for 30 s to " + std::to_string(outstanding_) + " requests");
  }
  if (outstanding_ == 0) last_reply_ = now;
  if (plan_.once) return outstanding_ == 0;
  if (now < end_) return false;
  if (plan_.rate == 0) return true;
  // All that was due has its reply counted, however late it is.
  if (phase_ == Phase::kMeasured) end_measuring(now);
  return outstanding_ == 0;
}

uint64_t Load::sleep_ns(uint64_t now) const {
  constexpr uint64_t kLongest = 20000000;
  if (plan_.spin) return 0;
  if (plan_.rate == 0 || phase_ == Phase::kDrained) return kLongest;
  const uint64_t next = started_ + to_ns(static_cast<double>(due_) / plan_.rate);
  return next > now ? std::min(next - now, kLongest) : 0;
}

void Load::send_due(uint64_t now) {
  if (phase_ == Phase::kDrained) return;
  while (true) {
    const uint64_t at = started_ + to_ns(static_cast<double>(due_) / plan_.rate);
    if (at > now || at >= end_) return;
    send(connections_[due_ % connections_.size()], 1, at);
    ++due_;
    if (phase_ == Phase::kMeasured) outcome_.late.add(now_ns() - at);
  }
}

void Load::send(Connection& conn, uint64_t count, uint64_t at) {
  if (next_ + count > requests_.size()) {
    if (plan_.once) return;
    next_ = 0;
  }
  for (uint64_t i = 0; i < count; ++i) conn.sent.push_back({at, next_ + i});
  outstanding_ += count;
  const std::string_view bytes = requests_.bytes(next_, count);
  next_ += count;
  if (conn.unsent.empty()) {
    const ssize_t n = ::send(conn.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n == static_cast<ssize_t>(bytes.size())) return;
    if (n < 0 && errno != EAGAIN) throw failed("send");
    conn.unsent = bytes.substr(n < 0 ? 0 : static_cast<size_t>(n));
    conn.wants_to_write = true;
    watch(conn, EPOLL_CTL_MOD);
  } else {
    conn.unsent += bytes;
  }
}

void Load::write_on(Connection& conn) {
  const ssize_t n = ::send(conn.fd, conn.unsent.data(), conn.unsent.size(), MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN) throw failed("send");
  if (n > 0) conn.unsent.erase(0, static_cast<size_t>(n));
  if (!conn.unsent.empty()) return;
  conn.wants_to_write = false;
  watch(conn, EPOLL_CTL_MOD);
}

void Load::read_from(Connection& conn) {
  // What was left of a header last time stands right before what comes now.
  char* const begin = buffer_.data() + ReplyReader::kHeader - conn.header.size();
  memcpy(begin, conn.header.data(), conn.header.size());
  const ssize_t n = recv(conn.fd, buffer_.data() + ReplyReader::kHeader, kBuffer, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n < 0) throw failed("recv");
  if (n == 0) throw std::runtime_error("the server closed a connection");
  const uint64_t now = now_ns();
  last_reply_ = now;
  if (phase_ == Phase::kMeasured) outcome_.bytes += static_cast<uint64_t>(n);

  for (uint64_t left = take(conn, {begin, conn.header.size() + static_cast<size_t>(n)}); left > 0;
       --left) {
    if (conn.sent.empty()) throw std::runtime_error("a reply that nobody asked for");
    answered(conn.sent.front(), now);
    conn.sent.pop_front();
  }
  if (plan_.rate == 0 && conn.sent.empty()) send(conn, plan_.together, now);
}

// Whole replies in `data`; what is behind them is kept.
uint64_t Load::take(Connection& conn, std::string_view data) {
  uint64_t replies = 0;
  if (conn.checker == nullptr) {
    const uint64_t hits = conn.reader.hits();
    replies = conn.reader.replies();
    data.remove_prefix(conn.reader.read(data));
    conn.header = data;
    if (phase_ == Phase::kMeasured) outcome_.hits += conn.reader.hits() - hits;
    return conn.reader.replies() - replies;
  }
  while (!data.empty()) {
    if (replies == conn.sent.size()) throw std::runtime_error("bytes that nobody asked for");
    const auto wanted = requests_.wanted(conn.sent[replies].request);
    data.remove_prefix(conn.checker->read(data, wanted));
    if (!conn.checker->whole()) continue;
    ++replies;
    if (phase_ == Phase::kMeasured) {
      outcome_.hits += static_cast<uint64_t>(
          std::ranges::count_if(wanted, [](const Wanted& w) { return !w.absent; }));
    }
  }
  return replies;
}

void Load::answered(const Sent& sent, uint64_t now) {
  --outstanding_;
  if (phase_ == Phase::kMeasured) ++outcome_.requests;
  const bool counts = plan_.rate > 0 ? sent.at >= begin_ : phase_ == Phase::kMeasured;
  if (!counts) return;
  const uint64_t ns = now - sent.at;
  outcome_.latency.add(ns);
  if (plan_.keep_times) outcome_.times.push_back({plan_.rate > 0 ? sent.at : now, ns});
}

void Load::begin_measuring(uint64_t now) {
  phase_ = Phase::kMeasured;
  begin_ = now;
  end_ = begin_ + to_ns(plan_.seconds);
  outcome_.server_cpu = cpu_seconds(plan_.server);
  outcome_.server_user = user_seconds(plan_.server);
  outcome_.own_cpu = cpu_seconds(getpid());
  outcome_.machine = machine_seconds();
  if (plan_.announce) fputs("measuring\n", stderr);
}

void Load::end_measuring(uint64_t now) {
  phase_ = Phase::kDrained;
  outcome_.seconds = static_cast<double>(now - begin_) * 1e-9;
  outcome_.server_cpu = cpu_seconds(plan_.server) - outcome_.server_cpu;
  outcome_.server_user = user_seconds(plan_.server) - outcome_.server_user;
  outcome_.own_cpu = cpu_seconds(getpid()) - outcome_.own_cpu;
  const Machine machine = machine_seconds();
  outcome_.machine = {machine.busy - outcome_.machine.busy,
                      machine.stolen - outcome_.machine.stolen};
}

}  // namespace goromdb::bench

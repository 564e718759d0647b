// SPDX-License-Identifier: MIT
// The kernel's floor: answers every request with the same reply, whatever it asks for. One thread,
// one epoll_wait, one read and one write for all requests of a read; requests are counted by their
// newlines. What a server costs above this is its own.
//   floor PORT|unix:PATH LINES-A-REQUEST REPLY-FILE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

struct Conn {
  size_t lines = 0;         // of a request that is not whole
  size_t owed = 0, at = 0;  // replies that are not written, bytes of the first one that are
  bool blocked = false;     // until the socket takes more; nothing is read meanwhile
};

[[noreturn]] void fail(const char* what) {
  perror(what);
  exit(1);
}

int listen_on(const std::string& where) {
  sockaddr_storage address{};
  socklen_t size = 0;
  if (where.starts_with("unix:")) {
    auto* un = reinterpret_cast<sockaddr_un*>(&address);
    un->sun_family = AF_UNIX;
    strncpy(un->sun_path, where.c_str() + 5, sizeof un->sun_path - 1);
    unlink(un->sun_path);
    size = sizeof *un;
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&address);
    in->sin_family = AF_INET;
    in->sin_port = htons(static_cast<uint16_t>(std::stoi(where)));
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size = sizeof *in;
  }
  const int fd = socket(address.ss_family, SOCK_STREAM, 0), yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) fail("bind");
  if (listen(fd, 4096) != 0) fail("listen");
  return fd;
}

class Floor {
 public:
  Floor(int listener, size_t lines, const std::string& reply)
      : listener_(listener), lines_(lines), reply_(reply.size()), epoll_(epoll_create1(0)) {
    const size_t copies = std::max<size_t>(1, (256 << 10) / reply.size());
    for (size_t i = 0; i < copies; ++i) replies_ += reply;
    watch(listener_, EPOLL_CTL_ADD, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    while (true) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<size_t>(i)].data.fd;
        if (fd == listener_)
          accept_one();
        else if (events[static_cast<size_t>(i)].events & EPOLLOUT)
          answer(fd);
        else
          read_from(fd);
      }
    }
  }

 private:
  void watch(int fd, int operation, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    epoll_ctl(epoll_, operation, fd, &event);
  }

  void accept_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK), yes = 1;
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (conns_.size() <= static_cast<size_t>(fd)) conns_.resize(static_cast<size_t>(fd) + 1);
    conns_[static_cast<size_t>(fd)] = {};
    watch(fd, EPOLL_CTL_ADD, EPOLLIN);
  }

  void read_from(int fd) {
    const ssize_t n = read(fd, buffer_.data(), buffer_.size());
    if (n <= 0) {
      if (n == 0 || errno != EAGAIN) close(fd);
      return;
    }
    Conn& conn = conns_[static_cast<size_t>(fd)];
    conn.lines += static_cast<size_t>(std::count(buffer_.data(), buffer_.data() + n, '\n'));
    conn.owed += conn.lines / lines_;
    conn.lines %= lines_;
    if (conn.owed > 0) answer(fd);
  }

  void answer(int fd) {
    Conn& conn = conns_[static_cast<size_t>(fd)];
    while (conn.owed > 0) {
      const size_t size = std::min(replies_.size(), conn.owed * reply_) - conn.at;
      const ssize_t n = send(fd, replies_.data() + conn.at, size, MSG_NOSIGNAL);
      if (n < 0 && errno == EAGAIN) {
        if (!conn.blocked) watch(fd, EPOLL_CTL_MOD, EPOLLOUT);
        conn.blocked = true;
        return;
      }
      if (n < 0) {
        close(fd);
        return;
      }
      conn.at += static_cast<size_t>(n);
      conn.owed -= conn.at / reply_;
      conn.at %= reply_;
    }
    if (conn.blocked) watch(fd, EPOLL_CTL_MOD, EPOLLIN);
    conn.blocked = false;
  }

  int listener_;
  size_t lines_, reply_;
  std::string replies_;
  std::array<char, 256 << 10> buffer_;
  std::vector<Conn> conns_;
  int epoll_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: floor PORT|unix:PATH LINES-A-REQUEST REPLY-FILE\n");
    return 2;
  }
  std::ifstream file(argv[3], std::ios::binary);
  const std::string reply{std::istreambuf_iterator<char>(file), {}};
  if (reply.empty()) fail(argv[3]);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  static Floor floor(listen_on(argv[1]), static_cast<size_t>(std::stoul(argv[2])), reply);
  floor.run();
}

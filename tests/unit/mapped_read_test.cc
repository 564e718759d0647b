// SPDX-License-Identifier: MIT
// A mapped file that is cut while clients of a loop are answered from it.
#include "core/request/mapped_read.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "core/request/connection.h"
#include "tests/unit/batch_room.hpp"
#include "tests/unit/sigbus_once.hpp"

using namespace goromdb;
using test::fake_count;

namespace {

constexpr size_t kPage = 4096;

// A file of `pages` pages for the storage that maps it; the value of "key" is its first `n` bytes.
std::string mapped_file(size_t n, size_t pages) {
  auto content = "mapped " + std::to_string(n) + " ";
  content.resize(pages * kPage, 'x');
  return content;
}

void cut(const std::string& path, size_t pages) {
  REQUIRE(::truncate(path.c_str(), static_cast<off_t>(pages * kPage)) == 0);
}

// The loop runs when the test says so, and its clients come by socket pairs.
struct ReadRoom : test::BatchRoom {
  ReadRoom() {
    test::handle_sigbus_once();
    listening.push_back(std::unique_ptr<Listening>(
        new Listening{config.listeners[0], *protocol, *Address::parse("unix:none")}));
  }
  ~ReadRoom() { test::before_replies(nullptr); }

  void turn(int times = 1) {
    for (int i = 0; i < times; ++i) {
      uv_run(loop->uv(), UV_RUN_NOWAIT);
      loop->answer_waiting();
    }
  }
  Generation& generation() { return *loop->view_of(*listening[0], 0)->generation; }
};

struct Peer {
  explicit Peer(ReadRoom& room) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    end = Fd(ends[0]);
    auto connection = std::make_unique<Connection>(*room.loop, *room.listening[1]);
    REQUIRE(connection->open(Fd(ends[1])));
    auto* const open = connection.get();
    room.loop->add(std::move(connection));
    open->start();
  }
  void send(const std::string& text) const {
    REQUIRE(::send(end.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  // What has come since; "!" at its end where the connection has been closed.
  std::string received() const {
    std::string text;
    char bytes[4096];
    for (;;) {
      const auto n = ::recv(end.get(), bytes, sizeof bytes, MSG_DONTWAIT);
      if (n <= 0) return n == 0 ? text + "!" : text;
      text.append(bytes, static_cast<size_t>(n));
    }
  }

  Fd end;
};

}  // namespace

TEST_CASE("of a cut file a batch copies so many bytes of values and no more") {
  ReadRoom room;
  constexpr size_t kValue = size_t{1} << 20, kPages = kValue / kPage;
  room.adopt(0, mapped_file(kValue, kPages + 2));
  std::string get = "get 0";
  for (int i = 0; i < 70; ++i) get += " key";
  const auto faults_of = [](const std::string& reply) {
    size_t faults = 0;
    for (auto at = reply.find("fault"); at != reply.npos; at = reply.find("fault", at + 1)) {
      ++faults;
    }
    return faults;
  };
  const auto whole = room.ask(get + "\n");
  CHECK(whole.size() == 70 * kValue + 70);
  CHECK(faults_of(whole) == 0);
  cut(room.generation().facts().path, kPages + 1);
  const auto faults = faults_of(room.ask(get + "\n"));
  CHECK(faults >= 6);
  CHECK(faults <= 8);  // 64 MiB and what the arena needs beside the values
  CHECK(faults_of(room.ask("get 0 key\n")) == 0);
}

TEST_CASE("a walk that is left at a lost page is closed with its cursor") {
  ReadRoom room;
  room.adopt(0, mapped_file(10, 2));
  const int before = fake_count("open_cursors");
  const Peer peer(room);
  peer.send("walk 0 - 10 0\n");
  room.turn(3);
  CHECK(test::contains(peer.received(), "key key"));
  cut(room.generation().facts().path, 1);
  peer.send("walk 0 - 10 0\n");
  room.turn(3);
  CHECK(peer.received() == "!");
  CHECK(fake_count("open_cursors") == before);
  CHECK(room.generation().is_bad());
}

TEST_CASE("a walk of an older data set that is left at a lost page shows that its file was cut") {
  ReadRoom room;
  room.adopt(0, mapped_file(10, 2), "old.db");
  const Peer peer(room);
  peer.send("walk 0 a 1 0\n");
  room.turn(3);
  CHECK(test::contains(peer.received(), "key"));
  const auto old = room.loop->view_of(*room.listening[0], 0)->generation;
  room.adopt(0, "V");
  room.turn(3);
  CHECK(test::contains(peer.received(), "key"));
  CHECK_FALSE(old->file().is_damaged());
  cut(old->facts().path, 1);
  room.turn(3);
  CHECK(peer.received() == "!");
  CHECK(old->file().is_damaged());
  CHECK_FALSE(room.generation().is_bad());
}

TEST_CASE(
    "of the clients that are answered together only the one whose reply a cut hit is closed") {
  ReadRoom room;
  room.adopt(0, mapped_file(10, 2));
  static std::string path;
  path = room.generation().facts().path;
  const Peer first(room), second(room), third(room);
  for (const auto* each : {&first, &second, &third}) each->send("get 0 key\n");
  test::before_replies([] {
    cut(path, 1);
    test::before_replies(nullptr);
  });
  const int before = fake_count("get_calls");
  room.turn(3);
  const std::string replies[] = {first.received(), second.received(), third.received()};
  CHECK(std::count(std::begin(replies), std::end(replies), "!") == 1);
  CHECK(std::count(std::begin(replies), std::end(replies), "mapped 10 \n") == 2);
  CHECK(fake_count("get_calls") == before + 3);
  CHECK(room.generation().is_bad());
}

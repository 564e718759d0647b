// SPDX-License-Identifier: MIT
// One client: its socket, half a request, unsent replies and the protocol's state. Belongs to its
// loop.
#pragma once

#include <uv.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/plugin/plugin_host.h"
#include "core/request/loop.h"
#include "core/request/walk.h"

namespace goromdb {

// A client that does not read is not read from: while replies are unsent, nothing more is parsed,
// so a connection holds at most one batch of replies.
class Connection {
 public:
  Connection(Loop& loop, const Listening& listening);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  uv_stream_t* stream() { return &handle_.stream; }
  // One of the two, before start(): a client that the listener's socket has, or one that another
  // loop accepted. False: there is none.
  bool accept(uv_stream_t* server);
  bool open(Fd socket);
  void start();
  // Says that there are too many connections, in the protocol's words, and closes.
  void turn_away();
  void close();
  // The server has said all it will: the client is shown the end, and what it still sends is thrown
  // away for a moment. Closing at once would make the kernel discard the reply as well.
  void linger();
  bool lingering() const { return lingering_; }

  // Tells the client that its listener's database `index` has a new generation, if its protocol has
  // words for that: at once, or when its replies have been sent.
  void announce(uint32_t index);
  // Goes on with the walk by one slice, or with requests that have waited for the others' turn.
  void take_turn();

  // Sends the replies to what it has read, which is the batch's part `index`.
  void answer_waiting(size_t index);

  // Whether its unsent replies, or its walk, need the view's generation.
  bool keeps(const LoopView* view) const;

  // Has replies to come.
  bool writing() const {
    return unsent_ != nullptr || in_flight_ || walk_ != nullptr || requests_wait_ || waiting_;
  }
  uint64_t idle_ms() const;
  const Listening& listening() const { return listening_; }
  Client client() const { return {listening_, state(), this, number_}; }
  // Of one that has been accepted. Its own loop, or another that holds the list's lock.
  Loop::ConnectionFacts facts() const;
  size_t place = 0;  // in the loop's list

 private:
  static Connection* self(void* handle_data) { return static_cast<Connection*>(handle_data); }
  void note_peer();
  void on_alloc(uv_buf_t* buf);
  void on_read(ssize_t nread, const uv_buf_t* buf);
  size_t process(const uint8_t* data, size_t len, bool may_wait);
  void keep(const uint8_t* rest, size_t len);
  void process_kept();
  template <class Body>
  Batch::Answered guarded(Body&& body);
  bool unsent_is_whole();
  void flush();
  void send_slice();
  void on_written(int status);
  void end_if_stopping();
  void read_start();
  void read_on();
  void say_announcements();
  void end_walk();
  std::byte* state() const { return protocol_state_.get() + sizeof(ConnHead); }

  union Handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };

  struct Slice {
    uv_write_t request{};
    std::vector<char> bytes;
  };

  Loop& loop_;
  const Listening& listening_;
  Handle handle_{};
  std::string peer_, label_;  // read by other loops' `stats conns`
  const uint64_t number_, began_ms_;
  int fd_ = -1;
  std::unique_ptr<std::byte[]> protocol_state_;  // a ConnHead, then the protocol's
  std::unique_ptr<Loop::Input> input_;           // half a request
  std::unique_ptr<Outbox> unsent_;               // replies that the kernel did not take at once
  std::unique_ptr<Slice> slice_;                 // of them: libuv waits with it
  std::unique_ptr<Walk> walk_;             // what the latest request asked for; its view is pinned
  std::vector<uint32_t> to_be_announced_;  // databases, each once
  bool requests_wait_ = false;             // in input_, for the connection's next turn
  bool waiting_ = false;                   // for answer_waiting()
  bool in_flight_ = false, closing_ = false, close_when_sent_ = false, lingering_ = false;
  std::atomic<uint64_t> last_active_ms_;
};

}  // namespace goromdb

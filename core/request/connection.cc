// SPDX-License-Identifier: MIT
#include "core/request/connection.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>

#include "core/request/mapped_read.h"

namespace goromdb {
namespace {

// Replies are sent when so many bytes have gathered, even if more requests wait.
constexpr size_t kFlushAt = size_t{256} << 10;
// A request that is longer than this is no request. Protocols have lower limits of their own.
constexpr size_t kMaxInput = size_t{64} << 20;
// What one connection sends before others have their turn.
constexpr size_t kTurn = size_t{1} << 20;
// Bytes of requests that are worked off in a moment.
constexpr size_t kLittle = size_t{4} << 10;
constexpr unsigned kKeepaliveS = 60;
constexpr size_t kSlice = size_t{64} << 10;
// A client whose requests have taken so long lets others have their turn.
constexpr uint64_t kLongTurnNs = 5'000'000;
constexpr size_t kMaxLabel = 256;

}  // namespace

Connection::Connection(Loop& loop, const Listening& listening)
    : loop_(loop),
      listening_(listening),
      number_(++loop.house().last_connection),
      began_ms_(loop.now_ms()),
      protocol_state_(
          std::make_unique<std::byte[]>(sizeof(ConnHead) + listening.protocol.ops().conn_size)),
      last_active_ms_(loop.now_ms()) {
  const auto set_label = [](void* owner, std::string_view label) {
    auto* connection = self(owner);
    connection->loop_.set_label(connection->label_, label.substr(0, kMaxLabel));
  };
  new (protocol_state_.get()) ConnHead{set_label, this};
  if (listening.address.is_unix()) {
    uv_pipe_init(loop.uv(), &handle_.pipe, 0);
  } else {
    uv_tcp_init(loop.uv(), &handle_.tcp);
  }
  handle_.handle.data = this;
}

Connection::~Connection() {
  const auto& protocol = listening_.protocol;
  if (protocol.ops().conn_end != nullptr) protocol.ops().conn_end(protocol.self(), state());
}

bool Connection::accept(uv_stream_t* server) {
  if (uv_accept(server, stream()) != 0) return false;
  note_peer();
  return true;
}

bool Connection::open(Fd socket) {
  if (!socket) return false;
  const int opened = listening_.address.is_unix() ? uv_pipe_open(&handle_.pipe, socket.get())
                                                  : uv_tcp_open(&handle_.tcp, socket.get());
  if (opened != 0) return false;
  socket.release();
  note_peer();
  return true;
}

void Connection::note_peer() {
  sockaddr_storage address{};
  int length = sizeof address;
  if (!listening_.address.is_unix()) {
    uv_tcp_getpeername(&handle_.tcp, reinterpret_cast<sockaddr*>(&address), &length);
  }
  peer_ = listening_.address.is_unix() ? listening_.address.text() : text_of(address);
  uv_fileno(&handle_.handle, &fd_);
}

void Connection::start() {
  if (!listening_.address.is_unix()) {
    uv_tcp_nodelay(&handle_.tcp, 1);
    uv_tcp_keepalive(&handle_.tcp, 1, kKeepaliveS);  // a host that vanished must not stay for ever
  }
  read_start();
}

void Connection::read_start() {
  uv_read_start(
      stream(),
      [](uv_handle_t* handle, size_t, uv_buf_t* buf) { self(handle->data)->on_alloc(buf); },
      [](uv_stream_t* stream, ssize_t nread, const uv_buf_t* buf) {
        self(stream->data)->on_read(nread, buf);
      });
}

void Connection::turn_away() {
  auto& ops = listening_.protocol.ops();
  if (ops.turn_away != nullptr) {
    Outbox& out = loop_.outbox();
    if (ops.turn_away(listening_.protocol.self(), GOROMDB_TURNED_AWAY_FULL, out.sink()) ==
        GOROMDB_OK) {
      out.seal();
      auto segments = out.segments();
      uv_try_write(stream(), segments.data(), static_cast<unsigned>(segments.size()));
    }
    out.reset();
  }
  close();
}

void Connection::close() {
  if (closing_) return;
  closing_ = true;
  uv_close(&handle_.handle, [](uv_handle_t* handle) {
    auto* connection = self(handle->data);
    connection->loop_.remove(connection);
  });
  loop_.leave_line(this);
  if (walk_) end_walk();
  if (unsent_) loop_.give_back(std::move(unsent_));
  if (input_) loop_.give_back(std::move(input_));
}

void Connection::linger() {
  if (closing_) return;
  lingering_ = true;
  last_active_ms_ = loop_.now_ms();
  auto* request = new uv_shutdown_t;
  if (uv_shutdown(request, stream(), [](uv_shutdown_t* done, int) { delete done; }) != 0) {
    delete request;
    close();
  }
}

Loop::ConnectionFacts Connection::facts() const {
  const uint64_t now = uv_hrtime() / 1'000'000;
  return {number_,   peer_, listening_.address.text(), fd_, now - std::min(now, began_ms_),
          idle_ms(), label_};
}

uint64_t Connection::idle_ms() const {
  const uint64_t now = uv_hrtime() / 1'000'000, then = last_active_ms_;
  return now > then ? now - then : 0;
}

void Connection::on_alloc(uv_buf_t* buf) {
  if (!input_) {
    *buf = loop_.read_buffer();
    return;
  }
  if (input_->capacity - input_->len < input_->capacity / 4) {
    auto larger = loop_.take_input(input_->capacity * 2);
    std::memcpy(larger->bytes.get(), input_->bytes.get(), input_->len);
    larger->len = input_->len;
    loop_.give_back(std::exchange(input_, std::move(larger)));
  }
  const size_t room = std::min(input_->capacity - input_->len, Loop::kReadBuffer);
  *buf = uv_buf_init(reinterpret_cast<char*>(input_->bytes.get() + input_->len),
                     static_cast<unsigned>(room));
}

void Connection::on_read(ssize_t nread, const uv_buf_t* buf) {
  if (nread == 0) return;                // EAGAIN
  if (waiting_) loop_.answer_waiting();  // a second event in one turn of the loop
  if (nread < 0) return close();
  if (lingering_ || closing_) return;
  const auto n = static_cast<size_t>(nread);
  last_active_ms_.store(loop_.now_ms(), std::memory_order_relaxed);
  loop_.house().metrics.add(kBytesRead, loop_.index(), nread);
  const auto* data = reinterpret_cast<const uint8_t*>(buf->base);
  const bool more = n == buf->len;  // libuv reads on at once
  // Those with little to do do not wait for one who may have much.
  if (input_ || more || n > kLittle) loop_.answer_waiting();
  if (input_) {
    input_->len += n;
    process_kept();
  } else if (unsent_) {
    keep(data, n);
  } else {
    const size_t used = process(data, n, !more);
    if (used < n && !closing_) keep(data + used, n - used);
  }
  end_if_stopping();
}

void Connection::answer_waiting(size_t index) {
  waiting_ = false;
  if (closing_) return;
  const auto answered =
      guarded([&] { return loop_.batch().answer_waiting(index, loop_.outbox()); });
  if (answered == Batch::Answered::kClose) close_when_sent_ = true;
  flush();
  if (!to_be_announced_.empty() && !writing()) say_announcements();
  end_if_stopping();
}

// The server stops: who has all its replies is let go, and asks the next server from now on.
void Connection::end_if_stopping() {
  if (!loop_.shutting_down() || closing_ || lingering_ || writing() || input_) return;
  int waiting = 0;  // requests that the client has sent already are answered
  uv_os_fd_t fd;
  if (uv_fileno(&handle_.handle, &fd) == 0) ioctl(fd, FIONREAD, &waiting);
  if (waiting == 0) linger();
}

void Connection::keep(const uint8_t* rest, size_t len) {
  input_ = loop_.take_input(len * 2);
  std::memcpy(input_->bytes.get(), rest, len);
  input_->len = len;
}

void Connection::process_kept() {
  const size_t used = process(input_->bytes.get(), input_->len, false);
  if (closing_) return;
  if (used == input_->len) {
    loop_.give_back(std::move(input_));
    return;
  }
  std::memmove(input_->bytes.get(), input_->bytes.get() + used, input_->len - used);
  input_->len -= used;
  if (input_->len >= kMaxInput) close();
}

// Answers complete requests; returns how many bytes of them have been dealt with. may_wait: `data`
// lies in the loop's read buffer, and nothing else will be read before all that wait are answered.
size_t Connection::process(const uint8_t* data, size_t len, bool may_wait) {
  auto& batch = loop_.batch();
  uint64_t turn_began_ns = 0;
  size_t used = 0;
  while (used < len) {
    auto parsed = batch.parse(client(), data + used, len - used);
    used += parsed.consumed;
    if (may_wait && used == len && parsed.status >= 0 && batch.may_wait(listening_)) {
      waiting_ = true;
      loop_.wait(this, data + len);
      return used;
    }
    may_wait = false;
    auto answered = Batch::Answered::kAll;
    if (!batch.empty()) answered = guarded([&] { return batch.answer(client(), loop_.outbox()); });
    if (answered == Batch::Answered::kWalking) {
      walk_ = batch.take_walk();
      loop_.pin(walk_->view());
      loop_.line_up(this);
      uv_read_stop(stream());
      break;
    }
    if (answered == Batch::Answered::kClose || parsed.status < 0) close_when_sent_ = true;
    if (close_when_sent_) {
      used = len;
      break;
    }
    const bool stuck = batch.empty() && parsed.consumed == 0;
    if (parsed.status == GOROMDB_NEED_MORE || stuck) break;
    if (loop_.outbox().size() >= kFlushAt) {
      flush();
      if (unsent_ || closing_) return used;
    }
    if (turn_began_ns == 0) turn_began_ns = batch.began_ns();
    if (used < len && uv_hrtime() - turn_began_ns > kLongTurnNs) {
      requests_wait_ = true;
      loop_.line_up(this);
      uv_read_stop(stream());
      break;
    }
  }
  flush();
  return used;
}

// Runs `body`, which writes replies. Where a mapped file was cut meanwhile none of what waits in
// the outbox is to be trusted: nothing of it is sent.
template <class Body>
Batch::Answered Connection::guarded(Body&& body) {
  Outbox& out = loop_.outbox();
  auto answered = Batch::Answered::kClose;
  if (read_guarded(out.views, [&] { answered = body(); })) return answered;
  auto views = loop_.views_of(listening_);     // it may have been left at a name, not a value
  if (walk_) views.push_back(&walk_->view());  // perhaps of an older generation
  look_at_files(views);
  loop_.batch().take_walk().reset();
  loop_.batch().forget_lost();
  out.reset();
  return Batch::Answered::kClose;
}

// The kernel reads from the mapped files, too.
bool Connection::unsent_is_whole() {
  return read_guarded(unsent_->views, [] {});
}

void Connection::flush() {
  Outbox& out = loop_.outbox();
  const bool whole = !out.failed();
  out.seal();
  const size_t size = out.size();
  while (whole && !out.segments().empty()) {
    auto segments = out.segments();
    int sent = UV_EAGAIN;
    if (size - out.size() < kTurn) {
      sent = uv_try_write(stream(), segments.data(), static_cast<unsigned>(segments.size()));
    }
    if (sent == UV_EAGAIN) {
      uv_read_stop(stream());
      unsent_ = loop_.detach_outbox();
      loop_.house().metrics.add(kBytesWritten, loop_.index(), static_cast<int64_t>(size));
      return send_slice();
    }
    if (sent < 0) {
      close();
      break;
    }
    out.advance(static_cast<size_t>(sent));
  }
  loop_.house().metrics.add(kBytesWritten, loop_.index(), static_cast<int64_t>(size));
  out.views.clear();
  out.reset();
  if (!whole) return close();
  // Without a last word there is nothing that could get lost.
  if (close_when_sent_) {
    size > 0 ? linger() : close();
  }
}

// The kernel is full: hand libuv a slice of our own memory to wait with, so that it never holds on
// to memory of a generation. on_written() goes on when that has been taken.
void Connection::send_slice() {
  const auto& front = unsent_->segments().front();
  const size_t n = std::min<size_t>(front.len, kSlice);
  if (!slice_) slice_ = std::make_unique<Slice>();
  slice_->bytes.reserve(n);  // what is left at a lost page holds no memory of its own
  const bool is_whole =
      read_guarded(unsent_->views, [&] { slice_->bytes.assign(front.base, front.base + n); });
  if (!is_whole) return close();
  unsent_->advance(n);
  uv_buf_t slice = uv_buf_init(slice_->bytes.data(), static_cast<unsigned>(n));
  slice_->request.data = this;
  in_flight_ = true;
  int status = uv_write(&slice_->request, stream(), &slice, 1,
                        [](uv_write_t* req, int result) { self(req->data)->on_written(result); });
  if (status != 0) {
    in_flight_ = false;
    close();
  }
}

void Connection::on_written(int status) {
  in_flight_ = false;
  if (closing_) return;
  if (status != 0) return close();
  last_active_ms_.store(loop_.now_ms(), std::memory_order_relaxed);
  const size_t size = unsent_->size();
  if (!unsent_is_whole()) return close();
  while (!unsent_->segments().empty()) {
    auto segments = unsent_->segments();
    int sent = UV_EAGAIN;
    if (size - unsent_->size() < kTurn) {
      sent = uv_try_write(stream(), segments.data(), static_cast<unsigned>(segments.size()));
    }
    if (sent == UV_EAGAIN) return send_slice();
    if (sent < 0) return close();
    unsent_->advance(static_cast<size_t>(sent));
  }
  slice_.reset();
  loop_.give_back(std::move(unsent_));
  if (close_when_sent_) {
    linger();
    return read_start();
  }
  if (walk_ || requests_wait_) return loop_.line_up(this);
  read_on();
}

// Every reply has been sent.
void Connection::read_on() {
  say_announcements();
  if (closing_) return;
  if (close_when_sent_) {
    if (!unsent_) read_start();
    return;
  }
  if (input_ && !unsent_) process_kept();
  if (!writing() && !closing_) read_start();
  end_if_stopping();
}

// ---- walks ----

void Connection::take_turn() {
  if (closing_) return;
  if (unsent_) return loop_.leave_line(this);  // until it has been sent
  if (!walk_) {
    loop_.leave_line(this);
    requests_wait_ = false;
    return read_on();
  }
  last_active_ms_.store(loop_.now_ms(), std::memory_order_relaxed);
  const auto answered =
      guarded([&] { return loop_.batch().walk_on(client(), *walk_, loop_.outbox()); });
  if (answered == Batch::Answered::kClose) close_when_sent_ = true;
  flush();  // what has been written may lie in the walk's generation, which goes with the walk
  if (closing_) return;
  if (answered != Batch::Answered::kWalking) end_walk();
  if (unsent_) return loop_.leave_line(this);
  if (close_when_sent_) return read_start();
  if (!walk_) read_on();
}

void Connection::end_walk() {
  loop_.leave_line(this);
  auto walk = std::move(walk_);
  LoopView& view = walk->view();
  walk.reset();  // its cursor goes before the view's reader
  loop_.unpin(view);
}

// ---- announcements ----

void Connection::announce(uint32_t index) {
  const bool ending = closing_ || close_when_sent_ || lingering_;
  if (listening_.protocol.ops().announce == nullptr || ending) return;
  if (std::find(to_be_announced_.begin(), to_be_announced_.end(), index) ==
      to_be_announced_.end()) {
    to_be_announced_.push_back(index);
  }
  if (!writing()) say_announcements();
}

void Connection::say_announcements() {
  if (to_be_announced_.empty() || closing_ || lingering_) return;
  const auto& protocol = listening_.protocol;
  for (const uint32_t index : to_be_announced_) {
    goromdb_event event{};
    event.struct_size = sizeof event;
    event.kind = GOROMDB_EVENT_ADOPTED;
    event.database = index;
    event.loop = loop_.index();
    event.generation = loop_.view_of(listening_, index)->generation->id();
    event.database_name = listening_.database_names[index];
    if (protocol.ops().announce(protocol.self(), state(), &event, loop_.outbox().sink()) !=
        GOROMDB_OK) {
      close_when_sent_ = true;
    }
  }
  to_be_announced_.clear();
  flush();
}

bool Connection::keeps(const LoopView* view) const {
  if (walk_ && &walk_->view() == view) return true;
  return unsent_ &&
         std::find(unsent_->views.begin(), unsent_->views.end(), view) != unsent_->views.end();
}

}  // namespace goromdb

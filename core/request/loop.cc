// SPDX-License-Identifier: MIT
#include "core/request/loop.h"

#include <fcntl.h>
#include <pthread.h>

#include <algorithm>

#include "core/base/units.h"
#include "core/request/connection.h"

namespace goromdb {
namespace {

constexpr int kBacklog = 1024;
constexpr uint64_t kTickMs = 500;
constexpr uint64_t kLingerMs = 500;
// A connection that has been silent for so long while the server stops has no reply in flight.
constexpr uint64_t kQuietMs = 100;
constexpr size_t kSpares = 16;
constexpr size_t kSmallestInput = 4096, kLargestSpareInput = size_t{256} << 10;

}  // namespace

struct Loop::Listener {
  Loop& loop;
  const Listening& listening;
  Fd socket;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
};

Loop::Loop(uint32_t index, House& house, std::vector<Fd> sockets)
    : index_(index),
      house_(house),
      mailbox_((uv_loop_init(&uv_), &uv_)),
      views_(house.config.databases.size()),
      batch_(*this),
      outbox_(std::make_unique<Outbox>()),
      read_buffer_(std::make_unique<char[]>(2 * kReadBuffer)) {
  for (size_t i = 0; i < sockets.size(); ++i) {
    listeners_.push_back(std::unique_ptr<Listener>(
        new Listener{*this, *house.listening[i], std::move(sockets[i]), {}}));
  }
  uv_timer_init(&uv_, &tick_timer_);
  tick_timer_.data = this;
  uv_idle_init(&uv_, &turn_idle_);
  turn_idle_.data = this;
  uv_check_init(&uv_, &waiting_check_);
  waiting_check_.data = this;
}

Loop::~Loop() { uv_loop_close(&uv_); }

void Loop::start() {
  thread_ = std::thread([this] { run(); });
}

void Loop::run() {
  pthread_setname_np(pthread_self(), "goromdb-loop");
  uint64_t interval = kTickMs;
  for (const int64_t limit :
       {house_.config.server.idle_timeout_ms, house_.config.server.drain_timeout_ms}) {
    if (limit > 0) interval = std::clamp<uint64_t>(static_cast<uint64_t>(limit) / 4, 10, interval);
  }
  uv_timer_start(
      &tick_timer_, [](uv_timer_t* timer) { static_cast<Loop*>(timer->data)->tick(); }, interval,
      interval);
  uv_check_start(&waiting_check_,
                 [](uv_check_t* check) { static_cast<Loop*>(check->data)->answer_waiting(); });
  uv_run(&uv_, UV_RUN_DEFAULT);
}

Result<void> Loop::listen() {
  for (auto& listener : listeners_) {
    const bool is_unix = listener->listening.address.is_unix();
    if (is_unix) {
      uv_pipe_init(&uv_, &listener->pipe, 0);
      uv_pipe_open(&listener->pipe, listener->socket.release());
    } else {
      uv_tcp_init(&uv_, &listener->tcp);
      uv_tcp_open(&listener->tcp, listener->socket.release());
    }
    listener->handle.data = listener.get();
    const int listening =
        uv_listen(&listener->stream, kBacklog, [](uv_stream_t* server, int status) {
          const auto& self = *static_cast<Listener*>(server->data);
          if (status == 0) self.loop.accept(self.listening, server);
        });
    if (listening != 0) {
      return fail(fmt::format("cannot listen on {}: {}", listener->listening.address.text(),
                              uv_strerror(listening)));
    }
  }
  return {};
}

// ---- connections ----

// The kernel spreads connections over the loops by a hash, unevenly when they are few: the loop
// that accepts one gives it to the loop that has the fewest.
Loop& Loop::emptiest() {
  Loop* found = this;
  for (auto* loop : house_.loops) {
    if (loop->clients_ < found->clients_) found = loop;
  }
  return *found;
}

void Loop::accept(const Listening& listening, uv_stream_t* server) {
  Loop& loop = emptiest();
  ++loop.clients_;
  if (&loop != this) return hand_over(listening, server, loop);
  auto owner = std::make_unique<Connection>(*this, listening);
  const bool open = owner->accept(server);
  welcome(std::move(owner), open);
}

// libuv accepts into a handle of this loop; the other gets a descriptor of its own.
void Loop::hand_over(const Listening& listening, uv_stream_t* server, Loop& to) {
  auto* handle = new uv_any_handle;
  if (listening.address.is_unix()) {
    uv_pipe_init(&uv_, &handle->pipe, 0);
  } else {
    uv_tcp_init(&uv_, &handle->tcp);
  }
  uv_os_fd_t accepted = -1;
  uv_accept(server, &handle->stream);
  uv_fileno(&handle->handle, &accepted);
  const auto socket = std::make_shared<Fd>(fcntl(accepted, F_DUPFD_CLOEXEC, 0));
  uv_close(&handle->handle,
           [](uv_handle_t* closed) { delete reinterpret_cast<uv_any_handle*>(closed); });
  to.post([&to, &listening, socket] {
    if (to.finished_) return;
    auto owner = std::make_unique<Connection>(to, listening);
    const bool open = owner->open(std::move(*socket));
    to.welcome(std::move(owner), open);
  });
}

void Loop::welcome(std::unique_ptr<Connection> owner, bool open) {
  auto* connection = owner.get();
  add(std::move(owner));
  house_.metrics.add(kConnectionsTotal, index_, open);
  if (!open) {
    connection->close();
  } else if (house_.connections > house_.max_connections) {
    house_.metrics.add(kConnectionsRejected, index_, 1);
    connection->turn_away();
  } else {
    connection->start();
  }
}

void Loop::add(std::unique_ptr<Connection> connection) {
  ++house_.connections;
  std::lock_guard lock(connections_mutex_);
  connection->place = connections_.size();
  connections_.push_back(connection.release());
}

void Loop::remove(Connection* connection) {
  std::unique_ptr<Connection> owner(connection);
  --house_.connections;
  --clients_;
  std::lock_guard lock(connections_mutex_);
  connections_.back()->place = connection->place;
  connections_[connection->place] = connections_.back();
  connections_.pop_back();
}

void Loop::list_connections(std::vector<ConnectionFacts>& out) {
  std::lock_guard lock(connections_mutex_);
  for (const auto* connection : connections_) out.push_back(connection->facts());
}

void Loop::set_label(std::string& label, std::string_view text) {
  std::lock_guard lock(connections_mutex_);
  label = text;
}

// ---- generations ----

void Loop::adopt(uint32_t database, std::shared_ptr<Generation> generation,
                 std::function<void()> on_released) {
  auto view = std::make_unique<LoopView>();
  view->reader = generation->reader(index_);
  view->generation = std::move(generation);
  auto old = std::exchange(views_[database], std::move(view));
  announce(database);
  if (!old) return on_released();
  old->on_released = std::move(on_released);
  if (old->pins == 0) return release(std::move(old));
  old->retired = true;
  old->drain_by_ms = now_ms() + static_cast<uint64_t>(house_.config.server.drain_timeout_ms);
  retired_.push_back(std::move(old));
}

std::vector<LoopView*> Loop::views_of(const Listening& listening) const {
  std::vector<LoopView*> views;
  for (const uint32_t database : listening.config.databases) {
    if (views_[database]) views.push_back(views_[database].get());
  }
  return views;
}

void Loop::release(std::unique_ptr<LoopView> view) {
  view->generation->close_reader(index_);
  view->generation.reset();
  if (view->on_released) view->on_released();
}

void Loop::release_retired() {
  for (size_t i = 0; i < retired_.size();) {
    if (retired_[i]->pins > 0) {
      ++i;
      continue;
    }
    auto view = std::move(retired_[i]);
    retired_.erase(retired_.begin() + static_cast<ptrdiff_t>(i));
    release(std::move(view));
  }
}

void Loop::announce(uint32_t database) {
  for (auto* connection : connections_) {  // close() is not remove(): the list stays as it is
    const auto& databases = connection->listening().config.databases;
    for (uint32_t i = 0; i < databases.size(); ++i) {
      if (databases[i] == database) connection->announce(i);
    }
  }
}

// ---- reads that wait ----

void Loop::wait(Connection* connection, const uint8_t* end) {
  waiting_.push_back(connection);
  waiting_bytes_ = static_cast<size_t>(reinterpret_cast<const char*>(end) - read_buffer_.get());
  if (batch_.wait(connection->client()) || waiting_bytes_ > kReadBuffer) answer_waiting();
}

void Loop::answer_waiting() {
  if (waiting_.empty()) return;
  batch_.look_up_waiting();
  for (size_t i = 0; i < waiting_.size(); ++i) waiting_[i]->answer_waiting(i);
  batch_.forget_waiting();
  waiting_.clear();
  waiting_bytes_ = 0;
}

// ---- walks ----

void Loop::unpin(LoopView& view) {
  --view.pins;
  if (view.retired && view.pins == 0) release_retired();
}

void Loop::line_up(Connection* connection) {
  if (std::find(line_.begin(), line_.end(), connection) == line_.end()) {
    line_.push_back(connection);
  }
  uv_idle_start(&turn_idle_, [](uv_idle_t* idle) { static_cast<Loop*>(idle->data)->take_turns(); });
}

void Loop::leave_line(Connection* connection) {
  std::erase(line_, connection);
  if (line_.empty()) uv_idle_stop(&turn_idle_);
}

void Loop::take_turns() {
  const auto turn = line_;  // some leave, and others come
  for (auto* connection : turn) connection->take_turn();
}

// Slow clients have had their time: the old data set is to be closed.
void Loop::cut_late_readers() {
  std::vector<std::pair<const LoopView*, uint64_t>> late;  // a view goes with its last reader
  for (const auto& view : retired_) {
    if (now_ms() >= view->drain_by_ms) late.emplace_back(view.get(), view->generation->id());
  }
  for (const auto& [view, id] : late) {
    size_t cut = 0;
    for (auto* connection : connections_) {
      if (!connection->keeps(view)) continue;
      connection->close();
      ++cut;
    }
    if (cut == 0) continue;
    house_.metrics.add(kConnectionsCut, index_, static_cast<int64_t>(cut));
    house_.log->warn(
        "{} clients had not read their replies of generation {} after {} and were closed", cut, id,
        format_duration_ms(house_.config.server.drain_timeout_ms));
  }
}

std::unique_ptr<Outbox> Loop::detach_outbox() {
  std::unique_ptr<Outbox> next;
  if (spare_outboxes_.empty()) {
    next = std::make_unique<Outbox>();
  } else {
    next = std::move(spare_outboxes_.back());
    spare_outboxes_.pop_back();
  }
  auto out = std::exchange(outbox_, std::move(next));
  for (auto* view : out->views) ++view->pins;
  return out;
}

void Loop::unpin(Outbox& outbox) {
  bool retired = false;
  for (auto* view : outbox.views) {
    --view->pins;
    retired |= view->retired && view->pins == 0;
  }
  outbox.views.clear();
  if (retired) release_retired();
}

void Loop::give_back(std::unique_ptr<Outbox> outbox) {
  outbox->reset();
  unpin(*outbox);
  if (spare_outboxes_.size() < kSpares) spare_outboxes_.push_back(std::move(outbox));
}

std::unique_ptr<Loop::Input> Loop::take_input(size_t capacity) {
  std::unique_ptr<Input> input;
  if (spare_inputs_.empty()) {
    input = std::make_unique<Input>();
  } else {
    input = std::move(spare_inputs_.back());
    spare_inputs_.pop_back();
  }
  if (input->capacity < capacity) {
    input->capacity = std::max(capacity, kSmallestInput);
    input->bytes.reset(new uint8_t[input->capacity]);
  }
  input->len = 0;
  return input;
}

void Loop::give_back(std::unique_ptr<Input> input) {
  if (spare_inputs_.size() < kSpares && input->capacity <= kLargestSpareInput) {
    spare_inputs_.push_back(std::move(input));
  }
}

// ---- time and the end ----

void Loop::tick() {
  const auto idle_limit = static_cast<uint64_t>(house_.config.server.idle_timeout_ms);
  const auto stop_limit = static_cast<uint64_t>(house_.config.server.stop_timeout_ms);
  const bool late = shutting_down_ && now_ms() - shutdown_began_ms_ >= stop_limit;
  for (auto* connection : connections_) {  // close() is not remove(): the list stays as it is
    const uint64_t idle = connection->idle_ms();
    if (idle_limit > 0 && idle >= idle_limit) connection->close();
    if (connection->lingering() && idle >= kLingerMs) connection->close();
    if (shutting_down_ && ((!connection->writing() && idle >= kQuietMs) || late))
      connection->close();
  }
  if (!retired_.empty()) cut_late_readers();
  if (shutting_down_ && connections_.empty()) finish();
}

void Loop::shut_down() {
  post([this] { begin_shutdown(); });
}

void Loop::begin_shutdown() {
  shutting_down_ = true;
  shutdown_began_ms_ = now_ms();
  for (auto& listener : listeners_) uv_close(&listener->handle, nullptr);
  constexpr uint64_t kOften = 10;
  uv_timer_start(
      &tick_timer_, [](uv_timer_t* timer) { static_cast<Loop*>(timer->data)->tick(); }, kOften,
      kOften);
}

void Loop::finish() {
  finished_ = true;
  for (auto& view : views_) {
    if (view) release(std::move(view));
  }
  release_retired();
  uv_close(reinterpret_cast<uv_handle_t*>(&tick_timer_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&turn_idle_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&waiting_check_), nullptr);
  mailbox_.close();
}

}  // namespace goromdb

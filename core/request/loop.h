// SPDX-License-Identifier: MIT
// One event loop: a thread, its uv_loop, its connections and its readers. Loops share nothing that
// a request touches; docs/threads.md says who may call what.
#pragma once

#include <uv.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/base/config.h"
#include "core/base/mailbox.h"
#include "core/base/metrics.h"
#include "core/generation/generation.h"
#include "core/request/address.h"
#include "core/request/batch.h"
#include "core/request/outbox.h"
#include "core/request/positions.h"

namespace goromdb {

class Connection;
class Facts;
class Handler;
class HotKeys;
class Loop;

// A listener as it runs; shared by the loops, read-only once they run.
struct Listening {
  const ListenerConfig& config;
  Protocol& protocol;
  Address address;
  std::vector<goromdb_slice> database_names = {};  // as the protocol sees them; of the config
};

// What all loops share.
struct House {
  const Config& config;
  Metrics& metrics;
  Facts& facts;
  std::vector<std::unique_ptr<Listening>>& listening;
  std::shared_ptr<spdlog::logger> log;
  int64_t max_connections;  // what the config says, or what the descriptors allow
  std::atomic<int64_t> connections{0};
  std::atomic<uint64_t> last_connection{0};  // its number
  Positions positions{};
  std::vector<Loop*> loops{};        // before they run
  std::vector<HotKeys*> hot_keys{};  // by database; NULL: nobody wants to know
};

// A loop's own hold on a generation.
struct LoopView {
  std::shared_ptr<Generation> generation;
  goromdb_reader* reader = nullptr;
  uint32_t pins = 0;        // outboxes of slow clients that reference its values, and walks
  bool uses_arena = false;  // its storage has put values into a batch's arena
  bool retired = false;
  uint64_t drain_by_ms = 0;  // then clients that still keep it are closed
  std::function<void()> on_released;
  // What walks have counted: by namespace, and whether the names of namespaces count.
  std::map<std::pair<std::string, bool>, uint64_t> totals;
};

class Loop {
 public:
  // `sockets`: a bound socket for each listener.
  Loop(uint32_t index, House& house, std::vector<Fd> sockets);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Failure: another process began to listen on an address since it was bound.
  Result<void> listen();
  void start();
  void join() { thread_.join(); }

  // ---- any thread ----
  void post(std::function<void()> work) { mailbox_.post(std::move(work)); }
  // Stops accepting, lets replies in flight finish, ends the loop.
  void shut_down();
  struct ConnectionFacts {
    uint64_t number;
    std::string peer, listen;
    int fd;
    uint64_t age_ms, idle_ms;
    std::string label;  // what its protocol says of it
  };
  void list_connections(std::vector<ConnectionFacts>& out);

  // ---- on the loop's thread ----
  // From now on reads of `database` come from `generation`. on_released runs on this thread when
  // the loop has closed its reader of the generation before it.
  void adopt(uint32_t database, std::shared_ptr<Generation> generation,
             std::function<void()> on_released);
  LoopView* view_of(const Listening& listening, uint32_t database) {
    const auto& databases = listening.config.databases;
    return database < databases.size() ? views_[databases[database]].get() : nullptr;
  }
  // Of all of the listener's databases that have a data set.
  std::vector<LoopView*> views_of(const Listening& listening) const;
  uint32_t index() const { return index_; }
  House& house() { return house_; }
  uv_loop_t* uv() { return &uv_; }
  uint64_t now_ms() { return uv_now(&uv_); }
  Batch& batch() { return batch_; }
  bool shutting_down() const { return shutting_down_; }

  // The outbox that the current event writes to. detach: a slow client keeps it; the views that it
  // references are pinned until give_back().
  Outbox& outbox() { return *outbox_; }
  std::unique_ptr<Outbox> detach_outbox();
  void give_back(std::unique_ptr<Outbox> outbox);

  // A walk that goes on between events keeps its generation.
  void pin(LoopView& view) { ++view.pins; }
  void unpin(LoopView& view);
  // Who has more to do than others should wait for takes a turn, Connection::take_turn(), with each
  // turn of the loop, from line_up() until leave_line().
  void line_up(Connection* connection);
  void leave_line(Connection* connection);
  uint64_t random() { return random_(); }

  // Memory to read into, for connections without half a request.
  uv_buf_t read_buffer() { return uv_buf_init(read_buffer_.get() + waiting_bytes_, kReadBuffer); }
  // The batch's latest part is answered when all that this turn of the loop brought have been read:
  // Connection::answer_waiting(). Its input ends at `end`, in the read buffer.
  void wait(Connection* connection, const uint8_t* end);
  void answer_waiting();
  // Buffers for half requests, kept for the next one.
  struct Input {
    std::unique_ptr<uint8_t[]> bytes;
    size_t capacity = 0, len = 0;
  };
  std::unique_ptr<Input> take_input(size_t capacity);
  void give_back(std::unique_ptr<Input> input);

  void add(std::unique_ptr<Connection> connection);
  void remove(Connection* connection);  // destroys it
  // A connection's label changes under the lock with which other loops read it.
  void set_label(std::string& label, std::string_view text);

  static constexpr size_t kReadBuffer = size_t{64} << 10;

 private:
  struct Listener;
  void accept(const Listening& listening, uv_stream_t* server);
  void hand_over(const Listening& listening, uv_stream_t* server, Loop& to);
  void welcome(std::unique_ptr<Connection> owner, bool open);
  Loop& emptiest();
  void run();
  void begin_shutdown();
  void tick();
  void release(std::unique_ptr<LoopView> view);
  void release_retired();
  void cut_late_readers();
  void unpin(Outbox& outbox);
  void announce(uint32_t database);
  void take_turns();
  void finish();

  const uint32_t index_;
  House& house_;
  uv_loop_t uv_;
  Mailbox mailbox_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<LoopView>> views_;  // by database; empty before the first generation
  std::vector<std::unique_ptr<LoopView>> retired_;  // pinned by slow clients
  Batch batch_;
  std::unique_ptr<Outbox> outbox_;
  std::vector<std::unique_ptr<Outbox>> spare_outboxes_;
  std::vector<std::unique_ptr<Input>> spare_inputs_;
  std::unique_ptr<char[]> read_buffer_;  // what waits, at most kReadBuffer, and room for a read
  size_t waiting_bytes_ = 0;
  std::vector<Connection*> waiting_;  // of each of the batch's parts that wait
  uv_check_t waiting_check_;          // when a turn of the loop has brought all that it does
  uv_timer_t tick_timer_;
  uv_idle_t turn_idle_;  // runs while somebody is in line_
  std::vector<Connection*> line_;
  std::mt19937_64 random_{std::random_device()()};
  bool shutting_down_ = false, finished_ = false;
  uint64_t shutdown_began_ms_ = 0;

  std::mutex connections_mutex_;  // add, remove and list_connections; never on a request's path
  std::vector<Connection*> connections_;
  std::atomic<uint32_t> clients_{0};  // connections, with those that other loops have handed over

  std::thread thread_;
};

}  // namespace goromdb

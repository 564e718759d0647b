// SPDX-License-Identifier: MIT
#include "core/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>

#include "core/base/sigbus.h"
#include "core/base/units.h"

namespace goromdb {
namespace {

constexpr std::pair<int, const char*> kSignals[] = {
    {SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGHUP, "SIGHUP"}};

// As many descriptors as the machine allows; returns how many connections they are enough for, when
// loops, listeners and reloads have theirs.
int64_t raise_descriptor_limit(const Config& config) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return config.server.max_connections;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur == RLIM_INFINITY) return config.server.max_connections;
  const auto loops = config.server.threads;
  const auto reserve = 32 + 8 * loops +
                       static_cast<int64_t>(config.listeners.size()) * (loops + 1) +
                       static_cast<int64_t>(config.databases.size()) * 16;
  return std::max<int64_t>(1, static_cast<int64_t>(limit.rlim_cur) - reserve);
}

}  // namespace

// The threads that are started inherit the mask: signals are the main thread's.
void block_signals(bool block) {
  sigset_t set;
  sigemptyset(&set);
  for (const auto& [number, name] : kSignals) sigaddset(&set, number);
  pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, nullptr);
}

Server::Server(const Config& config, std::unique_ptr<Setup> setup)
    : config_(config),
      setup_(std::move(setup)),
      log_(logger_for("server")),
      mailbox_((uv_loop_init(&uv_), &uv_)),
      facts_(config, setup_->metrics_),
      house_{config, setup_->metrics_, facts_, listening_, log_, config.server.max_connections},
      signals_(std::size(kSignals)) {
  const auto loops = static_cast<uint32_t>(config.server.threads);
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    listening_.push_back(std::unique_ptr<Listening>(
        new Listening{config.listeners[i], *setup_->protocols_[i], setup_->addresses_[i]}));
    for (auto index : config.listeners[i].databases) {
      const auto& name = config.databases[index].name;
      listening_.back()->database_names.push_back({name.data(), name.size()});
    }
  }
  for (uint32_t i = 0; i < config.databases.size(); ++i) {
    handlers_.push_back(std::make_unique<Handler>(
        i, config.databases[i], std::move(setup_->storages_[i]), loops, &uv_, mailbox_,
        [this, i](auto adoptions) {
          group_of_[i] != nullptr ? group_of_[i]->adopt(std::move(adoptions))
                                  : adopt(std::move(adoptions));
        },
        [this] { on_ready(); }));
    handlers_.back()->count_faults_by([this](auto counted) { count_faults(std::move(counted)); });
    house_.hot_keys.push_back(handlers_.back()->hot_keys());
  }
  group_of_.resize(config.databases.size());
  for (const auto& group : config.groups) {
    std::vector<Handler*> members;
    for (const uint32_t index : group.databases) members.push_back(handlers_[index].get());
    groups_.push_back(
        std::make_unique<Group>(group, config.databases, std::move(members), &uv_,
                                [this](auto adoptions) { adopt(std::move(adoptions)); }));
    for (const uint32_t index : group.databases) group_of_[index] = groups_.back().get();
  }
}

Server::~Server() { close(); }

Result<void> Server::bind() {
  if (const auto enough = raise_descriptor_limit(config_); enough < house_.max_connections) {
    log_->warn(
        "the limit of open files is enough for {} connections, not for max_connections {}; raise "
        "it (ulimit -n, LimitNOFILE=)",
        enough, house_.max_connections);
    house_.max_connections = enough;
  }
  // A reader that went away or a limit on file sizes is an error to handle, not an end.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);  // a parent that ignores it hands that down: guards are waited for
  std::signal(SIGIO, SIG_IGN);  // a lease that is held for an instant (core/files/private_file.cc)
  handle_sigbus();
  for (auto& handler : handlers_) {
    if (auto locked = handler->lock(); !locked) return locked;
  }
  sockets_.resize(static_cast<size_t>(config_.server.threads));
  for (auto& listening : listening_) {
    auto first = listening->address.bind();
    if (!first) return tl::unexpected(first.error());
    sockets_[0].push_back(std::move(*first));
    for (size_t loop = 1; loop < sockets_.size(); ++loop) {
      // The loops share the one socket of a path: SO_REUSEPORT knows no paths.
      auto another = listening->address.is_unix() ? Result<Fd>(Fd(::dup(sockets_[0].back().get())))
                                                  : listening->address.bind_another();
      if (!another) return tl::unexpected(another.error());
      sockets_[loop].push_back(std::move(*another));
    }
  }
  return {};
}

Result<void> Server::run() {
  for (uint32_t i = 0; i < sockets_.size(); ++i) {
    loops_.push_back(std::make_unique<Loop>(i, house_, std::move(sockets_[i])));
    house_.loops.push_back(loops_.back().get());
  }
  facts_.show(handlers_, loops_, house_.connections);
  for (auto& loop : loops_) {
    if (auto listening = loop->listen(); !listening) return listening;
  }
  for (auto& loop : loops_) loop->start();
  watch_signals();
  block_signals(false);
  auto log = logger_for("listener");
  for (const auto& listening : listening_) {
    std::vector<std::string> names;
    for (auto index : listening->config.databases) names.push_back(config_.databases[index].name);
    log->info("listening on {} ({}; {})", listening->address.text(),
              listening->protocol.plugin().name(), join(names, ", "));
  }
  for (auto& handler : handlers_) handler->start();
  uv_run(&uv_, UV_RUN_DEFAULT);
  log_->info("stopped");
  return {};
}

void Server::watch_signals() {
  for (size_t i = 0; i < signals_.size(); ++i) {
    uv_signal_init(&uv_, &signals_[i]);
    signals_[i].data = this;
    uv_signal_start(
        &signals_[i],
        [](uv_signal_t* handle, int number) {
          static_cast<Server*>(handle->data)->on_signal(number);
        },
        kSignals[i].first);
  }
}

void Server::on_signal(int number) {
  if (number == SIGHUP) {
    log_->warn("SIGHUP: reading the config again is not supported yet; restart the server");
    return;
  }
  if (stopping_) return;
  const auto* name = std::find_if(std::begin(kSignals), std::end(kSignals),
                                  [&](const auto& each) { return each.first == number; });
  log_->info("stopping on {}", name->second);
  stop();
}

void Server::on_ready() {
  const bool all = std::all_of(handlers_.begin(), handlers_.end(),
                               [](const auto& handler) { return handler->status().ready; });
  if (all) log_->info("ready: every database has a data set");
}

// Where several databases change in one step, no loop answers from the one before another loop has
// the other: each waits for the last of them, which is in the middle of something for at most a
// few milliseconds. Where one hangs (on a dead disk), the others go on without it.
class Server::Meeting {
 public:
  explicit Meeting(size_t loops) : missing_(loops) {}
  // False: not all have come, and this is the first that goes on without them.
  bool wait() {
    constexpr std::chrono::seconds kMost(1);
    std::unique_lock lock(mutex_);
    if (--missing_ == 0) {
      all_here_.notify_all();
      return true;
    }
    return all_here_.wait_for(lock, kMost, [this] { return missing_ == 0; }) ||
           std::exchange(given_up_, true);
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_here_;
  size_t missing_;
  bool given_up_ = false;
};

void Server::adopt(std::vector<Adoption> adoptions) {
  struct Waiting {  // of the main thread alone
    size_t to_adopt, to_release;
    std::function<void()> adopted, released;
  };
  struct Change {
    uint32_t database;
    std::shared_ptr<Generation> generation;
    std::shared_ptr<Waiting> waiting;
  };
  std::vector<Change> changes;
  for (auto& each : adoptions) {
    auto waiting = std::make_shared<Waiting>(
        Waiting{loops_.size(), loops_.size(), std::move(each.adopted), std::move(each.released)});
    changes.push_back({each.database, std::move(each.generation), std::move(waiting)});
  }
  const auto meeting = changes.size() > 1 ? std::make_shared<Meeting>(loops_.size()) : nullptr;
  for (auto& loop : loops_) {
    loop->post([this, &loop = *loop, changes, meeting] {
      if (meeting && !meeting->wait()) {
        log_->warn(
            "an event loop hangs; clients of the others see the new data of a group before its "
            "own");
      }
      for (const auto& [database, generation, waiting] : changes) {
        // Posted first, so that the main thread hears of adoption before release. What `adopted`
        // holds of the generation goes with the call.
        mailbox_.post([waiting = waiting] {
          if (--waiting->to_adopt == 0) std::exchange(waiting->adopted, nullptr)();
        });
        loop.adopt(database, generation, [this, waiting = waiting] {
          mailbox_.post([waiting] {
            if (--waiting->to_release == 0) waiting->released();
          });
        });
      }
    });
  }
}

void Server::count_faults(std::function<void(FaultCount)> counted) {
  struct Waiting {  // of the main thread
    size_t loops;
    FaultCount sum;
    std::function<void(FaultCount)> counted;
  };
  auto waiting = std::make_shared<Waiting>(Waiting{loops_.size(), {}, std::move(counted)});
  for (auto& loop : loops_) {
    loop->post([this, waiting] {
      mailbox_.post([waiting, faults = thread_faults()] {
        waiting->sum += faults;
        if (--waiting->loops == 0) waiting->counted(waiting->sum);
      });
    });
  }
}

// In this order: nothing new is loaded, loops finish their replies, generations close, handles
// close.
void Server::stop() {
  stopping_ = true;
  for (auto& handler : handlers_) handler->begin_stop();
  for (auto& group : groups_) group->stop();
  for (auto& loop : loops_) loop->shut_down();
  for (auto& handler : handlers_) handler->stop();
  for (auto& loop : loops_) loop->join();
  loops_.clear();
  // libuv gives the signals back their defaults: one more must not turn a clean end into another.
  block_signals(true);
  for (auto& signal : signals_) uv_close(reinterpret_cast<uv_handle_t*>(&signal), nullptr);
  mailbox_.close();
  for (auto& handler : handlers_) handler->close_generation();
  for (const auto& listening : listening_) {
    if (listening->address.is_unix()) ::unlink(listening->address.path().c_str());
  }
}

// What a start that failed has opened, too.
void Server::close() {
  if (std::exchange(closed_, true)) return;
  if (!stopping_) {
    for (auto& group : groups_) group->stop();
    for (auto& handler : handlers_) handler->stop();
    mailbox_.close();
    uv_run(&uv_, UV_RUN_DEFAULT);
  }
  uv_loop_close(&uv_);
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// The server: plugins, databases, listeners and loops, from a config to a clean end. Main thread.
#pragma once

#include <uv.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/config.h"
#include "core/base/mailbox.h"
#include "core/base/metrics.h"
#include "core/plugin/plugin_host.h"
#include "core/reload/group.h"
#include "core/reload/handler.h"
#include "core/request/facts.h"
#include "core/request/loop.h"

namespace goromdb {

// What a config needs before anything starts: plugins found, options checked, folders and addresses
// usable. An Error's message begins with the place in the config.
class Setup {
 public:
  static Result<std::unique_ptr<Setup>> prepare(const Config& config);
  // Makes the folders of the stores that are missing.
  static Result<void> make_stores(const Config& config);
  // What would run, for people: `goromdb check`.
  std::string describe(const Config& config) const;

 private:
  friend class Server;
  explicit Setup(uint32_t loops) : metrics_(loops) {}

  Metrics metrics_;
  std::vector<std::unique_ptr<Storage>> storages_;    // by database
  std::vector<std::unique_ptr<Protocol>> protocols_;  // by listener
  std::vector<Address> addresses_;                    // by listener
};

// SIGTERM, SIGINT and SIGHUP wait from the first instant of a start until the server can answer
// them.
void block_signals(bool block);

class Server {
 public:
  Server(const Config& config, std::unique_ptr<Setup> setup);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes the stores and the addresses. Failure says who has them.
  Result<void> bind();
  // Serves until SIGTERM or SIGINT.
  Result<void> run();

 private:
  class Meeting;
  void watch_signals();
  void on_signal(int number);
  void on_ready();
  void adopt(std::vector<Adoption> adoptions);
  void count_faults(std::function<void(FaultCount)> counted);
  void stop();
  void close();

  const Config& config_;
  std::unique_ptr<Setup> setup_;
  std::shared_ptr<spdlog::logger> log_;
  uv_loop_t uv_;
  Mailbox mailbox_;
  Facts facts_;
  std::vector<std::unique_ptr<Listening>> listening_;
  House house_;
  std::vector<std::unique_ptr<Handler>> handlers_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::vector<Group*> group_of_;          // by database; NULL: it is in none
  std::vector<std::vector<Fd>> sockets_;  // by loop, by listener
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<uv_signal_t> signals_;
  bool stopping_ = false, closed_ = false;
};

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// What the server tells about itself: neutral facts, which each protocol puts in its own words.
// docs/abi.md lists them.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/config.h"
#include "core/base/metrics.h"
#include "core/request/loop.h"

namespace goromdb {

class Connection;
class Handler;

// Who asks, on which loop.
struct Asking {
  const Listening& listening;
  const Connection* connection;  // NULL: none
  Loop& loop;
  goromdb_arena& arena;
};

// collect() may be called on any thread once the loops run; the other members before.
class Facts {
 public:
  Facts(const Config& config, Metrics& metrics) : config_(config), metrics_(metrics) {}

  void show(const std::vector<std::unique_ptr<Handler>>& handlers,
            const std::vector<std::unique_ptr<Loop>>& loops,
            const std::atomic<int64_t>& connections);

  // Fills `out` with name, value, name, value, ... of the sections, whose names are joined with
  // "+";
  // "" is "general", of the listener's database. One that is not known adds nothing.
  void collect(std::string_view sections, const Asking& asking, uint32_t database,
               std::vector<std::string>& out) const;

 private:
  class Writer;
  void general(Writer& writer, const Listening& listening, uint32_t database) const;
  void settings(Writer& writer, const Listening& listening) const;
  void connections(Writer& writer) const;
  void databases(Writer& writer, const Asking& asking) const;

  const Config& config_;
  Metrics& metrics_;
  const std::vector<std::unique_ptr<Handler>>* handlers_ = nullptr;
  const std::vector<std::unique_ptr<Loop>>* loops_ = nullptr;
  const std::atomic<int64_t>* connections_ = nullptr;
  const std::time_t started_at_ = std::time(nullptr);
};

}  // namespace goromdb

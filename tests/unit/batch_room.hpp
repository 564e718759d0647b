// SPDX-License-Identifier: MIT
// A loop that a test plays: what it is fed it answers, with the plugin of fake_plugin.cc.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>

#include "core/request/batch.h"
#include "core/request/facts.h"
#include "core/request/loop.h"
#include "core/request/walk.h"
#include "tests/unit/fake_plugin.hpp"
#include "tests/unit/temp_folder.hpp"

namespace goromdb::test {

// A loop that does not run, with one listener of two databases; the second has no data set.
struct BatchRoom {
  TempFolder folder;
  Config config;
  Metrics metrics{1};
  Facts facts{config, metrics};
  std::unique_ptr<Storage> storage = fake_storage(metrics, 1);
  std::unique_ptr<Protocol> protocol = fake_instance<Protocol>(GOROMDB_KIND_PROTOCOL, metrics, 1);
  std::vector<std::unique_ptr<Listening>> listening;
  std::unique_ptr<House> house;
  std::unique_ptr<Loop> loop;
  uint64_t generations = 0;
  int turns = 0;  // of the loop that the latest walk took
  std::function<void()> between_turns;

  BatchRoom() {
    config.databases.resize(2);
    config.listeners.resize(1);
    config.listeners[0].databases = {0, 1};
    listening.push_back(std::unique_ptr<Listening>(
        new Listening{config.listeners[0], *protocol, *Address::parse("127.0.0.1:0")}));
    house = std::unique_ptr<House>(
        new House{config, metrics, facts, listening, logger_for("server"), 1000});
    loop = std::make_unique<Loop>(0, *house, std::vector<Fd>());
  }
  ~BatchRoom() {
    loop->start();
    loop->shut_down();
    loop->join();
  }
  void adopt(uint32_t database, const std::string& content, const std::string& name = "data.db") {
    Generation::Facts of;
    of.id = ++generations;
    of.path = folder.write(name, content);
    auto generation = Generation::open(*storage, of, 1, [](uint64_t, uint64_t) { return false; });
    REQUIRE(generation.has_value());
    loop->adopt(database, std::move(*generation), [] {});
  }
  Client client(uint64_t number) const { return {*listening[0], nullptr, nullptr, number}; }
  // Whether a read waits; the input has to stay.
  bool wait(const std::string& input) {
    auto& batch = loop->batch();
    const auto* bytes = reinterpret_cast<const uint8_t*>(input.data());
    const auto parsed = batch.parse(client(2), bytes, input.size());
    if (parsed.consumed != input.size() || !batch.may_wait(*listening[0])) return false;
    batch.wait(client(2));
    return true;
  }
  // What the first `n` that wait are sent, each by itself as a connection would.
  std::string answers(size_t n) {
    auto& batch = loop->batch();
    std::string text;
    batch.look_up_waiting();
    for (size_t i = 0; i < n; ++i) {
      CHECK(batch.answer_waiting(i, loop->outbox()) == Batch::Answered::kAll);
      text += sent();
    }
    batch.forget_waiting();
    return text;
  }
  std::string sent() {
    Outbox& out = loop->outbox();
    out.seal();
    std::string text;
    for (const auto& each : out.segments()) text.append(each.base, each.len);
    out.views.clear();
    out.reset();
    return text;
  }
  // What a client would be sent; "!" at the end where it is closed.
  std::string ask(const std::string& input) {
    Outbox& out = loop->outbox();
    auto& batch = loop->batch();
    const auto* bytes = reinterpret_cast<const uint8_t*>(input.data());
    auto parsed = batch.parse(client(1), bytes, input.size());
    auto answered = Batch::Answered::kAll;
    if (!batch.empty()) answered = batch.answer(client(1), out);
    turns = 0;
    if (answered == Batch::Answered::kWalking) {
      auto walk = batch.take_walk();
      LoopView& view = walk->view();
      loop->pin(view);
      for (; answered == Batch::Answered::kWalking; ++turns) {
        if (between_turns) between_turns();
        answered = batch.walk_on(client(1), *walk, out);
      }
      walk.reset();
      loop->unpin(view);
    }
    const bool open = parsed.status >= 0 && answered == Batch::Answered::kAll;
    return sent() + (open ? "" : "!");
  }
};

}  // namespace goromdb::test

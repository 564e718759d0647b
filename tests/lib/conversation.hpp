// SPDX-License-Identifier: MIT
// Plays the core for one connection of a protocol: parses what it is fed, has the requests answered
// by the protocol's own test, collects the replies. Every call of parse() sees its input in a fresh
// block of exactly its size, so that a sanitizer sees a byte read too far. Breaches of the contract
// throw.
//
// A protocol's test derives a Connection(World&, Grant) that answers from a World, which names it
// as World::Connection and has `options`.
#pragma once

#include <goromdb/sdk.hpp>

#include <algorithm>
#include <cstdlib>
#include <fake_host.hpp>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace goromdb::test {

// How little the host grants in one call.
struct Grant {
  uint32_t keys = 64, requests = 64;
  size_t out = 4096;  // bytes of a reply before it has to be flushed
};

// The ways in which a host may deal out its grant.
inline const std::vector<Grant>& grants() {
  static const std::vector<Grant> kGrants = {{64, 64, 4096}, {1, 1, 1}, {2, 3, 7}, {3, 1, 64}};
  return kGrants;
}

struct Outcome {
  std::string replies{};
  bool closed = false;
  bool operator==(const Outcome&) const = default;
};

using OptionList = std::vector<std::pair<std::string, std::string>>;  // names and values

class Conversation {
 public:
  Conversation(const OptionList& list, Grant grant) : grant_(grant) {
    OptionValues options(plugin_);
    for (const auto& [name, value] : list) options.set(name, value);
    goromdb_error error{};
    error.struct_size = sizeof error;
    check(ops().create(host_.table(), options.data(), options.size(), &self_, &error) == GOROMDB_OK,
          "create()");
    conn_.reset(static_cast<uint8_t*>(std::aligned_alloc(16, (ops().conn_size + 15u) / 16 * 16)));
    std::fill_n(conn_.get(), ops().conn_size, uint8_t{0});
  }
  virtual ~Conversation() {
    if (ops().conn_end != nullptr) ops().conn_end(self_, conn_.get());
    ops().destroy(self_);
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  void feed(std::string_view bytes) {
    if (outcome_.closed) return;
    input_.append(bytes);
    while (!input_.empty() && step()) {
    }
  }
  // Feeds and returns what that added to the replies.
  std::string ask(std::string_view bytes) {
    const size_t before = outcome_.replies.size();
    feed(bytes);
    return outcome_.replies.substr(before);
  }
  const Outcome& outcome() const { return outcome_; }
  size_t buffered() const { return input_.size(); }
  size_t most_buffered() const { return most_buffered_; }
  const std::vector<uint32_t>& ops_seen() const { return ops_seen_; }
  size_t batches() const { return batches_; }  // with a request in them
  uint32_t most_keys_wanted() const { return most_keys_wanted_; }
  FakeHost& host() { return host_; }
  std::string turned_away() {
    StringOut out(1);
    ops().turn_away(self_, GOROMDB_TURNED_AWAY_FULL, out.get());
    return out.text();
  }

 protected:
  static void check(bool kept, const char* rule) {
    if (!kept) throw std::runtime_error(std::string("the contract is broken: ") + rule);
  }
  const Grant& grant() const { return grant_; }
  // Adds to the outcome.
  goromdb_status reply(const goromdb_request& request, const goromdb_answer& answer) {
    StringOut out(grant_.out);
    const goromdb_status status = ops().reply(self_, conn_.get(), &request, &answer, out.get());
    outcome_.replies += out.text();
    return status;
  }
  std::string announce(const goromdb_event& event) {
    StringOut out(grant_.out);
    check(ops().announce(self_, conn_.get(), &event, out.get()) == GOROMDB_OK, "announce()");
    return out.text();
  }
  // The input of the batch is gone when a walk's second slice comes.
  void drop_input() { std::vector<uint8_t>().swap(in_); }

  static goromdb_value failed(goromdb_status status) {
    goromdb_value value{};
    value.status = status;
    return value;
  }
  static goromdb_value found(std::string_view bytes) {
    goromdb_value value{};
    value.ptr = bytes.data();
    value.len = static_cast<uint32_t>(bytes.size());
    return value;
  }

 private:
  virtual std::vector<goromdb_slice> database_names() const = 0;
  // Looks at what this protocol promises of a batch beside the contract.
  virtual void check_batch(const goromdb_parse& batch) const = 0;
  // Calls reply() for the request, as often as its walk has slices.
  virtual void answer(const goromdb_request& request, const goromdb_parse& batch, bool is_last) = 0;

  const goromdb_protocol_ops& ops() const { return *plugin_->protocol; }

  // One batch; false when more input is needed.
  bool step() {
    most_buffered_ = std::max(most_buffered_, input_.size());
    in_.assign(input_.begin(), input_.end());
    std::vector<goromdb_key> keys(key_slots_);
    std::vector<goromdb_request> requests(request_slots_);
    std::vector<goromdb_scope> scopes(key_slots_);
    const std::vector<goromdb_slice> names = database_names();
    goromdb_parse io{};
    io.struct_size = sizeof io;
    io.databases = static_cast<uint32_t>(names.size());
    io.database_names = names.data();
    io.scopes = scopes.data();
    io.in = in_.data();
    io.in_len = in_.size();
    io.keys = keys.data();
    io.key_cap = key_slots_;
    io.reqs = requests.data();
    io.req_cap = request_slots_;
    io.connection = 7;
    const goromdb_status status = ops().parse(self_, conn_.get(), &io);

    check(io.consumed <= io.in_len, "consumed is within the input");
    check(io.key_len <= io.key_cap && io.req_len <= io.req_cap && io.scope_len <= io.key_cap,
          "the arrays are not overrun");
    check_batch(io);
    batches_ += io.req_len > 0;
    for (uint32_t i = 0; i < io.req_len && !outcome_.closed; ++i) {
      const goromdb_request& request = requests[i];
      ops_seen_.push_back(request.op);
      check(request.first_key + request.nkeys <= io.key_len, "a request's keys are in the array");
      answer(request, io, i + 1 == io.req_len);
      outcome_.closed = request.op == GOROMDB_OP_CLOSE;
    }
    input_.erase(0, io.consumed);
    if (status == GOROMDB_AGAIN) {
      check(io.req_len == 0 && (io.want_keys > key_slots_ || io.want_reqs > request_slots_),
            "AGAIN asks for more than there was");
      most_keys_wanted_ = std::max(most_keys_wanted_, io.want_keys);
      key_slots_ = std::max(key_slots_, io.want_keys);
      request_slots_ = std::max(request_slots_, io.want_reqs);
      return true;
    }
    key_slots_ = grant_.keys;
    request_slots_ = grant_.requests;
    if (outcome_.closed) {
      check(input_.empty(), "a closing request uses up the input");
      return false;
    }
    check(status == GOROMDB_OK || status == GOROMDB_NEED_MORE, "a known status");
    check(status == GOROMDB_NEED_MORE || io.req_len > 0, "OK makes progress");
    return status == GOROMDB_OK;
  }

  struct Free {
    void operator()(void* p) const { std::free(p); }
  };

  const goromdb_plugin* plugin_ = goromdb_plugin_v0();
  const Grant grant_;
  FakeHost host_{};
  void* self_ = nullptr;
  std::unique_ptr<uint8_t[], Free> conn_{};
  std::string input_{};
  std::vector<uint8_t> in_{};  // of the batch
  uint32_t key_slots_ = grant_.keys, request_slots_ = grant_.requests;
  uint32_t most_keys_wanted_ = 0;
  size_t most_buffered_ = 0, batches_ = 0;
  std::vector<uint32_t> ops_seen_{};
  Outcome outcome_{};
};

// parse() alone, for tests that look at a call and not at a conversation.
struct BareParser {
  explicit BareParser(uint32_t key_cap = 64) : keys(key_cap), scopes(key_cap) {
    OptionValues options(plugin);
    plugin->protocol->create(host.table(), options.data(), options.size(), &self, nullptr);
    if (plugin->protocol->conn_size > sizeof conn) throw std::runtime_error("conn is too small");
  }
  ~BareParser() {
    plugin->protocol->conn_end(self, conn);
    plugin->protocol->destroy(self);
  }
  BareParser(const BareParser&) = delete;
  BareParser& operator=(const BareParser&) = delete;

  goromdb_status parse(std::string_view in) {
    io = {};
    io.struct_size = sizeof io;
    io.databases = 1;
    io.in = reinterpret_cast<const uint8_t*>(in.data());
    io.in_len = in.size();
    io.keys = keys.data();
    io.key_cap = static_cast<uint32_t>(keys.size());
    io.scopes = scopes.data();
    io.reqs = &request;
    io.req_cap = 1;
    return plugin->protocol->parse(self, conn, &io);
  }

  const goromdb_plugin* plugin = goromdb_plugin_v0();
  FakeHost host{};
  void* self = nullptr;
  alignas(16) uint8_t conn[256] = {};
  std::vector<goromdb_key> keys;
  std::vector<goromdb_scope> scopes;
  goromdb_request request{};
  goromdb_parse io{};
};

// The outcome of `request` sent in pieces that end at `cuts` (ascending).
template <class World>
Outcome talk(World& world, std::string_view request, const std::vector<size_t>& cuts = {},
             Grant grant = {}) {
  typename World::Connection connection(world, grant);
  size_t begin = 0;
  for (size_t cut : cuts) {
    connection.feed(request.substr(begin, cut - begin));
    begin = cut;
  }
  connection.feed(request.substr(begin));
  return connection.outcome();
}

// Between any two bytes of a text of this size.
inline std::vector<size_t> every_cut(size_t size) {
  std::vector<size_t> cuts;
  for (size_t at = 1; at < size; ++at) cuts.push_back(at);
  return cuts;
}

using Random = std::mt19937;

inline size_t below(Random& random, size_t n) { return random() % n; }

// Places to cut a text of this size at, ascending.
inline std::vector<size_t> random_cuts(Random& random, size_t size) {
  std::vector<size_t> cuts;
  for (size_t at = 0; size > 0;) {
    at += 1 + below(random, below(random, 4) == 0 ? size : 8);
    if (at >= size) break;
    cuts.push_back(at);
  }
  return cuts;
}

}  // namespace goromdb::test

// SPDX-License-Identifier: MIT
// Plays the core for one connection: parses what it is fed, answers keys from a map, collects the
// replies. Every call of parse() sees its input in a fresh block of exactly its size, so that a
// sanitizer sees a byte read too far. Breaches of the contract throw.
#pragma once

#include <goromdb/sdk.hpp>

#include <algorithm>
#include <cstdlib>
#include <fake_host.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace goromdb::memcached::test {

using goromdb::test::FakeHost;
using goromdb::test::OptionValues;
using goromdb::test::StringOut;

struct Item {
  std::string value;
  uint32_t flags = 0;
  uint64_t version = 0;
  goromdb_status status = GOROMDB_OK;
};

// What the data set and the server of a test hold. An entry that a scope names stands under
// "DATABASE|NAMESPACE|KEY".
struct World {
  std::map<std::string, Item, std::less<>> items = {
      {"a", {"1", 0, 11}},
      {"b", {"two\r\nEND\r\n", 4294967295, 18446744073709551615u}},
      {"empty", {"", 7, 13}},
      {std::string(250, 'k'), {"long", 0, 14}},
      {"tab\there", {"t", 0, 15}},
      {"noreply", {"n", 0, 16}},
      {"broken", {"", 0, 0, GOROMDB_E_CORRUPT}},
  };
  std::vector<std::pair<std::string, std::string>> options{};
  std::vector<std::string> pairs{};  // of every section
  std::vector<std::string> databases = {"words"};
  goromdb_status status = GOROMDB_OK;
  bool sorted = true;  // the data set has an order of keys
};

// How little the host grants in one call.
struct Room {
  uint32_t keys = 64, requests = 64;
  size_t out = 4096;
};

struct Outcome {
  std::string replies;
  bool closed = false;
  bool operator==(const Outcome&) const = default;
};

class Connection {
 public:
  explicit Connection(const World& world, Room room = {}) : world_(world), room_(room) {
    OptionValues options(plugin_);
    for (const auto& [name, value] : world.options) options.set(name, value);
    goromdb_error error{};
    error.struct_size = sizeof error;
    check(ops().create(host_.table(), options.data(), options.size(), &self_, &error) == GOROMDB_OK,
          "create()");
    conn_.reset(static_cast<uint8_t*>(std::aligned_alloc(16, (ops().conn_size + 15u) / 16 * 16)));
    std::fill_n(conn_.get(), ops().conn_size, uint8_t{0});
  }
  ~Connection() {
    ops().conn_end(self_, conn_.get());
    ops().destroy(self_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void feed(std::string_view bytes) {
    if (outcome_.closed) return;
    input_.append(bytes);
    while (!input_.empty() && step()) {
    }
  }
  const Outcome& outcome() const { return outcome_; }
  size_t buffered() const { return input_.size(); }
  const std::vector<uint32_t>& ops_seen() const { return ops_seen_; }
  int batches() const { return batches_; }
  uint32_t most_keys_wanted() const { return most_keys_wanted_; }
  FakeHost& host() { return host_; }
  std::string turned_away() {
    StringOut out(1);
    ops().turn_away(self_, GOROMDB_TURNED_AWAY_FULL, out.get());
    return out.text();
  }

 private:
  static void check(bool kept, const char* rule) {
    if (!kept) throw std::runtime_error(std::string("the contract is broken: ") + rule);
  }
  const goromdb_protocol_ops& ops() const { return *plugin_->protocol; }

  // One batch; false when more input is needed.
  bool step() {
    std::vector<uint8_t> in(input_.begin(), input_.end());
    std::vector<goromdb_key> keys(key_slots_);
    std::vector<goromdb_request> requests(room_.requests);
    std::vector<goromdb_scope> scopes(key_slots_);
    std::vector<goromdb_slice> names;
    for (const std::string& name : world_.databases) names.push_back(slice(name));
    goromdb_parse io{};
    io.struct_size = sizeof io;
    io.databases = static_cast<uint32_t>(names.size());
    io.database_names = names.data();
    io.scopes = scopes.data();
    io.in = in.data();
    io.in_len = in.size();
    io.keys = keys.data();
    io.key_cap = key_slots_;
    io.reqs = requests.data();
    io.req_cap = room_.requests;
    goromdb_status status = ops().parse(self_, conn_.get(), &io);

    check(io.consumed <= io.in_len, "consumed is within the input");
    check(io.key_len <= io.key_cap && io.req_len <= io.req_cap && io.scope_len <= io.key_cap,
          "the arrays are not overrun");
    for (uint32_t i = 0; i < io.key_len; ++i) {
      const auto* key = static_cast<const uint8_t*>(keys[i].ptr);
      const bool decoded = key < io.in || key >= io.in + io.in_len;  // of base64
      check(decoded || key + keys[i].len <= io.in + io.consumed, "keys lie in what is consumed");
      check(keys[i].ns <= io.scope_len, "a key's scope is there");
      const uint32_t before = keys[i].ns == 0 ? 0 : scopes[keys[i].ns - 1].tag;
      check(before + keys[i].len >= 1 && before + keys[i].len <= 250, "keys have 1 to 250 bytes");
    }
    batches_ += io.req_len > 0;
    for (uint32_t i = 0; i < io.req_len && !outcome_.closed; ++i)
      answer(requests[i], keys, io.key_len, scopes);

    if (status == GOROMDB_AGAIN) {
      check(io.req_len == 0 && io.want_keys > key_slots_, "AGAIN asks for more than there was");
      most_keys_wanted_ = std::max(most_keys_wanted_, io.want_keys);
      key_slots_ = io.want_keys;
      return true;
    }
    key_slots_ = room_.keys;
    input_.erase(0, io.consumed);
    if (outcome_.closed) {
      check(input_.empty(), "a closing request uses up the input");
      return false;
    }
    check(status == GOROMDB_OK || status == GOROMDB_NEED_MORE, "a known status");
    check(status == GOROMDB_NEED_MORE || io.req_len > 0, "OK makes progress");
    return status == GOROMDB_OK;
  }

  void answer(const goromdb_request& request, const std::vector<goromdb_key>& keys,
              uint32_t key_len, const std::vector<goromdb_scope>& scopes) {
    ops_seen_.push_back(request.op);
    std::vector<goromdb_value> values;
    goromdb_answer answer{};
    answer.struct_size = sizeof answer;
    if (request.op == GOROMDB_OP_WALK) return answer_walk(request, keys);
    if (request.op == GOROMDB_OP_GET) {
      check(request.first_key + request.nkeys <= key_len, "a request's keys are in the array");
      answer.status = world_.status;
      if (answer.status == GOROMDB_OK) {
        for (uint32_t i = 0; i < request.nkeys; ++i) {
          values.push_back(look_up(keys[request.first_key + i], scopes));
        }
        answer.keys = keys.data() + request.first_key;
        answer.values = values.data();
        answer.n = request.nkeys;
        answer.scopes = scopes.data();
      }
    }
    std::vector<goromdb_slice> pairs;
    if (request.op == GOROMDB_OP_STATS) {
      for (const std::string& text : world_.pairs) pairs.push_back(slice(text));
      answer.pairs = pairs.data();
      answer.npairs = static_cast<uint32_t>(pairs.size());
    }
    StringOut out(room_.out);
    check(ops().reply(self_, conn_.get(), &request, &answer, out.get()) == GOROMDB_OK, "reply()");
    outcome_.replies += out.text();
    outcome_.closed = request.op == GOROMDB_OP_CLOSE;
  }

  // Slices of the keys without a scope, as many at a time as there is room for; from a key on in
  // one slice.
  void answer_walk(const goromdb_request& request, const std::vector<goromdb_key>& from) {
    check(request.count > 0, "a walk wants something");
    const bool ranges = (request.flags & GOROMDB_WALK_FROM) != 0;
    check(request.nkeys == (ranges ? 1 : 0), "a walk has a key to begin at, or none");
    auto at = world_.items.begin();
    if (ranges) at = world_.items.lower_bound(view(from.at(request.first_key)));
    const uint32_t slice = ranges ? request.count : std::min(request.count, room_.keys);
    for (bool more = true; more;) {
      std::vector<goromdb_key> keys;
      std::vector<goromdb_value> values;
      for (; at != world_.items.end() && keys.size() < slice; ++at) {
        if (at->first.find('|') != std::string::npos) continue;
        keys.push_back({at->first.data(), static_cast<uint32_t>(at->first.size()), 0});
        values.push_back(value_of(at->second));
      }
      goromdb_answer answer{};
      answer.struct_size = sizeof answer;
      answer.status = world_.status != GOROMDB_OK ? world_.status
                      : ranges && !world_.sorted  ? GOROMDB_E_UNSUPPORTED
                      : at == world_.items.end()  ? GOROMDB_END
                                                  : GOROMDB_OK;
      if (answer.status >= 0) {
        answer.keys = keys.data();
        answer.values = values.data();
        answer.n = static_cast<uint32_t>(keys.size());
      }
      StringOut out(room_.out);
      const goromdb_status status = ops().reply(self_, conn_.get(), &request, &answer, out.get());
      check(status == GOROMDB_OK || status == GOROMDB_AGAIN, "reply() of a walk");
      check(status == GOROMDB_OK || answer.status == GOROMDB_OK, "AGAIN where there is more");
      outcome_.replies += out.text();
      more = status == GOROMDB_AGAIN;
    }
  }

  static goromdb_value value_of(const Item& item) {
    goromdb_value value{};
    value.ptr = item.value.data();
    value.len = static_cast<uint32_t>(item.value.size());
    value.flags = item.flags;
    value.version = item.version;
    value.status = item.status;
    return value;
  }

  goromdb_value look_up(const goromdb_key& key, const std::vector<goromdb_scope>& scopes) const {
    std::string name(view(key));
    if (key.ns > 0) {
      const goromdb_scope& scope = scopes.at(key.ns - 1);
      name = world_.databases.at(scope.database) + "|" + std::string(view(scope.name)) + "|" + name;
    }
    auto found = world_.items.find(name);
    if (found != world_.items.end()) return value_of(found->second);
    goromdb_value missing{};
    missing.status = GOROMDB_NOT_FOUND;
    return missing;
  }

  struct Free {
    void operator()(void* p) const { std::free(p); }
  };

  const goromdb_plugin* plugin_ = goromdb_plugin_v0();
  const World& world_;
  Room room_;
  FakeHost host_;
  void* self_ = nullptr;
  std::unique_ptr<uint8_t[], Free> conn_;
  std::string input_;
  uint32_t key_slots_ = room_.keys;
  uint32_t most_keys_wanted_ = 0;
  int batches_ = 0;
  std::vector<uint32_t> ops_seen_;
  Outcome outcome_;
};

// parse() alone, for tests that look at a call and not at a conversation.
struct BareParser {
  explicit BareParser(uint32_t key_cap = 64) : keys(key_cap) {
    OptionValues options(plugin);
    plugin->protocol->create(host.table(), options.data(), options.size(), &self, nullptr);
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
    io.in = reinterpret_cast<const uint8_t*>(in.data());
    io.in_len = in.size();
    io.keys = keys.data();
    io.key_cap = static_cast<uint32_t>(keys.size());
    io.reqs = &request;
    io.req_cap = 1;
    return plugin->protocol->parse(self, conn, &io);
  }

  const goromdb_plugin* plugin = goromdb_plugin_v0();
  FakeHost host;
  void* self = nullptr;
  alignas(16) uint8_t conn[256] = {};
  std::vector<goromdb_key> keys;
  goromdb_request request{};
  goromdb_parse io{};
};

// The outcome of `request` sent in pieces that end at `cuts` (ascending).
inline Outcome talk(const World& world, std::string_view request,
                    const std::vector<size_t>& cuts = {}, Room room = {}) {
  Connection connection(world, room);
  size_t begin = 0;
  for (size_t cut : cuts) {
    connection.feed(request.substr(begin, cut - begin));
    begin = cut;
  }
  connection.feed(request.substr(begin));
  return connection.outcome();
}

// The ways in which a host may deal out its room.
inline const std::vector<Room>& rooms() {
  static const std::vector<Room> kRooms = {{64, 64, 4096}, {1, 1, 1}, {2, 3, 7}, {3, 1, 64}};
  return kRooms;
}

}  // namespace goromdb::memcached::test

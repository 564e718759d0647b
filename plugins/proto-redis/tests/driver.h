// SPDX-License-Identifier: MIT
// Plays the core for one connection: parses what it is fed, answers keys and walks from maps,
// collects the replies. Every call of parse() sees its input in a fresh block of exactly its size,
// and a walk's second slice comes when that block is gone, so that a sanitizer sees a byte read too
// far or too late. Breaches of the contract throw.
#pragma once

#include <goromdb/sdk.hpp>

#include <algorithm>
#include <cstdlib>
#include <fake_host.hpp>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace goromdb::redis::engine_test {

using goromdb::test::FakeHost;
using goromdb::test::OptionValues;
using goromdb::test::StringOut;

using Entries = std::map<std::string, std::string, std::less<>>;

struct Database {
  std::string name = "words";
  Entries keys{};
  std::map<std::string, Entries, std::less<>> namespaces{};
  uint64_t generation = 1;                      // 0: no data set
  std::set<std::string, std::less<>> broken{};  // keys and namespaces that cannot be read
};

// What the data sets and the server of a test hold.
struct World {
  std::vector<Database> databases = {
      {.name = "words",
       .keys = {{"a", "1"}, {"b", "two\r\n$1\r\n"}, {"empty", ""}, {"long", "0123456789"}},
       .namespaces = {{"h", {{"f1", "v1"}, {"f2", ""}}}, {"one", {{"only", "1"}}}},
       .broken = {"broken", "bad"}},
      {.name = "more", .keys = {{"c", "3"}}, .namespaces = {{"g", {{"x", "y"}}}}}};
  std::vector<std::pair<std::string, std::string>> options{};
  uint64_t elapsed_us = 0;
};

// How little the host grants in one call.
struct Grant {
  uint32_t keys = 64, requests = 64;
  size_t out = 4096;
};

struct Outcome {
  std::string replies{};
  bool closed = false;
  bool operator==(const Outcome&) const = default;
};

class Connection {
 public:
  explicit Connection(World& world, Grant grant = {}) : world_(world), grant_(grant) {
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
  // Feeds and returns what that added to the replies.
  std::string ask(std::string_view bytes) {
    const size_t before = outcome_.replies.size();
    feed(bytes);
    return outcome_.replies.substr(before);
  }
  // The loop has begun to read from the database's present generation.
  std::string announce(uint32_t database) {
    goromdb_event event{};
    event.struct_size = sizeof event;
    event.kind = GOROMDB_EVENT_ADOPTED;
    event.database = database;
    event.generation = world_.databases.at(database).generation;
    event.database_name = slice(world_.databases.at(database).name);
    StringOut out(grant_.out);
    check(ops().announce(self_, conn_.get(), &event, out.get()) == GOROMDB_OK, "announce()");
    return out.text();
  }
  const Outcome& outcome() const { return outcome_; }
  size_t buffered() const { return input_.size(); }
  size_t most_buffered() const { return most_buffered_; }
  const std::vector<uint32_t>& ops_seen() const { return ops_seen_; }
  size_t batches() const { return batches_; }
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
    most_buffered_ = std::max(most_buffered_, input_.size());
    in_.assign(input_.begin(), input_.end());
    std::vector<goromdb_key> keys(key_slots_);
    std::vector<goromdb_request> requests(request_slots_);
    std::vector<goromdb_scope> scopes(key_slots_);
    std::vector<goromdb_slice> names;
    for (const Database& database : world_.databases) names.push_back(slice(database.name));
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
    ++batches_;

    check(io.consumed <= io.in_len, "consumed is within the input");
    check(io.key_len <= io.key_cap && io.req_len <= io.req_cap && io.scope_len <= io.key_cap,
          "the arrays are not overrun");
    uint32_t next_key = 0;
    for (uint32_t i = 0; i < io.req_len; ++i) {
      if (requests[i].nkeys > 0) check(requests[i].first_key == next_key, "keys lie without gaps");
      next_key += requests[i].nkeys;
    }
    check(next_key == io.key_len, "every key belongs to a request");
    for (uint32_t i = 0; i < io.req_len && !outcome_.closed; ++i) {
      answer(requests[i], keys, io.key_len, scopes, i + 1 == io.req_len);
    }
    if (status == GOROMDB_AGAIN) {
      check(io.req_len == 0 && (io.want_keys > key_slots_ || io.want_reqs > request_slots_),
            "AGAIN asks for more than there was");
      key_slots_ = std::max(key_slots_, io.want_keys);
      request_slots_ = std::max(request_slots_, io.want_reqs);
      input_.erase(0, io.consumed);
      return true;
    }
    key_slots_ = grant_.keys;
    request_slots_ = grant_.requests;
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
              uint32_t key_len, const std::vector<goromdb_scope>& scopes, bool is_last) {
    ops_seen_.push_back(request.op);
    check(request.database < world_.databases.size(), "the database is there");
    const Database& database = world_.databases[request.database];
    goromdb_answer answer{};
    answer.struct_size = sizeof answer;
    answer.generation = database.generation;
    answer.elapsed_us = world_.elapsed_us;
    if (request.op == GOROMDB_OP_WALK) return answer_walk(request, database, answer, is_last);
    std::vector<goromdb_value> values;
    if (request.op == GOROMDB_OP_GET) {
      check(request.first_key + request.nkeys <= key_len, "a request's keys are in the array");
      if (database.generation == 0 && scopes.empty()) answer.status = GOROMDB_E_NOT_READY;
      for (uint32_t i = 0; i < request.nkeys; ++i) {
        values.push_back(look_up(request, keys[request.first_key + i], scopes));
      }
      answer.keys = keys.data() + request.first_key;
      answer.values = values.data();
      answer.n = request.nkeys;
      answer.scopes = scopes.data();
    }
    check(reply(request, answer) == GOROMDB_OK, "reply()");
    outcome_.closed = request.op == GOROMDB_OP_CLOSE;
  }

  goromdb_status reply(const goromdb_request& request, const goromdb_answer& answer) {
    StringOut out(grant_.out);
    const goromdb_status status = ops().reply(self_, conn_.get(), &request, &answer, out.get());
    outcome_.replies += out.text();
    return status;
  }

  static goromdb_value failed(goromdb_status status) {
    goromdb_value value{};
    value.status = status;
    return value;
  }
  static goromdb_value found(std::string_view text) {
    goromdb_value value{};
    value.ptr = text.data();
    value.len = static_cast<uint32_t>(text.size());
    return value;
  }

  goromdb_value look_up(const goromdb_request& request, const goromdb_key& key,
                        const std::vector<goromdb_scope>& scopes) const {
    const std::string name(view(key));
    const bool kind = (request.flags & GOROMDB_WANT_KIND) != 0;
    if (key.ns > 0) {
      const goromdb_scope& scope = scopes.at(key.ns - 1);
      const Database& database = world_.databases.at(scope.database);
      const std::string_view ns = view(scope.name);
      if (database.generation == 0) return failed(GOROMDB_E_NOT_READY);
      if (database.broken.contains(ns)) return failed(GOROMDB_E_CORRUPT);
      const auto found_ns = database.namespaces.find(ns);
      if (found_ns == database.namespaces.end()) {
        return failed(kind && database.keys.contains(ns) ? GOROMDB_IS_KEY : GOROMDB_NOT_FOUND);
      }
      const auto entry = found_ns->second.find(name);
      return entry == found_ns->second.end() ? failed(GOROMDB_NOT_FOUND) : found(entry->second);
    }
    const Database& database = world_.databases.at(request.database);
    if (database.generation == 0) return failed(GOROMDB_E_NOT_READY);
    if (database.broken.contains(name)) return failed(GOROMDB_E_IO);
    const auto entry = database.keys.find(name);
    if (entry != database.keys.end()) return found(entry->second);
    return failed(kind && database.namespaces.contains(name) ? GOROMDB_IS_NAMESPACE
                                                             : GOROMDB_NOT_FOUND);
  }

  // ---- walks; a position is the number of entries in front of it, from 1 ----

  struct Entry {
    std::string_view name;
    goromdb_value value;
  };

  std::vector<Entry> entries_of(const goromdb_request& request, const Database& database,
                                goromdb_status& status) const {
    std::vector<Entry> entries;
    const std::string_view ns = view(request.arg);
    status = GOROMDB_OK;
    if (database.generation == 0) {
      status = GOROMDB_E_NOT_READY;
    } else if (database.broken.contains(ns)) {
      status = GOROMDB_E_CORRUPT;
    } else if (!ns.empty() && !database.namespaces.contains(ns)) {
      const bool is_key = (request.flags & GOROMDB_WANT_KIND) && database.keys.contains(ns);
      status = is_key ? GOROMDB_IS_KEY : GOROMDB_NOT_FOUND;
    } else if (!ns.empty()) {
      for (const auto& [name, value] : database.namespaces.find(ns)->second) {
        entries.push_back({name, found(value)});
      }
    } else {
      for (const auto& [name, contents] : database.namespaces) {
        if (request.flags & GOROMDB_WALK_NAMESPACES) {
          entries.push_back({name, failed(GOROMDB_IS_NAMESPACE)});
        }
      }
      for (const auto& [name, value] : database.keys) entries.push_back({name, found(value)});
    }
    return entries;
  }

  void answer_walk(const goromdb_request& given, const Database& database, goromdb_answer& answer,
                   bool is_last) {
    goromdb_request request = given;
    const std::string ns(view(given.arg));
    request.arg = slice(ns);
    goromdb_status status = GOROMDB_OK;
    const std::vector<Entry> entries = entries_of(request, database, status);
    answer.total = entries.size();
    size_t at = request.position > 0 ? request.position : 0;
    if (at > entries.size() && status == GOROMDB_OK) status = GOROMDB_E_CONFIG;
    for (bool first = true;; first = false) {
      std::vector<goromdb_key> keys;
      std::vector<goromdb_value> values;
      for (; status == GOROMDB_OK && at < entries.size() && keys.size() < request.count; ++at) {
        keys.push_back(
            {entries[at].name.data(), static_cast<uint32_t>(entries[at].name.size()), 0});
        values.push_back(entries[at].value);
      }
      answer.status = status != GOROMDB_OK  ? status
                      : at < entries.size() ? GOROMDB_OK
                                            : GOROMDB_END;
      answer.position = answer.status == GOROMDB_OK ? at : 0;
      answer.keys = keys.data();
      answer.values = values.data();
      answer.n = static_cast<uint32_t>(keys.size());
      if (!first && is_last) std::vector<uint8_t>().swap(in_);
      const goromdb_status result = reply(request, answer);
      if (result == GOROMDB_AGAIN && answer.status == GOROMDB_OK) continue;
      check(result == GOROMDB_OK, "reply() to a walk");
      return;
    }
  }

  struct Free {
    void operator()(void* p) const { std::free(p); }
  };

  const goromdb_plugin* plugin_ = goromdb_plugin_v0();
  World& world_;
  Grant grant_;
  FakeHost host_{};
  void* self_ = nullptr;
  std::unique_ptr<uint8_t[], Free> conn_{};
  std::string input_{};
  std::vector<uint8_t> in_{};
  uint32_t key_slots_ = grant_.keys, request_slots_ = grant_.requests;
  size_t most_buffered_ = 0, batches_ = 0;
  std::vector<uint32_t> ops_seen_{};
  Outcome outcome_{};
};

// "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
inline std::string command(const std::vector<std::string>& words) {
  std::string wire = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    wire += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return wire;
}
// The words of a line, separated by single spaces, as a command; "" is an empty word.
inline std::string line(std::string_view text) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word(text.substr(begin, end - begin));
    words.push_back(word == "\"\"" ? "" : word);
    begin = end + 1;
  }
  return command(words);
}

// The outcome of `request` sent in pieces that end at `cuts` (ascending).
inline Outcome talk(World& world, std::string_view request, const std::vector<size_t>& cuts = {},
                    Grant grant = {}) {
  Connection connection(world, grant);
  size_t begin = 0;
  for (size_t cut : cuts) {
    connection.feed(request.substr(begin, cut - begin));
    begin = cut;
  }
  connection.feed(request.substr(begin));
  return connection.outcome();
}

// The ways in which a host may deal out its grant.
inline const std::vector<Grant>& grants() {
  static const std::vector<Grant> kGrants = {{64, 64, 4096}, {1, 1, 1}, {2, 3, 7}, {3, 1, 64}};
  return kGrants;
}

// Sends `request` whole, cut in two at every place, and byte by byte, in every grant. Returns what
// went another way than `expected`, in words; empty when nothing did.
inline std::string every_way(World& world, std::string_view request, const Outcome& expected) {
  std::vector<size_t> every_byte;
  for (size_t i = 1; i < request.size(); ++i) every_byte.push_back(i);
  for (Grant grant : grants()) {
    std::vector<std::vector<size_t>> ways = {{}, every_byte};
    for (size_t cut : every_byte) ways.push_back({cut});
    for (const auto& cuts : ways) {
      Outcome got = talk(world, request, cuts, grant);
      if (got == expected) continue;
      return "pieces: " + std::to_string(cuts.size() + 1) +
             ", first cut: " + std::to_string(cuts.empty() ? 0 : cuts[0]) +
             ", key slots: " + std::to_string(grant.keys) + "\n got: " + got.replies +
             (got.closed ? "(closed)" : "(open)") + "\nwant: " + expected.replies +
             (expected.closed ? "(closed)" : "(open)");
    }
  }
  return {};
}

}  // namespace goromdb::redis::engine_test

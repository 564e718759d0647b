// SPDX-License-Identifier: MIT
// The core of a redis connection for tests (tests/lib/conversation.hpp): keys and walks are
// answered from maps. A walk's second slice comes when the request's bytes are gone, so that a
// sanitizer sees a byte read too late.
#pragma once

#include <algorithm>
#include <conversation.hpp>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb::redis::engine_test {

using namespace goromdb::test;

class Connection;

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
  using Connection = engine_test::Connection;

  std::vector<Database> databases = {
      {.name = "words",
       .keys = {{"a", "1"}, {"b", "two\r\n$1\r\n"}, {"empty", ""}, {"long", "0123456789"}},
       .namespaces = {{"h", {{"f1", "v1"}, {"f2", ""}}}, {"one", {{"only", "1"}}}},
       .broken = {"broken", "bad"}},
      {.name = "more", .keys = {{"c", "3"}}, .namespaces = {{"g", {{"x", "y"}}}}}};
  OptionList options{};
  uint64_t elapsed_us = 0;
};

class Connection : public Conversation {
 public:
  explicit Connection(World& world, Grant grant = {})
      : Conversation(world.options, grant), world_(world) {}

  // The loop has begun to read from the database's present generation.
  std::string announce(uint32_t database) {
    goromdb_event event{};
    event.struct_size = sizeof event;
    event.kind = GOROMDB_EVENT_ADOPTED;
    event.database = database;
    event.generation = world_.databases.at(database).generation;
    event.database_name = slice(world_.databases.at(database).name);
    return Conversation::announce(event);
  }

 private:
  std::vector<goromdb_slice> database_names() const override {
    std::vector<goromdb_slice> names;
    for (const Database& database : world_.databases) names.push_back(slice(database.name));
    return names;
  }

  void check_batch(const goromdb_parse& batch) const override {
    uint32_t next_key = 0;
    for (uint32_t i = 0; i < batch.req_len; ++i) {
      const goromdb_request& request = batch.reqs[i];
      check(request.nkeys == 0 || request.first_key == next_key, "keys lie without gaps");
      next_key += request.nkeys;
    }
    check(next_key == batch.key_len, "every key belongs to a request");
  }

  void answer(const goromdb_request& request, const goromdb_parse& batch, bool is_last) override {
    check(request.database < world_.databases.size(), "the database is there");
    const Database& database = world_.databases[request.database];
    goromdb_answer answer{};
    answer.struct_size = sizeof answer;
    answer.generation = database.generation;
    answer.elapsed_us = world_.elapsed_us;
    if (request.op == GOROMDB_OP_WALK) return answer_walk(request, database, answer, is_last);
    std::vector<goromdb_value> values;
    if (request.op == GOROMDB_OP_GET) {
      answer.keys = batch.keys + request.first_key;
      answer.n = request.nkeys;
      answer.scopes = batch.scopes;
      for (uint32_t i = 0; i < answer.n; ++i) {
        values.push_back(look_up(request, answer.keys[i], batch.scopes));
      }
      answer.values = values.data();
    }
    check(reply(request, answer) == GOROMDB_OK, "reply()");
  }

  goromdb_value look_up(const goromdb_request& request, const goromdb_key& key,
                        const goromdb_scope* scopes) const {
    const std::string name(view(key));
    const bool kind = (request.flags & GOROMDB_WANT_KIND) != 0;
    if (key.ns > 0) {
      const goromdb_scope& scope = scopes[key.ns - 1];
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
      if (!first && is_last) drop_input();
      const goromdb_status result = reply(request, answer);
      if (result == GOROMDB_AGAIN && answer.status == GOROMDB_OK) continue;
      check(result == GOROMDB_OK, "reply() to a walk");
      return;
    }
  }

  World& world_;
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

}  // namespace goromdb::redis::engine_test

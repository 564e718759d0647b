// SPDX-License-Identifier: MIT
// The core of a memcached connection for tests (tests/lib/conversation.hpp): keys and walks are
// answered from a map.
#pragma once

#include <algorithm>
#include <conversation.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb::memcached::test {

using namespace goromdb::test;

class Connection;

struct Item {
  std::string value;
  uint32_t flags = 0;
  uint64_t version = 0;
  goromdb_status status = GOROMDB_OK;
};

// What the data set and the server of a test hold. An entry that a scope names stands under
// "DATABASE|NAMESPACE|KEY".
struct World {
  using Connection = test::Connection;

  std::map<std::string, Item, std::less<>> items = {
      {"a", {"1", 0, 11}},
      {"b", {"two\r\nEND\r\n", 4294967295, 18446744073709551615u}},
      {"empty", {"", 7, 13}},
      {std::string(250, 'k'), {"long", 0, 14}},
      {"tab\there", {"t", 0, 15}},
      {"noreply", {"n", 0, 16}},
      {"broken", {"", 0, 0, GOROMDB_E_CORRUPT}},
  };
  OptionList options{};
  std::vector<std::string> pairs{};  // of every section
  std::vector<std::string> databases = {"words"};
  goromdb_status status = GOROMDB_OK;
  bool sorted = true;  // the data set has an order of keys
};

class Connection : public Conversation {
 public:
  explicit Connection(const World& world, Grant grant = {})
      : Conversation(world.options, grant), world_(world) {}

 private:
  std::vector<goromdb_slice> database_names() const override {
    std::vector<goromdb_slice> names;
    for (const std::string& name : world_.databases) names.push_back(slice(name));
    return names;
  }

  void check_batch(const goromdb_parse& batch) const override {
    for (uint32_t i = 0; i < batch.key_len; ++i) {
      const goromdb_key& key = batch.keys[i];
      const auto* begin = static_cast<const uint8_t*>(key.ptr);
      const bool decoded = begin < batch.in || begin >= batch.in + batch.in_len;  // of base64
      check(decoded || begin + key.len <= batch.in + batch.consumed,
            "keys lie in what is consumed");
      check(key.ns <= batch.scope_len, "a key's scope is there");
      const uint32_t before = key.ns == 0 ? 0 : batch.scopes[key.ns - 1].tag;
      check(before + key.len >= 1 && before + key.len <= 250, "keys have 1 to 250 bytes");
    }
  }

  void answer(const goromdb_request& request, const goromdb_parse& batch, bool) override {
    if (request.op == GOROMDB_OP_WALK) return answer_walk(request, batch);
    std::vector<goromdb_value> values;
    goromdb_answer answer{};
    answer.struct_size = sizeof answer;
    if (request.op == GOROMDB_OP_GET) {
      answer.status = world_.status;
      if (answer.status == GOROMDB_OK) {
        answer.keys = batch.keys + request.first_key;
        answer.n = request.nkeys;
        answer.scopes = batch.scopes;
        for (uint32_t i = 0; i < answer.n; ++i) values.push_back(look_up(answer.keys[i], batch));
        answer.values = values.data();
      }
    }
    std::vector<goromdb_slice> pairs;
    if (request.op == GOROMDB_OP_STATS) {
      for (const std::string& text : world_.pairs) pairs.push_back(slice(text));
      answer.pairs = pairs.data();
      answer.npairs = static_cast<uint32_t>(pairs.size());
    }
    check(reply(request, answer) == GOROMDB_OK, "reply()");
  }

  // Slices of the keys without a scope, as many at a time as there is room for; from a key on in
  // one slice.
  void answer_walk(const goromdb_request& request, const goromdb_parse& batch) {
    check(request.count > 0, "a walk wants something");
    const bool ranges = (request.flags & GOROMDB_WALK_FROM) != 0;
    check(request.nkeys == (ranges ? 1 : 0), "a walk has a key to begin at, or none");
    auto at = world_.items.begin();
    if (ranges) at = world_.items.lower_bound(view(batch.keys[request.first_key]));
    const uint32_t slice = ranges ? request.count : std::min(request.count, grant().keys);
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
      const goromdb_status status = reply(request, answer);
      check(status == GOROMDB_OK || status == GOROMDB_AGAIN, "reply() of a walk");
      check(status == GOROMDB_OK || answer.status == GOROMDB_OK, "AGAIN where there is more");
      more = status == GOROMDB_AGAIN;
    }
  }

  static goromdb_value value_of(const Item& item) {
    goromdb_value value = found(item.value);
    value.flags = item.flags;
    value.version = item.version;
    value.status = item.status;
    return value;
  }

  goromdb_value look_up(const goromdb_key& key, const goromdb_parse& batch) const {
    std::string name(view(key));
    if (key.ns > 0) {
      const goromdb_scope& scope = batch.scopes[key.ns - 1];
      name = world_.databases.at(scope.database) + "|" + std::string(view(scope.name)) + "|" + name;
    }
    const auto entry = world_.items.find(name);
    return entry == world_.items.end() ? failed(GOROMDB_NOT_FOUND) : value_of(entry->second);
  }

  const World& world_;
};

}  // namespace goromdb::memcached::test

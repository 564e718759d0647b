// SPDX-License-Identifier: MIT
// What the tests put into files.
#pragma once

#include <random>
#include <string>

#include "database.hpp"

namespace goromdb::test {

inline std::string random_bytes(std::mt19937& random, size_t n) {
  std::string out(n, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

// Namespaces in and beside each other, small and large ones, keys and values of all lengths.
inline Items sample(uint32_t seed, size_t entries = 2000) {
  std::mt19937 random(seed);
  Items items;
  const char* const kNames[] = {
      "",           "users", "users/eu",      "users-x",   "users/eu/north",
      "default/in", "a.b",   "one/two/three", "users/eu2", "\x01\xFF"};
  for (size_t i = 0; i < entries; ++i) {
    auto& ns = items[kNames[random() % 4 == 0 ? random() % std::size(kNames) : 0]];
    ns["key" + std::to_string(random() % 1000000)] = {
        std::string(random() % 100, static_cast<char>('a' + i % 26))};
  }
  auto& odd = items["odd"];
  odd["empty"] = {""};
  odd[std::string("\0", 1)] = {"a key of one zero"};
  odd[std::string(32768, 'k')] = {"the longest key"};
  odd[std::string(32768, 'k').replace(32767, 1, "l")] = {random_bytes(random, 40000)};
  odd["large"] = {random_bytes(random, 300000)};
  odd["page"] = {random_bytes(random, 4096 - 16 - 16 - 4)};
  odd["page and one"] = {random_bytes(random, 4096 - 16 - 16 - 12 + 1)};
  items["small"]["one"] = {"value"};
  return items;
}

// Without the namespaces that have no keys: these are there in a file, but not in what was put.
inline Items without_empty(Items items) {
  std::erase_if(items, [](const auto& ns) { return ns.second.empty(); });
  return items;
}

// Asks for all of them in batches, and for as many that are not there; "" when that is right.
inline std::string ask_for_all(Database& db, const Items& items, size_t batch) {
  std::vector<std::pair<uint32_t, std::string>> keys;
  std::vector<std::optional<std::string>> expected;
  std::string wrong;
  const auto ask = [&] {
    const auto values = db.get_all(keys);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (Database::text_of(values[i]) != expected[i]) wrong = "key " + keys[i].second;
      if (!expected[i] && values[i].status != GOROMDB_NOT_FOUND) wrong = "no miss";
      if (expected[i] && values[i].ptr == nullptr) wrong = "NULL";
    }
    keys.clear();
    expected.clear();
  };
  for (const auto& [ns, entries] : items) {
    for (const auto& [key, item] : entries) {
      const uint32_t id = ns.empty() ? 0 : db.ns_id(ns);
      keys.emplace_back(id, key);
      expected.emplace_back(item.value);
      const std::string other = key + '!';
      keys.emplace_back(id, other);
      const auto there = entries.find(other);
      expected.push_back(there == entries.end() ? std::nullopt
                                                : std::optional(there->second.value));
      if (keys.size() >= batch) ask();
    }
  }
  if (!keys.empty()) ask();
  return wrong;
}

}  // namespace goromdb::test

// SPDX-License-Identifier: MIT
#include "core/request/key_sampler.h"

#include "core/generation/hot_keys.h"
#include "core/request/loop.h"

namespace goromdb {
namespace {

constexpr uint64_t kEvery = 64;  // on average

std::string_view view(const goromdb_slice& slice) {
  return {static_cast<const char*>(slice.ptr), slice.len};
}

}  // namespace

// From 1 to 2 * kEvery - 1, by xorshift.
int64_t KeySampler::gap() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return static_cast<int64_t>(1 + random_ % (2 * kEvery - 1));
}

void KeySampler::take(const House& house, uint32_t loop, const Listening& listening,
                      std::span<const goromdb_request> requests, std::span<const goromdb_key> keys,
                      std::span<const goromdb_scope> scopes) {
  const auto size = static_cast<int64_t>(keys.size());
  int64_t at = left_ + size;
  auto request = requests.begin();
  for (; at < size; at += gap()) {
    while (request != requests.end() && int64_t{request->first_key} + request->nkeys <= at) {
      ++request;
    }
    if (request == requests.end()) break;
    if (request->op != GOROMDB_OP_GET) continue;
    const auto& key = keys[static_cast<size_t>(at)];
    const bool scoped = key.ns > 0 && key.ns <= scopes.size();
    const uint32_t database = scoped ? scopes[key.ns - 1].database : request->database;
    const auto& databases = listening.config.databases;
    if (database >= databases.size() || databases[database] >= house.hot_keys.size()) continue;
    auto* hot_keys = house.hot_keys[databases[database]];
    if (hot_keys == nullptr) continue;
    hot_keys->note(loop, scoped ? view(scopes[key.ns - 1].name) : std::string_view(),
                   {static_cast<const char*>(key.ptr), key.len});
  }
  left_ = std::max<int64_t>(at - size, 0);
}

}  // namespace goromdb

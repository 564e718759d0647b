// SPDX-License-Identifier: MIT
#include "core/batch.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/facts.h"
#include "core/loop.h"

namespace goromdb {

Batch::Batch(Loop& loop)
    : loop_(loop), requests_(kRequests), keys_(kKeys), values_(kKeys), scopes_(kKeys) {}

Batch::Parsed Batch::parse(const Listening& listening, void* conn, const uint8_t* in,
                           size_t in_len) {
  request_count_ = key_count_ = scope_count_ = 0;
  size_t skipped = 0;
  for (;;) {
    goromdb_parse p{};
    p.struct_size = sizeof p;
    p.loop = loop_.index();
    p.databases = static_cast<uint32_t>(listening.config.databases.size());
    p.in = in + skipped;
    p.in_len = in_len - skipped;
    p.keys = keys_.data();
    p.key_cap = static_cast<uint32_t>(keys_.size());
    p.reqs = requests_.data();
    p.req_cap = static_cast<uint32_t>(requests_.size());
    p.scopes = scopes_.data();
    p.database_names = listening.database_names.data();
    auto status = listening.protocol.ops().parse(listening.protocol.self(), conn, &p);
    if (status == GOROMDB_AGAIN && p.req_len == 0) {
      skipped += p.consumed;
      if (p.want_keys <= keys_.size() || p.want_keys > kMaxKeys) {
        return {GOROMDB_E_TOO_BIG, skipped};
      }
      keys_.resize(p.want_keys);
      values_.resize(p.want_keys);
      scopes_.resize(p.want_keys);
      continue;
    }
    request_count_ = p.req_len;
    key_count_ = p.key_len;
    scope_count_ = p.scope_len;
    return {status, skipped + p.consumed};
  }
}

void Batch::read(LoopView* view, const goromdb_key* keys, goromdb_value* values, uint32_t n,
                 Outbox& out) {
  if (view == nullptr || n == 0) return;
  view->generation->ops().get(view->reader, 0, keys, n, values, &out.arena());
  uint32_t hit = 0, missed = 0;
  for (uint32_t i = 0; i < n; ++i) {
    hit += values[i].status == GOROMDB_OK;
    missed += values[i].status == GOROMDB_NOT_FOUND;
  }
  auto& metrics = loop_.house().metrics;
  metrics.add(kKeysRequested, loop_.index(), n);
  metrics.add(kKeysHit, loop_.index(), hit);
  metrics.add(kKeysMissed, loop_.index(), missed);
  if (hit + missed != n) metrics.add(kKeysFailed, loop_.index(), n - hit - missed);
  if (std::find(out.views.begin(), out.views.end(), view) == out.views.end()) {
    out.views.push_back(view);
  }
}

Batch::Place Batch::place_of(const Listening& listening, const goromdb_scope& scope) {
  auto* view = loop_.view_of(listening, scope.database);
  if (view == nullptr) return {nullptr, 0, GOROMDB_E_NOT_READY};
  Place place{view, 0, GOROMDB_OK};
  if (scope.name.len == 0) return place;
  const auto& ops = view->generation->ops();
  place.status = ops.ns_lookup == nullptr ? GOROMDB_NOT_FOUND
                                          : ops.ns_lookup(view->reader, scope.name, &place.ns);
  return place;
}

// All keys for one database become one call of its storage, wherever they stand in the batch: the
// ids of its namespaces are good until then. [STO-12]
void Batch::look_up_scoped(const Listening& listening, Outbox& out) {
  places_.clear();
  for (uint32_t i = 0; i < scope_count_; ++i) places_.push_back(place_of(listening, scopes_[i]));
  wanted_.clear();
  uint32_t missed = 0, failed = 0;
  for (uint32_t i = 0; i < request_count_; ++i) {
    const auto& request = requests_[i];
    if (request.op != GOROMDB_OP_GET) continue;
    const Place own = place_of(listening, {{}, request.database, 0});
    for (uint32_t k = request.first_key; k < request.first_key + request.nkeys; ++k) {
      const uint32_t scope = keys_[k].ns;
      const Place& place = scope > 0 && scope <= scope_count_ ? places_[scope - 1] : own;
      values_[k] = {};
      values_[k].status = place.status;
      missed += place.status == GOROMDB_NOT_FOUND;
      failed += place.status != GOROMDB_OK && place.view != nullptr;
      if (place.status == GOROMDB_OK) wanted_.push_back({place, k});
    }
  }
  for (uint32_t database = 0; database < listening.config.databases.size(); ++database) {
    read_wanted(loop_.view_of(listening, database), out);
  }
  auto& metrics = loop_.house().metrics;
  metrics.add(kKeysRequested, loop_.index(), failed);
  metrics.add(kKeysMissed, loop_.index(), missed);
  metrics.add(kKeysFailed, loop_.index(), failed - missed);
}

void Batch::read_wanted(LoopView* view, Outbox& out) {
  gathered_keys_.clear();
  for (const auto& [place, k] : wanted_) {
    if (place.view == view) gathered_keys_.push_back({keys_[k].ptr, keys_[k].len, place.ns});
  }
  gathered_values_.resize(std::max(gathered_values_.size(), gathered_keys_.size()));
  read(view, gathered_keys_.data(), gathered_values_.data(),
       static_cast<uint32_t>(gathered_keys_.size()), out);
  auto value = gathered_values_.begin();
  for (const auto& [place, k] : wanted_) {
    if (place.view == view) values_[k] = *value++;
  }
}

// Neighbouring requests for one database become one call of the storage.
void Batch::look_up(const Listening& listening, Outbox& out) {
  const auto read_from = [&](uint32_t database, uint32_t first, uint32_t last) {
    if (scope_count_ > 0) return;
    read(loop_.view_of(listening, database), &keys_[first], &values_[first], last - first, out);
  };
  uint32_t database = 0, first = 0, last = 0;
  uint32_t gets = 0, flags = 0;
  for (uint32_t i = 0; i < request_count_; ++i) {
    const auto& request = requests_[i];
    if (request.op != GOROMDB_OP_GET) continue;
    ++gets;
    flags |= request.flags;
    if (last != first && (request.database != database || request.first_key != last)) {
      read_from(database, first, last);
      first = last = request.first_key;
    } else if (last == first) {
      first = last = request.first_key;
    }
    database = request.database;
    last += request.nkeys;
  }
  read_from(database, first, last);
  if (scope_count_ > 0) look_up_scoped(listening, out);
  if (gets > 0) loop_.house().metrics.add(kRequestsGet, loop_.index(), gets);
  if ((flags & GOROMDB_WANT_VERSION) == 0) return;
  hashed_ = {};
  for (uint32_t i = 0; i < request_count_; ++i) {
    const auto& request = requests_[i];
    if (request.op != GOROMDB_OP_GET || (request.flags & GOROMDB_WANT_VERSION) == 0) continue;
    const bool has_values =
        scope_count_ > 0 || loop_.view_of(listening, request.database) != nullptr;
    if (has_values) fill_versions(request);
  }
}

// A value that did not change keeps its version over generations. [STO-9]
void Batch::fill_versions(const goromdb_request& request) {
  for (uint32_t i = request.first_key; i < request.first_key + request.nkeys; ++i) {
    auto& value = values_[i];
    if (value.status != GOROMDB_OK || value.version != 0) continue;
    value.version = version_of(value);
  }
}

uint64_t Batch::version_of(const goromdb_value& value) {
  constexpr uint32_t kLarge = 4096;
  const auto hash = [&] { return std::max<uint64_t>(1, XXH3_64bits(value.ptr, value.len)); };
  if (value.len < kLarge) return hash();
  auto& known = hashed_[(reinterpret_cast<uintptr_t>(value.ptr) >> 4) % hashed_.size()];
  if (known.ptr != value.ptr || known.len != value.len) known = {value.ptr, value.len, hash()};
  return known.version;
}

bool Batch::answer(const Listening& listening, void* conn, Outbox& out) {
  auto& metrics = loop_.house().metrics;
  if (key_count_ > 0) look_up(listening, out);
  for (uint32_t i = 0; i < request_count_; ++i) {
    const auto& request = requests_[i];
    goromdb_answer answer{};
    answer.struct_size = sizeof answer;
    answer.loop = loop_.index();
    const auto* view = loop_.view_of(listening, request.database);
    answer.generation = view == nullptr ? 0 : view->generation->id();
    switch (request.op) {
      case GOROMDB_OP_GET: {
        const bool has_values =
            scope_count_ > 0 || view != nullptr;  // scoped: each says for itself
        answer.status = has_values ? GOROMDB_OK : GOROMDB_E_NOT_READY;
        answer.keys = keys_.data() + request.first_key;
        answer.values = values_.data() + request.first_key;
        answer.n = has_values ? request.nkeys : 0;
        answer.scopes = scopes_.data();
        break;
      }
      case GOROMDB_OP_STATS:
        loop_.house().facts.collect(
            std::string_view(static_cast<const char*>(request.arg.ptr), request.arg.len), listening,
            request.database, facts_);
        pairs_.clear();
        for (const auto& fact : facts_) pairs_.push_back({fact.data(), fact.size()});
        answer.pairs = pairs_.data();
        answer.npairs = static_cast<uint32_t>(pairs_.size());
        break;
      case GOROMDB_OP_STATS_RESET:
        metrics.reset();
        break;
      case GOROMDB_OP_REFUSED:
        metrics.add(kRequestsRefused, loop_.index(), 1);
        break;
      default:
        break;
    }
    auto status = listening.protocol.ops().reply(listening.protocol.self(), conn, &request, &answer,
                                                 out.sink());
    if (status != GOROMDB_OK || out.failed() || request.op == GOROMDB_OP_CLOSE) return false;
  }
  return true;
}

}  // namespace goromdb

// SPDX-License-Identifier: MIT
#include "core/request/batch.h"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/request/connection.h"
#include "core/request/facts.h"
#include "core/request/loop.h"
#include "core/request/mapped_read.h"
#include "core/request/walk.h"

namespace goromdb {
namespace {

// Bytes of replies behind which no walk in the midst of a batch begins or goes on.
constexpr size_t kMostWalked = size_t{64} << 20;

// Whether a key that is not there could be the name of a namespace.
bool may_name_namespace(const LoopView& view) {
  const auto& info = view.generation->info();
  return info.namespaces != 0 && (info.caps & GOROMDB_CAP_ANY_NAMESPACE) == 0;
}

}  // namespace

Batch::Batch(Loop& loop)
    : loop_(loop),
      requests_(kRequests + kMostWaiting * kFewKeys),
      keys_(kKeys + kMostWaiting * kFewKeys),
      values_(keys_.size()),
      scopes_(keys_.size()) {
  waiting_.reserve(kMostWaiting);
}
Batch::~Batch() = default;

std::unique_ptr<Walk> Batch::take_walk() { return std::move(walk_); }

Batch::Parsed Batch::parse(const Client& client, const uint8_t* in, size_t in_len) {
  const auto& listening = client.listening;
  part_ = {};
  if (!waiting_.empty()) {
    const Part& last = waiting_.back().part;
    part_ = {last.first_request + last.requests, 0, last.first_key + last.keys, 0};
  }
  scope_count_ = 0;
  size_t skipped = 0;
  for (;;) {
    const size_t key_room = keys_.size() - part_.first_key;
    const size_t request_room = requests_.size() - part_.first_request;
    goromdb_parse p{};
    p.struct_size = sizeof p;
    p.loop = loop_.index();
    p.databases = static_cast<uint32_t>(listening.config.databases.size());
    p.in = in + skipped;
    p.in_len = in_len - skipped;
    p.keys = keys();
    p.key_cap = static_cast<uint32_t>(key_room);
    p.reqs = requests_.data() + part_.first_request;
    p.req_cap = static_cast<uint32_t>(request_room);
    p.scopes = scopes_.data();
    p.database_names = listening.database_names.data();
    p.connection = client.number;
    auto status = listening.protocol.ops().parse(listening.protocol.self(), client.state, &p);
    if (status == GOROMDB_AGAIN && p.req_len == 0) {
      skipped += p.consumed;
      const bool more = p.want_keys > key_room || p.want_reqs > request_room;
      if (!more || p.want_keys > kMaxKeys || p.want_reqs > kMaxRequests) {
        return {GOROMDB_E_TOO_BIG, skipped};
      }
      if (p.want_reqs > request_room) requests_.resize(part_.first_request + p.want_reqs);
      if (p.want_keys > key_room) {
        keys_.resize(part_.first_key + p.want_keys);
        values_.resize(keys_.size());
        scopes_.resize(keys_.size());
      }
      continue;
    }
    part_.requests = p.req_len;
    part_.keys = p.key_len;
    scope_count_ = p.scope_len;
    if (sampler_.due(p.key_len)) {
      sampler_.take(loop_.house(), loop_.index(), listening, {p.reqs, p.req_len},
                    {p.keys, p.key_len}, {p.scopes, p.scope_len});
    }
    return {status, skipped + p.consumed};
  }
}

void Batch::read(LoopView* view, const goromdb_key* keys, goromdb_value* values, uint32_t n,
                 Outbox& out) {
  if (view == nullptr || n == 0) return;
  if (!get_whole(*view, {keys, n}, values, out.arena())) {
    get_damaged(*view, {keys, n}, values, out.arena());
    if (count(values, n)) note_failures(*view, {values, n});
    return;  // nothing of the generation is referenced
  }
  if (count(values, n)) note_failures(*view, {values, n});
  if (std::find(out.views.begin(), out.views.end(), view) == out.views.end()) {
    out.views.push_back(view);
  }
}

bool Batch::count(const goromdb_value* values, uint32_t n) {
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
  return hit + missed != n;
}

Batch::Place Batch::place_of(const Listening& listening, const goromdb_scope& scope) {
  auto* view = loop_.view_of(listening, scope.database);
  if (view == nullptr) return {nullptr, 0, GOROMDB_E_NOT_READY};
  Place place{view, 0, GOROMDB_OK};
  if (scope.name.len == 0) return place;
  place.status = find_namespace_guarded(*view, scope.name, place.ns);
  return place;
}

// All keys for one database become one call of its storage, wherever they stand in the batch: the
// ids of its namespaces are good until then. [STO-12]
void Batch::look_up_scoped(const Listening& listening, Outbox& out) {
  places_.clear();
  for (uint32_t i = 0; i < scope_count_; ++i) places_.push_back(place_of(listening, scopes_[i]));
  wanted_.clear();
  uint32_t missed = 0, failed = 0;
  for (const auto& request : requests()) {
    if (request.op != GOROMDB_OP_GET) continue;
    const Place own = place_of(listening, {{}, request.database, 0});
    for (uint32_t k = request.first_key; k < request.first_key + request.nkeys; ++k) {
      const uint32_t scope = keys()[k].ns;
      const Place& place = scope > 0 && scope <= scope_count_ ? places_[scope - 1] : own;
      values()[k] = {};
      values()[k].status = place.status;
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
    if (place.view == view) gathered_keys_.push_back({keys()[k].ptr, keys()[k].len, place.ns});
  }
  gathered_values_.resize(std::max(gathered_values_.size(), gathered_keys_.size()));
  read(view, gathered_keys_.data(), gathered_values_.data(),
       static_cast<uint32_t>(gathered_keys_.size()), out);
  auto value = gathered_values_.begin();
  for (const auto& [place, k] : wanted_) {
    if (place.view == view) values()[k] = *value++;
  }
}

// Neighbouring requests for one database become one call of the storage.
void Batch::look_up(const Listening& listening, Outbox& out) {
  const auto read_from = [&](uint32_t database, uint32_t first, uint32_t last) {
    if (scope_count_ > 0) return;
    read(loop_.view_of(listening, database), keys() + first, values() + first, last - first, out);
  };
  uint32_t database = 0, first = 0, last = 0;
  for (const auto& request : requests()) {
    if (request.op != GOROMDB_OP_GET) continue;
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
}

void Batch::fill_wants(const Listening& listening, Outbox& out) {
  uint32_t gets = 0, flags = 0;
  for (const auto& request : requests()) {
    if (request.op != GOROMDB_OP_GET) continue;
    ++gets;
    flags |= request.flags;
  }
  if (gets > 0) loop_.house().metrics.add(kRequestsGet, loop_.index(), gets);
  if ((flags & (GOROMDB_WANT_VERSION | GOROMDB_WANT_KIND)) == 0) return;
  if ((flags & GOROMDB_WANT_VERSION) != 0) hashed_ = {};
  for (const auto& request : requests()) {
    if (request.op != GOROMDB_OP_GET) continue;
    const bool has_values =
        scope_count_ > 0 || loop_.view_of(listening, request.database) != nullptr;
    if (!has_values) continue;
    if ((request.flags & GOROMDB_WANT_VERSION) != 0) fill_versions(request);
    if ((request.flags & GOROMDB_WANT_KIND) != 0) fill_kinds(listening, request, out);
  }
}

// A value that did not change keeps its version over generations. [STO-9]
void Batch::fill_versions(const goromdb_request& request) {
  for (uint32_t i = request.first_key; i < request.first_key + request.nkeys; ++i) {
    auto& value = values()[i];
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

// Keys that were not found and may be namespaces, and the other way round. [PRO-14]
void Batch::fill_kinds(const Listening& listening, const goromdb_request& request, Outbox& out) {
  auto* own = loop_.view_of(listening, request.database);
  uint32_t told_scope = 0;
  goromdb_status told = GOROMDB_NOT_FOUND;
  for (uint32_t i = request.first_key; i < request.first_key + request.nkeys; ++i) {
    if (values()[i].status != GOROMDB_NOT_FOUND) continue;
    const auto& key = keys()[i];
    if (key.ns > scope_count_) continue;
    if (key.ns == 0 || scopes_[key.ns - 1].name.len == 0) {
      auto* view = key.ns == 0 ? own : loop_.view_of(listening, scopes_[key.ns - 1].database);
      if (view == nullptr || !may_name_namespace(*view)) continue;
      uint32_t id = 0;
      if (key.len == 0) continue;
      const auto found = find_namespace_guarded(*view, {key.ptr, key.len}, id);
      values()[i].status = found == GOROMDB_OK ? GOROMDB_IS_NAMESPACE : found;
    } else {
      const Place& place = places_[key.ns - 1];
      if (place.view == nullptr || place.status != GOROMDB_NOT_FOUND) continue;
      if (key.ns != told_scope) {  // neighbours share one
        const auto& name = scopes_[key.ns - 1].name;
        const goromdb_key as_key{name.ptr, static_cast<uint32_t>(name.len), 0};
        goromdb_value value{};
        if (!get_whole(*place.view, {&as_key, 1}, &value, out.arena())) {
          get_damaged(*place.view, {&as_key, 1}, &value, out.arena());
        }
        told_scope = key.ns;
        told = value.status == GOROMDB_OK ? GOROMDB_IS_KEY : value.status;
      }
      values()[i].status = told;
    }
  }
}

goromdb_answer Batch::blank_answer(const LoopView* view) const {
  goromdb_answer answer{};
  answer.struct_size = sizeof answer;
  answer.loop = loop_.index();
  answer.generation = view == nullptr ? 0 : view->generation->id();
  answer.elapsed_us = elapsed_us_;
  return answer;
}

Batch::Answered Batch::answer(const Client& client, Outbox& out) {
  began_ns_ = uv_hrtime();
  elapsed_us_ = 0;
  if (part_.keys > 0) {
    look_up(client.listening, out);
    fill_wants(client.listening, out);
    elapsed_us_ = (uv_hrtime() - began_ns_) / 1000;
  }
  return reply(client, out);
}

// ---- parts that wait ----

bool Batch::may_wait(const Listening& listening) const {
  if (part_.requests == 0 || part_.keys == 0 || part_.keys > kFewKeys ||
      part_.requests > kFewKeys || scope_count_ > 0) {
    return false;
  }
  const uint32_t database = requests().front().database;
  uint32_t keys = 0;
  for (const auto& request : requests()) {
    if (request.op != GOROMDB_OP_GET || request.database != database) return false;
    keys += request.nkeys;
  }
  const auto* view = loop_.view_of(listening, database);
  return keys == part_.keys && view != nullptr && !view->uses_arena;
}

bool Batch::wait(const Client& client) {
  waiting_.push_back({client, part_});
  return waiting_.size() == kMostWaiting;
}

void Batch::look_up_waiting() {
  began_ns_ = uv_hrtime();
  const auto view_of = [&](const Waiting& each) {
    return loop_.view_of(each.client.listening, requests_[each.part.first_request].database);
  };
  for (size_t first = 0, last = 0; first < waiting_.size(); first = last) {
    auto* const view = view_of(waiting_[first]);
    while (last < waiting_.size() && view_of(waiting_[last]) == view) ++last;
    look_up_stretch(*view, {waiting_.begin() + first, waiting_.begin() + last});
  }
  elapsed_us_ = (uv_hrtime() - began_ns_) / 1000;
}

// Keys for one data set lie together, whoever asked. What the storage has put into an arena would
// have to outlive the replies of all of them: where it does that, each is looked up by itself, and
// no more wait.
void Batch::look_up_stretch(LoopView& view, std::span<Waiting> parts) {
  const uint32_t first = parts.front().part.first_key;
  const uint32_t n = parts.back().part.first_key + parts.back().part.keys - first;
  const bool whole = get_whole(view, {&keys_[first], n}, &values_[first], waiting_arena_);
  if (!waiting_arena_.empty()) {
    view.uses_arena = true;
    waiting_arena_.reset();
    return;
  }
  if (!whole) return;
  if (count(&values_[first], n)) note_failures(view, {&values_[first], n});
  for (auto& each : parts) each.view = &view;
}

void Batch::forget_lost() {
  for (auto& each : waiting_) {
    if (each.view != nullptr && each.view->generation->file().is_damaged()) each.view = nullptr;
  }
}

Batch::Answered Batch::answer_waiting(size_t index, Outbox& out) {
  const auto& waiting = waiting_[index];
  part_ = waiting.part;
  scope_count_ = 0;
  if (waiting.view == nullptr) return answer(waiting.client, out);
  out.views.push_back(waiting.view);
  fill_wants(waiting.client.listening, out);
  return reply(waiting.client, out);
}

// ---- replies ----

Batch::Answered Batch::reply(const Client& client, Outbox& out) {
  const auto& listening = client.listening;
  auto& metrics = loop_.house().metrics;
  walked_ = 0;
  uint32_t local = 0, refused = 0;
  auto answered = Answered::kAll;
  goromdb_answer answer{};
  const goromdb_request* before = nullptr;
  for (const auto& request : requests()) {
    if (answered != Answered::kAll) break;
    const auto* view = loop_.view_of(listening, request.database);
    // Reads of one database that follow one another differ in what is set below only.
    const bool alike = before != nullptr && before->op == GOROMDB_OP_GET &&
                       request.op == GOROMDB_OP_GET && request.database == before->database;
    if (!alike) answer = blank_answer(view);
    before = &request;
    switch (request.op) {
      case GOROMDB_OP_WALK:
        answered = answer_walk(client, request, &request == &requests().back(), out);
        continue;
      case GOROMDB_OP_GET: {
        const bool has_values =
            scope_count_ > 0 || view != nullptr;  // scoped: each says for itself
        answer.status = has_values ? GOROMDB_OK : GOROMDB_E_NOT_READY;
        answer.keys = keys() + request.first_key;
        answer.values = values() + request.first_key;
        answer.n = has_values ? request.nkeys : 0;
        answer.scopes = scopes_.data();
        break;
      }
      case GOROMDB_OP_STATS:
        loop_.house().facts.collect(
            std::string_view(static_cast<const char*>(request.arg.ptr), request.arg.len),
            Asking{listening, client.connection, loop_, out.arena()}, request.database, facts_);
        pairs_.clear();
        for (const auto& fact : facts_) pairs_.push_back({fact.data(), fact.size()});
        answer.pairs = pairs_.data();
        answer.npairs = static_cast<uint32_t>(pairs_.size());
        break;
      case GOROMDB_OP_STATS_RESET:
        metrics.reset();
        break;
      case GOROMDB_OP_REFUSED:
        ++refused;
        break;
      default:
        ++local;
        break;
    }
    auto status = listening.protocol.ops().reply(listening.protocol.self(), client.state, &request,
                                                 &answer, out.sink());
    if (status != GOROMDB_OK || out.failed() || request.op == GOROMDB_OP_CLOSE) {
      answered = Answered::kClose;
    }
  }
  if (local > 0) metrics.add(kRequestsLocal, loop_.index(), local);
  if (refused > 0) metrics.add(kRequestsRefused, loop_.index(), refused);
  return answered;
}

// ---- walks [PRO-13] ----

Batch::Answered Batch::answer_walk(const Client& client, const goromdb_request& request,
                                   bool is_last, Outbox& out) {
  loop_.house().metrics.add(kRequestsWalk, loop_.index(), 1);
  auto* view = loop_.view_of(client.listening, request.database);
  if (view == nullptr) {
    auto answer = blank_answer(nullptr);
    answer.status = GOROMDB_E_NOT_READY;
    const auto& protocol = client.listening.protocol;
    const auto status =
        protocol.ops().reply(protocol.self(), client.state, &request, &answer, out.sink());
    return status == GOROMDB_OK && !out.failed() ? Answered::kAll : Answered::kClose;
  }
  std::string_view from;
  if ((request.flags & GOROMDB_WALK_FROM) != 0) {
    const auto& key = keys()[request.first_key];
    from = {static_cast<const char*>(key.ptr), key.len};
  }
  const uint32_t database = client.listening.config.databases[request.database];
  // A member, so that it is not lost itself when it is left at a lost page (core/base/sigbus.h).
  walk_ = std::make_unique<Walk>(*view, database, request, from, loop_.house().positions,
                                 loop_.random());
  const auto limit = [&] {
    const bool too_long = walked_ + walk_->seen() > Walk::kMostAtOnce || out.size() > kMostWalked;
    if (too_long && !is_last) walk_->give_up();
  };
  limit();
  auto answered = walk_on(client, *walk_, out);
  while (answered == Answered::kWalking && !is_last) {
    limit();
    answered = walk_on(client, *walk_, out);
  }
  walked_ += walk_->seen();
  if (answered != Answered::kWalking) walk_.reset();
  return answered;
}

Batch::Answered Batch::walk_on(const Client& client, Walk& walk, Outbox& out) {
  const auto began_ns = uv_hrtime();
  if (!walk.advance(out.arena())) return Answered::kWalking;
  auto answer = blank_answer(&walk.view());
  answer.elapsed_us = (uv_hrtime() - began_ns) / 1000;
  if ((walk.request().flags & GOROMDB_WANT_VERSION) != 0) {
    hashed_ = {};
    for (auto& value : walk.values()) {
      const bool wanted = value.status == GOROMDB_OK && value.version == 0;
      if (wanted) value.version = version_of(value);
    }
  }
  walk.fill(answer);
  const auto is_listed = [&] {
    return std::find(out.views.begin(), out.views.end(), &walk.view()) != out.views.end();
  };
  if (answer.status >= 0 && !is_listed()) out.views.push_back(&walk.view());
  if (answer.status < 0) {
    loop_.house().metrics.add(kKeysFailed, loop_.index(), 1);
    note_failure(walk.view(), answer.status);
  }
  const auto& protocol = client.listening.protocol;
  const auto status =
      protocol.ops().reply(protocol.self(), client.state, &walk.request(), &answer, out.sink());
  if (out.failed()) return Answered::kClose;
  if (status == GOROMDB_AGAIN && answer.status == GOROMDB_OK) return Answered::kWalking;
  return status == GOROMDB_OK ? Answered::kAll : Answered::kClose;
}

}  // namespace goromdb

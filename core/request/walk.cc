// SPDX-License-Identifier: MIT
#include "core/request/walk.h"

#include <algorithm>
#include <utility>

#include "core/plugin/plugin_host.h"

namespace goromdb {
namespace {

constexpr uint32_t kCountAtOnce = 1024;
constexpr size_t kMostCopied = size_t{1} << 20;
// How far from the front a storage that cannot begin anywhere is walked to a chance entry.
constexpr uint32_t kNearFront = 1024;
// Totals that took a walk are remembered for so many namespaces of a generation.
constexpr size_t kMostTotals = 4096;

std::string_view text(const goromdb_slice& s) { return {static_cast<const char*>(s.ptr), s.len}; }
std::string_view text(const goromdb_key& k) { return {static_cast<const char*>(k.ptr), k.len}; }
goromdb_slice slice(std::string_view s) { return {s.data(), s.size()}; }

const goromdb_storage_ops& ops_of(const LoopView& view) { return view.generation->ops(); }

goromdb_status find_namespace(const LoopView& view, std::string_view name, uint32_t& id) {
  id = 0;
  if (name.empty()) return GOROMDB_OK;
  const auto& ops = ops_of(view);
  return ops.ns_lookup == nullptr ? GOROMDB_NOT_FOUND
                                  : ops.ns_lookup(view.reader, slice(name), &id);
}

goromdb_slice slice_of(const std::optional<std::string>& after) {
  return after ? slice(*after) : goromdb_slice{nullptr, 0};
}

}  // namespace

// ---- names ----

goromdb_status NamespaceNames::next(uint32_t max, goromdb_arena& arena,
                                    std::vector<goromdb_slice>& names) {
  names.clear();
  const auto& ops = ops_of(view_);
  const auto& info = view_.generation->info();
  const bool none = info.namespaces == 0 || (info.caps & GOROMDB_CAP_ANY_NAMESPACE) != 0;
  if (ops.ns_list == nullptr || none) return GOROMDB_END;
  names.resize(max);
  PluginError error;
  uint32_t got = 0;
  const goromdb_slice after = after_.empty() ? goromdb_slice{nullptr, 0} : slice(after_);
  const auto status =
      ops.ns_list(view_.reader, after, max, names.data(), &got, &arena, error.get());
  names.resize(status < 0 ? 0 : got);
  if (names.empty()) return status;
  after_ = text(names.back());
  keys_.clear();
  for (const auto& name : names) keys_.push_back({name.ptr, static_cast<uint32_t>(name.len), 0});
  values_.resize(keys_.size());
  ops.get(view_.reader, 0, keys_.data(), got, values_.data(), &arena);
  size_t kept = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    if (values_[i].status < 0) return values_[i].status;
    if (values_[i].status == GOROMDB_NOT_FOUND) names[kept++] = names[i];
  }
  names.resize(kept);
  return status;
}

// ---- entries ----

goromdb_status Entries::open(const LoopView& view, std::string_view ns,
                             const std::optional<std::string>& after) {
  close();
  ops_ = &ops_of(view);
  if (ops_->cursor_open == nullptr) return GOROMDB_E_UNSUPPORTED;
  uint32_t id = 0;
  if (const auto found = find_namespace(view, ns, id); found != GOROMDB_OK) return found;
  PluginError error;
  const auto status = ops_->cursor_open(view.reader, id, slice_of(after), &cursor_, error.get());
  if (status != GOROMDB_OK) cursor_ = nullptr;
  return status;
}

goromdb_status Entries::open_anywhere(const LoopView& view, std::string_view ns, uint64_t random,
                                      goromdb_arena& arena) {
  const auto& ops = ops_of(view);
  if (ops.cursor_open_random != nullptr) {
    close();
    ops_ = &ops;
    uint32_t id = 0;
    if (const auto found = find_namespace(view, ns, id); found != GOROMDB_OK) return found;
    PluginError error;
    const auto status = ops.cursor_open_random(view.reader, id, random, &cursor_, error.get());
    if (status == GOROMDB_OK) return status;
    cursor_ = nullptr;
    if (status != GOROMDB_E_UNSUPPORTED) return status;
  }
  std::vector<goromdb_key> keys(kNearFront);
  std::vector<goromdb_value> values(kNearFront);
  auto status = open(view, ns, std::nullopt);
  uint32_t got = 0;
  if (status == GOROMDB_OK) status = next(kNearFront, keys.data(), values.data(), got, arena);
  if (status < 0 || got == 0) return status;
  const uint64_t before = random % got;
  if (before == 0) return open(view, ns, std::nullopt);
  return open(view, ns, std::string(text(keys[before - 1])));
}

goromdb_status Entries::next(uint32_t max, goromdb_key* keys, goromdb_value* values, uint32_t& got,
                             goromdb_arena& arena) {
  PluginError error;
  return ops_->cursor_next(cursor_, max, keys, values, &got, &arena, error.get());
}

void Entries::close() {
  if (cursor_ != nullptr) ops_->cursor_close(cursor_);
  cursor_ = nullptr;
}

std::optional<uint64_t> known_total(LoopView& view, const std::string& ns, bool with_names,
                                    goromdb_arena& arena) {
  if (view.generation->file().is_damaged()) return std::nullopt;
  const auto& info = view.generation->info();
  with_names = with_names && info.namespaces != 0;
  const auto known = view.totals.find({ns, with_names});
  if (known != view.totals.end()) return known->second;
  const auto& ops = ops_of(view);
  uint32_t id = 0;
  uint64_t total = 0;
  const bool counts = ops.ns_count != nullptr;
  if (counts && find_namespace(view, ns, id) == GOROMDB_OK &&
      ops.ns_count(view.reader, id, &total) == GOROMDB_OK) {
    if (!with_names) return total;
    NamespaceNames names(view, {});
    std::vector<goromdb_slice> listed;
    if (names.next(kCountAtOnce, arena, listed) == GOROMDB_END) return total + listed.size();
  } else if (!counts && ns.empty() && info.namespaces == 0 && info.entries != GOROMDB_UNKNOWN) {
    return info.entries;
  }
  return std::nullopt;
}

// ---- the walk ----

Walk::Walk(LoopView& view, uint32_t database, const goromdb_request& request, std::string_view from,
           Positions& positions, uint64_t random)
    : view_(view),
      database_(database),
      request_(request),
      positions_(positions),
      random_(random),
      ns_(text(request.arg)),
      from_(from) {
  request_.arg = slice(ns_);
  request_.count = std::min(request.count, kMostAtOnce);
  if (!ns_.empty()) request_.flags &= ~GOROMDB_WALK_NAMESPACES;
}

bool Walk::advance(goromdb_arena& arena) {
  if (status_ == GOROMDB_E_TOO_BIG) return true;  // given up
  n_ = 0;
  if (view_.generation->file().is_damaged()) {  // it would leave entries out
    status_ = GOROMDB_E_IO;
    return true;
  }
  if (!begun_ && !begin(arena)) return true;
  if (counting_) {
    if (!count(arena)) return false;
    counting_ = false;
    if (status_ < 0) return true;
  }
  give(arena);
  return true;
}

void Walk::fill(goromdb_answer& answer) const {
  answer.status = status_;
  answer.keys = keys_.data();
  answer.values = values_.data();
  answer.n = n_;
  answer.total = total_;
  answer.position = position_;
}

void Walk::give_up() {
  status_ = GOROMDB_E_TOO_BIG;
  n_ = 0;
}

// False: there is nothing to walk, status_ says why.
bool Walk::begin(goromdb_arena& arena) {
  begun_ = true;
  uint32_t id = 0;
  status_ = find_namespace(view_, ns_, id);
  if (status_ == GOROMDB_NOT_FOUND && has(GOROMDB_WANT_KIND)) status_ = kind_of_missing(arena);
  if (status_ != GOROMDB_OK) return false;
  const bool sorted = (view_.generation->info().caps & GOROMDB_CAP_WALKS_SORTED) != 0;
  if (has(GOROMDB_WALK_FROM) && !sorted) {
    status_ = GOROMDB_E_UNSUPPORTED;
    return false;
  }
  std::optional<Position> position;
  if (request_.position != 0) {
    position = positions_.find(request_.position);
    if (!position || position->database != database_ || position->ns != ns_) {
      status_ = GOROMDB_E_CONFIG;
      return false;
    }
  }
  if (has(GOROMDB_WALK_COUNT)) {
    const auto total = known_total(view_, ns_, has(GOROMDB_WALK_NAMESPACES), arena);
    counting_ = !total;
    total_ = total.value_or(0);
  }
  if (has(GOROMDB_WALK_RANDOM)) {
    plan_round(arena);
  } else {
    plan_from(position);
  }
  return true;
}

// A key may bear the name of the namespace that is not there.
goromdb_status Walk::kind_of_missing(goromdb_arena& arena) const {
  const goromdb_key key{ns_.data(), static_cast<uint32_t>(ns_.size()), 0};
  goromdb_value value{};
  ops_of(view_).get(view_.reader, 0, &key, 1, &value, &arena);
  return value.status == GOROMDB_OK ? GOROMDB_IS_KEY : value.status;
}

void Walk::plan_from(const std::optional<Position>& position) {
  const auto& generation = *view_.generation;
  const bool sorted = (generation.info().caps & GOROMDB_CAP_WALKS_SORTED) != 0;
  const bool goes_on = position && (position->generation == generation.id() ||
                                    (position->sorted && sorted && !position->in_names));
  Leg names{true}, entries{false};
  if (goes_on) (position->in_names ? names : entries).after = position->after;
  if (has(GOROMDB_WALK_FROM) && !goes_on) {
    entries.after = from_;
    entries.with_after = true;
  }
  const bool past_names = goes_on && !position->in_names;
  if (has(GOROMDB_WALK_NAMESPACES) && !past_names) legs_.push_back(names);
  legs_.push_back(entries);
}

// From a chance place to the end, then the rest from the front.
void Walk::plan_round(goromdb_arena& arena) {
  const auto& info = view_.generation->info();
  uint64_t names = 0;
  if (has(GOROMDB_WALK_NAMESPACES) && info.namespaces != UINT32_MAX) names = info.namespaces;
  const uint64_t entries = info.entries == GOROMDB_UNKNOWN ? GOROMDB_UNKNOWN / 2 : info.entries;
  // `random_` chooses among the entries, so a mixture of its bits chooses between them and names.
  const uint64_t choice = random_ * 0x9e3779b97f4a7c15u ^ random_ >> 29;
  Leg anywhere{false};
  anywhere.anywhere = true;
  Leg before{false};
  before.until_start = true;
  if (names == 0 || choice % (names + entries) >= names) {
    legs_ = {anywhere};
    if (names > 0) legs_.push_back(Leg{true});
    legs_.push_back(before);
    return;
  }
  NamespaceNames skipped(view_, {});
  const auto skip = static_cast<uint32_t>(random_ % std::min<uint64_t>(names, kNearFront));
  if (skip > 0 && skipped.next(skip, arena, listed_) < 0) listed_.clear();
  Leg from{true}, rest{true};
  from.after = skipped.last();
  rest.limit = skip > 0 ? listed_.size() : 0;
  legs_ = {from, Leg{false}, rest};
}

// One slice of counting; true when it is done.
bool Walk::count(goromdb_arena& arena) {
  const bool with_names = has(GOROMDB_WALK_NAMESPACES) && view_.generation->info().namespaces != 0;
  const auto failed = [&](goromdb_status status) {
    status_ = status;
    return true;
  };
  if (!entries_.is_open()) {
    if (with_names) {
      if (!names_) names_.emplace(view_, std::string());
      const auto status = names_->next(kCountAtOnce, arena, listed_);
      if (status < 0) return failed(status);
      total_ += listed_.size();
      seen_ += kCountAtOnce;
      if (status != GOROMDB_END) return false;
      names_.reset();
    }
    uint32_t id = 0;
    uint64_t entries = 0;
    const auto& ops = ops_of(view_);
    if (ops.ns_count != nullptr && find_namespace(view_, ns_, id) == GOROMDB_OK &&
        ops.ns_count(view_.reader, id, &entries) == GOROMDB_OK) {
      total_ += entries;
      if (view_.totals.size() < kMostTotals) view_.totals[{ns_, with_names}] = total_;
      return true;
    }
    const auto opened = entries_.open(view_, ns_, std::nullopt);
    if (opened != GOROMDB_OK) return failed(opened < 0 ? opened : GOROMDB_E_INTERNAL);
  }
  keys_.resize(kCountAtOnce);
  values_.resize(kCountAtOnce);
  uint32_t got = 0;
  const auto status = entries_.next(kCountAtOnce, keys_.data(), values_.data(), got, arena);
  if (status < 0) return failed(status);
  total_ += got;
  seen_ += got;
  if (status != GOROMDB_END) return false;
  entries_.close();
  if (view_.totals.size() < kMostTotals) view_.totals[{ns_, with_names}] = total_;
  return true;
}

void Walk::give(goromdb_arena& arena) {
  keys_.resize(request_.count);
  values_.resize(request_.count);
  status_ = GOROMDB_OK;
  // A storage that copies its values is not asked for very many bytes at once, where a walk can go
  // on.
  const bool copies =
      (view_.generation->info().caps & GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION) == 0 &&
      !has(GOROMDB_WALK_FROM) && !has(GOROMDB_WALK_RANDOM);
  const auto is_much = [&] {
    size_t bytes = 0;
    for (uint32_t i = 0; i < n_ && copies; ++i) bytes += values_[i].len;
    return bytes > kMostCopied;
  };
  while (status_ == GOROMDB_OK && n_ < request_.count && !legs_.empty() && !is_much()) {
    auto& leg = legs_.front();
    leg.names ? give_names(leg, request_.count - n_, arena)
              : give_entries(leg, request_.count - n_, arena);
  }
  seen_ += n_;
  position_ = 0;
  if (status_ < 0) {
    n_ = 0;
  } else if (legs_.empty() || request_.count == 0) {
    status_ = GOROMDB_END;
  } else if (has(GOROMDB_WALK_POSITION) && !has(GOROMDB_WALK_RANDOM)) {
    const auto& generation = *view_.generation;
    const bool in_names = legs_.front().names;
    const bool sorted = (generation.info().caps & GOROMDB_CAP_WALKS_SORTED) != 0;
    position_ = positions_.remember({database_, generation.id(), sorted, in_names, ns_,
                                     legs_.front().after, request_.position});
  }
}

void Walk::give_names(Leg& leg, uint32_t want, goromdb_arena& arena) {
  if (!names_) names_.emplace(view_, leg.after.value_or(""));
  want = static_cast<uint32_t>(std::min<uint64_t>(want, leg.limit));
  const auto status = want == 0 ? GOROMDB_END : names_->next(want, arena, listed_);
  if (status < 0) {
    status_ = status;
    return;
  }
  if (want == 0) listed_.clear();
  for (const auto& name : listed_) {
    keys_[n_] = {name.ptr, static_cast<uint32_t>(name.len), 0};
    values_[n_] = {};
    values_[n_++].status = GOROMDB_IS_NAMESPACE;
  }
  leg.after = names_->last();
  if (leg.limit != GOROMDB_UNKNOWN) leg.limit -= listed_.size();
  if (status == GOROMDB_END || leg.limit == 0) end_leg();
}

void Walk::give_entries(Leg& leg, uint32_t want, goromdb_arena& arena) {
  if (leg.until_start && !start_) return end_leg();  // the walk began with no entry at all
  if (std::exchange(leg.with_after, false)) {
    give_first(arena);
    if (status_ != GOROMDB_OK || n_ == request_.count) return;
    want = request_.count - n_;
  }
  if (!entries_.is_open()) {
    auto opened = leg.anywhere ? entries_.open_anywhere(view_, ns_, random_, arena)
                               : entries_.open(view_, ns_, leg.after);
    // A key that the generation before had is not in this one, and the storage cannot go on there.
    if (opened == GOROMDB_E_UNSUPPORTED && leg.after && ops_of(view_).cursor_open != nullptr) {
      opened = entries_.open(view_, ns_, std::nullopt);
    }
    if (opened < 0) {
      status_ = opened;
      return;
    }
    if (opened != GOROMDB_OK || !entries_.is_open()) return end_leg();
  }
  uint32_t got = 0;
  const auto status = entries_.next(want, &keys_[n_], &values_[n_], got, arena);
  if (status < 0) {
    status_ = status;
    return;
  }
  if (leg.anywhere && !start_ && got > 0) start_ = text(keys_[n_]);
  bool ended = status == GOROMDB_END;
  for (uint32_t i = 0; i < got && leg.until_start; ++i) {
    if (text(keys_[n_ + i]) != *start_) continue;
    got = i;
    ended = true;
  }
  if (got > 0) leg.after = text(keys_[n_ + got - 1]);
  n_ += got;
  if (ended) end_leg();
}

// The entry that the walk begins at, if there is one of just that key.
void Walk::give_first(goromdb_arena& arena) {
  goromdb_key key{from_.data(), static_cast<uint32_t>(from_.size()), 0};
  status_ = find_namespace(view_, ns_, key.ns);
  if (status_ != GOROMDB_OK) return;
  goromdb_value value{};
  ops_of(view_).get(view_.reader, 0, &key, 1, &value, &arena);
  if (value.status < 0) status_ = value.status;
  if (value.status != GOROMDB_OK) return;
  keys_[n_] = {key.ptr, key.len, 0};
  values_[n_++] = value;
}

void Walk::end_leg() {
  names_.reset();
  entries_.close();
  legs_.pop_front();
}

}  // namespace goromdb

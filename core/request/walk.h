// SPDX-License-Identifier: MIT
// A walk over the entries of a namespace that a protocol asked for: a slice at a time, all of one
// generation. Belongs to a loop. docs/abi.md [PRO-13]
#pragma once

#include <goromdb/plugin.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/request/loop.h"

namespace goromdb {

// The names of a view's namespaces that are not keys as well, some at a time.
class NamespaceNames {
 public:
  NamespaceNames(const LoopView& view, std::string after) : view_(view), after_(std::move(after)) {}

  // Replaces `names` by at most `max` more; valid as long as the arena. GOROMDB_END: there are no
  // more behind these.
  goromdb_status next(uint32_t max, goromdb_arena& arena, std::vector<goromdb_slice>& names);
  const std::string& last() const { return after_; }

 private:
  const LoopView& view_;
  std::string after_;
  std::vector<goromdb_key> keys_;
  std::vector<goromdb_value> values_;
};

// A storage's cursor over one namespace of a view, closed with its owner.
class Entries {
 public:
  Entries() = default;
  ~Entries() { close(); }
  Entries(const Entries&) = delete;
  Entries& operator=(const Entries&) = delete;

  // `after` unset: from the front. `ns` is looked up anew. [STO-12]
  goromdb_status open(const LoopView& view, std::string_view ns,
                      const std::optional<std::string>& after);
  // At an entry that `random` chooses.
  goromdb_status open_anywhere(const LoopView& view, std::string_view ns, uint64_t random,
                               goromdb_arena& arena);
  bool is_open() const { return cursor_ != nullptr; }
  goromdb_status next(uint32_t max, goromdb_key* keys, goromdb_value* values, uint32_t& got,
                      goromdb_arena& arena);
  void close();

 private:
  const goromdb_storage_ops* ops_ = nullptr;
  goromdb_cursor* cursor_ = nullptr;
};

// What a walk over the namespace would give, with the names of namespaces if `with_names`; nothing
// where that takes a walk that has not been made.
std::optional<uint64_t> known_total(LoopView& view, const std::string& ns, bool with_names,
                                    goromdb_arena& arena);

class Walk {
 public:
  static constexpr uint32_t kMostAtOnce = 65536;

  // `database`: index into the config's. What the request points to is copied. `from`: for
  // GOROMDB_WALK_FROM.
  Walk(LoopView& view, uint32_t database, const goromdb_request& request, std::string_view from,
       Positions& positions, uint64_t random);

  // Goes on by one slice. False: it still counts what the walk would give; call again.
  bool advance(goromdb_arena& arena);
  // The slice that advance() has come to.
  void fill(goromdb_answer& answer) const;
  std::span<goromdb_value> values() { return {values_.data(), n_}; }

  LoopView& view() { return view_; }
  const goromdb_request& request() const { return request_; }
  uint64_t seen() const { return seen_; }  // entries and names that were looked at
  // The protocol is told that this has grown too long.
  void give_up();

 private:
  // A part of the walk: names of namespaces, or entries.
  struct Leg {
    bool names;
    bool anywhere = false;  // begins at a chance entry
    std::optional<std::string> after = std::nullopt;
    uint64_t limit = GOROMDB_UNKNOWN;  // names: how many
    bool until_start = false;          // entries: ends before the chance entry
    bool with_after = false;           // entries: `after` comes first, if it is there
  };

  bool has(uint32_t flag) const { return (request_.flags & flag) != 0; }
  bool begin(goromdb_arena& arena);
  void plan_from(const std::optional<Position>& position);
  void plan_round(goromdb_arena& arena);
  goromdb_status kind_of_missing(goromdb_arena& arena) const;
  bool count(goromdb_arena& arena);
  void give(goromdb_arena& arena);
  void give_names(Leg& leg, uint32_t want, goromdb_arena& arena);
  void give_entries(Leg& leg, uint32_t want, goromdb_arena& arena);
  void give_first(goromdb_arena& arena);
  void end_leg();

  LoopView& view_;
  const uint32_t database_;
  goromdb_request request_;
  Positions& positions_;
  const uint64_t random_;
  std::string ns_;
  const std::string from_;

  bool begun_ = false, counting_ = false;
  std::optional<NamespaceNames> names_;  // of the leg, or of the count
  Entries entries_;
  std::vector<goromdb_slice> listed_;
  std::deque<Leg> legs_;
  std::optional<std::string> start_;  // the chance entry's key

  std::vector<goromdb_key> keys_;
  std::vector<goromdb_value> values_;
  uint32_t n_ = 0;
  goromdb_status status_ = GOROMDB_OK;
  uint64_t total_ = 0, position_ = 0, seen_ = 0;
};

}  // namespace goromdb

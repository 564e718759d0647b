// SPDX-License-Identifier: MIT
#include "key_positions.h"

#include <algorithm>
#include <optional>

#include "args.h"
#include "numbers.h"

namespace goromdb::redis {

namespace {

using Words = std::span<const std::string_view>;
using Uses = std::vector<KeyUse>;

constexpr std::string_view kReads = "RO access", kChanges = "RW access update",
                           kReplaces = "OW update", kMoves = "RW access delete";

bool says(std::string_view flags, std::string_view flag) { return flags.find(flag) != flags.npos; }

// Where a specification's keys begin; 0: nowhere.
size_t begin_of(const KeySpec& spec, Words words) {
  if (spec.begin_unknown) return 0;
  if (spec.keyword.empty()) return static_cast<size_t>(spec.index);
  const auto is_keyword = [&](std::string_view word) {
    return std::ranges::equal(word, spec.keyword, [](char a, char b) { return to_upper(a) == b; });
  };
  // From the front on, or from the end backwards.
  const auto count = static_cast<int64_t>(words.size());
  const bool forward = spec.start_from > 0;
  int64_t at = forward ? spec.start_from : count + spec.start_from;
  for (; at > 0 && at < count; at += forward ? 1 : -1) {
    if (is_keyword(words[static_cast<size_t>(at)])) return static_cast<size_t>(at) + 1;
  }
  return 0;
}

// Adds a specification's keys; false: the line has none where it wants them.
bool add_keys(const KeySpec& spec, Words words, Uses& uses) {
  const auto count = static_cast<int64_t>(words.size());
  auto first = static_cast<int64_t>(begin_of(spec, words));
  if (first == 0 || spec.find_unknown) return false;
  int64_t last = 0, step = spec.key_step;
  if (spec.keynum) {
    const int64_t at = first + spec.keynum_index;
    const auto keys = at < count ? integer(words[static_cast<size_t>(at)]) : std::nullopt;
    if (!keys || *keys < 1 || *keys > count) return false;
    first += spec.keynum_first;
    step = spec.keynum_step;
    last = first + (*keys - 1) * step;
  } else if (spec.last_key >= 0) {
    last = first + spec.last_key;
  } else if (spec.limit == 0) {
    last = count + spec.last_key;
  } else {
    last = first + (count - first) / spec.limit + spec.last_key;
  }
  if (first >= count || last >= count || last < first) return false;
  for (int64_t at = first; at <= last; at += step) {
    uses.push_back({static_cast<size_t>(at), spec.flags});
  }
  return true;
}

// The place of the last STORE (or STOREDIST) that has a word behind it, from `from` on; 0: none.
// `skip`: how many words belong to the option at a place.
template <class Skip>
size_t find_store(Words words, size_t from, Skip&& skip) {
  size_t store = 0;
  for (size_t i = from; i + 1 < words.size(); ++i) {
    if (is_word(words[i], "store") || is_word(words[i], "storedist")) {
      store = ++i;
    } else {
      i += skip(words[i]);
    }
  }
  return store;
}

Uses with_store(size_t store) {
  Uses uses = {{1, kReads}};
  if (store != 0) uses.push_back({store, kReplaces});
  return uses;
}

Uses sort_keys(Words words) {
  return with_store(find_store(words, 2, [](std::string_view word) -> size_t {
    if (is_word(word, "limit")) return 2;
    return is_word(word, "get") || is_word(word, "by") ? 1 : 0;
  }));
}

Uses geo_keys(Words words) {
  return with_store(find_store(words, 5, [](std::string_view) -> size_t { return 0; }));
}

// MIGRATE host port key|"" ... [KEYS key ...].
Uses migrate_keys(Words words) {
  for (size_t i = 6; i < words.size(); ++i) {
    if (is_word(words[i], "keys")) {
      Uses uses;
      if (!words[3].empty()) return uses;
      for (++i; i < words.size(); ++i) uses.push_back({i, kMoves});
      return uses;
    }
    if (is_word(words[i], "auth")) i += 1;
    if (is_word(words[i], "auth2")) i += 2;
  }
  return {{3, kMoves}};
}

Uses set_keys(Words words) {
  const bool reads = std::ranges::any_of(
      words.subspan(3), [](std::string_view word) { return is_word(word, "get"); });
  return {{1, reads ? kChanges : kReplaces}};
}

Uses bitfield_keys(Words words) {
  bool changes = false;
  for (size_t i = 2; i < words.size() && !changes; ++i) {
    const size_t left = words.size() - i - 1;
    if (is_word(words[i], "get") && left >= 2) {
      i += 2;
    } else if (is_word(words[i], "overflow") && left >= 1) {
      i += 1;
    } else {
      changes = true;
    }
  }
  return {{1, changes ? kChanges : kReads}};
}

// Commands whose specifications do not say it all.
constexpr struct {
  std::string_view name;
  Uses (*keys)(Words);
} kOfTheirOwn[] = {
    {"bitfield", bitfield_keys}, {"georadius", geo_keys}, {"georadiusbymember", geo_keys},
    {"migrate", migrate_keys},   {"set", set_keys},       {"sort", sort_keys}};

}  // namespace

bool has_keys(const Command& command) {
  return std::ranges::any_of(command.key_specs,
                             [](const KeySpec& spec) { return !says(spec.flags, "not_key"); });
}

std::vector<KeyUse> keys_of(const Command& command, std::span<const std::string_view> words) {
  Uses uses;
  bool whole = true;
  for (const KeySpec& spec : command.key_specs) {
    // A part of the keys that nobody can tell, as SORT's BY, leaves the others.
    if (command.name == "sort_ro" && spec.begin_unknown) continue;
    whole = whole && add_keys(spec, words, uses) && !says(spec.flags, "incomplete") &&
            !says(spec.flags, "variable_flags");
  }
  if (whole) return uses;
  for (const auto& [name, keys] : kOfTheirOwn) {
    if (command.name == name) return keys(words);
  }
  return {};
}

}  // namespace goromdb::redis

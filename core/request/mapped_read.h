// SPDX-License-Identifier: MIT
// Reads from generations whose files are mapped and may be cut while they are served. A loop.
#pragma once

#include <goromdb/plugin.h>

#include <algorithm>
#include <span>

#include "core/base/sigbus.h"
#include "core/files/served_file.h"
#include "core/request/loop.h"

namespace goromdb {

// What a storage's get() does, for a file that nothing is known against. False: pages of it have
// been lost; the values mean nothing.
bool get_whole(LoopView& view, std::span<const goromdb_key> keys, goromdb_value* values,
               goromdb_arena& arena);

// The same where pages have been lost: what lies in others is found, the rest is GOROMDB_E_IO. All
// values lie in the arena, and where that has come to 64 MiB the rest is GOROMDB_E_IO, too. Slow:
// each key by itself, with a system call or two.
void get_damaged(LoopView& view, std::span<const goromdb_key> keys, goromdb_value* values,
                 goromdb_arena& arena);

// A storage's ns_lookup(). Where it fails the generation is bad, as by note_failure().
goromdb_status find_namespace_guarded(LoopView& view, goromdb_slice name, uint32_t& id);

// A read has failed, or some of the values have: a file that had been verified has none that do, so
// the generation is bad, unless it was memory that was short or something that the storage cannot
// do.
void note_failure(LoopView& view, goromdb_status status);
void note_failures(LoopView& view, std::span<const goromdb_value> values);

// At each of the views' files, after guarded code was left or found one of them not whole.
void look_at_files(std::span<LoopView* const> views);
inline bool are_whole(std::span<LoopView* const> views) {  // guarded code only
  return std::all_of(views.begin(), views.end(),
                     [](const LoopView* view) { return view->generation->file().is_whole(); });
}

// Runs `body`, which reads from the views' mapped files. False: what it has read may be wrong, or
// it was left before its end (sigbus.h); what there is to know of the files is known now.
template <class Views, class Body>
bool read_guarded(const Views& views, Body&& body) {
  if (!ServedFile::any_is_watched()) {
    body();
    return true;
  }
  bool is_whole = false;
  const bool survived = survives([&] {
    body();
    is_whole = are_whole(views);  // among them those that the body has come to read from
  });
  if (survived && is_whole) return true;
  look_at_files(views);
  return false;
}

}  // namespace goromdb

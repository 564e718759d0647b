// SPDX-License-Identifier: MIT
#include "core/request/mapped_read.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace goromdb {
namespace {

// How often a key is looked up anew because the file was cut once more meanwhile.
constexpr int kTries = 3;
// A storage that looks a name up may be left while it holds memory, which is lost then: it is not
// asked for ever.
constexpr uint32_t kMostNamesLost = 1000;
// What an arena may come to by copies of values: a batch may ask for one value a thousand times.
constexpr size_t kMostCopied = size_t{64} << 20;

goromdb_value failed(goromdb_status status) { return {{}, 0, 0, 0, status, 0}; }

// Values that lie in the file may not outlive the next cut.
void take_out(const LoopView& view, goromdb_value& value, goromdb_arena& arena) {
  const bool is_borrowed =
      (view.generation->info().caps & GOROMDB_CAP_VALUES_LIVE_WITH_GENERATION) != 0;
  if (value.status != GOROMDB_OK || !is_borrowed) return;
  if (arena.size() + value.len > kMostCopied) {
    value = failed(GOROMDB_E_IO);
    return;
  }
  void* copy = arena.alloc(std::max<size_t>(value.len, 1), 1);
  if (copy == nullptr) {
    value = failed(GOROMDB_E_NO_MEMORY);
    return;
  }
  std::memcpy(copy, value.ptr, value.len);
  value.ptr = copy;
}

}  // namespace

bool get_whole(LoopView& view, std::span<const goromdb_key> keys, goromdb_value* values,
               goromdb_arena& arena) {
  auto& generation = *view.generation;
  const auto& file = generation.file();
  const auto get = [&] {
    generation.ops().get(view.reader, 0, keys.data(), static_cast<uint32_t>(keys.size()), values,
                         &arena);
  };
  if (!file.is_watched()) {
    get();
    return true;
  }
  return !file.is_damaged() && read_guarded(std::array{&view}, get);
}

void get_damaged(LoopView& view, std::span<const goromdb_key> keys, goromdb_value* values,
                 goromdb_arena& arena) {
  auto& generation = *view.generation;
  auto& file = generation.file();
  for (const auto& key : keys) {
    auto& value = *values++;
    bool is_sure = false;
    if (key.ns != 0) {  // its id was good for the look-up that has failed only [STO-12]
      value = failed(GOROMDB_E_IO);
      continue;
    }
    for (int i = 0; i < kTries && !is_sure && !file.is_lost(); ++i) {
      const auto before = file.size();
      const bool survived = survives([&] {
        generation.ops().get(view.reader, GOROMDB_GET_DAMAGED, &key, 1, &value, &arena);
        take_out(view, value, arena);
      });
      if (!survived) break;
      is_sure = file.size() == before && !file.is_lost();
    }
    if (!is_sure) value = failed(GOROMDB_E_IO);
  }
}

namespace {

goromdb_status find_namespace(LoopView& view, goromdb_slice name, uint32_t& id) {
  auto& generation = *view.generation;
  auto& file = generation.file();
  const auto look_up = generation.ops().ns_lookup;
  if (look_up == nullptr) return GOROMDB_NOT_FOUND;
  if (!file.is_watched()) return look_up(view.reader, name, &id);
  goromdb_status status = GOROMDB_E_IO;
  auto find = [&] { status = look_up(view.reader, name, &id); };
  if (!file.is_damaged() && read_guarded(std::array{&view}, find)) return status;
  if (file.is_lost() || file.names_lost > kMostNamesLost) return GOROMDB_E_IO;
  const auto before = file.size();
  if (!survives(find)) {
    ++file.names_lost;
    return GOROMDB_E_IO;
  }
  return file.size() == before && !file.is_lost() ? status : GOROMDB_E_IO;
}

}  // namespace

goromdb_status find_namespace_guarded(LoopView& view, goromdb_slice name, uint32_t& id) {
  const auto status = find_namespace(view, name, id);
  note_failure(view, status);
  return status;
}

void note_failure(LoopView& view, goromdb_status status) {
  auto& generation = *view.generation;
  if (status != GOROMDB_E_IO && status != GOROMDB_E_CORRUPT) return;
  if (generation.is_bad()) return;
  if (generation.file().is_watched()) (void)generation.file().size();  // perhaps it was cut
  auto reason = generation.file().reason();
  if (reason.empty()) {
    reason = fmt::format("{}: an entry {}", generation.facts().path,
                         status == GOROMDB_E_IO ? "cannot be read" : "is damaged");
  }
  generation.note_bad(reason);
}

void note_failures(LoopView& view, std::span<const goromdb_value> values) {
  for (const auto& value : values) note_failure(view, value.status);
}

void look_at_files(std::span<LoopView* const> views) {
  for (auto* view : views) {
    auto& file = view->generation->file();
    file.look();
    if (file.is_damaged()) view->generation->note_bad(file.reason());
  }
}

}  // namespace goromdb

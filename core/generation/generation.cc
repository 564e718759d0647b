// SPDX-License-Identifier: MIT
#include "core/generation/generation.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "core/base/arena.h"
#include "core/base/sigbus.h"
#include "core/base/step.h"
#include "core/generation/data_checks.h"

namespace goromdb {
namespace {

// What a plugin says of the file, which may be cut meanwhile. Then what it held stays allocated.
template <class Body>
goromdb_status while_it_is_there(PluginError& error, Body&& body) {
  goromdb_status status = GOROMDB_E_IO;
  if (!survives([&] { status = body(); })) {
    auto* told = error.get();
    std::snprintf(told->msg, sizeof told->msg, "a page of it cannot be read");
    return GOROMDB_E_IO;
  }
  return status;
}

}  // namespace

Result<std::unique_ptr<Generation>> Generation::open(Storage& storage, const Facts& facts,
                                                     uint32_t loops, const Progress& progress) {
  std::unique_ptr<Generation> generation(new Generation(storage, facts));
  const auto& ops = storage.ops();
  OpenLimit limit(facts.open_within_ms);
  struct Asked {  // what the storage asks while it opens the file; behind that `limit` is gone
    Asked(PluginHost& host, const Progress& limited, const Progress& progress)
        : host_(host), progress_(progress) {
      host_.on_progress(limited);
    }
    ~Asked() { host_.on_progress(progress_); }
    PluginHost& host_;
    const Progress& progress_;
  } const asked(storage.host(), limit.around(progress), progress);
  PluginError error;
  auto status = while_it_is_there(error, [&] {
    return ops.open(storage.store(), facts.path.c_str(), facts.id, &generation->handle_,
                    error.get());
  });
  if (status != GOROMDB_OK) {
    generation->handle_ = nullptr;
    return limit.gave_up() ? limit.rejection() : error.as_error(status);
  }
  step("opened");
  storage.host().allow_threads(facts.verify_threads);
  if (ops.verify != nullptr && !facts.verified) {
    status = while_it_is_there(error, [&] { return ops.verify(generation->handle_, error.get()); });
    if (status != GOROMDB_OK) {
      return limit.gave_up() ? limit.rejection() : error.as_error(status);
    }
  }
  if (limit.passed()) return limit.rejection();
  step("verified");
  generation->info_.struct_size = sizeof generation->info_;
  status = ops.info(generation->handle_, &generation->info_);
  if (status != GOROMDB_OK) return limit.gave_up() ? limit.rejection() : error.as_error(status);
  // Where a storage counts by walking, a start does not have it walk again.
  auto& entries = generation->info_.entries;
  if (entries == GOROMDB_UNKNOWN && facts.note.entries) entries = *facts.note.entries;
  for (uint32_t loop = 0; loop < loops; ++loop) {
    goromdb_reader* reader = nullptr;
    status = while_it_is_there(
        error, [&] { return ops.reader_open(generation->handle_, loop, &reader, error.get()); });
    if (status != GOROMDB_OK) return limit.gave_up() ? limit.rejection() : error.as_error(status);
    generation->readers_.push_back(reader);
  }
  generation->file_.emplace(facts.path, generation->info_.caps);
  return generation;
}

Result<void> Generation::warm_all(const Progress& progress) {
  for (bool more = !facts_.verified; more;) {
    auto warmed = warm();
    if (!warmed) return tl::unexpected(warmed.error());
    const auto total = touched_ ? 0 : static_cast<uint64_t>(facts_.note.size);
    if (progress(warming_.touched(), total)) return cancelled();
    more = *warmed;
  }
  step("warmed");
  loaded_at_s_ = std::time(nullptr);
  return {};
}

Result<bool> Generation::warm() {
  if (!touched_) {
    auto more = warming_.touch(ops(), handle_);
    if (!more || *more) return more;
    touched_ = true;
  }
  return warming_.hold(ops(), handle_);
}

// The pages of its bytes, too, up to a bound: they are what a client waits for.
void Generation::look_up(uint32_t loop, const HotKey& key) {
  constexpr uint32_t kPage = 4096, kMostBytes = uint32_t{1} << 20;
  goromdb_key wanted{key.key.data(), static_cast<uint32_t>(key.key.size()), 0};
  goromdb_arena arena;
  (void)survives([&] {
    if (!key.ns.empty()) {
      const goromdb_slice name{key.ns.data(), key.ns.size()};
      if (ops().ns_lookup == nullptr ||
          ops().ns_lookup(readers_[loop], name, &wanted.ns) != GOROMDB_OK) {
        return;
      }
    }
    goromdb_value value{};
    ops().get(readers_[loop], 0, &wanted, 1, &value, &arena);
    if (value.status != GOROMDB_OK) return;
    const auto* bytes = static_cast<const volatile char*>(value.ptr);
    for (uint32_t at = 0; at < std::min(value.len, kMostBytes); at += kPage) (void)bytes[at];
  });
}

void Generation::note_bad(const std::string& reason) {
  if (!bad_.exchange(true) && tell_bad_) tell_bad_(reason);
}

void Generation::close_reader(uint32_t loop) {
  ops().reader_close(readers_[loop]);
  readers_[loop] = nullptr;
}

Generation::~Generation() {
  for (auto* reader : readers_) {  // never adopted: no loop has seen them
    if (reader != nullptr) ops().reader_close(reader);
  }
  if (handle_ != nullptr) ops().close(handle_);
}

}  // namespace goromdb

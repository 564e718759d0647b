// SPDX-License-Identifier: MIT
#include "core/generation.h"

#include <ctime>

#include "core/step.h"

namespace goromdb {
namespace {

constexpr uint64_t kWarmBudget = uint64_t{16} << 20;

// Memory and the disk are the machine's trouble and may pass; the rest is the file's and will not.
tl::unexpected<Error> because(const PluginError& error, goromdb_status status) {
  switch (status) {
    case GOROMDB_E_CANCELLED:
      return cancelled();
    case GOROMDB_E_NO_MEMORY:
    case GOROMDB_E_IO:
      return fail(error.message(status));
    default:
      return reject(error.message(status));
  }
}

}  // namespace

Result<std::unique_ptr<Generation>> Generation::open(Storage& storage, const Facts& facts,
                                                     uint32_t loops, const Progress& progress) {
  std::unique_ptr<Generation> generation(new Generation(storage, facts));
  const auto& ops = storage.ops();
  storage.host().on_progress(progress);
  PluginError error;
  auto status =
      ops.open(storage.store(), facts.path.c_str(), facts.id, &generation->handle_, error.get());
  if (status != GOROMDB_OK) {
    generation->handle_ = nullptr;
    return because(error, status);
  }
  step("opened");
  storage.host().allow_threads(1);  // a server that stops does not wait for another's half
  if (ops.verify != nullptr && !facts.verified) {
    status = ops.verify(generation->handle_, error.get());
    if (status != GOROMDB_OK) return because(error, status);
  }
  step("verified");
  generation->info_.struct_size = sizeof generation->info_;
  status = ops.info(generation->handle_, &generation->info_);
  if (status != GOROMDB_OK) return because(error, status);
  for (bool more = !facts.verified; more;) {
    auto warmed = generation->warm();
    if (!warmed) return tl::unexpected(warmed.error());
    if (progress(generation->warmed_, static_cast<uint64_t>(facts.note.size))) return cancelled();
    more = *warmed;
  }
  step("warmed");
  for (uint32_t loop = 0; loop < loops; ++loop) {
    goromdb_reader* reader = nullptr;
    status = ops.reader_open(generation->handle_, loop, &reader, error.get());
    if (status != GOROMDB_OK) return because(error, status);
    generation->readers_.push_back(reader);
  }
  generation->loaded_at_s_ = std::time(nullptr);
  return generation;
}

Result<bool> Generation::warm() {
  if (ops().warm == nullptr) return false;
  PluginError error;
  uint64_t next = warmed_;
  const auto status = ops().warm(handle_, warmed_, kWarmBudget, &next, error.get());
  if (status < 0) return because(error, status);
  warmed_ = next;
  return status == GOROMDB_OK;
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

// SPDX-License-Identifier: MIT
#include "core/files/refusals.h"

#include <algorithm>
#include <sstream>

#include "core/base/file.h"
#include "core/base/log.h"

namespace goromdb {
namespace {

constexpr size_t kFileLimit = size_t{256} << 10;
constexpr size_t kMostOfReason = 1000;

std::string path_in(const std::string& basedir) { return join_path(basedir, "refused"); }

}  // namespace

bool Refusal::is_rollback() const { return reason.starts_with(kRolledBack); }

Refusals::Refusals(const std::string& basedir) : basedir_(basedir) {}

std::vector<Refusal> Refusals::read(const std::string& basedir) {
  std::vector<Refusal> all;
  auto content = read_small_file(path_in(basedir), kFileLimit);
  if (!content) return all;
  std::istringstream lines(*content);
  for (std::string line; std::getline(lines, line);) {
    Refusal each;
    std::istringstream words(line);
    if (!(words >> each.checksum >> each.generation >> each.at)) continue;
    std::getline(words >> std::ws, each.reason);
    all.push_back(std::move(each));
  }
  return all;
}

void Refusals::load(const SlotNote* current) {
  all_ = read(basedir_);
  // A crash came before clear() could be called. A rollback is no other data set.
  if (current == nullptr || current->rolled_back_to != 0) return;
  std::erase_if(all_, [&](const auto& each) { return each.generation < current->generation; });
}

const Refusal* Refusals::find(const std::string& checksum) const {
  if (checksum.empty()) return nullptr;
  auto found = std::find_if(all_.begin(), all_.end(),
                            [&](const auto& each) { return each.checksum == checksum; });
  return found == all_.end() ? nullptr : &*found;
}

Result<void> Refusals::add(Refusal refusal) {
  if (refusal.checksum.empty()) return {};
  std::erase_if(all_, [&](const auto& each) { return each.checksum == refusal.checksum; });
  refusal.reason = one_line(refusal.reason.substr(0, kMostOfReason));
  // A job that ships bad files does not make the server forget what was rolled back.
  const auto same = [&](const Refusal& each) {
    return each.is_rollback() == refusal.is_rollback();
  };
  if (static_cast<size_t>(std::count_if(all_.begin(), all_.end(), same)) >= kMost) {
    all_.erase(std::find_if(all_.begin(), all_.end(), same));
  }
  all_.push_back(std::move(refusal));
  return write();
}

Result<void> Refusals::forget(const std::string& checksum) {
  if (find(checksum) == nullptr) return {};
  std::erase_if(all_, [&](const auto& each) { return each.checksum == checksum; });
  return write();
}

Result<void> Refusals::clear() {
  if (all_.empty()) return {};
  all_.clear();
  return write();
}

Result<void> Refusals::write() const {
  if (all_.empty()) return remove_durably(path_in(basedir_));
  std::string text;
  for (const auto& each : all_) {
    text += fmt::format("{} {} {} {}\n", each.checksum, each.generation, each.at, each.reason);
  }
  return write_file_durably(path_in(basedir_), text);
}

}  // namespace goromdb

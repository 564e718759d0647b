// SPDX-License-Identifier: MIT
#include "core/request/positions.h"

#include <random>

namespace goromdb {
namespace {

size_t size_of(const Position& position) {
  return position.ns.size() + position.after.value_or("").size();
}

}  // namespace

Positions::Positions() : last_((uint64_t{std::random_device()()} & 0xfffff) << 32) {}

uint64_t Positions::remember(Position position) {
  std::lock_guard lock(mutex_);
  bytes_ += size_of(position);
  positions_.emplace(++last_, std::move(position));
  while (positions_.size() > kMost || (bytes_ > kMostBytes && positions_.size() > 1)) {
    forget(positions_.begin());
  }
  return last_;
}

std::optional<Position> Positions::find(uint64_t number) {
  std::lock_guard lock(mutex_);
  const auto found = positions_.find(number);
  if (found == positions_.end()) return std::nullopt;
  if (const auto before = positions_.find(found->second.previous); before != positions_.end()) {
    forget(before);
  }
  return found->second;
}

void Positions::forget(std::map<uint64_t, Position>::iterator position) {
  bytes_ -= size_of(position->second);
  positions_.erase(position);
}

}  // namespace goromdb

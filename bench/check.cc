// SPDX-License-Identifier: MIT
#include "check.h"

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace goromdb::bench {
namespace {

std::string visible(std::string_view bytes) {
  std::string out;
  for (const char c : bytes.substr(0, 60)) {
    if (c >= ' ' && c <= '~')
      out.push_back(c);
    else
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
  }
  return out;
}

}  // namespace

size_t Checker::read(std::string_view data, std::span<const Wanted> wanted) {
  if (!begun_) {
    begun_ = true;
    at_ = 0;
    first_ = {expected_reply(protocol_, rows_, wanted)};
    if (other_ != nullptr) second_ = Candidate{expected_reply(protocol_, *other_, wanted)};
  }
  // No reply begins with another whole one: where both data sets are still possible, neither has
  // ended.
  const auto fits = [&](Candidate& candidate, char byte) {
    const Reply& reply = candidate.reply;
    candidate.alive = candidate.alive && (reply.bytes[at_] == byte || reply.any[at_] != 0);
    return candidate.alive;
  };
  for (size_t i = 0; i < data.size(); ++i) {
    const bool one = fits(first_, data[i]);
    const bool two = second_ && fits(*second_, data[i]);
    if (!one && !two) differs(data.substr(i), wanted);
    ++at_;
    if ((one && at_ == first_.reply.bytes.size()) || (two && at_ == second_->reply.bytes.size())) {
      begun_ = false;
      return i + 1;
    }
  }
  return data.size();
}

void Checker::differs(std::string_view got, std::span<const Wanted> wanted) const {
  const std::string_view expected = first_.reply.bytes;
  const std::string key = wanted[0].absent ? absent_key(rows_.key(wanted[0].row))
                                           : std::string(rows_.key(wanted[0].row));
  throw std::runtime_error(fmt::format(
      "a wrong reply to the request for \"{}\"{}: byte {} goes on with \"{}\", expected \"{}\"{}",
      visible(key), wanted.size() > 1 ? fmt::format(" and {} more keys", wanted.size() - 1) : "",
      at_, visible(got), visible(at_ < expected.size() ? expected.substr(at_) : ""),
      second_ ? ", or all of the other data set" : ""));
}

}  // namespace goromdb::bench

// SPDX-License-Identifier: MIT
// The core's facts (docs/abi.md, "Facts") by their names, for protocols that tell them to clients.
// Borrows an answer's pairs, which are in place during its reply. Pure. Header-only, not part of
// the ABI.
#pragma once

#include <goromdb/sdk.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb {

class FactView {
 public:
  FactView() = default;
  explicit FactView(std::span<const goromdb_slice> pairs, size_t prefix = 0)
      : pairs_(pairs), prefix_(prefix) {}
  explicit FactView(const goromdb_answer& answer)
      : FactView(std::span(answer.pairs, answer.npairs)) {}

  size_t size() const { return pairs_.size() / 2; }
  std::string_view name(size_t i) const { return view(pairs_[2 * i]).substr(prefix_); }
  std::string_view value(size_t i) const { return view(pairs_[2 * i + 1]); }

  // The fact's value, or nothing when the core does not know it.
  std::optional<std::string_view> find(std::string_view wanted) const {
    for (size_t i = 0; i < size(); ++i) {
      if (name(i) == wanted) return value(i);
    }
    return std::nullopt;
  }
  std::string_view text(std::string_view name, std::string_view unknown = {}) const {
    return find(name).value_or(unknown);
  }
  // 0 where it is not known or no number.
  uint64_t number(std::string_view name) const {
    return parse_number<uint64_t>(text(name)).value_or(0);
  }

  // The facts `N:...`, a group for each N in the core's order, under their names behind the colon.
  // The facts of an N stand together.
  std::vector<FactView> numbered() const {
    std::vector<FactView> groups;
    for (size_t i = 0; i < size();) {
      const std::string_view label = number_of(name(i));
      size_t end = i + 1;
      while (end < size() && number_of(name(end)) == label) ++end;
      if (!label.empty()) groups.emplace_back(pairs_.subspan(2 * i, 2 * (end - i)), label.size());
      i = end;
    }
    return groups;
  }

 private:
  // "12:" of "12:addr"; empty for a fact without a number.
  static std::string_view number_of(std::string_view name) {
    const size_t end = name.find_first_not_of("0123456789");
    return end == 0 || end == name.npos || name[end] != ':' ? "" : name.substr(0, end + 1);
  }

  std::span<const goromdb_slice> pairs_{};
  size_t prefix_ = 0;  // bytes before each name
};

// A byte of a text that is to be one line whatever it holds: a database may bear any name.
constexpr char printable(char c) { return is_control(c) ? '?' : c; }
inline std::string printable(std::string_view text) {
  std::string line(text);
  for (char& byte : line) byte = printable(byte);
  return line;
}

// Where a listener listens: "host:port" or "unix:/path".
struct ListenAddress {
  explicit ListenAddress(std::string_view text) {
    constexpr std::string_view kUnix = "unix:";
    if (text.starts_with(kUnix)) {
      path = text.substr(kUnix.size());
      return;
    }
    const size_t colon = text.rfind(':');
    if (colon == text.npos) return;
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  // The host without the brackets of an IPv6 address.
  std::string_view bare_host() const {
    const bool brackets = host.starts_with('[') && host.ends_with(']');
    return brackets ? host.substr(1, host.size() - 2) : host;
  }

  std::string_view host{}, port = "0", path{};
};

}  // namespace goromdb

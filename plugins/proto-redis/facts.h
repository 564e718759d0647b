// SPDX-License-Identifier: MIT
// The core's facts (docs/abi.md, "Facts") by their names. Borrows an answer's pairs, which are in
// place during its reply. Pure.
#pragma once

#include <goromdb/sdk.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb::redis {

class Facts {
 public:
  Facts() = default;
  explicit Facts(std::span<const goromdb_slice> pairs, size_t prefix = 0)
      : pairs_(pairs), prefix_(prefix) {}
  explicit Facts(const goromdb_answer& answer) : Facts(std::span(answer.pairs, answer.npairs)) {}

  // The fact's value, or nothing when the core does not know it.
  std::optional<std::string_view> find(std::string_view wanted) const {
    for (size_t i = 0; i + 1 < pairs_.size(); i += 2) {
      const std::string_view name = view(pairs_[i]);
      if (name.size() == prefix_ + wanted.size() && name.ends_with(wanted)) {
        return view(pairs_[i + 1]);
      }
    }
    return std::nullopt;
  }
  std::string_view text(std::string_view name, std::string_view unknown = {}) const {
    return find(name).value_or(unknown);
  }
  // 0 where it is not known or no number.
  uint64_t number(std::string_view name) const {
    const std::string_view digits = text(name);
    uint64_t n = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    return n;
  }

  // The facts `N:...`, a group for each N in the core's order, under their names behind the colon.
  // The facts of an N stand together.
  std::vector<Facts> numbered() const {
    std::vector<Facts> groups;
    for (size_t i = 0; i + 1 < pairs_.size();) {
      const std::string_view label = number_of(view(pairs_[i]));
      size_t end = i + 2;
      while (end + 1 < pairs_.size() && number_of(view(pairs_[end])) == label) end += 2;
      if (!label.empty()) groups.emplace_back(pairs_.subspan(i, end - i), label.size());
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

// The keys of a database as DBSIZE counts them, a namespace as one; until the core knows them, its
// entries.
inline uint64_t keys_of_database(const Facts& database) {
  return database.number(database.find("keys") ? "keys" : "entries");
}

// `text` as one line whatever it holds: a database may bear any name.
inline std::string printable(std::string_view text) {
  std::string line(text);
  for (char& byte : line) {
    if (static_cast<uint8_t>(byte) < ' ' || byte == '\x7f') byte = '?';
  }
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
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  }

  std::string_view host{}, port = "0", path{};
};

}  // namespace goromdb::redis

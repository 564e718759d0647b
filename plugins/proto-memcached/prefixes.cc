// SPDX-License-Identifier: MIT
#include "prefixes.h"

#include <algorithm>

namespace goromdb::memcached {

namespace {

constexpr size_t kMaxSeparator = 8;

void check(const char* option, std::string_view separator) {
  if (separator.size() <= kMaxSeparator && is_plain(separator)) return;
  throw Failure(GOROMDB_E_CONFIG,
                std::string(option) + ": choose up to 8 bytes without blanks, such as \":\"");
}

// What stands before the separator; and takes it, and the separator, from `rest`.
std::optional<std::string_view> take_prefix(std::string_view& rest, std::string_view separator) {
  if (separator.empty()) return std::nullopt;
  const size_t at = rest.find(separator);
  if (at == rest.npos) return std::nullopt;
  const auto prefix = rest.substr(0, at);
  rest.remove_prefix(at + separator.size());
  return prefix;
}

}  // namespace

Prefixes::Prefixes(std::string_view database_separator, std::string_view namespace_separator)
    : database_separator_(database_separator), namespace_separator_(namespace_separator) {
  check("database_separator", database_separator);
  check("namespace_separator", namespace_separator);
  if (used() && database_separator == namespace_separator) {
    throw Failure(GOROMDB_E_CONFIG,
                  "database_separator and namespace_separator are the same; choose two");
  }
}

goromdb_key Prefixes::read(std::string_view wire, goromdb_parse& io) const {
  std::string_view rest = wire;
  goromdb_scope scope{};
  auto inside = rest;
  if (auto name = take_prefix(inside, database_separator_)) {
    const auto* names = io.database_names;
    const auto* found = std::find_if(names, names + io.databases, [&](const goromdb_slice& each) {
      return view(each) == *name;
    });
    if (found != names + io.databases) {  // else it is part of a key of the first database
      scope.database = static_cast<uint32_t>(found - names);
      rest = inside;
    }
  }
  if (auto name = take_prefix(rest, namespace_separator_)) scope.name = slice(*name);
  goromdb_key key{rest.data(), static_cast<uint32_t>(rest.size()), 0};
  scope.tag = static_cast<uint32_t>(wire.size() - rest.size());
  if (scope.tag == 0) return key;
  const auto same = [&](const goromdb_scope& other) {
    return other.database == scope.database && other.tag == scope.tag &&
           view(other.name) == view(scope.name);
  };
  if (io.scope_len == 0 || !same(io.scopes[io.scope_len - 1])) io.scopes[io.scope_len++] = scope;
  key.ns = io.scope_len;
  return key;
}

}  // namespace goromdb::memcached

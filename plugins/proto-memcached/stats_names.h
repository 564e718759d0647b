// SPDX-License-Identifier: MIT
// The tables behind `stats`: which of the core's facts, or else which constant, stands under which
// of memcached's names.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace goromdb::memcached {

// How a fact is written.
enum class Form : uint8_t {
  kPlain,
  kSeconds,     // microseconds as `1.000001`
  kAddress,     // 127.0.0.1:5000 as `tcp:127.0.0.1:5000`; unix:/path as it is
  kPort,        // of a listen address; 0 for a socket
  kHost,        // of a listen address
  kSocketPath,  // of a listen address; NULL without
  kState        // whatever the fact: every connection waits to be read from
};

struct StatName {
  std::string_view name;
  std::string_view fact;      // the core's name, or empty
  std::string_view constant;  // without a fact, or until the core knows it
  Form form = Form::kPlain;
};

std::span<const StatName> general_names();     // `stats`, but for `version`
std::span<const StatName> settings_names();    // `stats settings`
std::span<const StatName> connection_names();  // `stats conns`: what follows `N:`

}  // namespace goromdb::memcached

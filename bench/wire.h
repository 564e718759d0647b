// SPDX-License-Identifier: MIT
// What the protocols look like on the wire: requests, the whole of the reply that a server must
// give to one, and SETs for the servers that are filled that way.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "rows.h"

namespace goromdb::bench {

// text, meta and binary are memcached's (its doc/protocol.txt and protocol-binary.xml); redis is
// RESP2.
enum class Protocol { kText, kMeta, kBinary, kRedis };

// What a request asks for: a row of the data set, or a key that is in none.
struct Wanted {
  uint32_t row;
  bool absent;
};

// A key that no data set has: no key of theirs begins with '!'.
std::string absent_key(std::string_view key);

// One request for all of `wanted`: a get or MGET of them, or quiet gets with a mn or NOOP behind. A
// single key is asked for by get, mg, GET (0x00) or GET.
void append_request(std::string& out, Protocol protocol, const Rows& rows,
                    std::span<const Wanted> wanted);

// The bytes of its reply. Where `any` is not 0 the server is free: a binary reply's cas.
struct Reply {
  std::string bytes, any;
};
Reply expected_reply(Protocol protocol, const Rows& rows, std::span<const Wanted> wanted);

// A SET of the row, in text or RESP2; its reply is one line.
void append_set(std::string& out, Protocol protocol, const Rows& rows, size_t row);

}  // namespace goromdb::bench

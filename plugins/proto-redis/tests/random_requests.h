// SPDX-License-Identifier: MIT
// Requests that are nearly right: pieces of commands, glued in any order.
#pragma once

#include <string>
#include <vector>

#include "driver.h"

namespace goromdb::redis::engine_test {

inline const std::vector<std::string>& whole_requests() {
  static const std::vector<std::string> kRequests = {
      line("GET a"),
      line("GET broken"),
      line("MGET a b missing h"),
      line("MGET a a a a a"),
      line("HGET h f1"),
      line("HMGET h f1 f2 x"),
      line("HMGET \"\" a b"),
      line("HGETALL h"),
      line("HKEYS one"),
      line("HLEN missing"),
      line("HSCAN h 0 COUNT 1"),
      line("HRANDFIELD h 5 WITHVALUES"),
      line("HRANDFIELD h -3"),
      line("SCAN 0 MATCH * COUNT 2"),
      line("SCAN 2 TYPE hash"),
      line("KEYS *"),
      line("DBSIZE"),
      line("RANDOMKEY"),
      line("EXISTS a missing h"),
      line("TYPE h"),
      line("GETRANGE long 2 -2"),
      line("STRLEN b"),
      line("BITCOUNT long 1 -1 BIT"),
      line("BITPOS long 1 2"),
      line("BITFIELD_RO long GET u4 #3"),
      line("LCS long a IDX"),
      line("DUMP long"),
      line("OBJECT ENCODING a"),
      line("MEMORY USAGE long"),
      line("SELECT 1"),
      line("SELECT 0"),
      line("SELECT 7"),
      line("MULTI"),
      line("EXEC"),
      line("DISCARD"),
      line("WATCH a"),
      line("UNWATCH"),
      line("PING"),
      line("ECHO hello"),
      line("HELLO 3"),
      line("HELLO 2 SETNAME me"),
      line("RESET"),
      line("CLIENT REPLY SKIP"),
      line("CLIENT REPLY OFF"),
      line("CLIENT REPLY ON"),
      line("CLIENT SETNAME x"),
      line("CLIENT TRACKING ON OPTIN"),
      line("CLIENT CACHING YES"),
      line("CLIENT TRACKINGINFO"),
      line("SUBSCRIBE x __goromdb__:generation"),
      line("PSUBSCRIBE *"),
      line("UNSUBSCRIBE"),
      line("PUNSUBSCRIBE"),
      line("SET a 1"),
      line("DEL a b c"),
      line("LLEN a"),
      line("LRANGE x 0 1"),
      line("ZUNION 2 x y WEIGHTS 1 2"),
      line("XREAD COUNT 1 STREAMS s 0"),
      line("COMMAND INFO get"),
      line("COMMAND GETKEYS MGET a b"),
      line("CONFIG GET save"),
      line("SLOWLOG LEN"),
      line("FOO bar baz"),
      line("CLIENT foo"),
      line("GET"),
      line("EVAL x 0"),
      "GET a\r\n",
      "MGET 'a' \"b\"\r\n",
      "SET a 1\n",
      "MULTI\r\n",
      "EXEC\r\n",
      "foo 'x y'\r\n",
      "\r\n",
      "*0\r\n",
      "*-1\r\n",
  };
  return kRequests;
}

inline std::string random_requests(Random& random) {
  static const std::vector<std::string> kPieces = {"*",
                                                   "$",
                                                   "*1\r\n",
                                                   "*2\r\n",
                                                   "$1\r\n",
                                                   "$-1\r\n",
                                                   "$3\r\nGET\r\n",
                                                   "\r\n",
                                                   "\r",
                                                   "\n",
                                                   "a",
                                                   "\"",
                                                   "'",
                                                   "$0\r\n\r\n",
                                                   "*1000000000\r\n",
                                                   "QUIT",
                                                   "x\0",
                                                   "POST",
                                                   " ",
                                                   "$2147483647\r\n",
                                                   "-5",
                                                   "99999999999999999999"};
  const std::vector<std::string>& whole = whole_requests();
  std::string text;
  for (size_t n = below(random, 12); n > 0; --n) {
    const size_t kind = below(random, 30);
    if (kind == 0) {
      text += kPieces[below(random, kPieces.size())];
    } else if (kind == 1) {
      std::string damaged = whole[below(random, whole.size())];
      damaged[below(random, damaged.size())] = static_cast<char>(random());
      text += damaged;
    } else {
      text += whole[below(random, whole.size())];
    }
  }
  return text;
}

}  // namespace goromdb::redis::engine_test

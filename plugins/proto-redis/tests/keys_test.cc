// SPDX-License-Identifier: MIT
// Strings and hashes: exact replies, kinds, faults, and what there is before there are data.
#include <doctest/doctest.h>
#include <transcripts.hpp>

#include "driver.h"

namespace goromdb::redis::engine_test {

namespace {

const std::string kWrongType =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
const std::string kFault = "-ERR storage error\r\n";
const std::string kLoading = "-LOADING Redis is loading the dataset in memory\r\n";
const std::string kNotAnInteger = "-ERR value is not an integer or out of range\r\n";

// Each line's reply, on one connection.
void check_lines(World& world, const std::vector<std::pair<std::string, std::string>>& lines) {
  Connection connection(world);
  for (const auto& [request, reply] : lines) {
    CAPTURE(request);
    CHECK(connection.ask(line(request)) == reply);
  }
}

}  // namespace

TEST_CASE("strings are read whole, in parts and by their lengths") {
  World world;
  check_lines(world,
              {{"STRLEN long", ":10\r\n"},
               {"STRLEN missing", ":0\r\n"},
               {"STRLEN h", kWrongType},
               {"GETRANGE long 0 2", "$3\r\n012\r\n"},
               {"GETRANGE long -3 -1", "$3\r\n789\r\n"},
               {"GETRANGE long 5 2", "$0\r\n\r\n"},
               {"GETRANGE long -1 -5", "$0\r\n\r\n"},
               {"GETRANGE long -100 0", "$1\r\n0\r\n"},
               {"GETRANGE long 8 9223372036854775807", "$2\r\n89\r\n"},
               {"GETRANGE empty 0 -1", "$0\r\n\r\n"},
               {"GETRANGE missing 0 1", "$0\r\n\r\n"},
               {"GETRANGE missing 0 x", kNotAnInteger},
               {"GETRANGE h 0 1", kWrongType},
               {"SUBSTR long 1 1", "$1\r\n1\r\n"},
               {"GETEX a", "$1\r\n1\r\n"},
               {"GETEX a PERSIST", "-READONLY You can't write against a read only replica.\r\n"},
               {"LCS long a", "$1\r\n1\r\n"},
               {"LCS long a LEN", ":1\r\n"},
               {"LCS long a IDX WITHMATCHLEN",
                "*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:1\r\n:1\r\n*2\r\n:0\r\n:0\r\n:1\r\n"
                "$3\r\nlen\r\n:1\r\n"},
               {"LCS long h", "-ERR The specified keys must contain string values\r\n"}});
}

TEST_CASE("bits are counted from the highest of the first byte") {
  World world;
  world.databases[0].keys["bits"] = "foobar";
  check_lines(
      world,
      {{"GETBIT bits 1", ":1\r\n"},
       {"GETBIT bits 1000", ":0\r\n"},
       {"GETBIT bits -1", "-ERR bit offset is not an integer or out of range\r\n"},
       {"BITCOUNT bits", ":26\r\n"},
       {"BITCOUNT bits 5 30 BIT", ":17\r\n"},
       {"BITCOUNT bits 1 1", ":6\r\n"},
       {"BITPOS bits 1", ":1\r\n"},
       {"BITPOS bits 0 2 3", ":16\r\n"},
       {"BITPOS missing 0", ":0\r\n"},
       {"BITFIELD_RO bits GET u8 0 GET i5 100 GET u4 #1", "*3\r\n:102\r\n:0\r\n:6\r\n"},
       {"BITFIELD_RO bits SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand\r\n"}});
}

TEST_CASE("namespaces are keys of the type hash") {
  World world;
  check_lines(world, {{"GET h", kWrongType},
                      {"MGET a h", "*2\r\n$1\r\n1\r\n$-1\r\n"},
                      {"EXISTS a a h missing", ":3\r\n"},
                      {"TOUCH h missing", ":1\r\n"},
                      {"TYPE a", "+string\r\n"},
                      {"TYPE h", "+hash\r\n"},
                      {"TYPE missing", "+none\r\n"},
                      {"TTL h", ":-1\r\n"},
                      {"PTTL missing", ":-2\r\n"},
                      {"EXPIRETIME a", ":-1\r\n"},
                      {"OBJECT ENCODING a", "$3\r\nint\r\n"},
                      {"OBJECT ENCODING b", "$6\r\nembstr\r\n"},
                      {"OBJECT ENCODING missing", "$-1\r\n"},
                      {"OBJECT REFCOUNT a", ":2147483647\r\n"},
                      {"MEMORY USAGE long", ":14\r\n"},
                      {"MEMORY USAGE missing", "$-1\r\n"}});
}

TEST_CASE("fields are entries of a namespace") {
  World world;
  check_lines(world, {{"HGET h f1", "$2\r\nv1\r\n"},
                      {"HGET h f2", "$0\r\n\r\n"},
                      {"HGET h f3", "$-1\r\n"},
                      {"HGET missing f", "$-1\r\n"},
                      {"HGET a f", kWrongType},
                      {"HMGET h f1 x f1", "*3\r\n$2\r\nv1\r\n$-1\r\n$2\r\nv1\r\n"},
                      {"HMGET missing x y", "*2\r\n$-1\r\n$-1\r\n"},
                      {"HMGET a x y", kWrongType},
                      {"HEXISTS h f2", ":1\r\n"},
                      {"HEXISTS missing f", ":0\r\n"},
                      {"HSTRLEN h f1", ":2\r\n"},
                      {"HSTRLEN a f1", kWrongType},
                      {"HGET broken f", kFault},
                      {"HGET bad f", kFault}});
}

TEST_CASE("a hash without a name is not the keys without a namespace") {
  World world;
  check_lines(world, {{"HGET \"\" a", "$-1\r\n"},
                      {"HMGET \"\" a b", "*2\r\n$-1\r\n$-1\r\n"},
                      {"HGETALL \"\"", "*0\r\n"},
                      {"HLEN \"\"", ":0\r\n"},
                      {"HSCAN \"\" 0", "*2\r\n$1\r\n0\r\n*0\r\n"},
                      {"HRANDFIELD \"\"", "$-1\r\n"}});
  world.databases[0].keys[""] = "x";
  check_lines(world, {{"GET \"\"", "$1\r\nx\r\n"},
                      {"HGET \"\" a", kWrongType},
                      {"HMGET \"\" a b", kWrongType},
                      {"HGETALL \"\"", kWrongType},
                      {"HLEN \"\"", kWrongType},
                      {"HSCAN \"\" 0", kWrongType},
                      {"HRANDFIELD \"\" 2", kWrongType}});
}

TEST_CASE("a fault of the storage is an error, never a key that is not there") {
  World world;
  check_lines(world, {{"GET broken", kFault},
                      {"MGET a broken b", kFault},
                      {"EXISTS a broken", kFault},
                      {"TYPE broken", kFault},
                      {"STRLEN broken", kFault},
                      {"LLEN broken", kFault},
                      {"HGETALL bad", kFault},
                      {"HLEN bad", kFault},
                      {"GET a", "$1\r\n1\r\n"}});
}

TEST_CASE("without a data set reads are told that it is loading, and they only") {
  World world;
  world.databases[0].generation = 0;
  check_lines(world,
              {{"GET a", kLoading},
               {"MGET a b", kLoading},
               {"HGET h f", kLoading},
               {"HGETALL h", kLoading},
               {"SCAN 0", kLoading},
               {"KEYS *", kLoading},
               {"DBSIZE", kLoading},
               {"LLEN x", kLoading},
               {"PING", kLoading},
               {"ECHO x", "$1\r\nx\r\n"},
               {"SELECT 1", "+OK\r\n"},
               {"GET c", "$1\r\n3\r\n"},
               {"SELECT 0", "+OK\r\n"},
               {"SET a 1", "-READONLY You can't write against a read only replica.\r\n"},
               {"GET", "-ERR wrong number of arguments for 'get' command\r\n"},
               {"MULTI", "+OK\r\n"},
               {"GET a", kLoading},
               {"EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"}});
}

TEST_CASE("SELECT chooses one of the listener's databases for what follows") {
  World world;
  check_all(world,
            {{line("GET c") + line("SELECT 1") + line("GET c") + line("HGET g x") + line("GET a"),
              "$-1\r\n+OK\r\n$1\r\n3\r\n$1\r\ny\r\n$-1\r\n"},
             {line("SELECT 2"), "-ERR DB index is out of range\r\n"},
             {line("SELECT -1"), "-ERR DB index is out of range\r\n"},
             {line("SELECT x"), "-ERR value is not an integer or out of range\r\n"},
             {line("SELECT 99999999999"),
              "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n"}});
}

TEST_CASE("reads of types that there are none of find nothing") {
  World world;
  check_lines(world, {{"LLEN missing", ":0\r\n"},
                      {"LRANGE missing 0 -1", "*0\r\n"},
                      {"LRANGE missing 0 x", kNotAnInteger},
                      {"LINDEX missing 0", "$-1\r\n"},
                      {"LPOS missing x COUNT 0", "*0\r\n"},
                      {"SMEMBERS missing", "*0\r\n"},
                      {"SMISMEMBER missing x y", "*2\r\n:0\r\n:0\r\n"},
                      {"SINTERCARD 2 x y", ":0\r\n"},
                      {"ZRANGE missing 0 -1", "*0\r\n"},
                      {"ZRANGEBYSCORE missing (1 +inf", "*0\r\n"},
                      {"ZRANGEBYSCORE missing x 1", "-ERR min or max is not a float\r\n"},
                      {"ZUNION 2 x y WEIGHTS 1 2", "*0\r\n"},
                      {"XREAD COUNT 1 STREAMS s 0", "*-1\r\n"},
                      {"XPENDING s g", "-NOGROUP No such key 's' or consumer group 'g'\r\n"},
                      {"GEOPOS missing x", "*1\r\n*-1\r\n"},
                      {"PFCOUNT missing", ":0\r\n"},
                      {"PFCOUNT a", "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"},
                      {"LLEN a", kWrongType},
                      {"SUNION missing h", kWrongType},
                      {"ZCARD h", kWrongType},
                      {"HELLO 3",
                       "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\n"
                       "proto\r\n:3\r\n$2\r\nid\r\n:7\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\n"
                       "role\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"},
                      {"SMEMBERS missing", "~0\r\n"},
                      {"LLEN missing", ":0\r\n"},
                      {"XREAD STREAMS s 0", "_\r\n"},
                      {"LINDEX missing 0", "_\r\n"}});
}

}  // namespace goromdb::redis::engine_test

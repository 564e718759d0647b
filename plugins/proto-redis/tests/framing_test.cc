// SPDX-License-Identifier: MIT
// Where commands begin and end, what closes a connection, what is skipped and never kept.
#include <doctest/doctest.h>
#include <transcripts.hpp>

#include "driver.h"

namespace goromdb::redis::engine_test {

namespace {

const std::string kReadOnly = "-READONLY You can't write against a read only replica.\r\n";

}  // namespace

TEST_CASE("a get is answered however it comes") {
  World world;
  check_all(world,
            {
                {line("GET a"), "$1\r\n1\r\n"},
                {line("get missing"), "$-1\r\n"},
                {line("gEt \"\""), "$-1\r\n"},
                {line("GET b") + line("GET empty"), "$9\r\ntwo\r\n$1\r\n\r\n$0\r\n\r\n"},
                {command({"GET", std::string(200, 'k')}) + line("GET a"), "$-1\r\n$1\r\n1\r\n"},
                {line("MGET a missing h a b"),
                 "*5\r\n$1\r\n1\r\n$-1\r\n$-1\r\n$1\r\n1\r\n$9\r\ntwo\r\n$1\r\n\r\n"},
            });
}

TEST_CASE("inline commands are cut into words as redis-cli does") {
  World world;
  check_all(world, {
                       {"GET a\r\n", "$1\r\n1\r\n"},
                       {"get a\nPING\n", "$1\r\n1\r\n+PONG\r\n"},
                       {"\r\n\n  \t \r\n", ""},
                       {"  mget   a\t\"\\x61\" 'a' \"\"\r\n",
                        "*4\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n$-1\r\n"},
                       {"ECHO \"a\\n\\r\\t\\b\\a\\q\\\"\"\n", "$8\r\na\n\r\t\b\aq\"\r\n"},
                       {"ECHO 'it\\'s \\n'\n", "$7\r\nit's \\n\r\n"},
                       {"ECHO a\"b c\"\n", "$4\r\nab c\r\n"},
                       {"ECHO \"\\xZZ\"\n", "$3\r\nxZZ\r\n"},
                       {"*0\r\n*-1\r\n" + line("PING"), "+PONG\r\n"},
                       {"SET a 1\r\n", kReadOnly},
                   });
}

TEST_CASE(
    "a TLS client is hung up on at its first byte, and one that only talks nonsense if so asked") {
  World world;
  const std::string unknown = "-ERR unknown command 'hallo', with args beginning with: \r\n";
  check_all(world, {
                       {std::string("\x16\x03\x01\x02\0\x01", 6) + line("PING"), "", true},
                       {line("PING") + "\x16\r\n",
                        "+PONG\r\n-ERR unknown command '\x16', with args beginning with: \r\n"},
                       {"set k 0 0 5\r\nhallo\r\nhallo\r\n", kReadOnly + unknown + unknown},
                   });
  world.options = {{"max_unknown_lines", "2"}};
  check_all(world, {
                       {"set k 0 0 5\r\nhallo\r\nGET a\r\n", kReadOnly + unknown + "$1\r\n1\r\n"},
                       {"hallo\r\nGET a\r\nhallo\r\nGET a\r\n", unknown + "$1\r\n1\r\n", true},
                       {line("hallo") + line("hallo") + "hallo\r\n" + line("PING"),
                        unknown + unknown + unknown + "+PONG\r\n"},
                   });
}

TEST_CASE("quotes that are not closed close the connection") {
  World world;
  const std::string error = "-ERR Protocol error: unbalanced quotes in request\r\n";
  check_all(world, {
                       {"GET \"a\r\nPING\r\n", error, true},
                       {"GET 'a\r\n", error, true},
                       {"GET \"a\"b\r\n", error, true},
                       {"GET 'a'b\r\n", error, true},
                       {"GET \"a\\\r\n", error, true},
                   });
}

TEST_CASE("what cannot be told apart closes the connection with redis's words") {
  World world;
  const std::string length = "-ERR Protocol error: invalid bulk length\r\n";
  const std::string count = "-ERR Protocol error: invalid multibulk length\r\n";
  check_all(
      world,
      {
          {"*1000000000\r\n" + line("PING"), count, true},
          {"*1048577\r\n", count, true},
          {"*x\r\n", count, true},
          {"*\r\n", count, true},
          {"*01\r\n", count, true},
          {"*1\rX", count, true},
          {"*99999999999999999999\r\n", count, true},
          {"*2\r\n$3\r\nGET\r\n$2147483647\r\n", length, true},
          {"*2\r\n$3\r\nGET\r\n$-5\r\n", length, true},
          {"*2\r\n$-1\r\n", length, true},
          {"*2\r\n$3\r\nSET\r\n$536870913\r\n", length, true},
          {"*1\r\n$x\r\n", length, true},
          {"*2\r\n$3\r\nGET\r\n:1\r\n", "-ERR Protocol error: expected '$', got ':'\r\n", true},
          {"*1\r\n*1\r\n", "-ERR Protocol error: expected '$', got '*'\r\n", true},
          {"*3\r\n$3\r\nSET\r\nx\r\n", "-ERR Protocol error: expected '$', got 'x'\r\n", true},
          {line("PING") + "*x\r\n" + line("PING"), "+PONG\r\n" + count, true},
      });
}

TEST_CASE("a bulk string without its line end closes the connection") {
  World world;
  const std::string error = "-ERR Protocol error: missing CRLF after a bulk string\r\n";
  check_all(world, {
                       {"*2\r\n$3\r\nGET\r\n$1\r\naXX" + line("PING"), error, true},
                       {"*2\r\n$3\r\nGET\r\n$1\r\na\rX", error, true},
                       {"*1\r\n$4\r\nPINGxx", error, true},
                       {"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nbXX", error, true},
                       {"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\rX", error, true},
                   });
}

TEST_CASE("lines that do not end close the connection") {
  World world;
  world.options = {{"max_inline", "64"}};
  const std::string x(65, 'x'), one(65, '1');
  check_all(world,
            {
                {x, "-ERR Protocol error: too big inline request\r\n", true},
                {x + "\n", "-ERR Protocol error: too big inline request\r\n", true},
                {"*" + one, "-ERR Protocol error: too big mbulk count string\r\n", true},
                {"*1\r\n$" + one, "-ERR Protocol error: too big bulk count string\r\n", true},
                {"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nSET\r\n$" + one,
                 "+PONG\r\n-ERR Protocol error: too big bulk count string\r\n", true},
            });
}

TEST_CASE("HTTP on the wrong port is hung up on") {
  World world;
  check_all(world, {
                       {"POST / HTTP/1.1\r\n", "", true},
                       {"Host: example.org\r\n", "", true},
                       {"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
                        "-ERR wrong number of arguments for 'get' command\r\n", true},
                       {command({"host:", "x"}), "", true},
                   });
}

TEST_CASE("commands that are not known or not complete are told so") {
  World world;
  check_all(
      world,
      {
          {line("FOO"), "-ERR unknown command 'FOO', with args beginning with: \r\n"},
          {line("foo bar baz"),
           "-ERR unknown command 'foo', with args beginning with: 'bar' 'baz' \r\n"},
          {command({"foo", "a\r\nb", std::string("c\0d", 3)}) + line("PING"),
           "-ERR unknown command 'foo', with args beginning with: 'a  b' 'c' \r\n+PONG\r\n"},
          {command({std::string("G\0T", 3), "a"}),
           "-ERR unknown command 'G', with args beginning with: 'a' \r\n"},
          {command({std::string(200, 'x')}),
           "-ERR unknown command '" + std::string(128, 'x') + "', with args beginning with: \r\n"},
          {command({"foo", std::string(126, 'y'), "zzz"}),
           "-ERR unknown command 'foo', with args beginning with: '" + std::string(126, 'y') +
               "' \r\n"},
          {command({"foo", std::string(200, 'y'), "z"}),
           "-ERR unknown command 'foo', with args beginning with: '" + std::string(128, 'y') +
               "' \r\n"},
          {"foo 'b ar' x\r\n",
           "-ERR unknown command 'foo', with args beginning with: 'b ar' 'x' \r\n"},
          {line("EVAL script 0"),
           "-ERR unknown command 'EVAL', with args beginning with: 'script' '0' \r\n"},
          {line("client foo x"), "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n"},
          {line("CLIENT"), "-ERR wrong number of arguments for 'client' command\r\n"},
          {line("CLIENT ID x"), "-ERR wrong number of arguments for 'client|id' command\r\n"},
          {line("GET"), "-ERR wrong number of arguments for 'get' command\r\n"},
          {line("GET a b") + line("GET a"),
           "-ERR wrong number of arguments for 'get' command\r\n$1\r\n1\r\n"},
          {line("SET a"), "-ERR wrong number of arguments for 'set' command\r\n"},
      });
}

TEST_CASE("writes are refused behind their last byte") {
  World world;
  check_all(world,
            {
                {line("SET a 2") + line("GET a"), kReadOnly + "$1\r\n1\r\n"},
                {command({"SET", "a", line("GET a")}) + line("PING"), kReadOnly + "+PONG\r\n"},
                {line("DEL a") + line("LPUSH l x") + line("XGROUP CREATE s g $"),
                 kReadOnly + kReadOnly + kReadOnly},
                {line("flushall"), kReadOnly},
            });
  Connection connection(world);
  connection.feed(line("SET a 2"));
  CHECK(connection.ops_seen() == std::vector<uint32_t>{GOROMDB_OP_REFUSED});
}

TEST_CASE("write_error chooses the words of a refusal") {
  World world;
  world.options = {{"write_error", "noperm"}};
  check_all(world, {{line("SET a 2"), "-NOPERM this server is read-only\r\n"}});
}

TEST_CASE("a refused write of 512 MiB costs no memory") {
  World world;
  Connection connection(world);
  constexpr size_t kSize = size_t{512} << 20, kPiece = 64 << 10;
  connection.feed("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$" + std::to_string(kSize) + "\r\n");
  const std::string piece(kPiece, 'x');
  for (size_t sent = 0; sent < kSize; sent += kPiece) connection.feed(piece);
  CHECK(connection.outcome().replies.empty());
  CHECK(connection.ask("\r\n" + line("PING")) == kReadOnly + "+PONG\r\n");
  CHECK(connection.most_buffered() <= kPiece + 64);
}

TEST_CASE("an unknown command is skipped, too") {
  World world;
  Connection connection(world);
  const std::string piece(1 << 20, 'x');
  connection.feed("*2\r\n$3\r\nFOO\r\n$" + std::to_string(64 << 20) + "\r\n");
  for (int i = 0; i < 64; ++i) connection.feed(piece);
  CHECK(connection.ask("\r\n") == "-ERR unknown command 'FOO', with args beginning with: '" +
                                      std::string(128, 'x') + "' \r\n");
  CHECK(connection.most_buffered() <= piece.size() + 64);
}

TEST_CASE("what would have to be kept is bounded, and the connection stays in step") {
  World world;
  world.options = {{"max_bulk", "64"}, {"max_request", "1KiB"}, {"max_keys", "4"}};
  const std::string large = "-ERR the arguments of this command are too large\r\n";
  std::string mget = "*3\r\n$4\r\nMGET\r\n";
  check_all(
      world,
      {
          {command({"ECHO", std::string(65, 'x')}) + line("PING"), large + "+PONG\r\n"},
          {command({"ECHO", std::string(64, 'x')}), "$64\r\n" + std::string(64, 'x') + "\r\n"},
          {line("MGET a b c d e") + line("PING"),
           "-ERR too many keys in one request, send several\r\n+PONG\r\n"},
          {line("MGET a b c a"), "*4\r\n$1\r\n1\r\n$9\r\ntwo\r\n$1\r\n\r\n$-1\r\n$1\r\n1\r\n"},
      });
  std::vector<std::string> words(30, std::string(60, 'x'));
  words[0] = "PUBSUB";
  words[1] = "NUMSUB";
  Connection connection(world);
  CHECK(connection.ask(command(words) + line("PING")) == large + "+PONG\r\n");
}

TEST_CASE("many keys are read in one request") {
  World world;
  std::vector<std::string> words(1001, "a");
  words[0] = "MGET";
  std::string reply = "*1000\r\n";
  for (int i = 0; i < 1000; ++i) reply += "$1\r\n1\r\n";
  const std::string request = command(words);
  for (Grant grant : grants()) {
    CHECK(talk(world, request, {5, 100, request.size() - 3}, grant).replies == reply);
  }
}

TEST_CASE("a request that comes byte by byte costs no more than its length") {
  World world;
  // Ten times the bytes may take about ten times as long: a parser that begins anew with each byte
  // would take a hundred times as long, and this test minutes. The driver copies its input, so that
  // the parser is called by hand.
  std::vector<std::string> words(60001, "k");
  words[0] = "MGET";
  const std::string request = command(words);
  BareParser parser(60001);
  uint32_t parsed = 0;
  for (size_t len = 1; len <= request.size(); ++len) {
    parser.parse(std::string_view(request).substr(0, len));
    parsed += parser.io.req_len;
    REQUIRE((len < request.size() ? parser.io.req_len == 0 : parser.io.key_len == 60000));
  }
  CHECK(parsed == 1);
}

TEST_CASE("a connection beyond the limit is told so") {
  World world;
  Connection connection(world);
  CHECK(connection.turned_away() == "-ERR max number of clients reached\r\n");
}

}  // namespace goromdb::redis::engine_test

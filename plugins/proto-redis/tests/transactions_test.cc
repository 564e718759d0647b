// SPDX-License-Identifier: MIT
// MULTI, EXEC and WATCH.
#include <doctest/doctest.h>
#include <transcripts.hpp>

#include "driver.h"

namespace goromdb::redis::engine_test {

TEST_CASE("a transaction is one batch whose replies are one array") {
  World world;
  const std::string request = line("MULTI") + line("GET a") + line("MGET a missing") +
                              line("HGET h f1") + line("LLEN x") + line("EXEC") + line("PING");
  check_all(world, {{request,
                     "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n$1\r\n1\r\n*2\r\n"
                     "$1\r\n1\r\n$-1\r\n$2\r\nv1\r\n:0\r\n+PONG\r\n"},
                    {"MULTI\r\nGET 'a'\r\nHGETALL h\r\nEXEC\r\n",
                     "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n$1\r\n1\r\n*4\r\n$2\r\nf1\r\n$2\r\nv1\r\n"
                     "$2\r\nf2\r\n$0\r\n\r\n"},
                    {line("MULTI") + line("EXEC"), "+OK\r\n*0\r\n"}});
  Connection connection(world);
  connection.feed(line("MULTI") + line("GET a") + line("GET b") + line("GET c"));
  const size_t batches = connection.batches();
  connection.feed(line("EXEC"));
  CHECK(connection.batches() == batches + 1);
}

TEST_CASE("SELECT inside a transaction holds for what is behind it") {
  World world;
  check_all(world, {{line("MULTI") + line("SELECT 1") + line("GET c") + line("SELECT 0") +
                         line("GET a") + line("EXEC") + line("GET a"),
                     "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*4\r\n+OK\r\n$1\r\n3\r\n"
                     "+OK\r\n$1\r\n1\r\n$1\r\n1\r\n"}});
}

TEST_CASE("errors of single commands stand in the reply, those of queuing abort") {
  World world;
  const std::string wrong =
      "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
  const std::string abort = "-EXECABORT Transaction discarded because of previous errors.\r\n";
  const std::string readonly = "-READONLY You can't write against a read only replica.\r\n";
  check_all(
      world,
      {{line("MULTI") + line("GET h") + line("GETRANGE a x 1") + line("EXEC"),
        "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n" + wrong +
            "-ERR value is not an integer or out of range\r\n"},
       {line("MULTI") + line("SET a 1") + line("GET a") + line("EXEC") + line("GET a"),
        "+OK\r\n" + readonly + "+QUEUED\r\n" + abort + "$1\r\n1\r\n"},
       {line("MULTI") + line("FOO") + line("EXEC") + line("EXEC"),
        "+OK\r\n-ERR unknown command 'FOO', with args beginning with: \r\n" + abort +
            "-ERR EXEC without MULTI\r\n"},
       {line("MULTI") + line("GET") + line("EXEC"),
        "+OK\r\n-ERR wrong number of arguments for 'get' command\r\n" + abort},
       {line("MULTI") + line("MULTI") + line("EXEC"),
        "+OK\r\n-ERR MULTI calls can not be nested\r\n*0\r\n"},
       {line("MULTI") + line("GET a") + line("DISCARD") + line("GET a") + line("DISCARD"),
        "+OK\r\n+QUEUED\r\n+OK\r\n$1\r\n1\r\n-ERR DISCARD without MULTI\r\n"},
       {line("MULTI") + line("SAVE") + line("EXEC"),
        "+OK\r\n-ERR Command not allowed inside a transaction\r\n" + abort},
       {line("MULTI") + line("EXEC x") + line("EXEC"),
        "+OK\r\n-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' "
        "command\r\n-ERR EXEC without MULTI\r\n"},
       {line("MULTI") + line("QUIT"), "+OK\r\n+OK\r\n", true}});
}

TEST_CASE("a transaction is bounded") {
  World world;
  world.options = {{"max_transaction", "64"}};
  const std::string full = "-ERR the transaction is too long, send several\r\n";
  const std::string abort = "-EXECABORT Transaction discarded because of previous errors.\r\n";
  check_all(world, {{line("MULTI") + command({"ECHO", std::string(100, 'x')}) + line("PING") +
                         line("EXEC") + line("PING"),
                     "+OK\r\n" + full + "+QUEUED\r\n" + abort + "+PONG\r\n"},
                    {line("MULTI") + line("GET a") + line("GET a") + line("GET a") + line("GET a") +
                         line("EXEC"),
                     "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n" + full + abort}});
  World many;
  Connection connection(many);
  std::string request = line("MULTI");
  for (int i = 0; i < 1025; ++i) request += line("GET a");
  CHECK(connection.ask(request).ends_with(full));
  CHECK(connection.ask(line("EXEC")) == abort);
}

TEST_CASE("as many commands as may be queued fit one batch") {
  World world;
  for (Grant grant : grants()) {
    Connection connection(world, grant);
    std::string request = line("WATCH a") + line("MULTI");
    for (int i = 0; i < 1024; ++i) request += line("GET a");
    connection.feed(request);
    std::string reply = "*1024\r\n";
    for (int i = 0; i < 1024; ++i) reply += "$1\r\n1\r\n";
    CHECK(connection.ask(line("EXEC")) == reply);
    CHECK(connection.ask(line("EXEC")) == "-ERR EXEC without MULTI\r\n");
  }
}

TEST_CASE("a swap between WATCH and EXEC makes the transaction void") {
  World world;
  for (Grant grant : grants()) {
    Connection connection(world, grant);
    CHECK(connection.ask(line("WATCH a") + line("MULTI") + line("GET a") + line("EXEC")) ==
          "+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n$1\r\n1\r\n");
    connection.feed(line("SELECT 1") + line("WATCH c") + line("SELECT 0") + line("MULTI") +
                    line("SELECT 1") + line("GET c") + line("SUBSCRIBE x"));
    ++world.databases[1].generation;
    CHECK(connection.ask(line("EXEC") + line("GET a") + line("PING")) ==
          "*-1\r\n$1\r\n1\r\n+PONG\r\n");
    connection.feed(line("WATCH a") + line("UNWATCH") + line("MULTI") + line("GET a"));
    ++world.databases[0].generation;
    CHECK(connection.ask(line("EXEC")) == "*1\r\n$1\r\n1\r\n");
    connection.feed(line("WATCH a") + line("MULTI"));
    ++world.databases[0].generation;
    CHECK(connection.ask(line("EXEC")) == "*-1\r\n");
    CHECK(connection.ask(line("MULTI") + line("WATCH a") + line("EXEC")) ==
          "+OK\r\n-ERR WATCH inside MULTI is not allowed\r\n*0\r\n");
  }
}

}  // namespace goromdb::redis::engine_test

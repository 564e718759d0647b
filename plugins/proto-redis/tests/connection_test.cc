// SPDX-License-Identifier: MIT
// Greetings, passwords, CLIENT, channels and tracking: the state of a connection.
#include <doctest/doctest.h>
#include <transcripts.hpp>

#include "driver.h"

namespace goromdb::redis::engine_test {

namespace {

std::string hello(int version, const std::string& role = "master") {
  const std::string head = version == 3 ? "%7" : "*14";
  return head +
         "\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:" +
         std::to_string(version) +
         "\r\n$2\r\nid\r\n:7\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$" +
         std::to_string(role.size()) + "\r\n" + role + "\r\n$7\r\nmodules\r\n*0\r\n";
}
const std::string kNoAuth = "-NOAUTH Authentication required.\r\n";
const std::string kWrongPassword =
    "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

}  // namespace

TEST_CASE("HELLO changes the protocol for the replies behind it") {
  World world;
  check_all(world,
            {{line("GET missing") + line("HELLO 3") + line("GET missing") + line("HGETALL h") +
                  line("HELLO 2") + line("GET missing"),
              "$-1\r\n" + hello(3) + "_\r\n%2\r\n$2\r\nf1\r\n$2\r\nv1\r\n$2\r\nf2\r\n$0\r\n\r\n" +
                  hello(2) + "$-1\r\n"},
             {line("HELLO"), hello(2)},
             {line("HELLO 4"), "-NOPROTO unsupported protocol version\r\n"},
             {line("HELLO x"), "-ERR Protocol version is not an integer or out of range\r\n"},
             {line("HELLO 3 FOO"), "-ERR Syntax error in HELLO option 'FOO'\r\n"},
             {line("HELLO 3 AUTH default any SETNAME me") + line("CLIENT GETNAME"),
              hello(3) + "$2\r\nme\r\n"},
             {line("HELLO 3 AUTH other any"), kWrongPassword},
             {command({"HELLO", "2", "SETNAME", "a b"}),
              "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"}});
  world.options = {{"role", "replica"}};
  check_all(world, {{line("HELLO"), hello(2, "replica")}});
}

TEST_CASE("with a password nothing is read before it has been given") {
  World world;
  world.options = {{"password", "secret"}};
  check_all(
      world,
      {{line("GET a") + line("AUTH wrong") + line("GET a") + line("AUTH secret") + line("GET a"),
        kNoAuth + kWrongPassword + kNoAuth + "+OK\r\n$1\r\n1\r\n"},
       {line("AUTH default secret") + line("AUTH default wrong") + line("GET a"),
        "+OK\r\n" + kWrongPassword + "$1\r\n1\r\n"},
       {line("AUTH other secret") + line("AUTH a b c"), kWrongPassword + "-ERR syntax error\r\n"},
       {line("HELLO 3 AUTH default secret") + line("GET a"), hello(3) + "$1\r\n1\r\n"},
       {line("HELLO 3") + line("SET a b"),
        "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
        "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the "
        "RESP protocol version at the same time\r\n" +
            kNoAuth},
       {line("AUTH secret") + line("RESET") + line("GET a"), "+OK\r\n+RESET\r\n" + kNoAuth},
       {line("FOO"), "-ERR unknown command 'FOO', with args beginning with: \r\n"},
       {line("QUIT"), "+OK\r\n", true},
       {"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n", true},
       {"*2\r\n$4\r\nAUTH\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n",
        true}});
  world.options.clear();
  check_all(world, {{line("AUTH x"),
                     "-ERR AUTH <password> called without any password configured for the default "
                     "user. Are you sure your configuration is correct?\r\n"},
                    {line("AUTH default x"), "+OK\r\n"}});
}

TEST_CASE("QUIT says OK and closes, RESET makes a connection as new") {
  World world;
  check_all(world, {{line("GET a") + line("QUIT") + line("GET a"), "$1\r\n1\r\n+OK\r\n", true},
                    {"QUIT\r\n", "+OK\r\n", true},
                    {line("CLIENT SETNAME me") + line("SELECT 1") + line("HELLO 3") +
                         line("MULTI") + line("RESET") + line("CLIENT GETNAME") + line("GET a"),
                     "+OK\r\n+OK\r\n" + hello(3) + "+OK\r\n+RESET\r\n$-1\r\n$1\r\n1\r\n"}});
}

TEST_CASE("CLIENT REPLY silences replies, and what they change happens all the same") {
  World world;
  check_all(world,
            {{line("CLIENT REPLY OFF") + line("GET a") + line("SELECT 1") + line("FOO") +
                  line("SET a b") + line("CLIENT REPLY ON") + line("GET c"),
              "+OK\r\n$1\r\n3\r\n"},
             {line("CLIENT REPLY SKIP") + line("GET a") + line("GET a"), "$1\r\n1\r\n"},
             {line("CLIENT REPLY SKIP") + line("SELECT 1") + line("GET c"), "$1\r\n3\r\n"},
             {line("CLIENT REPLY OFF") + line("RESET") + line("PING"), "+RESET\r\n+PONG\r\n"},
             {line("CLIENT REPLY foo"), "-ERR syntax error\r\n"}});
}

TEST_CASE("CLIENT tells and takes names") {
  World world;
  check_all(
      world,
      {{line("CLIENT ID"), ":7\r\n"},
       {line("CLIENT GETNAME") + line("CLIENT SETNAME me") + line("CLIENT GETNAME") +
            line("CLIENT SETNAME \"\"") + line("CLIENT GETNAME"),
        "$-1\r\n+OK\r\n$2\r\nme\r\n+OK\r\n$-1\r\n"},
       {line("CLIENT SETINFO LIB-NAME x") + line("CLIENT SETINFO lib-ver 1.2"), "+OK\r\n+OK\r\n"},
       {line("CLIENT SETINFO foo x"), "-ERR Unrecognized option 'foo'\r\n"},
       {line("CLIENT NO-EVICT on") + line("CLIENT NO-TOUCH off"), "+OK\r\n+OK\r\n"},
       {line("CLIENT UNBLOCK 5"), ":0\r\n"},
       {line("CLIENT KILL ID 5"), "-NOPERM this server's clients cannot end others\r\n"}});
}

TEST_CASE("a RESP2 connection that has subscriptions may only change them") {
  World world;
  check_all(
      world,
      {{line("SUBSCRIBE x y") + line("GET a") + line("PING") + line("PING z") +
            line("UNSUBSCRIBE x") + line("UNSUBSCRIBE") + line("GET a"),
        "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\ny\r\n:2\r\n"
        "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
        "are allowed in this context\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$1\r\nz"
        "\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\ny\r\n"
        ":0\r\n$1\r\n1\r\n"},
       {line("PSUBSCRIBE p*") + line("SUBSCRIBE x") + line("SSUBSCRIBE s") + line("PUNSUBSCRIBE"),
        "*3\r\n$10\r\npsubscribe\r\n$2\r\np*\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:2\r\n"
        "*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n*3\r\n$12\r\npunsubscribe\r\n$2\r\np*\r\n:1"
        "\r\n"},
       {line("UNSUBSCRIBE") + line("PUBLISH x y"),
        "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n:0\r\n"},
       {line("HELLO 3") + line("SUBSCRIBE x") + line("GET a") + line("PUBSUB CHANNELS"),
        hello(3) + ">3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n$1\r\n1\r\n*1\r\n$1\r\nx\r\n"},
       {line("PSUBSCRIBE [") + line("QUIT"), "*3\r\n$10\r\npsubscribe\r\n$1\r\n[\r\n:1\r\n+OK\r\n",
        true}});
}

TEST_CASE("subscriptions are bounded") {
  World world;
  Connection connection(world);
  for (int i = 0; i < 1024; ++i) connection.feed(command({"SUBSCRIBE", std::to_string(i)}));
  CHECK(connection.ask(line("SUBSCRIBE x")) ==
        "-ERR too many subscriptions on this connection\r\n");
  CHECK(connection.ask(line("UNSUBSCRIBE 5 6")).ends_with(":1022\r\n"));
}

TEST_CASE("a swap is announced to those who asked for it") {
  World world;
  Connection silent(world), channel(world), pattern(world), push(world);
  channel.feed(line("SUBSCRIBE __goromdb__:generation other"));
  pattern.feed(line("PSUBSCRIBE __goromdb__:* nothing*"));
  push.feed(line("HELLO 3") + line("SUBSCRIBE __goromdb__:generation"));
  world.databases[1].generation = 5;
  const std::string message =
      "\r\n$7\r\nmessage\r\n$22\r\n__goromdb__:generation\r\n$6\r\nmore 5\r\n";
  CHECK(silent.announce(1).empty());
  CHECK(channel.announce(1) == "*3" + message);
  CHECK(push.announce(1) == ">3" + message);
  CHECK(
      pattern.announce(1) ==
      "*4\r\n$8\r\npmessage\r\n$13\r\n__goromdb__:*\r\n$22\r\n__goromdb__:generation\r\n$6\r\nmore "
      "5\r\n");
  channel.feed(line("UNSUBSCRIBE"));
  CHECK(channel.announce(1).empty());
}

TEST_CASE("a client that tracks is told once a swap that everything may be old") {
  World world;
  const std::string push = ">2\r\n$10\r\ninvalidate\r\n_\r\n";
  Connection plain(world), broadcast(world), opt_in(world), resp2(world), listener(world);
  plain.feed(line("HELLO 3") + line("CLIENT TRACKING ON") + line("GET a"));
  CHECK(plain.announce(0) == push);
  CHECK(plain.announce(0) == push);
  plain.feed(line("CLIENT TRACKING OFF"));
  CHECK(plain.announce(0).empty());

  broadcast.feed(line("HELLO 3") + line("CLIENT TRACKING ON BCAST PREFIX a PREFIX b"));
  CHECK(broadcast.announce(0) == push);

  opt_in.feed(line("HELLO 3") + line("CLIENT TRACKING ON OPTIN") + line("GET a"));
  CHECK(opt_in.announce(0).empty());
  opt_in.feed(line("CLIENT CACHING YES") + line("GET a") + line("GET b"));
  CHECK(opt_in.announce(0) == push);
  CHECK(opt_in.announce(0).empty());

  resp2.feed(line("CLIENT TRACKING ON REDIRECT 9"));
  CHECK(resp2.announce(0).empty());
  listener.feed(line("SUBSCRIBE __redis__:invalidate"));
  CHECK(listener.announce(0) == "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n");
}

TEST_CASE("CLIENT TRACKING's options are checked as redis does") {
  World world;
  Connection connection(world);
  const auto ask = [&](std::string_view words) { return connection.ask(line(words)); };
  CHECK(ask("CLIENT TRACKING foo") == "-ERR syntax error\r\n");
  CHECK(ask("CLIENT TRACKING ON PREFIX a") ==
        "-ERR PREFIX option requires BCAST mode to be enabled\r\n");
  CHECK(ask("CLIENT TRACKING ON BCAST OPTIN") ==
        "-ERR OPTIN and OPTOUT are not compatible with BCAST\r\n");
  CHECK(ask("CLIENT TRACKING ON OPTIN OPTOUT") ==
        "-ERR You can't specify both OPTIN mode and OPTOUT mode\r\n");
  CHECK(ask("CLIENT TRACKING ON BCAST PREFIX a PREFIX ab") ==
        "-ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single client "
        "must not overlap.\r\n");
  CHECK(ask("CLIENT CACHING YES") ==
        "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
        "OPTOUT mode enabled\r\n");
  CHECK(
      ask("CLIENT TRACKINGINFO") ==
      "*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n");
  CHECK(ask("CLIENT GETREDIR") == ":-1\r\n");
  CHECK(ask("CLIENT TRACKING ON OPTIN REDIRECT 9") == "+OK\r\n");
  CHECK(ask("CLIENT CACHING YES") == "+OK\r\n");
  CHECK(ask("CLIENT TRACKINGINFO") ==
        "*6\r\n$5\r\nflags\r\n*3\r\n$2\r\non\r\n$5\r\noptin\r\n$11\r\ncaching-yes\r\n$8\r\nredirect"
        "\r\n:9\r\n$8\r\nprefixes\r\n*0\r\n");
  CHECK(ask("CLIENT TRACKING ON OPTOUT") ==
        "-ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and "
        "then re-enabling it with a different mode.\r\n");
  CHECK(ask("CLIENT GETREDIR") == ":9\r\n");
  CHECK(ask("CLIENT TRACKING OFF") == "+OK\r\n");
}

TEST_CASE("slow look-ups are kept, quick ones are not") {
  World world;
  world.options = {{"slowlog_slower_than", "10ms"}};
  Connection connection(world);
  connection.feed(line("GET a"));
  CHECK(connection.ask(line("SLOWLOG LEN")) == ":0\r\n");
  world.elapsed_us = 10000;
  connection.feed(line("GET a") + line("PING") + line("SELECT 0"));
  connection.feed(line("MGET a b") + line("HGETALL h"));
  world.elapsed_us = 0;
  CHECK(connection.ask(line("SLOWLOG LEN")) == ":3\r\n");
  const std::string log = connection.ask(line("SLOWLOG GET 1"));
  CHECK(log.find("$7\r\nHGETALL\r\n$1\r\nh\r\n") != log.npos);
  CHECK(log.find(":10000\r\n") != log.npos);
  CHECK(connection.ask(line("SLOWLOG RESET") + line("SLOWLOG LEN")) == "+OK\r\n:0\r\n");
}

}  // namespace goromdb::redis::engine_test

// SPDX-License-Identifier: MIT
// Reads and the small commands: request bytes, exact reply bytes.
#include <doctest/doctest.h>

#include "driver.h"

namespace goromdb::memcached::test {

TEST_CASE("reads_answer_as_memcached_does") {
  check_all(
      {},
      {
          {"get a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n"},
          {"get a\n", "VALUE a 0 1\r\n1\r\nEND\r\n"},
          {"get missing\r\n", "END\r\n"},
          {"get missing a nothing b\r\n",
           "VALUE a 0 1\r\n1\r\nVALUE b 4294967295 10\r\ntwo\r\nEND\r\n\r\nEND\r\n"},
          {"get a a\r\n", "VALUE a 0 1\r\n1\r\nVALUE a 0 1\r\n1\r\nEND\r\n"},
          {"get empty\r\n", "VALUE empty 7 0\r\n\r\nEND\r\n"},
          {"  get   a  \r\n", "VALUE a 0 1\r\n1\r\nEND\r\n"},
          {"gets a b\r\n",
           "VALUE a 0 1 11\r\n1\r\nVALUE b 4294967295 10 9223372036854775807\r\ntwo\r\nEND\r\n\r\n"
           "END\r\n"},
          {"gat 0 a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n"},
          {"gat -1 a b missing\r\n",
           "VALUE a 0 1\r\n1\r\nVALUE b 4294967295 10\r\ntwo\r\nEND\r\n\r\nEND\r\n"},
          {"gats 100 a\r\n", "VALUE a 0 1 11\r\n1\r\nEND\r\n"},
          {"get " + kKey250 + "\r\n", "VALUE " + kKey250 + " 0 4\r\nlong\r\nEND\r\n"},
          {"get tab\there\r\n", "VALUE tab\there 0 1\r\nt\r\nEND\r\n"},
          {"get noreply\r\n", "VALUE noreply 0 1\r\nn\r\nEND\r\n"},
          {"get a\r\r\n", "END\r\n"},
          {std::string("get a\0b\r\n", 9), "END\r\n"},
          {"get / http/1.1\r\n", "END\r\n"},
          {"get a\r\nget missing\r\nget empty\r\nversion\r\nget a\r\n",
           "VALUE a 0 1\r\n1\r\nEND\r\nEND\r\nVALUE empty 7 0\r\n\r\nEND\r\n"
           "VERSION 1.6.45-goromdb-0.0.0-test\r\nVALUE a 0 1\r\n1\r\nEND\r\n"},
      });
}

TEST_CASE("malformed_reads_get_one_line_and_nothing_else_of_the_request") {
  check_all({}, {
                    {"get\r\n", kBad},
                    {"get \r\n", kBad},
                    {"gets\r\n", kBad},
                    {"gat\r\n", kBad},
                    {"gat 0\r\n", kBad},
                    {"gat x\r\n", kBad},
                    {"gat x a\r\n", "CLIENT_ERROR invalid exptime argument\r\n"},
                    {"gats 99999999999 a\r\n", "CLIENT_ERROR invalid exptime argument\r\n"},
                    {"get " + kKey251 + "\r\nget a\r\n", kBad + "VALUE a 0 1\r\n1\r\nEND\r\n"},
                    {"get a " + kKey251 + " a\r\n", kBad},
                    {"gats 0 a " + kKey251 + "\r\n", kBad},
                    {"GET a\r\n", "ERROR\r\n"},
                    {"get\ta\r\n", "ERROR\r\n"},
                });
}

TEST_CASE("touch_says_whether_the_key_is_there") {
  check_all({}, {
                    {"touch a 0\r\n", "TOUCHED\r\n"},
                    {"touch missing 0\r\n", "NOT_FOUND\r\n"},
                    {"touch a 0 noreply\r\ntouch missing 0 noreply\r\nversion\r\n",
                     "VERSION 1.6.45-goromdb-0.0.0-test\r\n"},
                    {"touch\r\n", kBad},
                    {"touch a\r\n", kBad},
                    {"touch " + kKey251 + " 0\r\n", kBad},
                    {"touch a x\r\n", "CLIENT_ERROR invalid exptime argument\r\n"},
                    {"touch broken 0\r\n", "SERVER_ERROR storage error\r\n"},
                });
  check_all({.options = {{"touch", "refuse"}}},
            {
                {"touch a 0\r\n", "CLIENT_ERROR read-only server\r\n"},
                {"touch a 0 noreply\r\n", ""},
                {"gat 0 a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n"},
            });
}

TEST_CASE("the_other_commands_answer_as_a_locked_down_memcached_does") {
  check_all({}, {
                    {"version\r\n", "VERSION 1.6.45-goromdb-0.0.0-test\r\n"},
                    {"version please\n", "VERSION 1.6.45-goromdb-0.0.0-test\r\n"},
                    {"verbosity 1\r\n", "OK\r\n"},
                    {"verbosity 1 noreply\r\n", ""},
                    {"verbosity\r\n", "ERROR\r\n"},
                    {"verbosity loud\r\n", kBad},
                    {"quit\r\nget a\r\n", "", true},
                    {"watch\r\n", "CLIENT_ERROR watch commands not allowed\r\n"},
                    {"watch fetchers\r\n", "CLIENT_ERROR watch commands not allowed\r\n"},
                    {"shutdown\r\n", "ERROR: shutdown not enabled\r\n"},
                    {"shutdown graceful\r\n", "ERROR: shutdown not enabled\r\n"},
                    {"cache_memlimit 64\r\n", "ERROR\r\n"},
                    {"slabs reassign 1 2\r\n", "ERROR\r\n"},
                    {"lru tune 10 20\r\n", "ERROR\r\n"},
                    {"extstore free_memchunks 1\r\n", "ERROR\r\n"},
                    {"lru_crawler metadump all\r\n", "ERROR metadump not allowed\r\n"},
                    {"lru_crawler metadump 99\r\n", "ERROR metadump not allowed\r\n"},
                    {"lru_crawler mgdump all\r\n", "ERROR key dump not allowed\r\n"},
                    {"lru_crawler metadump\r\n", "ERROR\r\n"},
                    {"lru_crawler mgdump\r\n", "ERROR\r\n"},
                    {"lru_crawler metadump all x\r\n", "ERROR\r\n"},
                    {"lru_crawler metadump all noreply\r\n", ""},
                    {"lru_crawler enable\r\n", "ERROR\r\n"},
                    {"lru_crawler\r\n", "ERROR\r\n"},
                    {"\r\n", "ERROR\r\n"},
                    {"\n", "ERROR\r\n"},
                    {"   \r\n", "ERROR\r\n"},
                    {"versionx\r\n", "ERROR\r\n"},
                    {"bogus a b c d e f g h i j k l m n o p\r\n", "ERROR\r\n"},
                    {"bogus x noreply\r\n", ""},
                    {"noreply\r\n", "ERROR\r\n"},
                    {"slabs x noreply\r\n", ""},
                });
}

TEST_CASE("other_protocols_on_the_port_are_hung_up_on") {
  check_all({}, {
                    {"GET / HTTP/1.1\r\nHost: x\r\n\r\nget a\r\n", "", true},
                    {"POST /x y\r\nget a\r\n", "", true},
                    {"Host: localhost\r\nget a\r\n", "", true},
                    {"a b HTTP/1.1 d\r\n", "ERROR\r\n"},
                    {"HTTP/1.1\r\n", "ERROR\r\n"},
                    {"\x16\x03\x01get a\r\n", "", true},
                    {"\x81get a\r\n", "", true},
                    {"version\r\n\x80 a\r\n", "VERSION 1.6.45-goromdb-0.0.0-test\r\nERROR\r\n"},
                    {"version\r\n\x16\r\n", "VERSION 1.6.45-goromdb-0.0.0-test\r\nERROR\r\n"},
                });
}

TEST_CASE("a_fault_is_an_error_and_never_a_miss") {
  check_all({}, {
                    {"get broken\r\n", "SERVER_ERROR storage error\r\n"},
                    {"get a broken b\r\nget a\r\n",
                     "SERVER_ERROR storage error\r\nVALUE a 0 1\r\n1\r\nEND\r\n"},
                    {"gats 0 missing broken\r\n", "SERVER_ERROR storage error\r\n"},
                });
  World strange;
  strange.items["odd"].status = GOROMDB_AGAIN;
  check_all(strange, {{"get odd\r\n", "SERVER_ERROR storage error\r\n"}});
  check_all({.status = GOROMDB_E_NOT_READY}, {
                                                 {"get a\r\n", "SERVER_ERROR not ready\r\n"},
                                                 {"gats 0 a b\r\n", "SERVER_ERROR not ready\r\n"},
                                                 {"touch a 0\r\n", "SERVER_ERROR not ready\r\n"},
                                                 {"touch a 0 noreply\r\n", ""},
                                                 {"get\r\n", kBad},
                                             });
  check_all({.status = GOROMDB_E_INTERNAL}, {{"get a\r\n", "SERVER_ERROR storage error\r\n"}});
}

TEST_CASE("keys_are_dumped_where_the_option_says_so") {
  World world{.options = {{"dump", "true"}}};
  world.items = {{"a b", {"", 7, 1}},
                 {"k", {"val", 4294967295, 2}},
                 {"prices|users|k", {"not of this walk"}},
                 {std::string("\xc3\xa4~\0\r", 5), {"1"}},
                 {std::string(251, 'x'), {"no client can ask for it"}}};
  check_all(world, {
                       {"lru_crawler metadump all\r\nversion\r\n",
                        "OK\r\n"
                        "key=a%20b exp=-1 la=0 cas=0 fetch=no cls=1 size=3 flags=7 \n"
                        "key=k exp=-1 la=0 cas=0 fetch=no cls=1 size=4 flags=4294967295 \n"
                        "key=%C3%A4~%00%0D exp=-1 la=0 cas=0 fetch=no cls=1 size=6 flags=0 \n"
                        "END\r\nVERSION 1.6.45-goromdb-0.0.0-test\r\n"},
                       {"version\r\nlru_crawler mgdump hash\r\nget k\r\n",
                        "VERSION 1.6.45-goromdb-0.0.0-test\r\n"
                        "OK\r\nmg YSBi b\r\nmg k\r\nmg w6R+AA0= b\r\nEN\r\nVALUE k 4294967295 "
                        "3\r\nval\r\nEND\r\n"},
                       {"lru_crawler metadump 1\r\n", "BADCLASS invalid class id\r\n"},
                       {"lru_crawler mgdump\r\n", "ERROR\r\n"},
                       {"lru_crawler crawl all\r\n", "ERROR\r\n"},
                   });
  world.status = GOROMDB_E_NOT_READY;
  check_all(world, {{"lru_crawler metadump all\r\n", "SERVER_ERROR not ready\r\n"}});
  world.status = GOROMDB_E_IO;
  check_all(world, {{"lru_crawler mgdump all\r\n", "SERVER_ERROR storage error\r\n"}});
}

TEST_CASE("a_dump_is_the_last_request_of_its_batch") {
  World world{.options = {{"dump", "true"}}};
  Connection connection(world);
  connection.feed("get a\r\nlru_crawler metadump all\r\nget a\r\n");
  CHECK(connection.batches() == 2);
}

TEST_CASE("a_cas_is_never_zero") {
  World world;
  world.items["unversioned"] = {"v"};
  check_all(world, {{"gets unversioned\r\n", "VALUE unversioned 0 1 1\r\nv\r\nEND\r\n"}});
}

TEST_CASE("only_gets_and_gats_ask_the_host_for_versions") {
  for (auto [line, flags] : {std::pair{"get a\r\n", 0u},
                             {"gets a\r\n", GOROMDB_WANT_VERSION},
                             {"gat 0 a\r\n", 0u},
                             {"gats 0 a\r\n", GOROMDB_WANT_VERSION}}) {
    BareParser parser;
    CHECK(parser.parse(line) == GOROMDB_NEED_MORE);
    CHECK(parser.io.req_len == 1);
    CHECK(parser.request.flags == flags);
  }
}

TEST_CASE("nothing_is_read_after_the_end") {
  BareParser parser;
  CHECK(parser.parse("quit\r\nget a\r\n") == GOROMDB_NEED_MORE);
  CHECK(parser.request.op == GOROMDB_OP_CLOSE);
  CHECK(parser.io.consumed == 13);
  CHECK(parser.parse("get a\r\n") == GOROMDB_NEED_MORE);
  CHECK(parser.io.req_len == 0);
  CHECK(parser.io.consumed == 7);
}

TEST_CASE("a_full_batch_says_whether_to_look_again") {
  BareParser parser;
  CHECK(parser.parse("get a\r\nget b\r\n") == GOROMDB_OK);
  CHECK(parser.io.consumed == 7);
  CHECK(parser.parse("get b\r\n") == GOROMDB_NEED_MORE);
  CHECK(parser.parse("") == GOROMDB_NEED_MORE);
}

TEST_CASE("a_client_too_many_is_told_so") {
  World world;
  CHECK(Connection(world).turned_away() == "ERROR Too many open connections\r\n");
}

}  // namespace goromdb::memcached::test

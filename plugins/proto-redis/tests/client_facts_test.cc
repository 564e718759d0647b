// SPDX-License-Identifier: MIT
// CLIENT LIST and CLIENT INFO.
#include "../client_facts.h"

#include <doctest/doctest.h>

#include "ask.h"

namespace goromdb::redis::test {

namespace {

const std::vector<std::string> kConnections = {
    "0:id",
    "7",
    "0:addr",
    "127.0.0.1:5000",
    "0:listen",
    "127.0.0.1:6379",
    "0:fd",
    "12",
    "0:age_s",
    "30",
    "0:idle_s",
    "4",
    "0:label",
    "name=me db=2 resp=3 lib-name=ioredis lib-ver=6.0.0 sub=1 psub=2 ssub=3 multi=-1 flags=P",
    "1:id",
    "9",
    "1:addr",
    "unix:/run/g.sock",
    "1:listen",
    "unix:/run/g.sock",
    "1:fd",
    "13",
    "1:age_s",
    "1",
    "1:idle_s",
    "0"};

const std::string kFirst =
    "id=7 addr=127.0.0.1:5000 laddr=127.0.0.1:6379 fd=12 name=me age=30 idle=4 flags=P db=2 sub=1 "
    "psub=2 ssub=3 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 "
    "omem=0 tot-mem=0 events=r cmd=client|list user=default redir=-1 resp=3 lib-name=ioredis "
    "lib-ver=6.0.0\n";
const std::string kSecond =
    "id=9 addr=/run/g.sock:0 laddr=/run/g.sock:0 fd=13 name= age=1 idle=0 flags=U db=0 sub=0 "
    "psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 "
    "omem=0 tot-mem=0 events=r cmd=NULL user=default redir=-1 resp=2 lib-name= lib-ver=\n";

}  // namespace

TEST_CASE("client_list_has_a_line_for_each_connection_with_rediss_fields") {
  Room room;
  room.conn.number = 7;
  CHECK(room.ask({"CLIENT", "LIST"}, kConnections) == bulk(kFirst + kSecond));
  room.three = true;
  const std::string text = kFirst + kSecond;
  CHECK(room.ask({"CLIENT", "LIST"}, kConnections) ==
        "=" + std::to_string(text.size() + 4) + "\r\ntxt:" + text + "\r\n");
}

TEST_CASE("client_list_takes_a_type_or_numbers") {
  Room room;
  room.conn.number = 7;
  const auto list = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"CLIENT", "LIST"});
    return room.ask(words, kConnections);
  };
  CHECK(list({"TYPE", "normal"}) == bulk(kSecond));
  CHECK(list({"type", "PUBSUB"}) == bulk(kFirst));
  CHECK(list({"TYPE", "master"}) == bulk(""));
  CHECK(list({"TYPE", "replica"}) == bulk(""));
  CHECK(list({"TYPE", "slave"}) == bulk(""));
  CHECK(list({"ID", "9"}) == bulk(kSecond));
  CHECK(list({"ID", "8", "9", "7"}) == bulk(kFirst + kSecond));
  CHECK(list({"ID", "1"}) == bulk(""));
}

TEST_CASE("client_list_refuses_what_redis_refuses") {
  Room room;
  const auto list = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"CLIENT", "LIST"});
    return room.ask(words, kConnections);
  };
  CHECK(list({"TYPE", "foo\r\n"}) == "-ERR Unknown client type 'foo  '\r\n");
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"foo"}, {"TYPE"}, {"ID"}, {"TYPE", "normal", "foo"}}) {
    CAPTURE(words[0]);
    CHECK(list(words) == "-ERR syntax error\r\n");
  }
  for (const char* number : {"x", "0", "-1", "99999999999999999999"}) {
    CAPTURE(number);
    CHECK(list({"ID", number}) == "-ERR Invalid client ID\r\n");
  }
}

TEST_CASE("client_info_is_the_line_of_the_one_that_asks") {
  Room room;
  const std::vector<std::string> facts = {"id", "7",  "addr",  "[::1]:5000", "listen", "[::1]:6379",
                                          "fd", "12", "age_s", "3",          "idle_s", "0"};
  const std::string reply = room.ask({"CLIENT", "INFO"}, facts);
  CHECK(reply.find("\r\nid=7 addr=[::1]:5000 laddr=[::1]:6379 fd=12 name= age=3 ") != reply.npos);
  CHECK(reply.find(" cmd=client|info ") != reply.npos);
}

TEST_CASE("the_label_of_another_protocol_is_no_redis_clients") {
  Room room;
  const std::vector<std::string> facts = {"0:id", "1", "0:label", "binary =  odd name"};
  const std::string reply = room.ask({"CLIENT", "LIST"}, facts);
  CHECK(reply.find(" name= age=0 idle=0 flags=N db=0 ") != reply.npos);
}

}  // namespace goromdb::redis::test

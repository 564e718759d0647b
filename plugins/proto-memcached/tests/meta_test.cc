// SPDX-License-Identifier: MIT
// mg, me, mn: request bytes, exact reply bytes. The README's section on them.
#include <doctest/doctest.h>
#include <goromdb/base64.hpp>

#include "driver.h"

namespace goromdb::memcached::test {

namespace {

const std::string kBadToken = "CLIENT_ERROR bad token in command line format\r\n";

World meta_world() {
  World world;
  world.items["text"] = {"bar", 5, 77};
  world.items[std::string("bin\0\r\n", 6)] = {"x", 1, 78};
  world.items[std::string(187, 'q')] = {"q", 0, 79};
  return world;
}

}  // namespace

TEST_CASE("a_meta_get_tells_what_its_flags_ask_for_in_their_order") {
  check_all(
      meta_world(),
      {
          {"mg text\r\n", "HD\r\n"},
          {"mg text v\r\n", "VA 3\r\nbar\r\n"},
          {"mg text\n", "HD\r\n"},
          {"  mg   text   v  \r\n", "VA 3\r\nbar\r\n"},
          {"mg empty v\r\n", "VA 0\r\n\r\n"},
          {"mg b v s\r\n", "VA 10 s10\r\ntwo\r\nEND\r\n\r\n"},
          {"mg b f c\r\n", "HD f4294967295 c9223372036854775807\r\n"},
          {"mg text c f h k l O123 s t v\r\n", "VA 3 c77 f5 h1 ktext l0 O123 s3 t-1\r\nbar\r\n"},
          {"mg text t s O k f c\r\n", "HD t-1 s3 O ktext f5 c77\r\n"},
          {"mg text u P1 Lpath E9 N30 R30 T30 F1 I J1 D1 Mx x q v\r\n", "VA 3\r\nbar\r\n"},
          {"mg text vv\r\n", "VA 3\r\nbar\r\n"},
          {"mg " + kKey250 + " k\r\n", "HD k" + kKey250 + "\r\n"},
          {"mg text v\r\nmg text\r\nget text\r\nmn\r\n",
           "VA 3\r\nbar\r\nHD\r\nVALUE text 5 3\r\nbar\r\nEND\r\nMN\r\n"},
          {"mg text O" + std::string(31, 'o') + "\r\n", "HD O" + std::string(31, 'o') + "\r\n"},
      });
}

TEST_CASE("a_meta_miss_is_en_with_key_and_opaque_and_silent_with_q") {
  check_all(meta_world(), {
                              {"mg missing\r\n", "EN\r\n"},
                              {"mg missing v c f h l s t\r\n", "EN\r\n"},
                              {"mg missing v k O1 s\r\n", "EN kmissing O1\r\n"},
                              {"mg missing q k O1\r\nmn\r\n", "MN\r\n"},
                              {"mg missing N30 v\r\n", "EN\r\n"},
                              {"mg missing T30 R30 E1\r\n", "EN\r\n"},
                              {"mg text q\r\n", "HD\r\n"},
                              {"mg bWlzc2luZw== b k O1\r\n", "EN kbWlzc2luZw== b O1\r\n"},
                          });
}

TEST_CASE("a_value_that_the_client_has_is_not_sent_again") {
  check_all(meta_world(), {
                              {"mg text v C77\r\n", "HD\r\n"},
                              {"mg text C77 v c\r\n", "HD c77\r\n"},
                              {"mg text v C78 c\r\n", "VA 3 c77\r\nbar\r\n"},
                              {"mg text C78\r\n", "HD\r\n"},
                              {"mg missing v C77\r\n", "EN\r\n"},
                          });
}

TEST_CASE("base64_keys_are_bytes_and_never_sent_as_they_are") {
  const std::string long_key = "cXFx" + std::string(244, '@');
  std::string q187(252, ' ');
  encode_base64(std::string(187, 'q'), reinterpret_cast<uint8_t*>(q187.data()));
  q187.resize(248 + 4);
  check_all(meta_world(), {
                              {"mg dGV4dA== b v\r\n", "VA 3\r\nbar\r\n"},
                              {"mg dGV4dA== k b v\r\n", "VA 3 kdGV4dA== b\r\nbar\r\n"},
                              {"mg YmluAA0K b k v f\r\n", "VA 1 kYmluAA0K b f1\r\nx\r\n"},
                              {"mg YmluAA0K v\r\n", "EN\r\n"},
                              {"mg YQ== b k\r\nmg Yg== b k\r\nmg YQ== b k v\r\n",
                               "HD kYQ== b\r\nHD kYg== b\r\nVA 1 kYQ== b\r\n1\r\n"},
                              {"mg " + q187 + " b v\r\n", kBad},  // 252 bytes on the wire
                              {"mg " + long_key + " b\r\n", "CLIENT_ERROR error decoding key\r\n"},
                              {"mg YQ b\r\n", "CLIENT_ERROR error decoding key\r\n"},
                              {"mg YQ=a b\r\n", "CLIENT_ERROR error decoding key\r\n"},
                              {"mg YQ==YQ== b\r\n", "CLIENT_ERROR error decoding key\r\n"},
                              {"mg ==== b\r\n", "CLIENT_ERROR error decoding key\r\n"},
                              {"mg Y-Q= b q\r\n", "CLIENT_ERROR error decoding key\r\n"},
                          });
}

TEST_CASE("more_base64_keys_than_their_memory_holds_are_two_batches") {
  std::string request, reply;
  for (int i = 0; i < 60; ++i) {
    request += "mg dGV4dA== b v k\r\nmg YmluAA0K b\r\n";
    reply += "VA 3 kdGV4dA== b\r\nbar\r\nHD\r\n";
  }
  const std::string key(186, 'p');
  std::string code(248, ' ');
  encode_base64(key, reinterpret_cast<uint8_t*>(code.data()));
  for (int i = 0; i < 60; ++i) {
    request += "mg " + code + " b k\r\n";
    reply += "EN k" + code + " b\r\n";
  }
  World world = meta_world();
  Connection connection(world, {.keys = 1000, .requests = 1000});
  connection.feed(request);
  CHECK(connection.outcome() == Outcome{reply, false});
  CHECK(connection.batches() > 1);
  CHECK(connection.batches() < 20);
}

TEST_CASE("faults_of_meta_gets_are_told_in_memcacheds_words_in_spite_of_q") {
  check_all(
      meta_world(),
      {
          {"mg\r\n", kBad},
          {"mg " + kKey251 + "\r\n", kBad},
          {"mg " + kKey251 + " q\r\n", kBad},
          {"mg text v v\r\n", "CLIENT_ERROR duplicate flag\r\n"},
          {"mg text O1 q O2\r\n", "CLIENT_ERROR duplicate flag\r\n"},
          {"mg text \x7f\r\n", "CLIENT_ERROR duplicate flag\r\n"},
          {"mg text \xc3\xa4\r\n", "CLIENT_ERROR duplicate flag\r\n"},
          {"mg text ! q\r\n", "CLIENT_ERROR invalid flag\r\n"},
          {"mg text S3\r\n", "CLIENT_ERROR invalid flag\r\n"},
          {"mg text noreply\r\n", "CLIENT_ERROR invalid flag\r\n"},
          {"mg text T\r\n", kBadToken},
          {"mg text Tx q\r\n", kBadToken},
          {"mg text T2147483648\r\n", kBadToken},
          {"mg text T-1\r\n", "HD\r\n"},
          {"mg text N\r\n", kBadToken},
          {"mg text R1x\r\n", kBadToken},
          {"mg text C\r\n", kBadToken},
          {"mg text C-1\r\n", kBadToken},
          {"mg text C18446744073709551616\r\n", kBadToken},
          {"mg text E\r\n", kBadToken},
          {"mg text Fx\r\n", kBad},
          {"mg text J\r\n", "CLIENT_ERROR invalid numeric initial value\r\n"},
          {"mg text D\r\n", "CLIENT_ERROR invalid numeric delta value\r\n"},
          {"mg text Tx J\r\n", "CLIENT_ERROR invalid numeric initial value\r\n"},
          {"mg text Tx !\r\n", "CLIENT_ERROR invalid flag\r\n"},
          {"mg text ! Tx\r\n", "CLIENT_ERROR invalid flag\r\n"},
          {"mg text ! v v\r\n", "CLIENT_ERROR invalid flag\r\n"},
          {"mg text v v !\r\n", "CLIENT_ERROR duplicate flag\r\n"},
          {"mg text ! ! ! ! ! ! ! ! ! ! ! ! ! ! ! ! ! ! !\r\n",
           "CLIENT_ERROR options flags are too long\r\n"},
          {"mg text O" + std::string(32, 'o') + "\r\n", "CLIENT_ERROR opaque token too long\r\n"},
          {"mg missing q O" + std::string(32, 'o') + "\r\n",
           "CLIENT_ERROR opaque token too long\r\n"},
          {"mg text v k c s f t h l u P L O q T0 R0 N0 E0 C0\r\n",
           "VA 3 ktext c77 s3 f5 t-1 h1 l0 O\r\nbar\r\n"},
          {"mg text v k c s f t h l u P L O q T0 R0 N0 E0 C0 I\r\n",
           "CLIENT_ERROR options flags are too long\r\n"},
          {"mz text\r\n", "ERROR\r\n"},
          {"m\r\n", "ERROR\r\n"},
          {"mg broken v q\r\n", "SERVER_ERROR storage error\r\n"},
          {"me broken\r\n", "SERVER_ERROR storage error\r\n"},
      });
  check_all({.status = GOROMDB_E_NOT_READY}, {{"mg a q\r\n", "SERVER_ERROR not ready\r\n"},
                                              {"me a\r\n", "SERVER_ERROR not ready\r\n"},
                                              {"mn\r\n", "MN\r\n"}});
}

TEST_CASE("me_tells_about_an_entry") {
  check_all(meta_world(),
            {
                {"me text\r\n", "ME text exp=-1 la=0 cas=77 fetch=no cls=1 size=7\r\n"},
                {"me text q k\r\n", "ME text exp=-1 la=0 cas=77 fetch=no cls=1 size=7\r\n"},
                {"me missing\r\n", "EN\r\n"},
                {"me YmluAA0K b\r\n", "ME YmluAA0K exp=-1 la=0 cas=78 fetch=no cls=1 size=7\r\n"},
                {"me YQ b\r\n", kBad},
                {"me\r\n", kBad},
                {"me " + kKey251 + "\r\n", kBad},
                {"mn x y\r\n", "MN\r\n"},
                {"mn noreply\r\n", "MN\r\n"},
            });
}

TEST_CASE("only_flags_that_need_it_ask_the_host_for_versions") {
  for (auto [line, flags] : {std::pair{"mg a v k f s t\r\n", 0u},
                             {"mg a c\r\n", GOROMDB_WANT_VERSION},
                             {"mg a C1\r\n", GOROMDB_WANT_VERSION},
                             {"me a\r\n", GOROMDB_WANT_VERSION}}) {
    BareParser parser;
    CHECK(parser.parse(line) == GOROMDB_NEED_MORE);
    CHECK(parser.io.req_len == 1);
    CHECK(parser.request.flags == flags);
  }
}

TEST_CASE("meta_keys_name_databases_and_namespaces") {
  World world{.options = {{"database_separator", "/"}, {"namespace_separator", ":"}}};
  world.databases = {"words", "prices"};
  world.items = {{"prices|users|k", {"v", 1, 2}}};
  check_all(world, {
                       {"mg prices/users:k v k\r\n", "VA 1 kprices/users:k\r\nv\r\n"},
                       {"mg cHJpY2VzL3VzZXJzOms= b k\r\n", "HD kcHJpY2VzL3VzZXJzOms= b\r\n"},
                       {"me prices/users:k\r\n",
                        "ME prices/users:k exp=-1 la=0 cas=2 fetch=no cls=1 size=15\r\n"},
                   });
}

}  // namespace goromdb::memcached::test

// SPDX-License-Identifier: MIT
// `write_reply: not_stored`: an `add` says NOT_STORED of a key that is there, as memcached does,
// and is refused for one that is not. Its key outlives the data block, which is thrown away as it
// comes.
#include <doctest/doctest.h>

#include "driver.h"
#include "packets.h"

namespace goromdb::memcached::test {

namespace {

const std::string kNotStored = "NOT_STORED\r\n";
const std::string kGot = "VALUE a 0 1\r\n1\r\nEND\r\n";

World not_stored() {
  World world;
  world.options = {{"write_reply", "not_stored"}};
  return world;
}

std::string add(const std::string& key, const std::string& value) {
  return "add " + key + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

}  // namespace

TEST_CASE("an_add_tells_whether_its_key_is_there") {
  World world = not_stored();
  check_all(world, {
                       {add("a", "xy"), kNotStored},
                       {add("missing", "xy"), kReadOnly},
                       {add("a", ""), kNotStored},
                       {add("missing", ""), kReadOnly},
                       {add(kKey250, "xy"), kNotStored},
                       {add(std::string(250, 'm'), "xy"), kReadOnly},
                       {add("tab\there", "get a\r\n"), kNotStored},
                       {add("broken", "xy"), "SERVER_ERROR storage error\r\n"},
                       {"add  a  0  0  2 extra \nxy\r\n", kNotStored},
                   });
  World loading = not_stored();
  loading.status = GOROMDB_E_NOT_READY;
  check_all(loading, {{add("a", "xy"), "SERVER_ERROR not ready\r\n"},
                      {"set a 0 0 2\r\nxy\r\n", kNotStored}});
}

TEST_CASE("an_add_says_nothing_with_noreply_and_a_faulty_one_looks_nothing_up") {
  World world = not_stored();
  check_all(world, {
                       {"add a 0 0 2 noreply\r\nxy\r\nget a\r\n", kGot},
                       {"add missing 0 0 2 noreply\r\nxy\r\nget a\r\n", kGot},
                       {"add a x 0 2\r\nxy\r\nget a\r\n", kBad + kGot},
                       {"add " + kKey251 + " 0 0 2\r\nxy\r\nget a\r\n", kBad + kGot},
                       {"add a 0 0 x\r\nxy\r\n", kBad, true},
                       {"add a 0 0 2\r\nxyz\r\n", "CLIENT_ERROR bad data chunk\r\n", true},
                   });
  Connection connection(world);
  connection.feed(add("a", "x") + add("missing", "x") + "add a 0 0 1 noreply\r\nx\r\n");
  CHECK(connection.ops_seen() == std::vector<uint32_t>{GOROMDB_OP_REFUSED, GOROMDB_OP_GET,
                                                       GOROMDB_OP_REFUSED, GOROMDB_OP_GET,
                                                       GOROMDB_OP_REFUSED});
}

TEST_CASE("adds_between_gets_are_answered_in_their_order") {
  World world = not_stored();
  const std::string mixed = "get a\r\n" + add("missing", "get a\r\nquit\r\n") + "get a\r\n" +
                            add("a", "x") + add("missing", "") + "mg YQ== b v\r\n" +
                            add("b", "end\r\n") + "get a\r\nmg Yg== b\r\n";
  check_all(world, {{mixed, kGot + kReadOnly + kGot + kNotStored + kReadOnly + "VA 1\r\n1\r\n" +
                                kNotStored + kGot + "HD\r\n"}});
}

TEST_CASE("more_adds_than_their_keys_memory_holds_are_several_batches") {
  World world = not_stored();
  std::string request, reply;
  for (int i = 0; i < 100; ++i) {
    const bool there = i % 3 != 0;
    request += add(there ? kKey250 : std::string(250, 'm'), "v") + "get a\r\n";
    reply += (there ? kNotStored : kReadOnly) + kGot;
  }
  for (const auto& cuts : {std::vector<size_t>{}, every_cut(request.size())}) {
    CHECK(talk(world, request, cuts) == Outcome{reply, false});
  }
}

TEST_CASE("a_huge_add_costs_no_buffer_and_still_knows_its_key") {
  World world = not_stored();
  for (const std::string key : {"a", "missing"}) {
    Connection connection(world);
    const size_t size = 20u << 20;
    connection.feed("mg YQ== b\r\nadd " + key + " 0 0 " + std::to_string(size) + "\r\n");
    const std::string piece(100000, '\n');
    for (size_t sent = 0; sent < size; sent += piece.size()) {
      connection.feed(std::string_view(piece).substr(0, std::min(piece.size(), size - sent)));
      REQUIRE(connection.buffered() == 0);
    }
    CHECK(connection.outcome().replies == "HD\r\n");
    connection.feed("\r\nget a\r\n");
    CHECK(connection.outcome().replies == "HD\r\n" + (key == "a" ? kNotStored : kReadOnly) + kGot);
  }
}

TEST_CASE("adds_name_databases_and_namespaces") {
  World world = not_stored();
  world.options.emplace_back("database_separator", "/");
  world.options.emplace_back("namespace_separator", ":");
  world.databases = {"words", "prices"};
  world.items = {{"prices|users|k", {"v", 1, 2}}};
  check_all(world, {{add("prices/users:k", "x"), kNotStored}, {add("users:k", "x"), kReadOnly}});
}

TEST_CASE("a_meta_set_is_told_ns_with_what_its_flags_ask_for") {
  World world = not_stored();
  check_all(world, {
                       {"ms a 2\r\nxy\r\nmn\r\n", "NS\r\nMN\r\n"},
                       {"ms missing 2 MS\r\nxy\r\n", "NS\r\n"},
                       {"ms a 2 MR k O77 q\r\nxy\r\n", "NS ka O77\r\n"},
                       {"ms YQ== 2 MA O7 b k\r\nxy\r\n", "NS O7 kYQ== b\r\n"},
                       {"ms " + kKey250 + " 2 k O" + std::string(31, 'o') + "\r\nxy\r\n",
                        "NS k" + kKey250 + " O" + std::string(31, 'o') + "\r\n"},
                       {"ms a 2 C99 k\r\nxy\r\n", "NF ka\r\n"},
                       {"ms a 2 k k\r\nxy\r\nmn\r\n", "CLIENT_ERROR duplicate flag\r\nMN\r\n"},
                       {"ms a 2 O" + std::string(32, 'o') + "\r\nxy\r\n",
                        "CLIENT_ERROR opaque token too long\r\n"},
                       {"ms YQ 2 b\r\nxy\r\nmn\r\n", "CLIENT_ERROR error decoding key\r\nMN\r\n"},
                       {"ms " + kKey251 + " 2\r\nxy\r\n", kBad},
                       {"ms a x\r\n", kBad, true},
                       {"md a\r\n", kReadOnly},
                       {"ma a\r\n", kReadOnly},
                   });
}

TEST_CASE("a_meta_set_that_adds_tells_whether_its_key_is_there") {
  World world = not_stored();
  check_all(world, {
                       {"ms a 2 ME\r\nxy\r\nmn\r\n", "NS\r\nMN\r\n"},
                       {"ms missing 2 ME\r\nxy\r\nmn\r\n", kReadOnly + "MN\r\n"},
                       {"ms a 9 ME k O1 q\r\nmg a\r\nmn\n\r\nmn\r\n", "NS ka O1\r\nMN\r\n"},
                       {"ms YQ== 2 b k ME\r\nxy\r\n", "NS kYQ== b\r\n"},
                       {"ms bWlzc2luZw== 2 b k ME\r\nxy\r\n", kReadOnly},
                       {"ms broken 2 ME\r\nxy\r\n", "SERVER_ERROR storage error\r\n"},
                       {"get a\r\nms a 2 ME O1\r\nxy\r\nms missing 2 ME O2\r\nxy\r\nget a\r\n",
                        kGot + "NS O1\r\n" + kReadOnly + kGot},
                   });
}

TEST_CASE("packets_of_add_tell_whether_their_key_is_there") {
  constexpr uint8_t kGet = 0x00, kSet = 0x01, kNoop = 0x0a;
  const std::string eight(8, '\0'), noop = answer(kNoop, 0);
  World world = not_stored();
  for (const uint8_t opcode : {uint8_t{0x02}, uint8_t{0x12}}) {
    const std::string exists = answer(opcode, 2, "", "", "Data exists for key.");
    const std::string refused = answer(opcode, 5, "", "", "Read-only");
    check_all(world, {
                         {packet(opcode, "a", eight, "xy") + packet(kNoop), exists + noop},
                         {packet(opcode, "missing", eight, "xy") + packet(kNoop), refused + noop},
                         {packet(opcode, "a", eight), exists},
                         {packet(opcode, "missing", eight), refused},
                         {packet(opcode, kKey250, eight, packet(kNoop)), exists},
                         {packet(opcode, "broken", eight, "xy"),
                          answer(opcode, 0x84, "", "", "Storage error")},
                         {packet(kGet, "missing") + packet(opcode, "a", eight, "x") +
                              packet(opcode, "missing", eight, "x") + packet(kNoop),
                          answer(kGet, 1, "", "", "Not found") + exists + refused + noop},
                         {packet(kSet, "a", eight, "x"), answer(kSet, 5, "", "", "Read-only")},
                     });
  }
  World loading = not_stored();
  loading.status = GOROMDB_E_NOT_READY;
  check_all(loading, {{packet(0x02, "a", eight, "x"), answer(0x02, 0x86, "", "", "Not ready")}});
  Connection connection(world);
  connection.feed(packet(0x02, "a", eight, "x") + packet(0x12, "missing", eight));
  CHECK(connection.ops_seen() == std::vector<uint32_t>{GOROMDB_OP_REFUSED, GOROMDB_OP_GET,
                                                       GOROMDB_OP_REFUSED, GOROMDB_OP_GET});
}

TEST_CASE("without_the_option_an_add_looks_nothing_up") {
  World world;
  check_all(world, {{add("a", "xy"), kReadOnly}, {"ms a 2 ME k\r\nxy\r\n", kReadOnly}});
  Connection connection(world);
  connection.feed(add("a", "x") + "ms a 1 ME\r\nx\r\n");
  CHECK(connection.ops_seen() == std::vector<uint32_t>{GOROMDB_OP_REFUSED, GOROMDB_OP_REFUSED});
}

}  // namespace goromdb::memcached::test

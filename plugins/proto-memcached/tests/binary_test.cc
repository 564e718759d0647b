// SPDX-License-Identifier: MIT
// The binary protocol: packets, exact reply bytes, and what is hostile.
#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>

#include "driver.h"
#include "packets.h"

namespace goromdb::memcached::test {

namespace {

constexpr uint8_t kGet = 0x00, kSet = 0x01, kDelete = 0x04, kQuit = 0x07, kGetQ = 0x09,
                  kNoop = 0x0a, kVersionOp = 0x0b, kGetK = 0x0c, kGetKQ = 0x0d, kStat = 0x10,
                  kQuitQ = 0x17, kTouch = 0x1c, kGat = 0x1d, kGatQ = 0x1e, kGatK = 0x23,
                  kGatKQ = 0x24;
constexpr uint16_t kOk = 0, kNotFound = 1, kInvalid = 4, kNoStore = 5, kUnknown = 0x81;
const std::string kTime(4, '\0'), kZero(4, '\0'), kNoFlags(4, '\0');
const std::string kBFlags = "\xff\xff\xff\xff", kBValue = "two\r\nEND\r\n";

std::vector<uint8_t> bytes(std::initializer_list<int> numbers) {
  std::vector<uint8_t> all;
  for (int each : numbers) all.push_back(static_cast<uint8_t>(each));
  return all;
}
std::string noop() { return answer(kNoop, kOk); }
std::string bad(uint8_t opcode) { return answer(opcode, kInvalid, "", "", "Invalid arguments"); }
std::string refused(uint8_t opcode, uint16_t status) {
  return answer(opcode, status, "", "", "Read-only");
}
std::string miss(uint8_t opcode) { return answer(opcode, kNotFound, "", "", "Not found"); }

}  // namespace

TEST_CASE("packets_read_as_memcached_answers_them") {
  check_all(
      {},
      {
          {packet(kGet, "a"), answer(kGet, kOk, "", kNoFlags, "1", 11)},
          {packet(kGet, "b"), answer(kGet, kOk, "", kBFlags, kBValue, 9223372036854775807u)},
          {packet(kGet, "empty"), answer(kGet, kOk, "", std::string("\0\0\0\7", 4), "", 13)},
          {packet(kGetK, "a"), answer(kGetK, kOk, "a", kNoFlags, "1", 11)},
          {packet(kGetQ, "a"), answer(kGetQ, kOk, "", kNoFlags, "1", 11)},
          {packet(kGetKQ, "a"), answer(kGetKQ, kOk, "a", kNoFlags, "1", 11)},
          {packet(kGetK, kKey250), answer(kGetK, kOk, kKey250, kNoFlags, "long", 14)},
          {packet(kGet, "missing"), miss(kGet)},
          {packet(kGetK, "missing"), answer(kGetK, kNotFound, "missing")},
          {packet(kGetQ, "missing") + packet(kNoop), noop()},
          {packet(kGetKQ, "missing") + packet(kNoop), noop()},
          {packet(kGat, "a", kTime), answer(kGat, kOk, "", kNoFlags, "1", 11)},
          {packet(kGatK, "a", kTime), answer(kGatK, kOk, "a", kNoFlags, "1", 11)},
          {packet(kGatQ, "a", kTime), answer(kGatQ, kOk, "", kNoFlags, "1", 11)},
          {packet(kGatKQ, "a", kTime), answer(kGatKQ, kOk, "a", kNoFlags, "1", 11)},
          {packet(kGat, "missing", kTime), miss(kGat)},
          {packet(kGatK, "missing", kTime), answer(kGatK, kNotFound, "missing")},
          {packet(kGatQ, "missing", kTime) + packet(kGatKQ, "missing", kTime), ""},
          {packet(kTouch, "b", kTime), answer(kTouch, kOk, "", kBFlags, "", 9223372036854775807u)},
          {packet(kTouch, "missing", kTime), miss(kTouch)},
          {packet(kNoop), noop()},
          {packet(kVersionOp), answer(kVersionOp, kOk, "", "", "1.6.45-goromdb-0.0.0-test")},
          {packet(0x1b, "", kTime), answer(0x1b, kOk)},
          {packet(kQuit) + packet(kNoop), answer(kQuit, kOk), true},
          {packet(kQuitQ) + packet(kNoop), "", true},
      });
}

TEST_CASE("a_multiget_is_a_pipeline_of_quiet_gets_and_one_batch") {
  World world;
  Connection connection(world);
  connection.feed(packet(kGetKQ, "a", "", "", "0001") + packet(kGetKQ, "missing", "", "", "0002") +
                  packet(kGetKQ, "empty", "", "", "0003") + packet(kNoop, "", "", "", "0004"));
  CHECK(connection.outcome().replies ==
        answer(kGetKQ, kOk, "a", kNoFlags, "1", 11, "0001") +
            answer(kGetKQ, kOk, "empty", std::string("\0\0\0\7", 4), "", 13, "0003") +
            answer(kNoop, kOk, "", "", "", 0, "0004"));
  CHECK(connection.batches() == 1);
}

TEST_CASE("keys_are_bytes_and_the_opaque_comes_back_as_it_was") {
  World world;
  const std::string key("a\r\n \0b", 6), opaque("\0\xff\x80\n", 4);
  world.items[key] = {"v", 0, 9};
  check_all(world, {{packet(kGetK, key, "", "", opaque, {.data_type = 7}),
                     answer(kGetK, kOk, key, kNoFlags, "v", 9, opaque)},
                    {packet(kGetK, "a\r\n ", "", "", opaque),
                     answer(kGetK, kNotFound, "a\r\n ", "", "", 0, opaque)}});
}

TEST_CASE("every_write_is_refused_after_its_body") {
  std::vector<Transcript> transcripts;
  const std::string eight(8, 'x'), twenty(20, 'x'), trap = packet(kQuitQ);
  for (uint8_t opcode : bytes({0x01, 0x02, 0x03, 0x11, 0x12, 0x13})) {
    transcripts.push_back(
        {packet(opcode, "k", eight, trap) + packet(kNoop), refused(opcode, kNoStore) + noop()});
    transcripts.push_back(
        {packet(opcode, "k", eight) + packet(kNoop), refused(opcode, kNoStore) + noop()});
  }
  for (uint8_t opcode : bytes({0x0e, 0x0f, 0x19, 0x1a})) {
    transcripts.push_back(
        {packet(opcode, "k", "", trap) + packet(kNoop), refused(opcode, kNoStore) + noop()});
  }
  transcripts.push_back({packet(0x04, "k"), refused(0x04, kNoStore)});
  transcripts.push_back({packet(0x05, "k", twenty), refused(0x05, kNoStore)});
  transcripts.push_back({packet(0x06, "k", twenty), refused(0x06, kNoStore)});
  transcripts.push_back({packet(0x08), refused(0x08, kNoStore)});
  transcripts.push_back({packet(0x08, "", kTime), refused(0x08, kNoStore)});
  // The client wants no reply to these, and libmemcached would take it for another one's.
  transcripts.push_back({packet(0x14, "k") + packet(kNoop), noop()});
  transcripts.push_back({packet(0x15, "k", twenty) + packet(kNoop), noop()});
  transcripts.push_back({packet(0x16, "k", twenty) + packet(kNoop), noop()});
  transcripts.push_back({packet(0x18) + packet(0x18, "", kTime) + packet(kNoop), noop()});
  check_all({}, transcripts);
  check_all({.options = {{"write_reply", "not_stored"}}},
            {{packet(kSet, "k", eight, "v"), refused(kSet, kNoStore)}});
  check_all({.options = {{"touch", "refuse"}}},
            {{packet(kTouch, "a", kTime), refused(kTouch, kNoStore)},
             {packet(kGat, "a", kTime), answer(kGat, kOk, "", kNoFlags, "1", 11)}});
}

TEST_CASE("unknown_opcodes_are_answered_and_their_bodies_skipped") {
  const std::string text = "Unknown command";
  check_all({}, {
                    {packet(0x50) + packet(kNoop), answer(0x50, kUnknown, "", "", text) + noop()},
                    {packet(0x50, "k", "e", packet(kQuitQ) + "v") + packet(kNoop),
                     answer(0x50, kUnknown, "", "", text) + noop()},
                    {packet(0xff), answer(0xff, kUnknown, "", "", text)},
                    {packet(0x20), answer(0x20, kUnknown, "", "", text)},
                    {packet(0x21, "PLAIN", "", std::string("\0user\0pass", 10)) + packet(kNoop),
                     answer(0x21, kUnknown, "", "", text) + noop()},
                    {packet(0x22, "PLAIN", "", "x"), answer(0x22, kUnknown, "", "", text)},
                });
}

TEST_CASE("a_head_that_is_not_its_opcodes_closes") {
  std::vector<Transcript> transcripts;
  const auto closes = [&](uint8_t opcode, const std::string& request) {
    transcripts.push_back({request + packet(kNoop), bad(opcode), true});
  };
  for (uint8_t opcode : {kGet, kGetQ, kGetK, kGetKQ, kDelete}) {
    closes(opcode, packet(opcode));
    closes(opcode, packet(opcode, "a", kTime));
    closes(opcode, packet(opcode, "a", "", "v"));
    closes(opcode, packet(opcode, kKey251));
  }
  for (uint8_t opcode : {kTouch, kGat, kGatQ, kGatK, kGatKQ}) {
    closes(opcode, packet(opcode, "a"));
    closes(opcode, packet(opcode, "", kTime));
    closes(opcode, packet(opcode, "a", kTime, "v"));
    closes(opcode, packet(opcode, "a", "12345"));
  }
  for (uint8_t opcode : {kNoop, kVersionOp, kQuit, kQuitQ, uint8_t{0x20}}) {
    closes(opcode, packet(opcode, "k"));
    closes(opcode, packet(opcode, "", "e"));
    closes(opcode, packet(opcode, "", "", "v"));
  }
  closes(kSet, packet(kSet, "k", kTime, "v"));
  closes(kSet, packet(kSet, "", std::string(8, 'x'), "v"));
  closes(0x0e, packet(0x0e, "k", std::string(8, 'x'), "v"));
  closes(0x05, packet(0x05, "k", "", "v"));
  closes(0x08, packet(0x08, "k"));
  closes(0x08, packet(0x08, "", "e"));
  closes(0x1b, packet(0x1b));
  closes(0x21, packet(0x21, "", "", "v"));
  closes(kStat, packet(kStat, "items", "e"));
  closes(kStat, packet(kStat, "items", "", "v"));
  closes(0x50, packet(0x50, kKey251));
  check_all({}, transcripts);
}

TEST_CASE("lengths_that_lie_close") {
  const std::string unknown = answer(kGet, kUnknown, "", "", "Unknown command");
  World small{.options = {{"max_refused_value", "7"}}};
  const std::string eight(8, 'x');
  check_all({},
            {
                {packet(kGet, "a", "", "", "ABCD", {.key = 5}), unknown, true},
                {packet(kGet, "a", "", "", "ABCD", {.extras = 5, .body = 1}), unknown, true},
                {packet(kGet, "a", "", "", "ABCD", {.key = 65535, .body = 65534}), unknown, true},
                {packet(kSet, "k", eight, "", "ABCD", {.body = 0xffffffff}), bad(kSet), true},
                {packet(0x50, "", "", "", "ABCD", {.body = 0x7fffffff}), bad(0x50), true},
            });
  check_all(small, {
                       {packet(kSet, "k", eight, "1234567") + packet(kNoop),
                        refused(kSet, kNoStore) + noop()},
                       {packet(kSet, "k", eight, "12345678") + packet(kNoop), bad(kSet), true},
                       {packet(0x50, "", "", "12345678") + packet(kNoop), bad(0x50), true},
                   });
}

TEST_CASE("the_first_byte_decides_for_good") {
  check_all({},
            {
                {packet(kNoop) + "version\r\n", noop(), true},
                {packet(kNoop) + packet(kNoop, "", "", "", "ABCD", {.magic = 0x81}), noop(), true},
                {packet(kNoop, "", "", "", "ABCD", {.magic = 0x81}), "", true},
                {packet(kNoop).substr(0, 23), ""},
                {"version\n" + packet(kNoop) + "\n",
                 "VERSION 1.6.45-goromdb-0.0.0-test\r\n"
                 "ERROR\r\n" +
                     std::string("ERROR\r\n")},
            });
}

TEST_CASE("a_fault_of_the_storage_is_an_error_also_of_a_quiet_get") {
  const std::string fault = "Storage error", not_ready = "Not ready";
  check_all({}, {
                    {packet(kGet, "broken"), answer(kGet, 0x84, "", "", fault)},
                    {packet(kGetKQ, "broken") + packet(kNoop),
                     answer(kGetKQ, 0x84, "", "", fault) + noop()},
                    {packet(kTouch, "broken", kTime), answer(kTouch, 0x84, "", "", fault)},
                });
  check_all({.status = GOROMDB_E_NOT_READY},
            {
                {packet(kGetQ, "a"), answer(kGetQ, 0x86, "", "", not_ready)},
                {packet(kGetK, "missing"), answer(kGetK, 0x86, "", "", not_ready)},
            });
}

TEST_CASE("statistics_are_packets_and_an_empty_one") {
  const std::string end = answer(kStat, kOk);
  World world{.pairs = {"1:addr", "127.0.0.1:5000", "1:idle_s", "3"}};
  check_all(
      world,
      {
          {packet(kStat, "conns"), answer(kStat, kOk, "1:addr", "", "tcp:127.0.0.1:5000") +
                                       answer(kStat, kOk, "1:secs_since_last_cmd", "", "3") + end},
          {packet(kStat, "items"), end},
          {packet(kStat, "slabs"), end},
          {packet(kStat, "reset"), end},
          {packet(kStat, "sizes"), answer(kStat, kOk, "sizes_status", "", "disabled") + end},
          {packet(kStat, "detail on"), end},
          {packet(kStat, "detail dump"), answer(kStat, kOk, "detailed", "", "END\r\n") + end},
          {packet(kStat, "detail"), miss(kStat)},
          {packet(kStat, "cachedump 1 1"), miss(kStat)},
          {packet(kStat, "nonsense") + packet(kNoop), miss(kStat) + noop()},
          {packet(kStat, "settings\n"), miss(kStat)},
      });
  world.pairs = {"pid", "42", "rusage_user_us", "1000001", "odd\r", "va\nlue"};
  const std::string text = talk(world, packet(kStat)).replies;
  CHECK(text.starts_with(answer(kStat, kOk, "version", "", "1.6.45-goromdb-0.0.0-test")));
  CHECK(text.find(answer(kStat, kOk, "pid", "", "42")) != std::string::npos);
  CHECK(text.find(answer(kStat, kOk, "rusage_user", "", "1.000001")) != std::string::npos);
  CHECK(text.find(answer(kStat, kOk, "odd?", "", "va?lue")) != std::string::npos);
  CHECK(text.ends_with(end));
  CHECK(every_way(world, packet(kStat), {text, false}) == "");
  CHECK(talk(world, packet(kStat, "settings"))
            .replies.find(answer(kStat, kOk, "auth_enabled_sasl", "", "no")) != std::string::npos);
}

TEST_CASE("a_huge_refused_value_costs_no_buffer") {
  World world;
  Connection connection(world);
  const size_t size = 40u << 20;
  connection.feed(
      packet(kSet, "k", std::string(8, 'x'), "", "ABCD", {.body = static_cast<int64_t>(size + 9)}));
  const std::string piece(100000, '\x80');
  for (size_t sent = 0; sent < size; sent += piece.size()) {
    connection.feed(std::string_view(piece).substr(0, std::min(piece.size(), size - sent)));
    REQUIRE(connection.buffered() == 0);
  }
  connection.feed(packet(kNoop));
  CHECK(connection.outcome() == Outcome{refused(kSet, kNoStore) + noop(), false});
}

TEST_CASE("the_core_counts_refused_packets_and_touches") {
  World world;
  Connection connection(world);
  connection.feed(packet(kSet, "k", std::string(8, 'x'), "v") + packet(kDelete, "k") +
                  packet(0x18) + packet(kGat, "a", kTime) + packet(kTouch, "missing", kTime) +
                  packet(kGatKQ, "missing", kTime) + packet(kGet, "a"));
  CHECK(connection.ops_seen() ==
        std::vector<uint32_t>{GOROMDB_OP_REFUSED, GOROMDB_OP_REFUSED, GOROMDB_OP_REFUSED,
                              GOROMDB_OP_GET, GOROMDB_OP_GET, GOROMDB_OP_GET, GOROMDB_OP_GET});
  const auto metric = [&](const std::string& name) {
    const auto& names = connection.host().metric_names;
    const auto at = std::ranges::find(names, name) - names.begin();
    return connection.host().metrics.at(static_cast<size_t>(at));
  };
  CHECK(metric("memcached_cmd_touch") == 3);
  CHECK(metric("memcached_touch_hits") == 1);
  CHECK(metric("memcached_touch_misses") == 2);
}

TEST_CASE("packets_name_databases_and_namespaces") {
  World world{.options = {{"database_separator", "/"}, {"namespace_separator", ":"}}};
  world.databases = {"words", "prices"};
  world.items = {{"prices|users|k", {"v", 1, 2}}};
  check_all(world, {{packet(kGetK, "prices/users:k"),
                     answer(kGetK, kOk, "prices/users:k", std::string("\0\0\0\1", 4), "v", 2)},
                    {packet(kGetK, "prices/k"), answer(kGetK, kNotFound, "prices/k")}});
}

}  // namespace goromdb::memcached::test

// SPDX-License-Identifier: MIT
// SLOWLOG: the ring, and what it shows of a request.
#include "../slowlog.h"

#include <doctest/doctest.h>

#include <thread>

#include "ask.h"

namespace goromdb::redis::test {

namespace {

SlowLog::Entry entry(std::string key, uint64_t connection = 1) {
  return {.time_s = 1700000000,
          .elapsed_us = 12345,
          .arguments = {"get", std::move(key)},
          .connection = connection,
          .client = "me"};
}

// As logged of a command line; `names` is how many of its words name the command.
std::vector<std::string> logged(const std::vector<std::string>& words, size_t names = 1) {
  std::string wire = "*" + std::to_string(words.size()) + "\r\n";
  size_t at = 0;
  std::string name;
  for (size_t i = 0; i < words.size(); ++i) {
    wire += bulk(words[i]);
    if (i < names) name += (i == 0 ? "" : "|") + words[i];
    if (i + 1 == names) at = wire.size();
  }
  return slow_arguments(find_full_name(name),
                        Args(reinterpret_cast<const uint8_t*>(wire.data()) + at,
                             static_cast<uint32_t>(words.size() - names)));
}

}  // namespace

TEST_CASE("the_slow_log_keeps_the_latest_entries_and_numbers_all") {
  SlowLog log;
  for (int i = 0; i < 200; ++i) log.add(entry(std::to_string(i)));
  CHECK(log.length() == 128);
  const auto latest = log.latest(1000);
  REQUIRE(latest.size() == 128);
  CHECK(latest.front().id == 199);
  CHECK(latest.front().arguments[1] == "199");
  CHECK(latest.back().id == 72);
  CHECK(log.latest(2).size() == 2);
  log.reset();
  CHECK(log.length() == 0);
  log.add(entry("a"));
  CHECK(log.latest(1)[0].id == 200);
}

TEST_CASE("the_slow_log_takes_entries_from_several_threads") {
  SlowLog log;
  const auto work = [&] {
    for (int i = 0; i < 500; ++i) log.add(entry("k"));
  };
  std::thread one(work), two(work);
  for (int i = 0; i < 100; ++i) CHECK(log.latest(10).size() <= 10);
  one.join();
  two.join();
  CHECK(log.latest(1)[0].id == 999);
}

TEST_CASE("slowlog_get_has_rediss_shape") {
  Room room;
  room.slow_log.add(entry("k", 7));
  room.slow_log.add(entry("gone", 8));
  const std::vector<std::string> facts = {"0:id", "7", "0:addr", "127.0.0.1:5000"};
  const std::string second =
      "*6\r\n:1\r\n:1700000000\r\n:12345\r\n*2\r\n$3\r\nget\r\n$4\r\ngone\r\n$0\r\n\r\n$"
      "2\r\nme\r\n";
  const std::string first =
      "*6\r\n:0\r\n:1700000000\r\n:12345\r\n*2\r\n$3\r\nget\r\n$1\r\nk\r\n$14\r\n127.0.0.1:5000\r\n"
      "$2\r\nme\r\n";
  CHECK(room.ask({"SLOWLOG", "GET"}, facts) == "*2\r\n" + second + first);
  CHECK(room.ask({"SLOWLOG", "GET", "1"}, facts) == "*1\r\n" + second);
  CHECK(room.ask({"SLOWLOG", "GET", "-1"}, facts) == "*2\r\n" + second + first);
  CHECK(room.ask({"SLOWLOG", "GET", "0"}, facts) == "*0\r\n");
  CHECK(room.ask({"SLOWLOG", "LEN"}) == ":2\r\n");
  CHECK(room.ask({"SLOWLOG", "RESET"}) == "+OK\r\n");
  CHECK(room.ask({"SLOWLOG", "LEN"}) == ":0\r\n");
}

TEST_CASE("slowlog_get_refuses_what_redis_refuses") {
  Room room;
  const std::string range = "-ERR count should be greater than or equal to -1\r\n";
  CHECK(room.ask({"SLOWLOG", "GET", "-2"}) == range);
  CHECK(room.ask({"SLOWLOG", "GET", "x"}) == range);
  CHECK(room.ask({"SLOWLOG", "GET", ""}) == range);
  CHECK(room.ask({"SLOWLOG", "GET", "1", "2"}) ==
        "-ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.\r\n");
}

TEST_CASE("slowlog_get_shows_ten_entries_unless_it_is_told_otherwise") {
  Room room;
  for (int i = 0; i < 12; ++i) room.slow_log.add(entry("k"));
  CHECK(room.ask({"SLOWLOG", "GET"}).starts_with("*10\r\n"));
  CHECK(room.ask({"SLOWLOG", "GET", "9223372036854775807"}).starts_with("*12\r\n"));
}

TEST_CASE("a_logged_request_is_cut_as_redis_cuts_it") {
  using Words = std::vector<std::string>;
  const auto many = [](size_t keys) {
    Words words(keys + 1, "k");
    words[0] = "mget";
    return words;
  };
  CHECK(logged({"get", "k"}) == Words{"get", "k"});
  CHECK(logged({"get", std::string(128, 'k')})[1] == std::string(128, 'k'));
  CHECK(logged({"get", std::string(132, 'k')})[1] == std::string(128, 'k') + "... (4 more bytes)");
  CHECK(logged(many(31)).size() == 32);
  CHECK(logged(many(31)).back() == "k");
  const Words cut = logged(many(35));
  CHECK(cut.size() == 32);
  CHECK(cut[30] == "k");
  CHECK(cut.back() == "... (5 more arguments)");
}

TEST_CASE("a_logged_request_has_its_names_as_they_were_sent") {
  using Words = std::vector<std::string>;
  CHECK(logged({"GeT", "k"}) == Words{"GeT", "k"});
  CHECK(logged({"COMMAND", "GetKeysAndFlags", "get", "k"}, 2) ==
        Words{"COMMAND", "GetKeysAndFlags", "get", "k"});
  CHECK(logged({"DBSIZE"}) == Words{"DBSIZE"});
  CHECK(slow_arguments(find_full_name("object|encoding"), Args()) == Words{"object", "encoding"});
}

TEST_CASE("no_password_is_logged") {
  using Words = std::vector<std::string>;
  CHECK(logged({"auth", "secret"}) == Words{"auth", "(redacted)"});
  for (const std::string& word : logged({"hello", "3", "AUTH", "default", "secret"})) {
    CHECK(word != "secret");
  }
}

}  // namespace goromdb::redis::test

// SPDX-License-Identifier: MIT
// Refused writes: the block is swallowed by its declared length, whatever is wrong with the line,
// and a connection whose framing is lost is closed. The checklist against smuggled commands.
#include <doctest/doctest.h>

#include "driver.h"

namespace goromdb::memcached::test {

TEST_CASE("every_write_is_refused_after_its_block_and_the_connection_stays_in_step") {
  std::vector<Transcript> transcripts;
  for (std::string verb : {"set", "add", "replace", "append", "prepend"}) {
    transcripts.push_back({verb + " a 0 0 7\r\nversion\r\nversion\r\n", kReadOnly + kVersion});
    transcripts.push_back({verb + " a 1 -1 0 noreply\r\n\r\nversion\r\n", kVersion});
  }
  transcripts.push_back({"cas a 0 0 3 99\r\nabc\r\nversion\r\n", kReadOnly + kVersion});
  transcripts.push_back({"cas a 0 0 3 99 noreply\r\nabc\r\nversion\r\n", kVersion});
  transcripts.push_back({"set a 0 0 2 extra\r\nab\r\n", kReadOnly});
  transcripts.push_back({"set a 0 0 2 noreply extra\r\nab\r\n", kReadOnly});
  transcripts.push_back({"set a 4294967295 0 0002\nab\r\n", kReadOnly});
  transcripts.push_back({"set a 0 0 9\r\nget a\r\nxx\r\nset a 0 0 2\r\nab\r\nversion\r\n",
                         kReadOnly + kReadOnly + kVersion});
  check_all({}, transcripts);
}

TEST_CASE("writes_without_a_block_are_refused") {
  const std::string usage =
      "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";
  check_all({}, {
                    {"delete a\r\n", kReadOnly},
                    {"delete a 0\r\n", kReadOnly},
                    {"delete a noreply\r\n", ""},
                    {"delete a 0 noreply\r\n", ""},
                    {"delete a 5\r\n", usage},
                    {"delete a 5 noreply\r\n", ""},
                    {"delete a b c d\r\n", usage},
                    {"delete\r\n", kBad},
                    {"delete " + kKey251 + "\r\n", kBad},
                    {"delete " + kKey251 + " noreply\r\n", ""},
                    {"incr a 1\r\n", kReadOnly},
                    {"decr a 18446744073709551615\r\n", kReadOnly},
                    {"incr a 1 noreply\r\n", ""},
                    {"incr a -1\r\n", "CLIENT_ERROR invalid numeric delta argument\r\n"},
                    {"incr a x noreply\r\n", ""},
                    {"incr a\r\n", kBad},
                    {"incr " + kKey251 + " 1\r\n", kBad},
                    {"flush_all\r\n", "CLIENT_ERROR flush_all not allowed\r\n"},
                    {"flush_all 10\r\n", "CLIENT_ERROR flush_all not allowed\r\n"},
                    {"flush_all noreply\r\n", ""},
                });
}

TEST_CASE("meta_writes_are_refused_and_the_block_of_a_meta_set_is_swallowed") {
  check_all({}, {
                    {"ms a 7\r\nversion\r\nversion\r\n", kReadOnly + kVersion},
                    {"ms a 7 T0 F1 c q\r\nversion\r\nversion\r\n", kReadOnly + kVersion},
                    {"ms a 7 noreply\r\nversion\r\nversion\r\n", kReadOnly + kVersion},
                    {"ms a 7 !\r\nversion\r\nversion\r\n", kReadOnly + kVersion},
                    {"ms a 0\r\n\r\nversion\r\n", kReadOnly + kVersion},
                    {"ms " + kKey251 + " 7\r\nversion\r\nversion\r\n", kBad + kVersion},
                    {"ms " + kKey251 + " 7 q\r\nversion\r\nversion\r\n", kBad + kVersion},
                    {"md a\r\n", kReadOnly},
                    {"md a q\r\n", kReadOnly},
                    {"md a noreply\r\n", kReadOnly},
                    {"md\r\n", kBad},
                    {"md " + kKey251 + "\r\n", kBad},
                    {"ma a N0 J13 q\r\n", kReadOnly},
                    {"ma\r\n", kBad},
                    {"mz a\r\n", "ERROR\r\n"},
                });
}

TEST_CASE("a_fault_of_the_line_is_answered_after_the_block_was_swallowed") {
  check_all({}, {
                    {"set " + kKey251 + " 0 0 7\r\nversion\r\nversion\r\n", kBad + kVersion},
                    {"set a -1 0 7\r\nversion\r\nversion\r\n", kBad + kVersion},
                    {"set a 4294967296 0 7\r\nversion\r\nversion\r\n", kBad + kVersion},
                    {"set a 0 never 7\r\nversion\r\nversion\r\n", kBad + kVersion},
                    {"set a x 0 7 noreply\r\nversion\r\nversion\r\n", kVersion},
                    {"cas a 0 0 7\r\nversion\r\nversion\r\n", kBad + kVersion},
                    {"cas a 0 0 7 x\r\nversion\r\nversion\r\n", kBad + kVersion},
                    {"cas a 0 0 7 noreply\r\nversion\r\nversion\r\n", kVersion},
                });
}

TEST_CASE("an_unknown_length_closes_so_that_the_block_is_never_read_as_commands") {
  std::vector<Transcript> transcripts;
  for (std::string line : {"set",
                           "set a",
                           "set a 0 0",
                           "set a 0 0 noreply",
                           "set a 0 0 x",
                           "set a 0 0 7x",
                           "set a 0 0 -1",
                           "set a 0 0 +7",
                           "set a 0 0 0x7",
                           "set a 0 0 7.0",
                           "set a 0 0 2147483646",
                           "set a 0 0 4294967303",
                           "set a 0 0 18446744073709551623",
                           "set a 0 0 -1 noreply",
                           "set a 0 0 7\t",
                           "cas a 0 0",
                           "ms",
                           "ms a",
                           "ms a x",
                           "ms a -1",
                           "ms a 7x",
                           "ms a 2147483646",
                           "ms a S7",
                           "ms a 7\t"}) {
    transcripts.push_back({line + "\r\nversion\r\nversion\r\n", kBad, true});
  }
  check_all({}, transcripts);
}

TEST_CASE("a_block_without_its_line_end_closes") {
  const std::string bad_chunk = "CLIENT_ERROR bad data chunk\r\n";
  check_all({}, {
                    {"set a 0 0 2\r\nabXXversion\r\n", bad_chunk, true},
                    {"set a 0 0 2\r\nab\nversion\r\n", bad_chunk, true},
                    {"set a 0 0 2\r\nabc\r\nversion\r\n", bad_chunk, true},
                    {"set a 0 0 2\r\nab\r\r\nversion\r\n", bad_chunk, true},
                    {"set a 0 0 9 noreply\r\nab\r\nversion\r\n", bad_chunk, true},
                    {"set a 0 0 0\r\nversion\r\n", bad_chunk, true},
                    {"ms a 2\r\nabXXversion\r\n", bad_chunk, true},
                });
}

TEST_CASE("a_block_above_the_cap_is_refused_and_not_waited_for") {
  check_all({.options = {{"max_refused_value", "7"}}},
            {
                {"set a 0 0 7\r\nversion\r\nversion\r\n", kReadOnly + kVersion},
                {"set a 0 0 8\r\nversion\r\n\r\nversion\r\n", kReadOnly, true},
                {"ms a 8\r\nversion\r\n\r\nversion\r\n", kReadOnly, true},
            });
}

TEST_CASE("not_stored_is_an_option") {
  check_all({.options = {{"write_reply", "not_stored"}}},
            {
                {"set a 0 0 2\r\nab\r\n", "NOT_STORED\r\n"},
                {"prepend a 0 0 2\r\nab\r\n", "NOT_STORED\r\n"},
                {"set a 0 0 2 noreply\r\nab\r\n", ""},
                {"cas a 0 0 2 1\r\nab\r\n", "NOT_FOUND\r\n"},
                {"cas a 0 0 2 x\r\nab\r\n", kBad},
                {"delete a\r\n", kReadOnly},
                {"incr a 1\r\n", kReadOnly},
            });
}

TEST_CASE("a_huge_refused_write_costs_no_buffer") {
  World world{.options = {{"max_refused_value", "64MiB"}}};
  Connection connection(world);
  const size_t size = 40u << 20;
  connection.feed("set a 0 0 " + std::to_string(size) + "\r\n");
  const std::string piece(100000, '\n');
  for (size_t sent = 0; sent < size; sent += piece.size()) {
    connection.feed(std::string_view(piece).substr(0, std::min(piece.size(), size - sent)));
    REQUIRE(connection.buffered() == 0);
  }
  CHECK(connection.outcome().replies.empty());
  connection.feed("\r\nget a\r\n");
  CHECK(connection.outcome() == Outcome{kReadOnly + "VALUE a 0 1\r\n1\r\nEND\r\n", false});
}

TEST_CASE("the_core_can_count_refused_writes_even_silent_ones") {
  World world;
  Connection connection(world);
  connection.feed(
      "set a 0 0 1\r\nx\r\nset a 0 0 1 noreply\r\nx\r\ndelete a noreply\r\nflush_all\r\nincr a "
      "1\r\n"
      "ms a 1\r\nx\r\nmd a\r\n"
      "set a x 0 1\r\nx\r\n");
  std::vector<uint32_t> ops(7, GOROMDB_OP_REFUSED);
  ops.push_back(GOROMDB_OP_LOCAL);
  CHECK(connection.ops_seen() == ops);
}

}  // namespace goromdb::memcached::test

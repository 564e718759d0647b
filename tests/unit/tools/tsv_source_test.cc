// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "rows.hpp"

using namespace goromdb;
using namespace goromdb::test;
using tools::Fields;

namespace {

constexpr auto kTsv = tools::RowFormat::kTsv;

void check_tsv(const std::vector<RowCase>& cases, const Fields& fields = {}) {
  check_rows(kTsv, cases, fields);
}

}  // namespace

TEST_CASE("TSV is a row a line and a tab between fields") {
  check_tsv({
      {"key\tvalue\na\t1\nb\t2\n", {"a=1 @2", "b=2 @3"}},
      {"key\tvalue\r\na\t1\r\nb\t2\r\n", {"a=1 @2", "b=2 @3"}},
      {"\xEF\xBB\xBFkey\tvalue\na\t1", {"a=1 @2"}},
      {"key\tvalue\n\n\r\na\t\n\tb\n", {"a= @4", "=b @5"}},
      {"key\tvalue\n a \t\"1\" ,2\n", {" a =\"1\" ,2 @2"}},
      {"key\tvalue\na\t1\r2\n", {"a=1\r2 @2"}},
      {"key\tvalue\na\t\xFF\n", {"a=\xFF @2"}},
      {"flags\tvalue\tkey\tnamespace\n7\t1\ta\ten\n\t2\tb\t\n", {"en/a=1 #7 @2", "b=2 @3"}},
      {"key\tvalue\n", {}},
  });
}

TEST_CASE("a backslash stands before what a field of TSV cannot have") {
  check_tsv({
      {"key\tvalue\na\\tb\t\\\\n\\n\\r\n", {"a\tb=\\n\n\r @2"}},
      {"key\tvalue\n\\\\\t\\\\\\\\\n", {"\\=\\\\ @2"}},
      {"k\\ty\tkey\tvalue\n\t\t\n", {"= @2"}},
  });
  const std::string wanted = "rows:2: a backslash without t, n, r or a backslash; write it twice";
  for (const char* value : {"\\", "\\x", "a\\", "\\\\\\", "\\T", "\\ n"}) {
    check_tsv({{std::string("key\tvalue\na\t") + value + "\n", {wanted}}});
  }
}

TEST_CASE("a field of TSV may be base64") {
  check_tsv({
      {"key\tvalue\nbase64:/w==\tbase64:AAE=\n", {std::string("\xFF=\0\1 @2", 7)}},
      {"key\tvalue\na\tbase64:\n", {"a= @2"}},
      {"key\tvalue\na\tbase64:YmFzZTY0Og==\n", {"a=base64: @2"}},
      {"key\tvalue\na\tBase64:x\n", {"a=Base64:x @2"}},
      {"key\tvalue\n\\\\\tbase64:YQ==\n", {"\\=a @2"}},
  });
  const std::string wanted =
      "rows:2: no base64 behind \"base64:\"; a text that begins so is base64, too";
  for (const char* value : {"base64:a", "base64:YQ", "base64:YQ= =", "base64:YR==", "base64:\\n"}) {
    check_tsv({{std::string("key\tvalue\na\t") + value, {wanted}}});
  }
}

TEST_CASE("a wrong row of TSV is refused with its line") {
  check_tsv({
      {"", {"rows:1: the input is empty; begin it with a header, the columns' names"}},
      {"key\tx\n", {"rows:1: no column \"value\"; name one with --value-field: key, x"}},
      {"key\tvalue\n\na\t1\t\n",
       {"rows:3: the row has 3 fields, the header has 2; is a quote or a separator missing?"}},
      {"key\tvalue\tflags\na\t1\t-\n",
       {"rows:2: the flags are not a number from 0 to 4294967295; correct them"}},
  });
  CHECK(read_rows(kTsv, "key\tvalue\na\t1234567\n", {}, {2, 9}) == Rows{"a=1234567 @2"});
  CHECK(read_rows(kTsv, "key\tvalue\na\t12345678\n", {}, {2, 9}) ==
        Rows{"rows:2: the row is longer than 9 bytes; split it"});
}

TEST_CASE("the value may be the whole row of TSV, without a header by numbers") {
  Fields fields;
  fields.whole_row = true;
  check_tsv({{"key\tx\na\t\\tb\n", {R"(a={"key":"a","x":"\u0009b"} @2)"}}}, fields);
  check_tsv({{"key\tx\na\tbase64:/w==\n",
              {"rows:2: bytes that are not UTF-8, which JSON must be; convert it"}}},
            fields);
  fields.header = false;
  fields.key = "2";
  check_tsv({{"a\tb\n", {R"(b={"1":"a","2":"b"} @1)"}}}, fields);
}

TEST_CASE("any split of the TSV gives the same rows") {
  const std::string text =
      "\xEF\xBB\xBFkey\tvalue\r\na\\n\tbase64:/w==\r\n\r\n\xC3\xA9\t\n\n\tlast";
  const Rows wanted = read_rows(kTsv, text);
  REQUIRE(wanted == Rows{"a\n=\xFF @2", "\xC3\xA9= @4", "=last @6"});
  for (size_t block = 1; block <= text.size() + 1; ++block) {
    CAPTURE(block);
    CHECK(read_rows(kTsv, text, {}, {block}) == wanted);
  }
}

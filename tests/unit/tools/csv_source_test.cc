// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <unistd.h>

#include <thread>

#include "rows.hpp"

using namespace goromdb;
using namespace goromdb::test;
using tools::Fields;

namespace {

constexpr auto kCsv = tools::RowFormat::kCsv;

void check_csv(const std::vector<RowCase>& cases, const Fields& fields = {}) {
  check_rows(kCsv, cases, fields);
}

}  // namespace

TEST_CASE("CSV is read as RFC 4180 has it") {
  check_csv({
      {"key,value\na,1\nb,2\n", {"a=1 @2", "b=2 @3"}},
      {"key,value\r\na,1\r\nb,2\r\n", {"a=1 @2", "b=2 @3"}},
      {"key,value\ra,1\rb,2", {"a=1 @1", "b=2 @1"}},  // lines are counted by their line feeds
      {"key,value\na,1", {"a=1 @2"}},
      {"key,value\na,\n,b", {"a= @2", "=b @3"}},
      {"key,value\na,", {"a= @2"}},
      {"\xEF\xBB\xBFkey,value\na,1\n", {"a=1 @2"}},
      {"\xEF\xBB\xBF\"key\",value\na,1\n", {"a=1 @2"}},
      {"key,value\n\"a\",\"1\"\n", {"a=1 @2"}},
      {"key,value\n\"a,b\",\"say \"\"no\"\"\"\n", {"a,b=say \"no\" @2"}},
      {"key,value\n\"\",\"\"\"\"\n", {"=\" @2"}},
      {"key,value\n a\t, 1 \n\" b \",\" 2\"\n", {" a\t= 1  @2", " b = 2 @3"}},
      {"key,value\na,\"1\n2\"\nb,\"3\r\n4\"\r\nc,5", {"a=1\n2 @2", "b=3\r\n4 @4", "c=5 @6"}},
      {"\n\r\n\nkey,value\n\n\na,1\n\n\nb,2\n\n", {"a=1 @7", "b=2 @10"}},
      {"key,value\na\xFF,\xC3\xA9\n", {"a\xFF=\xC3\xA9 @2"}},
      {std::string("key,value\na\0b,\0\n", 16), {std::string("a\0b=\0 @2", 8)}},
      {"key,value\n", {}},
      {"key,value", {}},
  });
}

TEST_CASE("columns are found by their names, and others are left out") {
  check_csv({
      {"value,other,key\n1,x,a\n", {"a=1 @2"}},
      {"namespace,key,value,flags\nen,a,1,7\n,b,2,\n", {"en/a=1 #7 @2", "b=2 @3"}},
      {"flags,key,value\n4294967295,a,1\n0,b,2\n", {"a=1 #4294967295 @2", "b=2 @3"}},
  });
  Fields asked;
  asked.key = "id";
  asked.value = "the price";
  asked.ns = "shop";
  asked.flags = "3";
  check_csv(
      {
          {"shop,id,bits,the price\nx,a,9,1\n", {"x/a=1 #9 @2"}},
          {"3,shop,id,the price\n9,x,a,1\n", {"x/a=1 #9 @2"}},
      },
      asked);
}

TEST_CASE("without a header columns have numbers") {
  Fields fields;
  fields.header = false;
  check_csv(
      {
          {"a,1\nb,2\n", {"a=1 @1", "b=2 @2"}},
          {"a,1,en,7", {"a=1 @1"}},
          {"namespace,flags", {"namespace=flags @1"}},
          {"", {}},
          {"\n", {}},
          {"a", {"rows:1: no column \"2\"; name one with --value-field: 1"}},
          {"a,1\nb\n",
           {"a=1 @1",
            "rows:2: the row has 1 field, the first row has 2; is a quote or a separator "
            "missing?"}},
      },
      fields);
  fields.key = "3";
  fields.ns = "4";
  fields.value = "1";
  check_csv({{"a,1,k,en", {"en/k=a @1"}}}, fields);
}

TEST_CASE("the value may be the whole row as JSON") {
  Fields fields;
  fields.whole_row = true;
  check_csv(
      {
          {"key,\"name \"\"x\"\"\",n\na,\"say \"\"hi\"\"\n\",\\\xC3\xA9\n",
           {R"(a={"key":"a","name \"x\"":"say \"hi\"\u000a","n":"\\)"
            "\xC3\xA9\"} @2"}},
          {"key\na\n", {R"(a={"key":"a"} @2)"}},
          {"key,x\na,\xFF\n", {"rows:2: bytes that are not UTF-8, which JSON must be; convert it"}},
          {"key,x,x\na,1,2\n",
           {"rows:1: two columns have the same name, so that a row is no JSON object; rename one"}},
      },
      fields);
  fields.header = false;
  check_csv({{"a,1\n", {R"(a={"1":"a","2":"1"} @1)"}}}, fields);

  fields.value = "x";
  const auto both = tools::open_rows(kCsv, Fd(), "rows", 0, fields);
  REQUIRE(!both);
  CHECK(both.error().message == "rows: the value is the whole row or the field \"x\"; leave one");
}

TEST_CASE("a wrong row is refused with its line") {
  const std::string misplaced =
      "a quote in a field without quotes; put the field in quotes and write the quote twice";
  const std::string behind =
      "something follows a field's closing quote; write a quote in a field twice";
  check_csv({
      {"", {"rows:1: the input is empty; begin it with a header, the columns' names"}},
      {"\xEF\xBB\xBF\n\n",
       {"rows:1: the input is empty; begin it with a header, the columns' names"}},
      {"id,value\na,1\n", {"rows:1: no column \"key\"; name one with --key-field: id, value"}},
      {"key,price\n", {"rows:1: no column \"value\"; name one with --value-field: key, price"}},
      {"\nkey,value,key\n", {"rows:2: two columns \"key\"; rename one"}},
      {"key,\"a\nb\"\n", {"rows:1: no column \"value\"; name one with --value-field: key, a?b"}},
      {"key,value\na,1\nb\n",
       {"a=1 @2",
        "rows:3: the row has 1 field, the header has 2; is a quote or a separator missing?"}},
      {"key,value\n\"a\n\",1,2\n",
       {"rows:2: the row has 3 fields, the header has 2; is a quote or a separator missing?"}},
      {"key,value\na,1\"2\n", {"rows:2: " + misplaced}},
      {"key,value\na,\"1\"2\n", {"rows:2: " + behind}},
      {"key,value\na,\"1\n\" \n", {"rows:3: " + behind}},
      {"key,value\na,1\nb,\"2\nc,3\n",
       {"a=1 @2", "rows:3: the row's last field has no closing quote; close it"}},
  });
  for (const char* flags : {"-1", "4294967296", "x", "1.0", " 1", "0x1"}) {
    const std::string wanted =
        "rows:2: the flags are not a number from 0 to 4294967295; correct them";
    check_csv({{std::string("key,value,flags\na,1,") + flags, {wanted}}});
  }
}

TEST_CASE("a column that was asked for must be there") {
  const std::string text = "key,value\na,1\n";
  Fields ns, flags;
  ns.ns = "namespace";
  flags.flags = "3";
  check_csv(
      {{text, {"rows:1: no column \"namespace\"; name one with --namespace-field: key, value"}}},
      ns);
  check_csv({{text, {"rows:1: no column \"3\"; name one with --flags-field: key, value"}}}, flags);
}

TEST_CASE("a header of any length makes a short message") {
  std::string header = "id";
  for (int i = 0; i < 1000; ++i) header += ",\xC3\xA9\xC3\xA9\xC3\xA9";
  const Rows rows = read_rows(kCsv, header);
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].size() > 200);
  CHECK(rows[0].size() < 300);
  CHECK(rows[0].ends_with("..."));
}

TEST_CASE("a row of CSV that is too long is refused") {
  const std::string text = "key,value\nlonger,\"12\n45\"\nshort,1\n";
  CHECK(read_rows(kCsv, text, {}, {4, 15}) == Rows{"longer=12\n45 @2", "short=1 @4"});
  CHECK(read_rows(kCsv, text, {}, {4, 14}) ==
        Rows{"rows:2: the row is longer than 14 bytes; split it"});
}

TEST_CASE("any split of the CSV gives the same rows") {
  const std::string text =
      "\xEF\xBB\xBFkey,value,flags\r\n\"a\"\"b\",\"1\r\n\r\n2\",\r\n\r\n\xC3\xA9,,7\n\"\",x,"
      "\r\rlast,2,0";
  const Rows wanted = read_rows(kCsv, text);
  REQUIRE(wanted == Rows{"a\"b=1\r\n\r\n2 @2", "\xC3\xA9= #7 @6", "=x @7", "last=2 @7"});
  for (size_t block = 1; block <= text.size() + 1; ++block) {
    CAPTURE(block);
    CHECK(read_rows(kCsv, text, {}, {block}) == wanted);
  }
}

TEST_CASE("rows come out of a pipe as they are written") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::thread writer([to = Fd(ends[1])] {
    for (const char c : std::string("key,value\na,\"1\n2\"\n")) (void)!::write(to.get(), &c, 1);
  });
  auto source = tools::open_rows(kCsv, Fd(ends[0]), "rows", 0, {});
  REQUIRE(source);
  CHECK(read_rows(**source) == Rows{"a=1\n2 @2"});
  writer.join();
  CHECK((*source)->done() == 18);
  CHECK((*source)->total() == 0);
}

TEST_CASE("what has been read is told, and how much there is") {
  const std::string text = "key,value\na,1\nb,2\n";
  auto source = tools::open_rows(kCsv, open_text(text), "rows", text.size(), {}, {10});
  REQUIRE(source);
  tools::Entry entry;
  CHECK((*source)->done() == 0);
  CHECK((*source)->next(entry));
  CHECK((*source)->done() == text.size());
  CHECK((*source)->total() == text.size());
}

TEST_CASE("an input that cannot be read is a failure") {
  for (const auto format : {kCsv, tools::RowFormat::kTsv, tools::RowFormat::kNdjson}) {
    auto source = tools::open_rows(format, Fd(), "rows", 0, {});
    REQUIRE(source);
    tools::Entry entry;
    const auto read = (*source)->next(entry);
    REQUIRE(!read);
    CHECK(read.error().message == "cannot read rows: Bad file descriptor");
    CHECK(read.error().kind == Error::Kind::kFailure);
  }
}

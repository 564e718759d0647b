// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <goromdb/facts.hpp>

#include <string>
#include <vector>

using namespace goromdb;

namespace {

struct Pairs {
  explicit Pairs(std::vector<std::string> list) : texts(std::move(list)) {
    for (const std::string& text : texts) slices.push_back(slice(text));
  }
  FactView view() const { return FactView(slices); }

  std::vector<std::string> texts;
  std::vector<goromdb_slice> slices{};
};

}  // namespace

TEST_CASE("facts are found by their whole names") {
  const Pairs pairs({"uptime_s", "12", "time_s", "7", "version", "1.2.3", "empty", ""});
  const FactView facts = pairs.view();
  CHECK(facts.size() == 4);
  CHECK(facts.name(1) == "time_s");
  CHECK(facts.value(1) == "7");
  CHECK(facts.find("time_s") == "7");
  CHECK(facts.find("time") == std::nullopt);
  CHECK(facts.find("") == std::nullopt);
  CHECK(facts.find("empty") == "");
  CHECK(facts.text("version") == "1.2.3");
  CHECK(facts.text("missing", "?") == "?");
  CHECK(facts.number("uptime_s") == 12);
  CHECK(facts.number("missing") == 0);
  CHECK(facts.number("empty") == 0);
  CHECK(facts.number("version") == 0);
  CHECK(FactView().size() == 0);
  CHECK(FactView().find("") == std::nullopt);
}

TEST_CASE("an answer's facts are its pairs") {
  const Pairs pairs({"a", "1"});
  goromdb_answer answer{};
  answer.pairs = pairs.slices.data();
  answer.npairs = 2;
  CHECK(FactView(answer).number("a") == 1);
}

TEST_CASE("numbered facts come in groups, under their names behind the number") {
  const Pairs pairs({"all", "x", "7:name", "a", "7:keys", "1", ":odd", "o", "12:name", "b",
                     "2:keys", "2", "3", "three"});
  const auto groups = pairs.view().numbered();
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].size() == 2);
  CHECK(groups[0].text("name") == "a");
  CHECK(groups[0].number("keys") == 1);
  CHECK(groups[0].find("7:keys") == std::nullopt);
  CHECK(groups[1].name(0) == "name");
  CHECK(groups[1].text("name") == "b");
  CHECK(groups[2].number("keys") == 2);
  CHECK(FactView().numbered().empty());
}

TEST_CASE("a printable text is one line") {
  CHECK(printable(std::string_view("a\r\nb\x7f\0caf\xC3\xA9 ", 12)) == "a??b??caf\xC3\xA9 ");
}

TEST_CASE("a listen address is a host and a port, or a path") {
  const ListenAddress v4("127.0.0.1:11211"), v6("[::1]:6379"), any(":1"), path("unix:/run/a:b");
  CHECK(v4.host == "127.0.0.1");
  CHECK(v4.bare_host() == "127.0.0.1");
  CHECK(v4.port == "11211");
  CHECK(v4.path == "");
  CHECK(v6.host == "[::1]");
  CHECK(v6.bare_host() == "::1");
  CHECK(v6.port == "6379");
  CHECK(any.host == "");
  CHECK(any.bare_host() == "");
  CHECK(any.port == "1");
  CHECK(path.path == "/run/a:b");
  CHECK(path.host == "");
  CHECK(path.port == "0");
  CHECK(ListenAddress("odd").port == "0");
  CHECK(ListenAddress("").host == "");
}

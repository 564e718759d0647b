// SPDX-License-Identifier: MIT
// Patterns: each row was asked of redis-server 7.0.15 with KEYS.
#include "../glob.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace goromdb::redis::test {

TEST_CASE("a_pattern_matches_what_redis_says_it_matches") {
  const struct {
    const char *pattern, *text;
    bool matches;
  } rows[] = {
      {"", "", true},
      {"", "a", false},
      {"a", "", false},
      {"*", "", true},
      {"*", "abc", true},
      {"**", "abc", true},
      {"a*", "a", true},
      {"a*c", "abbbc", true},
      {"a*c", "abbbd", false},
      {"*a*b*", "xxaxxbxx", true},
      {"a?c", "abc", true},
      {"a?c", "ac", false},
      {"h[ae]llo", "hello", true},
      {"h[ae]llo", "hillo", false},
      {"h[^e]llo", "hello", false},
      {"h[^e]llo", "hallo", true},
      {"h[a-b]llo", "hbllo", true},
      {"h[b-a]llo", "hallo", true},
      {"[a-c-e]", "-", true},
      {"[]", "a", false},
      {"[^]", "a", true},
      {"[abc", "b", true},
      {"[abc", "bb", false},
      {"a[", "a", false},
      {"\\*", "*", true},
      {"\\*", "a", false},
      {"a\\", "a\\", true},
      {"[\\]]", "]", true},
      {"[\\-]", "-", true},
      {"[a\\-z]", "m", false},
      {"a\\?c", "a?c", true},
      {"A", "a", false},
  };
  for (const auto& [pattern, text, matches] : rows) {
    CAPTURE(pattern);
    CAPTURE(text);
    CHECK(glob_match(pattern, text) == matches);
  }
}

TEST_CASE("letters_match_in_either_case_where_that_is_asked_for") {
  CHECK(glob_match("MAX*[M-N]ory", "maxmemory", Case::kIgnore));
  CHECK(glob_match("max\\M*", "MAXMEMORY", Case::kIgnore));
  CHECK(!glob_match("MAX*", "maxmemory"));
}

TEST_CASE("bytes_that_are_no_text_are_bytes") {
  CHECK(glob_match(std::string("a\0*", 3), std::string("a\0b", 3)));
  CHECK(!glob_match("a?", std::string("a\0b", 3)));
  CHECK(glob_match("[\x80-\xff]", "\xc3"));
  CHECK(!glob_match("[\x80-\xff]", "z"));
}

TEST_CASE("a_pattern_of_many_stars_takes_no_exponential_time") {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  pattern += "b";
  const std::string text(5000, 'a');
  const auto begin = std::chrono::steady_clock::now();
  CHECK(!glob_match(pattern, text));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}

}  // namespace goromdb::redis::test

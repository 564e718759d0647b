// SPDX-License-Identifier: MIT
// rget: what it gives, and what is no range.
#include "driver.h"

using namespace goromdb::memcached::test;

namespace {

World letters() {
  World world;
  world.items.clear();
  for (const char* key : {"a", "b", "c", "d", "with blank", "x"}) {
    world.items[key] = {std::string("value of ") + key, 7, 1};
  }
  return world;
}

std::string items(std::string_view keys) {
  std::string text;
  for (const char key : keys) {
    text += std::string("VALUE ") + key + " 7 10\r\nvalue of " + key + "\r\n";
  }
  return text + "END\r\n";
}

}  // namespace

TEST_CASE("rget gives what lies between two keys, with or without them") {
  check_all(letters(), {
                           {"rget b d 0 0 100\r\n", items("bcd")},
                           {"rget b d 1 0 100\r\n", items("cd")},
                           {"rget b d 0 1 100\r\n", items("bc")},
                           {"rget b d 1 1 100\r\n", items("c")},
                           {"rget bb cc 1 1 100\r\n", items("c")},
                           {"rget b z 0 0 2\r\n", items("bc")},
                           {"rget b z 1 0 2\r\n", items("cd")},
                           {"rget b z 0 0 0\r\n", items("")},
                           {"rget d b 0 0 100\r\n", items("")},
                           {"rget d z 0 0 100\r\nget a\r\n", items("dx") + items("a")},
                       });
}

TEST_CASE("what is no range is an error, and the connection goes on") {
  const std::string bad = "CLIENT_ERROR bad command line format\r\n";
  const std::string long_key(251, 'k');
  check_all(letters(), {
                           {"rget\r\n", bad},
                           {"rget a b 0 0\r\n", bad},
                           {"rget a b 0 0 101\r\nget a\r\n", bad + items("a")},
                           {"rget a b x 0 5\r\n", bad},
                           {"rget a b 0 0 5 more\r\n", bad},
                           {"rget " + long_key + " b 0 0 5\r\n", bad},
                           {"rget a " + long_key + " 0 0 5\r\n", bad},
                       });
}

TEST_CASE("rget needs a data set, and one with an order of keys") {
  World world = letters();
  world.sorted = false;
  check_all(world, {{"rget a b 0 0 5\r\n", "CLIENT_ERROR this data set has no order of keys\r\n"}});
  world.status = GOROMDB_E_NOT_READY;
  check_all(world, {{"rget a b 0 0 5\r\n", "SERVER_ERROR not ready\r\n"}});
  world.status = GOROMDB_E_CORRUPT;
  check_all(world, {{"rget a b 0 0 5\r\n", "SERVER_ERROR storage error\r\n"}});
}

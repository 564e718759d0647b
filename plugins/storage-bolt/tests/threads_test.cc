// SPDX-License-Identifier: MIT
// verify() with a second thread, which has half of a large tree.
#include <thread>

#include "two_threads.hpp"

using namespace goromdb::test;

namespace {

// Three levels of pages, and trees beside it.
const std::string& large() {
  static const std::string bytes = [] {
    Items items;
    for (int i = 0; i < 40000; ++i) {
      items[""]["a key with a long name " + std::to_string(1000000 + i)] = {
          std::string(i % 40, 'v'), 0};
    }
    for (int i = 0; i < 30000; ++i) {
      items["space"]["a key of the space " + std::to_string(1000000 + i)] = {
          std::string(i == 777 ? 9000 : 30, 'w'), 0};
    }
    for (int i = 0; i < 200; ++i) {
      items["space/_ bucket"][std::to_string(i)] = {std::string(30, 'a'), 0};
      items["space/the last"][std::to_string(i)] = {std::string(30, 'a'), 0};
    }
    items["space"]["Z"] = {"before the first nested bucket", 0};
    items["small"]["k"] = {"v", 0};
    return built(items);
  }();
  return bytes;
}

}  // namespace

TEST_CASE("two threads count what one counts") {
  const TempDir dir;
  const auto verdict = checked_verdict_on(written(dir.file("data.db"), large()));
  CHECK_MESSAGE(verdict.status == GOROMDB_OK, verdict.message);
  CHECK(verdict.entries == 70402);
  CHECK(verdict.namespaces == 4);
  CHECK(verdict.largest_value == 9000);
}

TEST_CASE("two threads refuse what one refuses") { check_damaged(large(), 4096, 300); }

TEST_CASE("two threads refuse a page that is in both halves") {
  std::string bytes = large();
  const auto root_of = [&](std::string_view bucket) { return bytes.rfind(bucket) + bucket.size(); };
  bytes.replace(root_of("the last"), 8, bytes.substr(root_of("_ bucket"), 8));
  const TempDir dir;
  const auto verdict = checked_verdict_on(written(dir.file("data.db"), bytes));
  CHECK(verdict.status == GOROMDB_E_CORRUPT);
  CHECK_MESSAGE(verdict.message.find("is in use twice") != std::string::npos, verdict.message);
}

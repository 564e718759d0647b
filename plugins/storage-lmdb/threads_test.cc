// SPDX-License-Identifier: MIT
// verify() with a second thread, which has half of a large tree.
#include "format.h"

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
          std::string(i == 5 || i == 39000 ? 9000 : i % 40, 'v'), 0};
    }
    for (int i = 0; i < 30000; ++i) {
      items["space"]["a key of the space " + std::to_string(1000000 + i)] = {
          std::string(i == 777 ? 9000 : 30, 'w'), 0};
    }
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
  CHECK(verdict.entries == 70001);
  CHECK(verdict.namespaces == 2);
  CHECK(verdict.largest_value == 9000);
}

TEST_CASE("two threads refuse what one refuses") { check_damaged(large(), 4096, 300); }

// What the halves have to find together: the key between them lies there.
TEST_CASE("two threads refuse what one refuses in the root") {
  const auto* first = reinterpret_cast<const uint8_t*>(large().data());
  const auto* second = first + 4096;
  namespace lmdb = goromdb::lmdb;
  const bool is_second =
      lmdb::load<uint64_t>(second + lmdb::kTxnAt) > lmdb::load<uint64_t>(first + lmdb::kTxnAt);
  const auto main = lmdb::Db::read((is_second ? second : first) + lmdb::kMainDbAt);
  REQUIRE(main.depth >= 3);
  const size_t end = (main.root + 1) * 4096;
  check_damaged(large(), 4096, 300, end - 100, end);  // the nodes, which lie at the page's end
}

TEST_CASE("two threads refuse a page that is in both halves") {
  std::string bytes = large();
  const auto page_of_value = [&](std::string_view key) { return bytes.find(key) + key.size(); };
  bytes.replace(page_of_value("a key with a long name 1039000"), 8,
                bytes.substr(page_of_value("a key with a long name 1000005"), 8));
  const TempDir dir;
  const auto verdict = checked_verdict_on(written(dir.file("data.db"), bytes));
  CHECK(verdict.status == GOROMDB_E_CORRUPT);
  CHECK(verdict.message.find("is used twice") != std::string::npos);
}

// SPDX-License-Identifier: MIT
#include "tools/read_ahead.h"

#include <doctest/doctest.h>

#include <atomic>

using namespace goromdb;
using namespace goromdb::tools;

namespace {

// Numbers as entries, until `count` or, when `fails`, an error in its place.
class Numbers : public Source {
 public:
  Numbers(uint64_t count, bool fails, std::atomic<uint64_t>* read = nullptr)
      : count_(count), fails_(fails), read_(read) {}
  Result<bool> next(Entry& entry) override {
    if (row_ == count_) return fails_ ? Result<bool>(reject("row 7 is wrong")) : false;
    key_ = std::to_string(++row_);
    value_.assign(row_ % 1000, 'x');
    entry = {"ns", key_, value_, static_cast<uint32_t>(row_)};
    if (read_ != nullptr) *read_ = row_;
    return true;
  }
  uint64_t row() const override { return row_ + 1; }  // as with a header
  uint64_t done() const override { return row_; }
  uint64_t total() const override { return count_; }

 private:
  const uint64_t count_;
  const bool fails_;
  std::atomic<uint64_t>* const read_;
  uint64_t row_ = 0;
  std::string key_, value_;
};

}  // namespace

TEST_CASE("a source that is read ahead gives the same entries, rows and end") {
  for (const uint64_t count : {uint64_t{0}, uint64_t{1}, uint64_t{10'000}}) {
    CAPTURE(count);
    ReadAhead source(std::make_unique<Numbers>(count, false));
    CHECK(source.total() == count);
    Entry entry;
    for (uint64_t i = 1; i <= count; ++i) {
      auto more = source.next(entry);
      REQUIRE(more.has_value());
      REQUIRE(*more);
      REQUIRE(entry.ns == "ns");
      REQUIRE(entry.key == std::to_string(i));
      REQUIRE(entry.value == std::string(i % 1000, 'x'));
      REQUIRE(entry.flags == i);
      REQUIRE(source.row() == i + 1);
    }
    for (int again = 0; again < 2; ++again) {
      auto more = source.next(entry);
      REQUIRE(more.has_value());
      CHECK_FALSE(*more);
    }
    CHECK(source.done() == count);
  }
}

TEST_CASE("a failure comes behind the entries in front of it") {
  ReadAhead source(std::make_unique<Numbers>(5000, true));
  Entry entry;
  for (int i = 0; i < 5000; ++i) REQUIRE(source.next(entry).value());
  for (int again = 0; again < 2; ++again) {
    auto more = source.next(entry);
    REQUIRE_FALSE(more.has_value());
    CHECK(more.error().message == "row 7 is wrong");
    CHECK(more.error().kind == Error::Kind::kRejected);
  }
}

TEST_CASE("whoever stops taking stops the reading") {
  std::atomic<uint64_t> read = 0;
  {
    ReadAhead source(std::make_unique<Numbers>(100'000'000, false, &read));
    Entry entry;
    REQUIRE(source.next(entry).value());
  }
  CHECK(read < 100'000);
}

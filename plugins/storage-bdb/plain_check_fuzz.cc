// SPDX-License-Identifier: MIT
// Any bytes as a file of pages of 512 bytes, some of which are given the numbers and magic that
// they need to be looked at: nothing outside of them is read, and no more is counted than there is.
#include <cstdlib>
#include <cstring>
#include <string>

#include "fake_host.hpp"
#include "format.h"
#include "plain_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace goromdb::bdb;
  constexpr uint32_t kPage = 512;
  if (size < kPage) return 0;
  static const goromdb::test::FakeHost host;
  std::string bytes(reinterpret_cast<const char*>(data), size / kPage * kPage);
  const auto put = [&](size_t at, uint32_t number) {
    std::memcpy(bytes.data() + at, &number, sizeof number);
  };
  for (uint32_t page = 0; page < bytes.size() / kPage; ++page) {
    const size_t at = size_t{page} * kPage;
    if (bytes[at] % 4 != 0) put(at + kNumberAt, page);
    if (bytes[at + kTypeAt] != kBtreeMeta || bytes[at] % 2 == 0) continue;
    put(at + kMagicAt, kBtreeMagic);
    put(at + kVersionAt, kNewest);
    put(at + kPageSizeAt, kPage);
    put(at + kMinKeyAt, 2);
    put(at + kFlagsAt, page > 0 || bytes[at] % 8 == 1 ? kSubdbs : 0);
    put(at + kRecordSizeAt, 0);
  }
  const auto id_of = [](std::string_view) { return std::optional<uint32_t>(0); };
  for (const bool puts_together : {false, true}) {
    PlainCheck::SizeOf size_of;
    if (puts_together) size_of = [](auto, std::string_view stored) { return stored.size(); };
    PlainCheck check(bytes, kPage, id_of, size_of, goromdb::Host(host.table()));
    const auto found = check.run(1);
    if (found && found->front().bytes > bytes.size()) std::abort();
  }
  return 0;
}

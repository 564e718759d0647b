// SPDX-License-Identifier: MIT
// Any bytes as a file of pages of 512 bytes, some of which are given the numbers and magic that
// they need to be looked at: nothing outside of them is read, and no more is counted than there is.
#include <bit>
#include <cstdlib>
#include <cstring>
#include <string>

#include "fake_host.hpp"
#include "format.h"
#include "plain_check.h"

namespace {

using namespace goromdb::bdb;

constexpr uint32_t kPage = 512;

void put(std::string& bytes, size_t at, uint32_t number) {
  std::memcpy(bytes.data() + at, &number, sizeof number);
}
uint32_t number_at(const std::string& bytes, size_t at) {
  uint32_t number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

// What all first pages say; what the rest of one says is the input's, but for what is hard to
// guess.
void make_meta(std::string& bytes, size_t at, bool is_hash, uint32_t flags) {
  put(bytes, at + kMagicAt, is_hash ? kHashMagic : kBtreeMagic);
  put(bytes, at + kVersionAt, kNewest);
  put(bytes, at + kPageSizeAt, kPage);
  put(bytes, at + kFlagsAt, flags);
  if (!is_hash) {
    put(bytes, at + kMinKeyAt, 2);
    put(bytes, at + kRecordSizeAt, 0);
    return;
  }
  const uint32_t mask = (1u << std::bit_width(number_at(bytes, at + kLastBucketAt) % 16)) - 1;
  put(bytes, at + kHighMaskAt, mask);
  put(bytes, at + kLowMaskAt, mask / 2);
  put(bytes, at + kWordsHashAt, 0x5e688dd1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kPage) return 0;
  static goromdb::test::FakeHost host;
  host.lend_threads(2);
  std::string bytes(reinterpret_cast<const char*>(data), size / kPage * kPage);
  FileHeader header;
  header.page_size = kPage;
  bool is_compressed = false;
  for (uint32_t page = 0; page < bytes.size() / kPage; ++page) {
    const size_t at = size_t{page} * kPage;
    if (bytes[at] % 4 != 0) put(bytes, at + kNumberAt, page);
    const auto type = static_cast<uint8_t>(bytes[at + kTypeAt]);
    const bool is_hash = type == kHashMeta;
    if ((type != kBtreeMeta && !is_hash) || bytes[at] % 2 == 0) continue;
    const bool is_list = page == 0 && !is_hash && bytes[at] % 8 == 1;
    const uint32_t of_subdb = is_hash ? kHashSubdb : kSubdbs,
                   of_keys = !is_hash && bytes[at] % 8 == 3 ? kCompressed : 0;
    is_compressed |= of_keys != 0;
    make_meta(bytes, at, is_hash, (page > 0 || is_list ? of_subdb : 0) | of_keys);
  }
  header.has_subdbs = bytes[kTypeAt] == kBtreeMeta && (number_at(bytes, kFlagsAt) & kSubdbs) != 0;
  const auto id_of = [](std::string_view) { return std::optional<uint32_t>(0); };
  for (const bool has_items : {false, true}) {
    PlainCheck check(bytes, header, id_of, has_items, goromdb::Host(host.table()));
    const auto found = check.run(1);
    if (found && found->front().bytes > bytes.size() && !is_compressed) std::abort();
  }
  return 0;
}

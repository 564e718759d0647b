// SPDX-License-Identifier: MIT
#include "plain_pages.h"

#include <array>
#include <bit>
#include <iterator>

#include "memcachedb_item.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace goromdb::bdb {
namespace {

static_assert(std::endian::native == std::endian::little, "sums take several bytes at once");

constexpr size_t kBytesToBit = 256;  // another page comes while one is summed

constexpr uint32_t power_of_33(size_t n) {
  uint32_t product = 1;
  for (; n > 0; --n) product *= 33;
  return product;
}
// The same, made when this is compiled.
template <size_t kN>
constexpr uint32_t kPowerOf33 = power_of_33(kN);

// libdb's checksum: h = 33 h + each byte, here of eight at once, by their parts: first of
// neighbours, then of these pairs. `size` is a multiple of eight.
uint32_t sum_by_eight(const uint8_t* bytes, size_t size, ComingPage& coming) {
  constexpr uint64_t kBytes = 0x00ff00ff00ff00ff, kPairs = 0x0000ffff0000ffff;
  uint32_t sum = 0;
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    if (at % kBytesToBit == 0) coming.a_bit();
    uint64_t eight;
    std::memcpy(&eight, bytes + at, sizeof eight);
    const uint64_t pairs = (eight & kBytes) * 33 + (eight >> 8 & kBytes);
    const uint64_t fours = (pairs & kPairs) * kPowerOf33<2> + (pairs >> 16 & kPairs);
    sum = sum * kPowerOf33<8> + static_cast<uint32_t>(fours) * kPowerOf33<4> +
          static_cast<uint32_t>(fours >> 32);
  }
  return sum;
}

#ifdef __x86_64__
// The same in the lanes of wide registers: each lane has a sum of its own, of every 64th group of
// four bytes. `size` is a multiple of kStride.
constexpr size_t kLane = sizeof(uint32_t), kLanes = 8, kWide = kLane * kLanes, kRegisters = 8,
                 kStride = kWide * kRegisters;
static_assert(kSummedOfMeta % kStride == 0);
__attribute__((target("avx2"))) uint32_t sum_in_lanes(const uint8_t* bytes, size_t size,
                                                      ComingPage& coming) {
  using Fours = uint32_t __attribute__((vector_size(kWide)));
  const __m256i of_neighbours = _mm256_set1_epi16(33 | 1 << 8),
                of_pairs = _mm256_set1_epi32(kPowerOf33<2> | 1 << 16);
  const Fours of_lanes = {
      kPowerOf33<7 * kLane>, kPowerOf33<6 * kLane>, kPowerOf33<5 * kLane>, kPowerOf33<4 * kLane>,
      kPowerOf33<3 * kLane>, kPowerOf33<2 * kLane>, kPowerOf33<kLane>,     1};
  Fours sums[kRegisters] = {};
  ComingPage ahead = coming;  // at hand
  for (size_t at = 0; at < size; at += kStride) {
    if (at % kBytesToBit == 0) ahead.a_bit();
    for (size_t i = 0; i < kRegisters; ++i) {
      __m256i part;
      std::memcpy(&part, bytes + at + i * kWide, kWide);
      const __m256i pairs = _mm256_maddubs_epi16(part, of_neighbours);
      const auto fours = reinterpret_cast<Fours>(_mm256_madd_epi16(pairs, of_pairs));
      sums[i] = sums[i] * kPowerOf33<kStride> + fours;
    }
  }
  coming = ahead;
  Fours all = {};
  for (const Fours& each : sums) all = all * kPowerOf33<kWide> + each;
  all *= of_lanes;
  uint32_t sum = 0;
  for (size_t lane = 0; lane < kLanes; ++lane) sum += all[lane];
  return sum;
}

uint32_t sum_of(const uint8_t* bytes, size_t size, ComingPage& coming) {
  return has_lanes() ? sum_in_lanes(bytes, size, coming) : sum_by_eight(bytes, size, coming);
}
#else
uint32_t sum_of(const uint8_t* bytes, size_t size, ComingPage& coming) {
  return sum_by_eight(bytes, size, coming);
}
#endif

bool is_meta(const PlainPage& page) {
  return page.bytes[kTypeAt] == kHashMeta || page.bytes[kTypeAt] == kBtreeMeta;
}

}  // namespace

// Holes mostly lie behind each other.
bool PlainPage::is_hole() const {
  constexpr size_t kLine = 64;
  uint64_t any = 0;
  for (size_t at = 0; at < size; at += kLine) {
    expect(bytes + size + at);
    std::array<uint64_t, kLine / sizeof any> words;
    std::memcpy(words.data(), bytes + at, kLine);
    for (const uint64_t word : words) any |= word;
  }
  return any == 0;
}

PlainPages::PlainPages(std::string_view file, const FileHeader& header, const Host& host)
    : file_(file),
      header_(header),
      host_(host),
      count_(static_cast<uint32_t>(file.size() / header.page_size)),
      taken_(count_),
      behind_sum_(header.checksums ? power_of_33(header.page_size - kSumAt - kSumSize) : 0) {}

const char* PlainPages::begin_of(uint32_t number) const {
  return number < count_ ? file_.data() + uint64_t{number} * header_.page_size : nullptr;
}

std::optional<PlainPage> PlainPages::take(uint32_t number) {
  ComingPage none;
  return take(number, none);
}

std::optional<PlainPage> PlainPages::take(uint32_t number, ComingPage& coming) {
  const auto page = take_bucket(number, coming);
  return page && page->was_written() ? page : std::nullopt;
}

std::optional<PlainPage> PlainPages::take_bucket(uint32_t number, ComingPage& coming) {
  constexpr uint64_t kTellEvery = 1 << 20;
  if (number >= count_ || taken_[number]) return {};
  taken_[number] = true;
  if (++taken_count_ * header_.page_size % kTellEvery == 0 && tells_)
    host_.progress(taken_count_ * header_.page_size, file_.size());
  const PlainPage page(number, begin_of(number), header_);
  if (header_.checksums && !has_its_sum(page, coming)) return {};
  const uint32_t found = page.u32(kNumberAt);
  if (found != number && found != 0) return {};
  return page;
}

// A sum is made with zeros where it is stored, so what is there is taken out of that of all bytes.
// A page that was never written has none.
bool PlainPages::has_its_sum(const PlainPage& page, ComingPage& coming) const {
  if (page.bytes[kTypeAt] == kFreePage && page.load<uint64_t>(0) == 0 && page.u32(kNumberAt) == 0)
    return true;
  const size_t at = is_meta(page) ? kMetaSumAt : kSumAt;
  const uint32_t summed = is_meta(page) ? sum_of(page.bytes, kSummedOfMeta, coming)
                                        : sum_of(page.bytes, page.size, coming);
  const uint32_t behind =
      is_meta(page) ? kPowerOf33<kSummedOfMeta - kMetaSumAt - kSumSize> : behind_sum_;
  uint32_t stored = 0;
  for (size_t i = 0; i < kSumSize; ++i) stored = stored * 33 + page.bytes[at + i];
  return summed - stored * behind == page.u32(at);
}

bool PlainPages::take_value(uint32_t first, uint64_t size, std::string* whole) {
  if (whole != nullptr) whole->clear();
  uint32_t number = first, before = 0;
  for (uint64_t have = 0; have < size;) {
    const auto part = take(number);
    if (!part || !part->is(kOverflow, 0) || part->u32(kPreviousAt) != before) return false;
    const size_t length = part->u16(kLengthAt);
    if (part->count() != 1 || length == 0 || part->header + length > part->size) return false;
    have += length;
    if (have > size) return false;
    if (whole != nullptr) whole->append(part->text(part->header, length));
    before = std::exchange(number, part->u32(kNextAt));
  }
  return size > 0 && number == 0;
}

std::optional<std::string_view> PlainPages::take_key(const PlainPage& page, size_t at,
                                                     std::string& whole) {
  constexpr uint32_t kLongest = 1 << 20;  // some are in memory at once
  const uint32_t number = page.u32(at + kPageAt), size = page.u32(at + kLongSizeAt);
  const char* const begin = begin_of(number);
  if (size > kLongest || begin == nullptr) return {};
  const PlainPage first(number, begin, header_);
  const bool is_in_one = first.u16(kLengthAt) == size;
  if (!take_value(number, size, is_in_one ? nullptr : &whole)) return {};
  return is_in_one ? first.text(first.header, size) : std::string_view(whole);
}

bool PlainPages::take_free(uint32_t first) {
  for (uint32_t number = first; number != 0;) {
    const auto page = take(number);
    if (!page || !page->is(kFreePage, 0)) return false;
    number = page->u32(kNextAt);
  }
  return true;
}

bool PlainPages::may_fork() const {
  constexpr unsigned kMostForks = 16;  // each has a list of all pages
  return host_.threads() > 1 && !is_forked_ && forks_ < kMostForks;
}

PlainPages PlainPages::fork() {
  PlainPages other(file_, header_, host_);
  other.tells_ = false;
  other.is_forked_ = is_forked_ = true;
  ++forks_;
  return other;
}

bool PlainPages::awaits(std::future<bool>& found) const {
  return awaited(found, host_, taken_count_ * header_.page_size, file_.size());
}

size_t PlainPages::bits_to_take() const {
  return header_.checksums ? header_.page_size / kBytesToBit : 0;
}

bool PlainPages::join(const PlainPages& other) {
  is_forked_ = false;
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (!other.taken_[i]) continue;
    if (taken_[i]) return false;
    taken_[i] = true;
  }
  taken_count_ += other.taken_count_;
  return true;
}

bool PlainDatabase::add(std::string_view key, std::string_view stored, uint64_t length) {
  if (is_list) {
    if (length != sizeof(uint32_t)) return false;
    listed.emplace_back(key, listed_page(stored.data()));
  }
  if (!is_served) return true;
  if (has_items) {
    length = served_size(key, stored);
    if (length == kNoItem) return false;
  }
  totals.add(key.size(), length);
  return true;
}

void PlainDatabase::join(PlainDatabase other) {
  totals.add(other.totals);
  listed.insert(listed.end(), std::make_move_iterator(other.listed.begin()),
                std::make_move_iterator(other.listed.end()));
}

}  // namespace goromdb::bdb

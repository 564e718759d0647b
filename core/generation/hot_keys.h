// SPDX-License-Identifier: MIT
// Which keys of a database are read most, by a small sample: what a new generation is asked for
// before it is adopted.
//
// A table a loop, of 1024 keys in sets of eight. A key that is not in its set takes away one count
// of the weakest there, and its place when nothing is left of that: so what is read often stays,
// however many others go by. Counts are halved whenever they are taken: the past fades.
//
// Memory: 280 KiB a loop and database, of which the kernel gives only what is used.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace goromdb {

struct HotKey {
  std::string ns, key;
  uint32_t count;  // samples
};

class HotKeys {
 public:
  static constexpr uint32_t kPlaces = 1024;
  static constexpr size_t kMostBytes = 256;  // of a key and its namespace; a longer one is left out

  explicit HotKeys(uint32_t loops);

  // A sample. On the thread of `loop`: allocates nothing and waits for nobody.
  void note(uint32_t loop, std::string_view ns, std::string_view key);
  // What `loop` has read, most often first. Any thread.
  std::vector<HotKey> take(uint32_t loop);

 private:
  static constexpr uint32_t kSet = 8;

  struct Place {
    uint64_t hash;
    uint32_t count;  // 0: it is free
    uint16_t ns_size, key_size;
  };
  struct alignas(64) Table {
    std::mutex mutex;  // the loop gives a sample up rather than wait for it
    std::array<Place, kPlaces> places{};
    std::unique_ptr<char[]> bytes;  // kMostBytes of each place: the namespace, then the key
  };

  std::vector<std::unique_ptr<Table>> tables_;
};

}  // namespace goromdb

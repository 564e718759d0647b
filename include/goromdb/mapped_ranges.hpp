// SPDX-License-Identifier: MIT
// Which files this process has mapped, and where. Header-only and not part of the ABI.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace goromdb {

struct MappedRange {
  uintptr_t begin = 0, end = 0;
  uint64_t offset = 0;   // of `begin` in the file
  std::string identity;  // the kernel's numbers of the file, which need not be those of fstat()
};

// All that the kernel lists; none where it does not tell. Other threads map and unmap meanwhile.
inline std::vector<MappedRange> mapped_ranges() {
  std::vector<MappedRange> ranges;
  std::ifstream maps("/proc/self/maps");
  // "begin-end rwxp offset device inode path", see proc(5)
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    MappedRange range;
    std::string access, device, inode;
    char dash;
    words >> std::hex >> range.begin >> dash >> range.end >> access >> range.offset >> device >>
        inode;
    if (!words) continue;
    range.identity = device + " " + inode;
    ranges.push_back(std::move(range));
  }
  return ranges;
}

}  // namespace goromdb

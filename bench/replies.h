// SPDX-License-Identifier: MIT
// Where replies end, found as cheaply as can be: values are skipped by their length, nothing is
// copied. Whether a reply is right is not told here (loadgen --check does that), only whether it is
// one.
#pragma once

#include <cstdint>
#include <string_view>

#include "wire.h"

namespace goromdb::bench {

class ReplyReader {
 public:
  ReplyReader(Protocol protocol, uint32_t keys_per_request)
      : protocol_(protocol), many_(keys_per_request > 1), keys_(keys_per_request) {}

  // Reads on at `data`, whose first bytes are those that the call before left. Returns how many
  // bytes it took; those behind are the beginning of a header and less than kHeader. Throws
  // std::runtime_error with what stands there when it is no hit, no miss and no end.
  size_t read(std::string_view data);

  static constexpr size_t kHeader = 512;

  // Since the beginning.
  uint64_t replies() const { return replies_; }
  uint64_t hits() const { return hits_; }

 private:
  void header_line(std::string_view line);
  void packet(const char* header);
  void value(uint64_t bytes, bool ends_reply);

  Protocol protocol_;
  bool many_;
  uint32_t keys_;
  uint32_t left_ = 0;  // of redis' array
  uint64_t skip_ = 0;  // bytes of a value
  bool ends_ = false;  // the reply is whole when they have passed
  uint64_t replies_ = 0, hits_ = 0;
};

}  // namespace goromdb::bench

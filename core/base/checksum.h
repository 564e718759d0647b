// SPDX-License-Identifier: MIT
// Digests of data files and the sum files beside them. Any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/error.h"

struct evp_md_ctx_st;

namespace goromdb {

enum class SumKind { kNone, kMd5, kSha256 };

std::string_view name_of(SumKind kind);                           // "md5", "sha256", "none"
std::string_view title_of(SumKind kind);                          // "MD5", "SHA256"
std::string checksum_text(SumKind kind, const std::string& hex);  // "md5:HEX"; kNone is MD5
std::string sum_path(const std::string& file, SumKind kind);      // FILE.md5, FILE.sha256

// The digest in a sum file, in lower-case hex. Reads what md5sum and sha256sum write ("HEX  name",
// "HEX *name", with a leading backslash for an escaped name), the BSD form "MD5 (name) = HEX" and
// bare hex, in either case. The name is not checked; only the first line counts.
Result<std::string> parse_sum(std::string_view content, SumKind kind);

// Feed it blocks, then ask once for the hex digest. kNone digests with MD5, so that every
// generation has a checksum to show.
class Digest {
 public:
  // Some machines allow no MD5 (FIPS).
  static bool available(SumKind kind);
  explicit Digest(SumKind kind);
  void update(std::string_view bytes);
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* ctx) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> ctx_;
};

}  // namespace goromdb

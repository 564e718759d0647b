// SPDX-License-Identifier: MIT
#include "core/files/by_hand.h"

#include <algorithm>
#include <filesystem>

#include "core/base/file.h"

namespace goromdb {
namespace {

std::string beside(const std::string& drop_file, const char* what) {
  const std::filesystem::path file(drop_file);
  return (file.parent_path() / fmt::format(".{}.{}", file.filename().string(), what)).string();
}

}  // namespace

std::string rollback_path(const std::string& drop_file) { return beside(drop_file, "rollback"); }

Result<void> ask_for_rollback(const std::string& drop_file, const RollbackRequest& request) {
  return write_file_durably(rollback_path(drop_file),
                            fmt::format("from {}\nto {}\n", request.from, request.to));
}

Result<RollbackRequest> read_rollback(const std::string& drop_file) {
  const auto path = rollback_path(drop_file);
  if (auto readable = open_regular(path); !readable) return tl::unexpected(readable.error());
  const auto pairs = read_pairs(path);
  const RollbackRequest request{number_in(pairs, "from"), number_in(pairs, "to")};
  if (request.to == 0) return reject(fmt::format("{} is not what `goromdb rollback` writes", path));
  return request;
}

std::string again_path(const std::string& drop_file) { return beside(drop_file, "again"); }

Result<void> ask_again(const std::string& drop_file, const std::string& checksum) {
  return write_file_durably(again_path(drop_file), fmt::format("checksum {}\n", checksum));
}

std::string asked_again(const std::string& drop_file) {
  return read_pairs(again_path(drop_file))["checksum"];
}

const SlotNote* default_rollback(const std::vector<SlotNote>& kept,
                                 const std::vector<Refusal>& refused, const std::string& served) {
  for (const auto& each : kept) {
    const bool is_refused = std::any_of(refused.begin(), refused.end(), [&](const auto& other) {
      return other.checksum == each.checksum;
    });
    if (!is_refused && (each.checksum.empty() || each.checksum != served)) return &each;
  }
  return nullptr;
}

}  // namespace goromdb

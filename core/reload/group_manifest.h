// SPDX-License-Identifier: MIT
// What a batch job says of the data files that are to be adopted together: lines as md5sum(1) and
// sha256sum(1) of GNU coreutils write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/error.h"

namespace goromdb {

struct GroupMember {
  std::string name;       // of the database
  std::string file_name;  // of its data file, without folders
  SumKind kind = SumKind::kMd5;
};

// The checksum ("md5:HEX") of each member's next data file, in the order of the members. A line
// names a member by its name or by its file's. Rejected: a member is missing or named twice, or a
// line is something else.
Result<std::vector<std::string>> parse_manifest(std::string_view content,
                                                const std::vector<GroupMember>& members);

}  // namespace goromdb

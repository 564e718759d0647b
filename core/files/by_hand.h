// SPDX-License-Identifier: MIT
// What tools ask of a running server: small files beside the drop file, which whoever may drop data
// may write. They appear whole, and the server takes them away. Any thread; every call may block on
// the disk.
//
//   .NAME.rollback    "from GENERATION", "to GENERATION": go back to a kept data set
//   .NAME.again       "checksum SUM": adopt this content although its sum is refused or it is old
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/files/refusals.h"
#include "core/files/slot_note.h"

namespace goromdb {

struct RollbackRequest {
  uint64_t from = 0;  // the generation that was served when it was asked for
  uint64_t to = 0;    // a kept one
};

std::string rollback_path(const std::string& drop_file);
Result<void> ask_for_rollback(const std::string& drop_file, const RollbackRequest& request);
// Failure: it cannot be read. Rejected: it is something else.
Result<RollbackRequest> read_rollback(const std::string& drop_file);

std::string again_path(const std::string& drop_file);
Result<void> ask_again(const std::string& drop_file, const std::string& checksum);
// The sum that is asked for; empty where there is none.
std::string asked_again(const std::string& drop_file);

// Where a rollback goes that does not say so: the newest kept data set with a content that is
// neither refused nor served. NULL: there is none.
const SlotNote* default_rollback(const std::vector<SlotNote>& kept,
                                 const std::vector<Refusal>& refused, const std::string& served);

}  // namespace goromdb

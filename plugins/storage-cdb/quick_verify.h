// SPDX-License-Identifier: MIT
// The short way of verify(): the records in their order and the tables in theirs, without a jump
// from one to the other.
//
// A file is whole when each record is inside, the slots are those of the records (the same hashes
// with the same positions, each once), each slot lies in the table of its hash and without an empty
// slot before it where a search begins, and no two keys are the same. That the slots are those of
// the records is told by a sum over both (slot_scan.h), which depends on a number that is drawn
// anew.
#pragma once

#include "cdb_file.h"

#include <goromdb/sdk.hpp>

#include <optional>

namespace goromdb {

// Searches of the keys that are there which are longer than that, over all slots, are an attack.
constexpr uint64_t kMostProbes = 64, kFreeProbes = 4096;

// What is in the file, where all of the above is true; else nothing: it has to be looked at record
// by record, to say what is wrong or because it has a key twice. Uses a second thread where the
// host lends one. Throws E_CANCELLED.
std::optional<EntryTotals> quick_verify(const CdbFile& file, const Host& host);

}  // namespace goromdb

// SPDX-License-Identifier: MIT
// The rows of the commands of transactions.
#include "arguments.h"
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kTransactionsRows[] = {
    Row("discard", 1, kNoScript | kLoading | kStale | kFast | kAllowBusy, kCatTransaction)
        .docs("2.0.0", "O(N), N queued commands", "Drops what was queued since MULTI")
        .runs(nullptr, write_discard, kEndsBatch | kInMulti),
    Row("exec", 1, kNoScript | kLoading | kStale | kSkipSlowLog, kCatTransaction)
        .docs("1.2.0", "Depends on the queued commands",
              "Runs what was queued since MULTI, all on one generation")
        .runs(nullptr, write_exec, kRunsQueue | kEndsBatch | kInMulti),
    Row("multi", 1, kNoScript | kLoading | kStale | kFast | kAllowBusy, kCatTransaction)
        .docs("1.2.0", "O(1)", "Queues the commands that follow")
        .runs(nullptr, write_multi, kEndsBatch | kInMulti),
    Row("unwatch", 1, kNoScript | kLoading | kStale | kFast | kAllowBusy, kCatTransaction)
        .docs("2.2.0", "O(1)", "Forgets what WATCH noted")
        .runs(nullptr, write_unwatch, kEndsBatch),
    Row("watch", -2, kNoScript | kLoading | kStale | kFast | kAllowBusy, kCatTransaction)
        .keys(1, -1, 1, kSpec18)
        .docs("2.2.0", "O(1) per key",
              "Makes EXEC run nothing if a new generation has come meanwhile")
        .takes(kKeys)
        .runs(nullptr, write_watch, kEndsBatch | kInMulti),
};

}  // namespace

std::span<const Command> transactions_rows() { return kTransactionsRows; }

}  // namespace goromdb::redis

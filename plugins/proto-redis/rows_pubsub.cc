// SPDX-License-Identifier: MIT
// The rows of the commands of channels.
#include "arguments.h"
#include "command_docs.h"
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kPubsub[] = {
    Row("channels", -2, kPubSub | kLoading | kStale, 0)
        .docs("2.8.0", "O(N), N channels", "Channels that have subscribers")
        .takes(kPubsubChannelsArguments)
        .runs(nullptr, write_pubsub_channels),
    Row("help", 2, kLoading | kStale, 0)
        .docs("6.2.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_help),
    Row("numpat", 2, kPubSub | kLoading | kStale, 0)
        .docs("2.8.0", "O(1)", "How many patterns are subscribed to")
        .runs(nullptr, write_pubsub_numpat),
    Row("numsub", -2, kPubSub | kLoading | kStale, 0)
        .docs("2.8.0", "O(N), N channels asked for", "How many subscribers channels have")
        .takes(kPubsubNumsubArguments)
        .runs(nullptr, write_pubsub_numsub),
    Row("shardchannels", -2, kPubSub | kLoading | kStale, 0)
        .docs("7.0.0", "O(N), N channels", "Shard channels that have subscribers")
        .takes(kPubsubShardchannelsArguments)
        .runs(nullptr, write_pubsub_shardchannels),
    Row("shardnumsub", -2, kPubSub | kLoading | kStale, 0)
        .docs("7.0.0", "O(N), N channels asked for", "How many subscribers shard channels have")
        .takes(kPubsubShardnumsubArguments)
        .runs(nullptr, write_pubsub_shardnumsub),
};

constexpr Command kPubsubRows[] = {
    Row("psubscribe", -2, kPubSub | kNoScript | kLoading | kStale, 0)
        .docs("2.0.0", "O(N), N patterns of the connection",
              "Subscribes to all channels that match patterns")
        .takes(kPsubscribeArguments)
        .runs(nullptr, write_subscribe, kEndsBatch | kSubscribed),
    Row("publish", 3, kPubSub | kLoading | kStale | kFast, 0)
        .docs("2.0.0", "O(1)", "Sends a message to a channel's subscribers; here to nobody")
        .takes(kPublishArguments)
        .runs(nullptr, write_publish),
    Row("pubsub", -2, 0, 0)
        .docs("2.8.0", "Depends on the subcommand", "Commands about channels and their subscribers")
        .contains(kPubsub),
    Row("punsubscribe", -1, kPubSub | kNoScript | kLoading | kStale, 0)
        .docs("2.0.0", "O(N), N patterns of the connection", "Ends subscriptions to patterns")
        .takes(kPunsubscribeArguments)
        .runs(nullptr, write_unsubscribe, kEndsBatch | kSubscribed),
    Row("spublish", 3, kPubSub | kLoading | kStale | kFast, 0)
        .keys(1, 1, 1, kSpec25)
        .docs("7.0.0", "O(1)", "Sends a message to a shard channel's subscribers; here to nobody")
        .takes(kSpublishArguments)
        .runs(nullptr, write_publish),
    Row("ssubscribe", -2, kPubSub | kNoScript | kLoading | kStale, 0)
        .keys(1, -1, 1, kSpec26)
        .docs("7.0.0", "O(N), N channels", "Subscribes to shard channels")
        .takes(kSsubscribeArguments)
        .runs(nullptr, write_subscribe, kEndsBatch | kSubscribed),
    Row("subscribe", -2, kPubSub | kNoScript | kLoading | kStale, 0)
        .docs("2.0.0", "O(N), N channels",
              "Subscribes to channels; `__goromdb__:generation` tells of each new generation")
        .takes(kSubscribeArguments)
        .runs(nullptr, write_subscribe, kEndsBatch | kSubscribed),
    Row("sunsubscribe", -1, kPubSub | kNoScript | kLoading | kStale, 0)
        .keys(1, -1, 1, kSpec26)
        .docs("7.0.0", "O(N), N channels", "Ends subscriptions to shard channels")
        .takes(kSunsubscribeArguments)
        .runs(nullptr, write_unsubscribe, kEndsBatch | kSubscribed),
    Row("unsubscribe", -1, kPubSub | kNoScript | kLoading | kStale, 0)
        .docs("2.0.0", "O(N), N channels", "Ends subscriptions to channels")
        .takes(kUnsubscribeArguments)
        .runs(nullptr, write_unsubscribe, kEndsBatch | kSubscribed),
};

}  // namespace

std::span<const Command> pubsub_rows() { return kPubsubRows; }

}  // namespace goromdb::redis

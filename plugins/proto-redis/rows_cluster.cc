// SPDX-License-Identifier: MIT
// The rows of the commands of a cluster, which there is none of.
#include "key_specs.h"
#include "reads.h"
#include "replies.h"
#include "rows.h"

namespace goromdb::redis {

namespace {

constexpr Command kCluster[] = {
    Row("addslots", -3, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("3.0.0", "O(N), N slots", "Gives slots to this node")
        .runs(nullptr, write_cluster_disabled),
    Row("addslotsrange", -4, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("7.0.0", "O(N), N slots", "Gives ranges of slots to this node")
        .runs(nullptr, write_cluster_disabled),
    Row("bumpepoch", 2, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("3.0.0", "O(1)", "Raises the epoch of the node's configuration")
        .tips("nondeterministic_output")
        .runs(nullptr, write_cluster_disabled),
    Row("count-failure-reports", 3, kAdmin | kStale, 0)
        .docs("3.0.0", "O(N), N reports", "How many nodes say that a node has failed")
        .tips("nondeterministic_output")
        .runs(nullptr, write_cluster_disabled),
    Row("countkeysinslot", 3, kStale, 0)
        .docs("3.0.0", "O(1)", "How many keys a slot holds")
        .runs(nullptr, write_cluster_disabled),
    Row("delslots", -3, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("3.0.0", "O(N), N slots", "Takes slots from this node")
        .runs(nullptr, write_cluster_disabled),
    Row("delslotsrange", -4, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("7.0.0", "O(N), N slots", "Takes ranges of slots from this node")
        .runs(nullptr, write_cluster_disabled),
    Row("failover", -2, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("3.0.0", "O(1)", "Makes a replica take its master's place")
        .runs(nullptr, write_cluster_disabled),
    Row("flushslots", 2, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("3.0.0", "O(1)", "Takes all slots from this node")
        .runs(nullptr, write_cluster_disabled),
    Row("forget", 3, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("3.0.0", "O(1)", "Drops a node from this node's list")
        .runs(nullptr, write_cluster_disabled),
    Row("getkeysinslot", 4, kStale, 0)
        .docs("3.0.0", "O(N), N keys asked for", "Names of keys in a slot")
        .tips("nondeterministic_output")
        .runs(nullptr, write_cluster_disabled),
    Row("help", 2, kLoading | kStale, 0)
        .docs("5.0.0", "O(1)", "Lists the subcommands")
        .runs(nullptr, write_cluster_disabled),
    Row("info", 2, kStale, 0)
        .docs("3.0.0", "O(1)", "The cluster's state as this node sees it")
        .tips("nondeterministic_output")
        .runs(nullptr, write_cluster_disabled),
    Row("keyslot", 3, kStale, 0)
        .docs("3.0.0", "O(N), N bytes of the key", "Which slot a key belongs to")
        .runs(nullptr, write_cluster_disabled),
    Row("links", 2, kStale, 0)
        .docs("7.0.0", "O(N), N nodes", "The connections to the other nodes")
        .tips("nondeterministic_output")
        .runs(nullptr, write_cluster_disabled),
    Row("meet", -4, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("3.0.0", "O(1)", "Introduces another node")
        .runs(nullptr, write_cluster_disabled),
    Row("myid", 2, kStale, 0)
        .docs("3.0.0", "O(1)", "This node's name")
        .runs(nullptr, write_cluster_disabled),
    Row("nodes", 2, kStale, 0)
        .docs("3.0.0", "O(N), N nodes", "All nodes and their slots, a line each")
        .tips("nondeterministic_output")
        .runs(nullptr, write_cluster_disabled),
    Row("replicas", 3, kAdmin | kStale, 0)
        .docs("5.0.0", "O(1)", "The replicas of a master")
        .tips("nondeterministic_output")
        .runs(nullptr, write_cluster_disabled),
    Row("replicate", 3, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("3.0.0", "O(1)", "Makes this node the replica of another")
        .runs(nullptr, write_cluster_disabled),
    Row("reset", -2, kAdmin | kNoScript | kStale, 0)
        .docs("3.0.0", "O(N), N nodes", "Makes this node forget the cluster")
        .runs(nullptr, write_cluster_disabled),
    Row("saveconfig", 2, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("3.0.0", "O(1)", "Writes the cluster's state to disk")
        .runs(nullptr, write_cluster_disabled),
    Row("set-config-epoch", 3, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("3.0.0", "O(1)", "Sets a new node's epoch")
        .runs(nullptr, write_cluster_disabled),
    Row("setslot", -4, kAdmin | kStale | kNoAsyncLoading, 0)
        .docs("3.0.0", "O(1)", "Sets to whom a slot belongs")
        .runs(nullptr, write_cluster_disabled),
    Row("shards", 2, kStale, 0)
        .docs("7.0.0", "O(N), N nodes", "All shards with their slots and nodes")
        .tips("nondeterministic_output")
        .runs(nullptr, write_cluster_disabled),
    Row("slaves", 3, kAdmin | kStale, 0)
        .docs("3.0.0", "O(1)", "The replicas of a master, by an older name")
        .tips("nondeterministic_output")
        .deprecated("5.0.0", "`CLUSTER REPLICAS`")
        .runs(nullptr, write_cluster_disabled),
    Row("slots", 2, kStale, 0)
        .docs("3.0.0", "O(N), N nodes", "Ranges of slots with their nodes")
        .tips("nondeterministic_output")
        .deprecated("7.0.0", "`CLUSTER SHARDS`")
        .runs(nullptr, write_cluster_disabled),
};

constexpr Command kClusterRows[] = {
    Row("asking", 1, kFast, kCatConnection)
        .docs("3.0.0", "O(1)", "Allows the next command on a slot that is being moved (cluster)")
        .runs(nullptr, write_cluster_disabled),
    Row("cluster", -2, 0, 0)
        .docs("3.0.0", "Depends on the subcommand",
              "Commands of a cluster's nodes; there is no cluster here")
        .contains(kCluster),
    Row("readonly", 1, kLoading | kStale | kFast, kCatConnection)
        .docs("3.0.0", "O(1)", "Allows reads from a replica of a cluster")
        .runs(nullptr, write_ok),
    Row("readwrite", 1, kLoading | kStale | kFast, kCatConnection)
        .docs("3.0.0", "O(1)", "Ends what READONLY began")
        .runs(nullptr, write_ok),
};

}  // namespace

std::span<const Command> cluster_rows() { return kClusterRows; }

}  // namespace goromdb::redis

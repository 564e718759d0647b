// SPDX-License-Identifier: MIT
// What the commands that are served take, as COMMAND DOCS describes it.
#pragma once

#include "commands.h"

namespace goromdb::redis {

inline constexpr Argument kKey[] = {{.name = "key", .type = "key", .key_spec = 0}};
inline constexpr Argument kKeys[] = {
    {.name = "key", .type = "key", .flags = "multiple", .key_spec = 0}};

inline constexpr Argument kBitcountArgumentsIndexIndexUnit[] = {
    {.name = "byte", .type = "pure-token", .token = "BYTE"},
    {.name = "bit", .type = "pure-token", .token = "BIT"}};
inline constexpr Argument kBitcountArgumentsIndex[] = {
    {.name = "start", .type = "integer"},
    {.name = "end", .type = "integer"},
    {.name = "index_unit",
     .type = "oneof",
     .flags = "optional",
     .arguments = kBitcountArgumentsIndexIndexUnit,
     .since = "7.0.0"}};
inline constexpr Argument kBitcountArguments[] = {
    {.name = "key", .type = "key", .key_spec = 0},
    {.name = "index", .type = "block", .flags = "optional", .arguments = kBitcountArgumentsIndex}};
inline constexpr Argument kBitfieldRoArgumentsEncodingOffset[] = {
    {.name = "encoding", .type = "string"}, {.name = "offset", .type = "integer"}};
inline constexpr Argument kBitfieldRoArguments[] = {
    {.name = "key", .type = "key", .key_spec = 0},
    {.name = "encoding_offset",
     .type = "block",
     .token = "GET",
     .flags = "optional multiple multiple_token",
     .arguments = kBitfieldRoArgumentsEncodingOffset}};
inline constexpr Argument kBitposArgumentsIndexEndIndexIndexUnit[] = {
    {.name = "byte", .type = "pure-token", .token = "BYTE"},
    {.name = "bit", .type = "pure-token", .token = "BIT"}};
inline constexpr Argument kBitposArgumentsIndexEndIndex[] = {
    {.name = "end", .type = "integer"},
    {.name = "index_unit",
     .type = "oneof",
     .flags = "optional",
     .arguments = kBitposArgumentsIndexEndIndexIndexUnit,
     .since = "7.0.0"}};
inline constexpr Argument kBitposArgumentsIndex[] = {{.name = "start", .type = "integer"},
                                                     {.name = "end_index",
                                                      .type = "block",
                                                      .flags = "optional",
                                                      .arguments = kBitposArgumentsIndexEndIndex}};
inline constexpr Argument kBitposArguments[] = {
    {.name = "key", .type = "key", .key_spec = 0},
    {.name = "bit", .type = "integer"},
    {.name = "index", .type = "block", .flags = "optional", .arguments = kBitposArgumentsIndex}};
inline constexpr Argument kGetbitArguments[] = {{.name = "key", .type = "key", .key_spec = 0},
                                                {.name = "offset", .type = "integer"}};
inline constexpr Argument kClientCachingArgumentsMode[] = {
    {.name = "yes", .type = "pure-token", .token = "YES"},
    {.name = "no", .type = "pure-token", .token = "NO"}};
inline constexpr Argument kClientCachingArguments[] = {
    {.name = "mode", .type = "oneof", .arguments = kClientCachingArgumentsMode}};
inline constexpr Argument kClientListArgumentsNormalMasterReplicaPubsub[] = {
    {.name = "normal", .type = "pure-token", .token = "NORMAL"},
    {.name = "master", .type = "pure-token", .token = "MASTER"},
    {.name = "replica", .type = "pure-token", .token = "REPLICA"},
    {.name = "pubsub", .type = "pure-token", .token = "PUBSUB"}};
inline constexpr Argument kClientListArgumentsId[] = {
    {.name = "client-id", .type = "integer", .flags = "multiple"}};
inline constexpr Argument kClientListArguments[] = {
    {.name = "normal_master_replica_pubsub",
     .type = "oneof",
     .token = "TYPE",
     .flags = "optional",
     .arguments = kClientListArgumentsNormalMasterReplicaPubsub,
     .since = "5.0.0"},
    {.name = "id",
     .type = "block",
     .token = "ID",
     .flags = "optional",
     .arguments = kClientListArgumentsId,
     .since = "6.2.0"}};
inline constexpr Argument kClientNoEvictArgumentsEnabled[] = {
    {.name = "on", .type = "pure-token", .token = "ON"},
    {.name = "off", .type = "pure-token", .token = "OFF"}};
inline constexpr Argument kClientNoEvictArguments[] = {
    {.name = "enabled", .type = "oneof", .arguments = kClientNoEvictArgumentsEnabled}};
inline constexpr Argument kClientNoTouchArgumentsEnabled[] = {
    {.name = "on", .type = "pure-token", .token = "ON"},
    {.name = "off", .type = "pure-token", .token = "OFF"}};
inline constexpr Argument kClientNoTouchArguments[] = {
    {.name = "enabled", .type = "oneof", .arguments = kClientNoTouchArgumentsEnabled}};
inline constexpr Argument kClientReplyArgumentsOnOffSkip[] = {
    {.name = "on", .type = "pure-token", .token = "ON"},
    {.name = "off", .type = "pure-token", .token = "OFF"},
    {.name = "skip", .type = "pure-token", .token = "SKIP"}};
inline constexpr Argument kClientReplyArguments[] = {
    {.name = "on_off_skip", .type = "oneof", .arguments = kClientReplyArgumentsOnOffSkip}};
inline constexpr Argument kClientSetinfoArgumentsAttr[] = {
    {.name = "libname", .type = "string", .token = "LIB-NAME"},
    {.name = "libver", .type = "string", .token = "LIB-VER"}};
inline constexpr Argument kClientSetinfoArguments[] = {
    {.name = "attr", .type = "oneof", .arguments = kClientSetinfoArgumentsAttr}};
inline constexpr Argument kClientSetnameArguments[] = {
    {.name = "connection-name", .type = "string"}};
inline constexpr Argument kClientTrackingArgumentsStatus[] = {
    {.name = "on", .type = "pure-token", .token = "ON"},
    {.name = "off", .type = "pure-token", .token = "OFF"}};
inline constexpr Argument kClientTrackingArguments[] = {
    {.name = "status", .type = "oneof", .arguments = kClientTrackingArgumentsStatus},
    {.name = "client-id", .type = "integer", .token = "REDIRECT", .flags = "optional"},
    {.name = "prefix",
     .type = "string",
     .token = "PREFIX",
     .flags = "optional multiple multiple_token"},
    {.name = "bcast", .type = "pure-token", .token = "BCAST", .flags = "optional"},
    {.name = "optin", .type = "pure-token", .token = "OPTIN", .flags = "optional"},
    {.name = "optout", .type = "pure-token", .token = "OPTOUT", .flags = "optional"},
    {.name = "noloop", .type = "pure-token", .token = "NOLOOP", .flags = "optional"}};
inline constexpr Argument kClientUnblockArgumentsTimeoutError[] = {
    {.name = "timeout", .type = "pure-token", .token = "TIMEOUT"},
    {.name = "error", .type = "pure-token", .token = "ERROR"}};
inline constexpr Argument kClientUnblockArguments[] = {
    {.name = "client-id", .type = "integer"},
    {.name = "timeout_error",
     .type = "oneof",
     .flags = "optional",
     .arguments = kClientUnblockArgumentsTimeoutError}};
inline constexpr Argument kAuthArguments[] = {
    {.name = "username", .type = "string", .flags = "optional", .since = "6.0.0"},
    {.name = "password", .type = "string"}};
inline constexpr Argument kEchoArguments[] = {{.name = "message", .type = "string"}};
inline constexpr Argument kHelloArgumentsArgumentsUsernamePassword[] = {
    {.name = "username", .type = "string"}, {.name = "password", .type = "string"}};
inline constexpr Argument kHelloArgumentsArguments[] = {
    {.name = "protover", .type = "integer"},
    {.name = "username_password",
     .type = "block",
     .token = "AUTH",
     .flags = "optional",
     .arguments = kHelloArgumentsArgumentsUsernamePassword},
    {.name = "clientname", .type = "string", .token = "SETNAME", .flags = "optional"}};
inline constexpr Argument kHelloArguments[] = {{.name = "arguments",
                                                .type = "block",
                                                .flags = "optional",
                                                .arguments = kHelloArgumentsArguments}};
inline constexpr Argument kPingArguments[] = {
    {.name = "message", .type = "string", .flags = "optional"}};
inline constexpr Argument kSelectArguments[] = {{.name = "index", .type = "integer"}};
inline constexpr Argument kKeysArguments[] = {{.name = "pattern", .type = "pattern"}};
inline constexpr Argument kScanArguments[] = {
    {.name = "cursor", .type = "integer"},
    {.name = "pattern", .type = "pattern", .token = "MATCH", .flags = "optional"},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"},
    {.name = "type", .type = "string", .token = "TYPE", .flags = "optional", .since = "6.0.0"}};
inline constexpr Argument kWaitArguments[] = {{.name = "numreplicas", .type = "integer"},
                                              {.name = "timeout", .type = "integer"}};
inline constexpr Argument kHexistsArguments[] = {{.name = "key", .type = "key", .key_spec = 0},
                                                 {.name = "field", .type = "string"}};
inline constexpr Argument kHgetArguments[] = {{.name = "key", .type = "key", .key_spec = 0},
                                              {.name = "field", .type = "string"}};
inline constexpr Argument kHmgetArguments[] = {
    {.name = "key", .type = "key", .key_spec = 0},
    {.name = "field", .type = "string", .flags = "multiple"}};
inline constexpr Argument kHrandfieldArgumentsOptions[] = {
    {.name = "count", .type = "integer"},
    {.name = "withvalues", .type = "pure-token", .token = "WITHVALUES", .flags = "optional"}};
inline constexpr Argument kHrandfieldArguments[] = {{.name = "key", .type = "key", .key_spec = 0},
                                                    {.name = "options",
                                                     .type = "block",
                                                     .flags = "optional",
                                                     .arguments = kHrandfieldArgumentsOptions}};
inline constexpr Argument kHscanArguments[] = {
    {.name = "key", .type = "key", .key_spec = 0},
    {.name = "cursor", .type = "integer"},
    {.name = "pattern", .type = "pattern", .token = "MATCH", .flags = "optional"},
    {.name = "count", .type = "integer", .token = "COUNT", .flags = "optional"}};
inline constexpr Argument kHstrlenArguments[] = {{.name = "key", .type = "key", .key_spec = 0},
                                                 {.name = "field", .type = "string"}};
inline constexpr Argument kPubsubChannelsArguments[] = {
    {.name = "pattern", .type = "pattern", .flags = "optional"}};
inline constexpr Argument kPubsubNumsubArguments[] = {
    {.name = "channel", .type = "string", .flags = "optional multiple"}};
inline constexpr Argument kPubsubShardchannelsArguments[] = {
    {.name = "pattern", .type = "pattern", .flags = "optional"}};
inline constexpr Argument kPubsubShardnumsubArguments[] = {
    {.name = "shardchannel", .type = "string", .flags = "optional multiple"}};
inline constexpr Argument kPsubscribeArgumentsPattern[] = {{.name = "pattern", .type = "pattern"}};
inline constexpr Argument kPsubscribeArguments[] = {{.name = "pattern",
                                                     .type = "block",
                                                     .flags = "multiple",
                                                     .arguments = kPsubscribeArgumentsPattern}};
inline constexpr Argument kPublishArguments[] = {{.name = "channel", .type = "string"},
                                                 {.name = "message", .type = "string"}};
inline constexpr Argument kPunsubscribeArguments[] = {
    {.name = "pattern", .type = "pattern", .flags = "optional multiple"}};
inline constexpr Argument kSpublishArguments[] = {{.name = "shardchannel", .type = "string"},
                                                  {.name = "message", .type = "string"}};
inline constexpr Argument kSsubscribeArguments[] = {
    {.name = "shardchannel", .type = "string", .flags = "multiple"}};
inline constexpr Argument kSubscribeArguments[] = {
    {.name = "channel", .type = "string", .flags = "multiple"}};
inline constexpr Argument kSunsubscribeArguments[] = {
    {.name = "shardchannel", .type = "string", .flags = "optional multiple"}};
inline constexpr Argument kUnsubscribeArguments[] = {
    {.name = "channel", .type = "string", .flags = "optional multiple"}};
inline constexpr Argument kAclCatArguments[] = {
    {.name = "categoryname", .type = "string", .flags = "optional"}};
inline constexpr Argument kAclDryrunArguments[] = {
    {.name = "username", .type = "string"},
    {.name = "command", .type = "string"},
    {.name = "arg", .type = "string", .flags = "optional multiple"}};
inline constexpr Argument kAclGenpassArguments[] = {
    {.name = "bits", .type = "integer", .flags = "optional"}};
inline constexpr Argument kAclGetuserArguments[] = {{.name = "username", .type = "string"}};
inline constexpr Argument kAclLogArgumentsOperation[] = {
    {.name = "count", .type = "integer"},
    {.name = "reset", .type = "pure-token", .token = "RESET"}};
inline constexpr Argument kAclLogArguments[] = {{.name = "operation",
                                                 .type = "oneof",
                                                 .flags = "optional",
                                                 .arguments = kAclLogArgumentsOperation}};
inline constexpr Argument kCommandDocsArguments[] = {
    {.name = "command-name", .type = "string", .flags = "optional multiple"}};
inline constexpr Argument kCommandInfoArguments[] = {
    {.name = "command-name", .type = "string", .flags = "optional multiple"}};
inline constexpr Argument kCommandListArgumentsFilterby[] = {
    {.name = "module-name", .type = "string", .token = "MODULE"},
    {.name = "category", .type = "string", .token = "ACLCAT"},
    {.name = "pattern", .type = "pattern", .token = "PATTERN"}};
inline constexpr Argument kCommandListArguments[] = {{.name = "filterby",
                                                      .type = "oneof",
                                                      .token = "FILTERBY",
                                                      .flags = "optional",
                                                      .arguments = kCommandListArgumentsFilterby}};
inline constexpr Argument kConfigGetArgumentsParameter[] = {
    {.name = "parameter", .type = "string"}};
inline constexpr Argument kConfigGetArguments[] = {{.name = "parameter",
                                                    .type = "block",
                                                    .flags = "multiple",
                                                    .arguments = kConfigGetArgumentsParameter}};
inline constexpr Argument kLatencyGraphArguments[] = {{.name = "event", .type = "string"}};
inline constexpr Argument kLatencyHistogramArguments[] = {
    {.name = "command", .type = "string", .flags = "optional multiple"}};
inline constexpr Argument kLatencyHistoryArguments[] = {{.name = "event", .type = "string"}};
inline constexpr Argument kLatencyResetArguments[] = {
    {.name = "event", .type = "string", .flags = "optional multiple"}};
inline constexpr Argument kMemoryUsageArguments[] = {
    {.name = "key", .type = "key", .key_spec = 0},
    {.name = "count", .type = "integer", .token = "SAMPLES", .flags = "optional"}};
inline constexpr Argument kSlowlogGetArguments[] = {
    {.name = "count", .type = "integer", .flags = "optional"}};
inline constexpr Argument kBgsaveArguments[] = {{.name = "schedule",
                                                 .type = "pure-token",
                                                 .token = "SCHEDULE",
                                                 .flags = "optional",
                                                 .since = "3.2.2"}};
inline constexpr Argument kInfoArguments[] = {
    {.name = "section", .type = "string", .flags = "optional multiple"}};
inline constexpr Argument kLolwutArguments[] = {
    {.name = "version", .type = "integer", .token = "VERSION", .flags = "optional"}};
inline constexpr Argument kGetexArgumentsExpiration[] = {
    {.name = "seconds", .type = "integer", .token = "EX"},
    {.name = "milliseconds", .type = "integer", .token = "PX"},
    {.name = "unix-time-seconds", .type = "unix-time", .token = "EXAT"},
    {.name = "unix-time-milliseconds", .type = "unix-time", .token = "PXAT"},
    {.name = "persist", .type = "pure-token", .token = "PERSIST"}};
inline constexpr Argument kGetexArguments[] = {{.name = "key", .type = "key", .key_spec = 0},
                                               {.name = "expiration",
                                                .type = "oneof",
                                                .flags = "optional",
                                                .arguments = kGetexArgumentsExpiration}};
inline constexpr Argument kGetrangeArguments[] = {{.name = "key", .type = "key", .key_spec = 0},
                                                  {.name = "start", .type = "integer"},
                                                  {.name = "end", .type = "integer"}};
inline constexpr Argument kLcsArguments[] = {
    {.name = "key1", .type = "key", .key_spec = 0},
    {.name = "key2", .type = "key", .key_spec = 0},
    {.name = "len", .type = "pure-token", .token = "LEN", .flags = "optional"},
    {.name = "idx", .type = "pure-token", .token = "IDX", .flags = "optional"},
    {.name = "len", .type = "integer", .token = "MINMATCHLEN", .flags = "optional"},
    {.name = "withmatchlen", .type = "pure-token", .token = "WITHMATCHLEN", .flags = "optional"}};
inline constexpr Argument kSubstrArguments[] = {{.name = "key", .type = "key", .key_spec = 0},
                                                {.name = "start", .type = "integer"},
                                                {.name = "end", .type = "integer"}};

}  // namespace goromdb::redis

// SPDX-License-Identifier: MIT
// The fixed sentences of the memcached text protocol, each with its line end. They are what clients
// compare, so their wording is memcached's own wherever memcached has one.
#pragma once

#include <string_view>

namespace goromdb::memcached::text {

inline constexpr std::string_view kOk = "OK\r\n";
inline constexpr std::string_view kEnd = "END\r\n";
inline constexpr std::string_view kReset = "RESET\r\n";
inline constexpr std::string_view kError = "ERROR\r\n";
inline constexpr std::string_view kMetaNoop = "MN\r\n";
inline constexpr std::string_view kMetaMiss = "EN\r\n";
inline constexpr std::string_view kTouched = "TOUCHED\r\n";
inline constexpr std::string_view kNotFound = "NOT_FOUND\r\n";
inline constexpr std::string_view kNotStored = "NOT_STORED\r\n";

// A CLIENT_ERROR: after a SERVER_ERROR libmemcached resets the connection and mcrouter fails over.
inline constexpr std::string_view kReadOnly = "CLIENT_ERROR read-only server\r\n";
inline constexpr std::string_view kBadFormat = "CLIENT_ERROR bad command line format\r\n";
inline constexpr std::string_view kBadChunk = "CLIENT_ERROR bad data chunk\r\n";
inline constexpr std::string_view kBadDelta = "CLIENT_ERROR invalid numeric delta argument\r\n";
inline constexpr std::string_view kBadToken = "CLIENT_ERROR bad token in command line format\r\n";
inline constexpr std::string_view kBadInitial = "CLIENT_ERROR invalid numeric initial value\r\n";
inline constexpr std::string_view kBadDeltaFlag = "CLIENT_ERROR invalid numeric delta value\r\n";
inline constexpr std::string_view kBadKeyCode = "CLIENT_ERROR error decoding key\r\n";
inline constexpr std::string_view kDuplicateFlag = "CLIENT_ERROR duplicate flag\r\n";
inline constexpr std::string_view kInvalidFlag = "CLIENT_ERROR invalid flag\r\n";
inline constexpr std::string_view kTooManyFlags = "CLIENT_ERROR options flags are too long\r\n";
inline constexpr std::string_view kLongOpaque = "CLIENT_ERROR opaque token too long\r\n";
inline constexpr std::string_view kBadExptime = "CLIENT_ERROR invalid exptime argument\r\n";
inline constexpr std::string_view kDeleteUsage =
    "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";
inline constexpr std::string_view kNoOrder = "CLIENT_ERROR this data set has no order of keys\r\n";
inline constexpr std::string_view kLineTooLong = "CLIENT_ERROR line too long\r\n";
inline constexpr std::string_view kTooManyKeys = "CLIENT_ERROR too many keys\r\n";
inline constexpr std::string_view kFlushNotAllowed = "CLIENT_ERROR flush_all not allowed\r\n";
inline constexpr std::string_view kWatchNotAllowed = "CLIENT_ERROR watch commands not allowed\r\n";
inline constexpr std::string_view kShutdownNotEnabled = "ERROR: shutdown not enabled\r\n";
inline constexpr std::string_view kMetadumpNotAllowed = "ERROR metadump not allowed\r\n";
inline constexpr std::string_view kKeyDumpNotAllowed = "ERROR key dump not allowed\r\n";
inline constexpr std::string_view kBadClass = "BADCLASS invalid class id\r\n";
inline constexpr std::string_view kCachedumpNotAllowed =
    "CLIENT_ERROR stats cachedump not allowed\r\n";
inline constexpr std::string_view kDetailUsage = "CLIENT_ERROR usage: stats detail on|off|dump\r\n";
inline constexpr std::string_view kSizesDisabled = "STAT sizes_status disabled\r\nEND\r\n";

// A SERVER_ERROR is wanted here: a router shall ask another server.
inline constexpr std::string_view kNotReady = "SERVER_ERROR not ready\r\n";
inline constexpr std::string_view kNoMemory = "SERVER_ERROR out of memory\r\n";
inline constexpr std::string_view kStorageError = "SERVER_ERROR storage error\r\n";
inline constexpr std::string_view kTooManyConnections = "ERROR Too many open connections\r\n";

}  // namespace goromdb::memcached::text

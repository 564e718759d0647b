// SPDX-License-Identifier: MIT
// A connection's state. Conn lies in the host's memory and begins as zeros; what few connections
// need is a Session on the heap, which the connection owns. Touched on the connection's loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace goromdb::redis {

// What is to become of a command: read, or refused for this reason.
enum class Verdict : uint8_t {
  kRead,
  kUnknown,            // no such command
  kUnknownSubcommand,  // of a container
  kArity,
  kNoAuth,         // the password has not been given yet
  kNotInMulti,     // not allowed inside a transaction
  kWrite,          // refused: nothing can be written
  kNotSubscribed,  // not allowed to a RESP2 connection that has subscriptions
  kTooManyKeys,
  kTooLarge,   // for a command whose arguments are kept until all have come
  kQueueFull,  // the transaction is too long
  kQueued,     // inside MULTI: kept for EXEC
};

struct Tracking {
  bool on = false, broadcast = false, opt_in = false, opt_out = false, no_loop = false;
  bool caching = false;    // CLIENT CACHING was given for the next command
  bool may_cache = false;  // opt_in: something was read with CACHING yes since the last swap
  bool broken_redirect = false;
  uint64_t redirect = 0;  // the number of another connection; 0: this one
  std::vector<std::string> prefixes{};
};

struct Session {
  std::string name{}, lib_name{}, lib_version{};  // as CLIENT SETNAME and SETINFO gave them

  // MULTI: the commands as they came, which EXEC parses again.
  std::string queue{};
  uint32_t queued = 0, queued_keys = 0;
  bool abort = false;            // a command was refused: EXEC does nothing
  bool exec_void = false;        // EXEC found a watched generation gone: the commands say nothing
  uint32_t database_before = 0;  // what was selected before the commands of EXEC were parsed
  struct Watch {
    uint32_t database;
    uint64_t generation;
  };
  std::vector<Watch> watched{};

  std::vector<std::string> channels{}, patterns{}, shard_channels{};  // subscriptions
  Tracking tracking{};

  // A walk of several slices: what its command asked for and what has been found so far.
  std::string pattern{}, collected{};
  uint64_t found = 0;

  std::string line{};   // an inline command, written as a request of bulk strings
  std::string words{};  // the error for an unknown command, while that is being skipped
  size_t words_head = 0, quote_left = 0;  // bytes before its arguments; still to be quoted of one
  bool quoting = false;                   // the argument that is coming

  size_t subscriptions() const { return channels.size() + patterns.size() + shard_channels.size(); }
};

struct Conn {
  enum Phase : uint8_t {
    kRequest,  // a request begins, or its beginning is kept
    kSkip,     // a request that will be refused is skipped as it comes
    kClosed
  };
  // What takes a connection off the shortest way.
  enum Mode : uint16_t {
    kMulti = 1u << 0,
    kNeedsAuth = 1u << 1,
    kSubscriber = 1u << 2,  // has subscriptions
    kReplyOff = 1u << 3,
    kReplySkipNext = 1u << 4,
    kReplySkip = 1u << 5,
    kTracking = 1u << 6,
    kNoEvict = 1u << 7,
    kNoTouch = 1u << 8,
  };

  Session* session;
  uint64_t number;  // CLIENT ID; 0 before the first call of parse()

  // The unfinished request. Offsets are from its first byte that has not been consumed.
  uint32_t whole;       // its arguments up to here have been found whole,
  uint32_t whole_args;  // so many
  uint32_t line;        // the line that begins here
  uint32_t scanned;     // has no end before here
  // kSkip
  uint64_t bulk_left;  // bytes of the argument and its line end that are still to come
  uint32_t args_left;  // arguments behind it
  uint32_t args;       // all arguments, the names among them
  uint16_t command;
  uint16_t modes;
  uint32_t database;
  uint32_t labelled_database;  // which CLIENT LIST shows
  uint64_t walk_left;          // entries of a reply that are still to come
  Phase phase;
  Verdict verdict;
  bool three;    // RESP3
  bool walking;  // between two slices of a walk
  bool walk_values;
  bool greeted;            // the first byte has been seen
  uint32_t unknown_lines;  // inline commands that are none
};
static_assert(std::is_trivially_copyable_v<Conn> && sizeof(Conn) < 256);

// The session, made when it is first needed; may throw std::bad_alloc.
inline Session& session_of(Conn& conn) {
  if (conn.session == nullptr) conn.session = std::make_unique<Session>().release();
  return *conn.session;
}

}  // namespace goromdb::redis

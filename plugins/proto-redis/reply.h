// SPDX-License-Identifier: MIT
// What a row's write() is handed: a command whose answer is there. On the connection's loop; an
// exception (std::bad_alloc) closes the connection.
#pragma once

#include <goromdb/sdk.hpp>

#include "args.h"
#include "commands.h"
#include "conn.h"
#include "resp.h"
#include "server.h"

namespace goromdb::redis {

// The request's two tags.
struct Tag {
  uint16_t command = kNoCommand;
  Verdict verdict = Verdict::kRead;
  uint8_t bits = 0;
  uint32_t args = 0;            // how many there are behind the names,
  const uint8_t* at = nullptr;  // and where on the wire they begin

  static constexpr uint8_t kError = 1;   // request.arg is the text of an error
  static constexpr uint8_t kInExec = 2;  // between MULTI and EXEC
  static constexpr uint8_t kLastOfExec = 4;
  static constexpr uint8_t kWatchCheck = 8;  // of EXEC: compares a watched generation

  void put(goromdb_request& request) const {
    request.tag[0] = command | uint64_t{static_cast<uint8_t>(verdict)} << 16 |
                     uint64_t{bits} << 24 | uint64_t{args} << 32;
    request.tag[1] = reinterpret_cast<uintptr_t>(at);
  }
  static Tag of(const goromdb_request& request) {
    const uint64_t t = request.tag[0];
    return {static_cast<uint16_t>(t), static_cast<Verdict>(t >> 16 & 0xff),
            static_cast<uint8_t>(t >> 24), static_cast<uint32_t>(t >> 32),
            reinterpret_cast<const uint8_t*>(static_cast<uintptr_t>(request.tag[1]))};
  }
};

struct Reply {
  const Server& server;
  Conn& conn;
  const goromdb_request& request;
  const goromdb_answer& answer;
  Resp& out;
  Tag tag;

  const Command& command() const { return command_at(tag.command); }
  // Behind the names of the command and the subcommand. Not in the second slice of a walk and
  // later: the input is gone by then.
  Args args() const { return {tag.at, tag.args}; }
  // The name of the command, or of the subcommand, as the client wrote it: it stands in front of
  // the arguments.
  std::string_view name_as_sent() const {
    const size_t size = command().name.size();
    return {reinterpret_cast<const char*>(tag.at) - 2 - size, size};
  }
};

}  // namespace goromdb::redis

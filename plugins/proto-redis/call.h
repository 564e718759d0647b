// SPDX-License-Identifier: MIT
// What a row's read() is handed: a command whose arguments have come whole, and the batch that its
// one request is added to. On the connection's loop.
#pragma once

#include <goromdb/sdk.hpp>

#include "args.h"
#include "commands.h"
#include "conn.h"
#include "reply.h"
#include "server.h"

namespace goromdb::redis {

struct Call {
  const Server& server;
  Conn& conn;
  goromdb_parse& io;
  Tag tag;
  bool keys_placed = false;  // every argument lies in io.keys, from io.key_len on

  const Command& command() const { return command_at(tag.command); }
  // Behind the names, of which there are this many.
  Args args() const { return {tag.at, tag.args}; }
  uint32_t names() const { return container_of(tag.command) == nullptr ? 1 : 2; }

  // The command's request; to be called once. The parser has seen to it that there is room for it
  // and for as many keys and scopes as the command has arguments.
  goromdb_request& add(uint32_t op) {
    goromdb_request& request = io.reqs[io.req_len++];
    request = goromdb_request{};
    request.op = op;
    request.database = conn.database;
    request.first_key = io.key_len;
    tag.put(request);
    return request;
  }
  // `text` is static memory: "ERR ...".
  void error(std::string_view text) {
    tag.bits |= Tag::kError;
    add(GOROMDB_OP_LOCAL).arg = slice(text);
  }
  // A key of the request; `scope` is 0 or what scope() gave.
  void key(goromdb_request& request, std::string_view name, uint32_t scope = 0) {
    io.keys[io.key_len++] = {name.data(), static_cast<uint32_t>(name.size()), scope};
    ++request.nkeys;
  }
  // Every argument is a key of the request.
  void all_keys(goromdb_request& request) {
    if (keys_placed) {
      io.key_len += tag.args;
      request.nkeys = tag.args;
    } else {
      for (Args rest = args(); rest.left() > 0;) key(request, rest.next());
    }
  }
  // The namespace `name` of the selected database.
  uint32_t scope(std::string_view name) {
    io.scopes[io.scope_len++] = {slice(name), conn.database, 0};
    return io.scope_len;
  }
};

}  // namespace goromdb::redis

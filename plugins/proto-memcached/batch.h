// SPDX-License-Identifier: MIT
// The requests of one parse() call while they are being written: a cursor over the input and the
// host's arrays.
#pragma once

#include <goromdb/base64.hpp>
#include <goromdb/sdk.hpp>

#include <algorithm>
#include <cstring>
#include <new>

#include "commands.h"
#include "parser.h"

namespace goromdb::memcached {

// tag[1] of a request that has no reply.
inline constexpr uint64_t kSilent = UINT64_MAX;

// What became of a line or a packet.
enum class Step {
  kDone,   // used up
  kFull,   // its keys do not fit beside those of the requests before it: another call shall read it
  kAgain,  // its keys alone do not fit
  kPartial,  // more must come
  kLast      // used up, and what follows is for another batch
};

class Batch {
 public:
  Batch(Conn& conn, goromdb_parse& io) : pos(io.in), end(io.in + io.in_len), conn_(conn), io_(io) {
    io.key_len = io.req_len = io.want_keys = io.scope_len = 0;
    conn.decoded_len = uint32_t{conn.held_key} + conn.held_text;
    if (conn.decoded_len > 0) {
      std::memmove(conn.decoded, conn.decoded + conn.held_at, conn.decoded_len);
    }
    conn.held_at = 0;
  }

  Conn& conn() { return conn_; }
  bool full() const { return io_.req_len == io_.req_cap; }
  uint32_t key_room() const { return io_.key_cap - io_.key_len; }
  goromdb_key* next_keys() { return io_.keys + io_.key_len; }
  size_t left() const { return static_cast<size_t>(end - pos); }
  goromdb_key key(const Settings& settings, std::string_view wire) {
    if (settings.prefixes.used()) return settings.prefixes.read(wire, io_);
    return {wire.data(), static_cast<uint32_t>(wire.size()), 0};
  }
  // Of a line whose keys are not looked up after all.
  uint32_t scopes() const { return io_.scope_len; }
  void drop_scopes(uint32_t from) { io_.scope_len = from; }

  // Where a key is decoded to that the input has as base64, and what is held: `size` bytes that
  // stay until the batch has been answered. nullptr: those of the requests before have used them
  // up, or, when there are none, memory is short.
  uint8_t* key_memory(size_t size = kMaxKey) {
    if (conn_.decoded == nullptr) {
      conn_.decoded = new (std::nothrow) uint8_t[Conn::kDecodedSize];
      if (conn_.decoded == nullptr) return nullptr;
    }
    const bool room = conn_.decoded_len + size <= Conn::kDecodedSize;
    return room ? conn_.decoded + conn_.decoded_len : nullptr;
  }
  void keep_key(size_t size) { conn_.decoded_len += static_cast<uint32_t>(size); }

  // Keeps copies of `key` and `text` until answer_block(). False: no memory, as of key_memory().
  bool hold(const Command& command, std::string_view key, std::string_view text) {
    uint8_t* memory = key_memory(key.size() + text.size());
    if (memory == nullptr) return false;
    std::copy(text.begin(), text.end(), std::copy(key.begin(), key.end(), memory));
    conn_.held_at = conn_.decoded_len;
    conn_.held_key = static_cast<uint16_t>(key.size());
    conn_.held_text = static_cast<uint16_t>(text.size());
    conn_.block_command = &command;
    keep_key(key.size() + text.size());
    return true;
  }
  Step no_memory(std::string_view text, uint64_t tag = 0) {
    return conn_.decoded_len > 0 ? Step::kFull : close(text, tag);
  }

  // Answers a refused write whose block has passed. Where a key was held it is looked up: a request
  // that the core counts as a refusal says nothing, a read says how the write would have ended.
  // The connection's phase is kLine when all has been asked.
  Step answer_block(const Settings& settings) {
    const auto* held = reinterpret_cast<const char*>(conn_.decoded) + conn_.held_at;
    const std::string_view wire(held, conn_.held_key);
    const std::string_view text = conn_.held_text > 0
                                      ? std::string_view(held + conn_.held_key, conn_.held_text)
                                      : view(conn_.block_reply);
    if (wire.empty()) {
      say(conn_.block_op, text, conn_.block_tag);
    } else if (conn_.phase == Conn::kBlock) {
      say(GOROMDB_OP_REFUSED, {}, kSilent);
      conn_.phase = Conn::kAdd;
      return Step::kDone;
    } else {
      if (key_room() == 0) return no_room(1);
      *next_keys() = key(settings, wire);
      get(*conn_.block_command, 1, 0, conn_.block_tag, text);
    }
    conn_.phase = Conn::kLine;
    conn_.held_key = conn_.held_text = 0;
    return Step::kDone;
  }

  // A read of the `n` keys that were written to next_keys(). `flags`: GOROMDB_WANT_VERSION or 0;
  // `tag` and `arg` are for the reply.
  Step get(const Command& command, uint32_t n, uint32_t flags, uint64_t tag = 0,
           std::string_view arg = {}) {
    goromdb_request& request = add(GOROMDB_OP_GET);
    request.flags = flags;
    request.first_key = io_.key_len;
    request.nkeys = n;
    request.tag[0] = tag_of(command);
    request.tag[1] = tag;
    request.arg = slice(arg);
    io_.key_len += n;
    return Step::kDone;
  }
  Step no_room(uint32_t want) {
    if (io_.req_len > 0) return Step::kFull;
    io_.want_keys = want;
    return Step::kAgain;
  }
  // A walk over all keys, `count` at a time.
  Step walk(const Command& command, uint32_t count, uint64_t tag) {
    goromdb_request& request = add(GOROMDB_OP_WALK);
    request.count = count;
    request.tag[0] = tag_of(command);
    request.tag[1] = tag;
    return Step::kLast;
  }
  // The same from the key on that was written to next_keys(), `count` entries and no more.
  Step walk_from(const Command& command, uint32_t count, uint64_t tag) {
    goromdb_request& request = add(GOROMDB_OP_WALK);
    request.flags = GOROMDB_WALK_FROM;
    request.first_key = io_.key_len++;
    request.nkeys = 1;
    request.count = count;
    request.tag[0] = tag_of(command);
    request.tag[1] = tag;
    return Step::kLast;
  }
  // A request without keys. `arg` stays until the batch has been answered: the reply, or for
  // GOROMDB_OP_STATS the section.
  Step say(uint32_t op, std::string_view arg, uint64_t tag = 0) {
    goromdb_request& request = add(op);
    request.arg = slice(arg);
    request.tag[1] = tag;
    return Step::kDone;
  }
  // The last request: what follows it on the wire cannot be trusted to be commands.
  Step close(std::string_view text, uint64_t tag = 0) {
    conn_.phase = Conn::kClosed;
    pos = end;
    return say(GOROMDB_OP_CLOSE, text, tag);
  }

  goromdb_status stop(goromdb_status status) {
    io_.consumed = static_cast<size_t>(pos - io_.in);
    return status;
  }

  const uint8_t* pos;  // everything before it is used up
  const uint8_t* const end;

 private:
  goromdb_request& add(uint32_t op) {
    goromdb_request& request = io_.reqs[io_.req_len++];
    request = goromdb_request{};
    request.op = op;
    return request;
  }

  Conn& conn_;
  goromdb_parse& io_;
};

}  // namespace goromdb::memcached

// SPDX-License-Identifier: MIT
// A connection's bytes as lines and bulk strings: finds their ends, remembers what it has looked at
// in vain, closes the connection in redis's words where framing is lost. The base of the parser,
// for one call of it.
#pragma once

#include <goromdb/sdk.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "call.h"
#include "numbers.h"

namespace goromdb::redis {

inline std::string_view text(const uint8_t* begin, size_t len) {
  return {reinterpret_cast<const char*>(begin), len};
}

// A bulk string; its bytes need not have come.
struct Bulk {
  const uint8_t* data;
  size_t len;
  const uint8_t* next() const { return data + len + 2; }
  std::string_view view() const { return text(data, len); }
};

class Wire {
 protected:
  Wire(const Server& server, Conn& conn, goromdb_parse& io)
      : server_(server),
        settings_(server.settings),
        conn_(conn),
        io_(io),
        pos_(io.in),
        end_(io.in + io.in_len) {}

  goromdb_status stop(goromdb_status status) {
    io_.consumed = static_cast<size_t>(pos_ - io_.in);
    return status;
  }

  // The request that begins at pos_ has been used up, up to `next`.
  void advance(const uint8_t* next) {
    pos_ = next;
    conn_.whole = conn_.whole_args = conn_.line = conn_.scanned = 0;
  }

  // The '\r' that ends the line at `begin`, which has its '\n' behind it; nullptr: not there yet,
  // or the connection is closed with `too_long`. Bytes that were searched in vain are remembered.
  const uint8_t* line_end(const uint8_t* begin, std::string_view too_long,
                          std::string_view damaged) {
    const auto at = static_cast<uint32_t>(begin - pos_);
    const uint8_t* from = conn_.line == at ? std::max(begin, pos_ + conn_.scanned) : begin;
    const void* found =
        from == end_ ? nullptr : std::memchr(from, '\r', static_cast<size_t>(end_ - from));
    const uint8_t* cr = found ? static_cast<const uint8_t*>(found) : end_;
    if (static_cast<size_t>(cr - begin) > settings_.max_inline) {
      close(too_long);
      return nullptr;
    }
    if (end_ - cr < 2) {
      conn_.line = at;
      conn_.scanned = static_cast<uint32_t>(cr - pos_);
      return nullptr;
    }
    if (cr[1] != '\n') {
      close(damaged);
      return nullptr;
    }
    return cr;
  }

  // The head of the bulk string at `p`; its bytes need not have come. Nothing: more must come, or
  // the connection is closed.
  std::optional<Bulk> bulk_head(const uint8_t* p) {
    if (p == end_) return std::nullopt;
    const uint8_t* cr = line_end(p, "ERR Protocol error: too big bulk count string",
                                 "ERR Protocol error: invalid bulk length");
    if (cr == nullptr) return std::nullopt;
    if (*p != '$') {
      std::string& words = session_of(conn_).words;
      words = "ERR Protocol error: expected '$', got '";
      words.push_back(*p == '\r' || *p == '\n' ? ' ' : static_cast<char>(*p));
      words.resize(std::min(words.size(), words.find('\0')));
      close(words.append("'"));
      return std::nullopt;
    }
    const auto len = integer(text(p + 1, static_cast<size_t>(cr - p - 1)));
    if (!len || *len < 0 || static_cast<uint64_t>(*len) > settings_.proto_max_bulk) {
      close("ERR Protocol error: invalid bulk length");
      return std::nullopt;
    }
    if (*len > kMaxUnauthenticatedBulk && (conn_.modes & Conn::kNeedsAuth)) {
      close("ERR Protocol error: unauthenticated bulk length");
      return std::nullopt;
    }
    return Bulk{cr + 2, static_cast<size_t>(*len)};
  }

  // What follows the bulk string at `p`, if that has come whole and has less than a hundred bytes,
  // as nearly all have; nullptr: it has to be looked at more closely.
  const uint8_t* behind_short_bulk(const uint8_t* p) const {
    constexpr ptrdiff_t kShortest = 6;  // "$0\r\n\r\n"
    if (end_ - p < kShortest || *p != '$') return nullptr;
    size_t len = p[1] - size_t{'0'};
    if (len > 9) return nullptr;
    p += 2;
    if (*p != '\r') {
      if (len == 0 || *p < '0' || *p > '9') return nullptr;
      len = len * 10 + (*p++ - size_t{'0'});
      if (*p != '\r') return nullptr;
    }
    const bool whole = static_cast<size_t>(end_ - p) >= len + 4 && p[1] == '\n' &&
                       p[len + 2] == '\r' && p[len + 3] == '\n';
    return whole && len <= settings_.max_bulk ? p + len + 4 : nullptr;
  }

  static Bulk short_bulk(const uint8_t* p, const uint8_t* next) {
    const uint8_t* data = p + (p[2] == '\r' ? 4 : 5);
    return {data, static_cast<size_t>(next - 2 - data)};
  }

  // Whether all of it has come. False, too, if the connection is closed for what stands behind it.
  bool is_whole(const Bulk& bulk) {
    if (static_cast<size_t>(end_ - bulk.data) < bulk.len + 2) return false;
    if (bulk.data[bulk.len] == '\r' && bulk.data[bulk.len + 1] == '\n') return true;
    close("ERR Protocol error: missing CRLF after a bulk string");
    return false;
  }

  std::optional<Bulk> whole_bulk(const uint8_t* p) {
    const auto bulk = bulk_head(p);
    if (!bulk) return std::nullopt;
    if (bulk->len > settings_.max_bulk) {
      close("ERR Protocol error: invalid bulk length");
      return std::nullopt;
    }
    return is_whole(*bulk) ? bulk : std::nullopt;
  }

  // Nothing more can be told apart: a last word, none if `words` is empty, and the end.
  void close(std::string_view words) {
    conn_.phase = Conn::kClosed;
    Call call{server_, conn_, io_, {}};
    if (words.empty()) {
      call.add(GOROMDB_OP_CLOSE);
    } else {
      call.tag.bits |= Tag::kError;
      call.add(GOROMDB_OP_CLOSE).arg = slice(words);
    }
  }
  const Server& server_;
  const Settings& settings_;
  Conn& conn_;
  goromdb_parse& io_;
  const uint8_t* pos_;  // everything before it is used up
  const uint8_t* const end_;

 private:
  static constexpr int64_t kMaxUnauthenticatedBulk = 16384;  // redis's
};

}  // namespace goromdb::redis

// SPDX-License-Identifier: MIT
// Words of RESP2 and RESP3 (https://redis.io/docs/reference/protocol-spec), written straight into
// the host's output. What one version lacks is written as redis does: in RESP2 a map is a flat
// array, a set and a push are arrays, a verbatim text is a bulk string and there are two nulls.
// Borrows the writer; on the connection's loop; a failure to get memory is the writer's to report.
#pragma once

#include <goromdb/sdk.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>

namespace goromdb::redis {

class Resp {
 public:
  Resp(Writer& out, bool three) : out_(out), three_(three) {}

  bool three() const { return three_; }
  Writer& writer() { return out_; }

  // Bytes that are RESP already.
  void raw(std::string_view bytes) { out_.put(bytes); }

  // `text` has no line end in it. An error's text begins with its code: "ERR ...".
  void simple(std::string_view text) { line('+', text); }
  void ok() { out_.put("+OK\r\n"); }
  void error(std::string_view text) { line('-', text); }

  void integer(int64_t n) { number(':', n); }
  void boolean(bool yes) {
    out_.put(three_ ? (yes ? "#t\r\n" : "#f\r\n") : yes ? ":1\r\n" : ":0\r\n");
  }
  void bulk(std::string_view bytes) {
    number('$', static_cast<int64_t>(bytes.size()));
    out_.put(bytes);
    out_.put("\r\n");
  }
  // An integer as the text of a bulk string.
  void bulk_number(std::integral auto n) {
    uint8_t text[kMaxDigits];
    const auto len = static_cast<size_t>(put_number(text, n) - text);
    bulk({reinterpret_cast<const char*>(text), len});
  }
  void value(const goromdb_value& v) {
    number('$', v.len);
    out_.put_value(v);
    out_.put("\r\n");
  }
  // The values in their order, null for those that are not there: one reservation a value for all
  // that stands around it.
  void values(const goromdb_value* values, size_t n) {
    constexpr size_t kMost = 2 + 1 + kMaxDigits + 2;
    bool open = false;  // the line end of the value before is still to come
    for (size_t i = 0; i < n; ++i) {
      uint8_t* cursor = out_.reserve(kMost);
      if (cursor == nullptr) return;
      if (open) cursor = put(cursor, "\r\n");
      open = values[i].status == GOROMDB_OK;
      if (open) {
        *cursor++ = '$';
        out_.commit(put(put_number(cursor, values[i].len), "\r\n"));
        out_.put_value(values[i]);
      } else {
        out_.commit(put(cursor, three_ ? "_\r\n" : "$-1\r\n"));
      }
    }
    if (open) out_.put("\r\n");
  }
  // `len` bytes of a value from `from`, which are inside it.
  void value(const goromdb_value& v, uint32_t from, uint32_t len) {
    goromdb_value part = v;
    part.ptr = static_cast<const uint8_t*>(v.ptr) + from;
    part.len = len;
    value(part);
  }
  // A text for people; in RESP3 with its kind, "txt" or "mkd".
  void verbatim(std::string_view text, std::string_view kind = "txt") {
    if (!three_) return bulk(text);
    number('=', static_cast<int64_t>(text.size() + 4));
    out_.put(kind);
    out_.put(":");
    out_.put(text);
    out_.put("\r\n");
  }

  void null() { out_.put(three_ ? "_\r\n" : "$-1\r\n"); }
  void null_array() { out_.put(three_ ? "_\r\n" : "*-1\r\n"); }

  // Heads; as many replies follow, for a map twice as many.
  void array(size_t n) { number('*', static_cast<int64_t>(n)); }
  void map(size_t pairs) {
    number(three_ ? '%' : '*', static_cast<int64_t>(three_ ? pairs : 2 * pairs));
  }
  void set(size_t n) { number(three_ ? '~' : '*', static_cast<int64_t>(n)); }
  void push(size_t n) { number(three_ ? '>' : '*', static_cast<int64_t>(n)); }

 private:
  void line(char kind, std::string_view text) {
    uint8_t* cursor = out_.reserve(text.size() + 3);
    if (cursor == nullptr) return;
    *cursor++ = static_cast<uint8_t>(kind);
    out_.commit(put(put(cursor, text), "\r\n"));
  }
  void number(char kind, int64_t n) {
    uint8_t* cursor = out_.reserve(1 + kMaxDigits + 2);
    if (cursor == nullptr) return;
    *cursor++ = static_cast<uint8_t>(kind);
    out_.commit(put(put_number(cursor, n), "\r\n"));
  }

  Writer& out_;
  bool three_;
};

}  // namespace goromdb::redis

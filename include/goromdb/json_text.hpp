// SPDX-License-Identifier: MIT
// Bytes as JSON text, as goromdb's own lines hold them: {"key": "...", "value_b64": "..."}. For
// storages and tools; header-only, needs simdjson, not part of the ABI.
#pragma once

#include <simdjson.h>
#include <goromdb/base64.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace goromdb {

inline bool is_utf8(std::string_view bytes) {
  return simdjson::validate_utf8(bytes.data(), bytes.size());
}

// A JSON string (RFC 8259, section 7); `text` is UTF-8.
inline void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 0xF];
    } else {
      out += c;
    }
  }
  out += '"';
}

// "NAME": "text", or "NAME_b64": "..." for bytes that are not UTF-8.
inline void append_json_member(std::string& out, std::string_view name, std::string_view bytes) {
  const bool text = is_utf8(bytes);
  out += '"';
  out += name;
  out += text ? "\": " : "_b64\": ";
  append_json_string(out, text ? bytes : std::string_view(encode_base64(bytes)));
}

}  // namespace goromdb

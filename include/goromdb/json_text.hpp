// SPDX-License-Identifier: MIT
// Bytes as JSON text, as goromdb's own lines hold them: {"key": "...", "value_b64": "..."}. For
// storages and tools; header-only, needs simdjson, not part of the ABI.
#pragma once

#include <simdjson.h>

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

// Base64: RFC 4648, section 4: the usual alphabet, padded, nothing else in between.
inline std::string encode_base64(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  unsigned held = 0;  // bits that no letter has taken yet
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    for (held += 8; held >= 6; held -= 6) text += kDigits[bits >> (held - 6) & 0x3F];
  }
  if (held > 0) text += kDigits[bits << (6 - held) & 0x3F];
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

// False when `text` is not base64, bits that padding throws away included: they must be 0.
inline bool decode_base64(std::string_view text, std::string& bytes) {
  const auto digit = [](char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
  };
  bytes.clear();
  if (text.size() % 4 != 0) return false;
  for (size_t padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  unsigned held = 0;  // bits that no byte has taken yet
  for (const char c : text) {
    const int d = digit(c);
    if (d < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(d);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<char>(bits >> held & 0xFF));
    }
  }
  return (bits & ((1u << held) - 1)) == 0;
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

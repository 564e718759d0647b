// SPDX-License-Identifier: MIT
// OpenSSL does the work; it takes an int as the size and is not strict, which is made up for here.
#include "tools/base64.h"

#include <openssl/evp.h>

#include <algorithm>

namespace goromdb::tools {
namespace {

constexpr size_t kGroups = size_t{1} << 20;  // of 3 bytes or 4 letters, at a time

bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

const unsigned char* unsigned_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// `text` is made of letters, in groups of four; at its end '=' may stand for letters.
std::string decoded_groups(std::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  auto* to = reinterpret_cast<unsigned char*>(bytes.data());
  while (!text.empty()) {
    const std::string_view part = text.substr(0, kGroups * 4);
    EVP_DecodeBlock(to, unsigned_bytes(part), static_cast<int>(part.size()));
    to += part.size() / 4 * 3;
    text.remove_prefix(part.size());
  }
  return bytes;
}

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '\0');
  auto* to = reinterpret_cast<unsigned char*>(text.data());
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kGroups * 3);
    to += EVP_EncodeBlock(to, unsigned_bytes(part), static_cast<int>(part.size()));
    bytes.remove_prefix(part.size());
  }
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return std::string();
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  if (!std::all_of(text.begin(), text.end() - padding, is_letter)) return std::nullopt;
  std::string bytes = decoded_groups(text);
  bytes.resize(bytes.size() - padding);
  const std::string_view last = std::string_view(bytes).substr(text.size() / 4 * 3 - 3);
  if (encode_base64(last) != text.substr(text.size() - 4)) return std::nullopt;
  return bytes;
}

}  // namespace goromdb::tools

// SPDX-License-Identifier: MIT
// Packets of the binary protocol for tests, written from its description and not with the plugin's
// own code.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace goromdb::memcached::test {

inline std::string big_endian(uint64_t n, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(n >> i * 8);
  return text;
}

// The fields of a head that lie are set apart from the parts.
struct Lie {
  int key = -1, extras = -1;
  int64_t body = -1;
  int magic = -1, data_type = 0;
};

// `opaque`: four bytes.
inline std::string packet(uint8_t opcode, std::string_view key = "", std::string_view extras = "",
                          std::string_view value = "", std::string_view opaque = "ABCD",
                          Lie lie = {}) {
  std::string text;
  text += static_cast<char>(lie.magic >= 0 ? lie.magic : 0x80);
  text += static_cast<char>(opcode);
  text += big_endian(lie.key >= 0 ? static_cast<uint64_t>(lie.key) : key.size(), 2);
  text += static_cast<char>(lie.extras >= 0 ? lie.extras : static_cast<int>(extras.size()));
  text += static_cast<char>(lie.data_type);
  text += big_endian(0, 2);  // vbucket
  text += big_endian(
      lie.body >= 0 ? static_cast<uint64_t>(lie.body) : extras.size() + key.size() + value.size(),
      4);
  text.append(opaque).append(8, '\0').append(extras).append(key).append(value);
  return text;
}

inline std::string answer(uint8_t opcode, uint16_t status, std::string_view key = "",
                          std::string_view extras = "", std::string_view value = "",
                          uint64_t cas = 0, std::string_view opaque = "ABCD") {
  std::string text = "\x81";
  text += static_cast<char>(opcode);
  text += big_endian(key.size(), 2);
  text += static_cast<char>(extras.size());
  text += '\0';
  text += big_endian(status, 2);
  text += big_endian(extras.size() + key.size() + value.size(), 4);
  text.append(opaque).append(big_endian(cas, 8)).append(extras).append(key).append(value);
  return text;
}

}  // namespace goromdb::memcached::test

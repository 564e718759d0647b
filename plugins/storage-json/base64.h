// SPDX-License-Identifier: MIT
// RFC 4648, section 4: the usual alphabet, padded, nothing else in between.
#pragma once

#include <string>
#include <string_view>

namespace goromdb {

// False when `text` is not base64, bits that padding throws away included: they must be 0.
bool decode_base64(std::string_view text, std::string& bytes);
std::string encode_base64(std::string_view bytes);

}  // namespace goromdb
